import type { Rollout } from "../play/play.js";
import { sumOf } from "../util/statistics/sums.js";

/**
 * Group-relative advantages of outcomes c in {0, 1} (GRPO, arXiv:2402.03300):
 *
 *     A_i = (c_i - mean(c)) / (std(c) + 1e-6)      normalisation "std"
 *     A_i =  c_i - mean(c)                          normalisation "none" (Dr. GRPO, arXiv:2503.20783)
 *
 * A group without variance gives zeros. Shape [G] to [G].
 */
export function groupAdvantages(
  outcomes: readonly number[],
  normalisation: "std" | "none" = "std",
): number[] {
  const G = outcomes.length;
  const mean = sumOf(outcomes) / G;
  const variance = outcomes.reduce((a, c) => a + (c - mean) ** 2, 0) / G;
  if (variance === 0) return outcomes.map(() => 0);
  const scale = normalisation === "std" ? 1 / (Math.sqrt(variance) + 1e-6) : 1;
  return outcomes.map((c) => (c - mean) * scale);
}

/** Bounds on the off-policy weight pi/mu of right and wrong rollouts. */
export interface WeightBounds {
  /** A discovered right answer is never weighted down below 1: honest weights would suppress it. */
  readonly right: readonly [number, number];
  readonly wrong: readonly [number, number];
}

/** Right answers in [1, 3] (after LUFFY, arXiv:2504.14945); wrong ones in [0, 1] (TOPR, arXiv:2503.14286). */
export const defaultWeightBounds: WeightBounds = { right: [1, 3], wrong: [0, 1] };

/**
 * Importance weight of a rollout: 1 on-policy; else w = exp(sum over tokens of log pi - log mu),
 * clipped to the bounds for its outcome.
 */
export function offPolicyWeight(
  rollout: Rollout,
  bounds: WeightBounds = defaultWeightBounds,
): { weight: number; clipped: boolean } {
  if (!rollout.offPolicy) return { weight: 1, clipped: false };
  let logRatio = 0;
  for (const { logprobs, behaviourLogprobs } of rollout.actions)
    logprobs.forEach((l, t) => (logRatio += l - behaviourLogprobs[t]!));
  const ratio = Math.exp(Math.min(30, logRatio));
  const [low, high] = rollout.verdict.correct ? bounds.right : bounds.wrong;
  const weight = Math.min(high, Math.max(low, ratio));
  return { weight, clipped: weight !== ratio };
}
