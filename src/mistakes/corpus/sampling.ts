import type { Random } from "../../util/random.js";

/** What decides how often a mistake is replayed. */
export interface Replayable {
  readonly id: number;
  readonly quality: number;
  /** Training steps since it was last replayed. */
  readonly staleness: number;
  readonly retired: boolean;
}

/** Share of draws that re-test a retired mistake. */
export const RETIRED_SHARE = 0.02;

/**
 * Replay probabilities of active mistakes, in the order given; they sum to 1.
 *
 *     P = 0.8 * rank(Q)^-1 / sum + 0.2 * staleness / sum
 *
 * Source: Prioritized Level Replay (arXiv 2010.03934), rank prioritisation at temperature 1.
 */
export function replayProbabilities(mistakes: readonly Replayable[]): number[] {
  const order = mistakes.map((_, i) => i);
  order.sort(
    (a, b) => mistakes[b]!.quality - mistakes[a]!.quality || mistakes[a]!.id - mistakes[b]!.id,
  );
  const score = new Float64Array(mistakes.length);
  let scores = 0;
  let staleness = 0;
  for (const [rank, i] of order.entries()) {
    score[i] = 1 / (rank + 1);
    scores += score[i];
    staleness += mistakes[i]!.staleness;
  }
  const mixed = staleness > 0 ? 0.2 : 0;
  return mistakes.map(
    (mistake, i) =>
      ((1 - mixed) * score[i]!) / scores +
      (mixed > 0 ? (mixed * mistake.staleness) / staleness : 0),
  );
}

/** Draws up to `count` different mistakes to replay; 2% of draws are retired ones, if there are any. */
export function drawReplay(
  mistakes: readonly Replayable[],
  count: number,
  random: Random,
): number[] {
  const active = mistakes.filter((mistake) => !mistake.retired);
  const retired = mistakes.filter((mistake) => mistake.retired);
  const weights = replayProbabilities(active);
  const drawn: number[] = [];
  let left = active.length;
  for (let slot = 0; slot < count; slot++) {
    if (retired.length > 0 && random.uniform() < RETIRED_SHARE) {
      drawn.push(retired.splice(random.below(retired.length), 1)[0]!.id);
    } else if (left > 0) {
      const i = random.weighted(weights);
      weights[i] = 0;
      left--;
      drawn.push(active[i]!.id);
    }
  }
  return drawn;
}
