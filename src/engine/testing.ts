/** Policies for the engine's own tests. */
import { Random } from "../util/random.js";
import type { TrainingSequence } from "./engine.js";
import { localPolicy, type LocalPolicy } from "./local-policy.js";
import { initialWeights, parameterLayout, type ModelShape } from "./shape.js";
import { sumOf } from "../util/statistics/sums.js";

/** A small model. */
export const tinyShape: ModelShape = {
  vocabulary: 11,
  width: 16,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headWidth: 6,
  feedForward: 20,
  context: 64,
  tied: false,
  ropeTheta: 10000,
  normEpsilon: 1e-5,
};

/** Random weights, with larger embeddings, so that distributions are far from uniform. */
export function tinyPolicy(shape: ModelShape = tinyShape, seed = 1): LocalPolicy {
  const weights = initialWeights(shape, Random.from(seed, "weights"));
  for (const { name, offset, size } of parameterLayout(shape))
    for (let i = offset; i < offset + size; i++)
      weights[i]! *= /embed_tokens|lm_head/.test(name) ? 10 : 1.5;
  return localPolicy(shape, weights);
}

/** Sequences of 1 to `longest` tokens whose every token is a target. */
export function tinySequences(
  count: number,
  longest: number,
  component: "policy" | "crossEntropy" = "crossEntropy",
): TrainingSequence[] {
  const random = Random.from(count, "sequences");
  const token = (): number => random.below(tinyShape.vocabulary);
  return Array.from({ length: count }, () => {
    const tokens = Array.from({ length: 1 + random.below(longest) }, token);
    const targets = tokens.map((_, position) => ({
      position,
      token: token(),
      component,
      coefficient: random.normal() / count,
      logprob: -2,
    }));
    return { tokens, targets };
  });
}

/**
 * Whether counts of `expected` probabilities are plausible: Pearson's statistic over cells of at
 * least 5 expected draws, the rest pooled, below its mean by at most 4 standard deviations.
 */
export function plausible(seen: readonly number[], expected: readonly number[]): boolean {
  const draws = sumOf(seen);
  let [cells, statistic, rareSeen, rareExpected] = [0, 0, 0, 0];
  expected.forEach((p, i) => {
    const e = p * draws;
    if (e >= 5) {
      cells++;
      statistic += (seen[i]! - e) ** 2 / e;
    } else {
      rareSeen += seen[i]!;
      rareExpected += e;
    }
  });
  if (rareExpected > 0) statistic += (rareSeen - rareExpected) ** 2 / rareExpected;
  else if (rareSeen > 0) return false;
  return statistic < cells + 4 * Math.sqrt(2 * cells);
}
