/** Exploration by choosing among attempts of the student itself. Correctness is never looked at. */
import { actionSequence } from "../models/model.js";
import type { Engine, Policy } from "../engine/engine.js";
import type { Rollout } from "./play.js";
import { sumOf } from "../util/statistics/sums.js";

/**
 * Of twice as many attempts as are wanted, those with answers that no earlier attempt gave, then
 * the others, in the order they were drawn; `count` of them.
 *
 * Stands for LTE's hint "do not answer ..." (arXiv:2510.26109), which a model that was never taught
 * instructions cannot read: the ideal effect of such a hint, at the price of the extra attempts.
 */
export function preferNewAnswers(
  attempts: readonly Rollout[],
  seen: ReadonlySet<string>,
  count: number,
): Rollout[] {
  const isNew = (r: Rollout): boolean => !seen.has(r.verdict.answer);
  return [...attempts.filter(isNew), ...attempts.filter((r) => !isNew(r))].slice(0, count);
}

/** The `count` attempts whose tokens are least likely under the expert (mean log q), likeliest last. */
export async function leastLikely(
  attempts: readonly Rollout[],
  expert: Policy,
  engine: Engine,
  count: number,
): Promise<Rollout[]> {
  const sequences = attempts.flatMap(({ actions }) => actions.map(actionSequence));
  const logprobs = await engine.logprobs(expert, sequences);
  let at = 0;
  const scored = attempts.map((rollout) => {
    const length = rollout.actions.reduce((n, a) => n + a.completion.length, 0);
    const own = logprobs.subarray(at, (at += length));
    return { rollout, score: sumOf(own) / Math.max(1, length) };
  });
  return scored
    .sort((a, b) => a.score - b.score)
    .slice(0, count)
    .map(({ rollout }) => rollout);
}
