/**
 * How the outcomes of a group become advantages: GRPO, and published estimators that need no weak
 * model. The default, `grpo`, is the loop's own.
 */
import { z } from "zod";
import { groupAdvantages } from "./advantage.js";
import type { Rollout } from "../play/play.js";
import type { Options } from "../util/options.js";
import { meanOf } from "../util/statistics/sums.js";

/** Names of the estimators. */
export const estimators = ["grpo", "rloo", "nsr", "w-reinforce", "lens"] as const;
/** One of {@link estimators}. */
export type Estimator = (typeof estimators)[number];

/** The keys `advantage.*`. */
export const advantageSchema = z.strictObject({
  estimator: z
    .enum(estimators)
    .default("grpo")
    .describe("How the outcomes of a group become advantages."),
  tokens: z
    .enum(["all", "step"])
    .default("all")
    .describe(
      "Tokens of a wrong attempt that are pushed down: `all`, or those of its first wrong `step`.",
    ),
});

/** How outcomes become advantages, and on which tokens. */
export type AdvantageOptions = Options<typeof advantageSchema>;

/** Weight of right rollouts in W-REINFORCE. */
const positiveWeight = 0.1;

/** Strength of LENS's confidence-weighted penalty. */
const lensStrength = 0.25;

/** The part of a rollout that estimators look at. */
export type Attempt = Pick<Rollout, "actions">;

/**
 * Advantages of a group's outcomes c, 0 where wrong and 1 where right (or, lowered by a contrastive
 * reward, in [0.5, 1]); shape [G] to [G]:
 *
 *     grpo         (c_i - mean) / std, or c_i - mean      GRPO, Dr. GRPO by `normalisation`
 *     rloo         c_i - mean of the others               arXiv:2402.14740
 *     nsr          -(1 - c_i)                             negative samples alone, arXiv:2506.01347
 *     w-reinforce  0.1 c_i - (1 - c_i)                    arXiv:2506.01347
 *     lens         r_i - mean(r), with r_i = c_i - (1 - c_i) 0.25 pi_i / (D - pi_i)
 *
 * LENS (arXiv:2510.08696): pi_i is the length-normalised likelihood of attempt i, D = 1, and in an
 * all-wrong group D = 2 max pi, so that confident mistakes weigh most. It is never divided by the
 * deviation, which all-wrong groups make tiny.
 */
export function advantagesOf(
  estimator: Estimator,
  outcomes: readonly number[],
  attempts: readonly Attempt[],
  normalisation: "std" | "none" = "std",
): number[] {
  const G = outcomes.length;
  switch (estimator) {
    case "grpo":
      return groupAdvantages(outcomes, normalisation);
    case "rloo":
      return groupAdvantages(outcomes, "none").map((a) => (G === 1 ? 0 : (a * G) / (G - 1)));
    case "nsr":
      return outcomes.map((c) => (c > 0 ? 0 : -1));
    case "w-reinforce":
      return outcomes.map((c) => (c > 0 ? positiveWeight * c : -1));
    case "lens":
      return lens(outcomes, attempts.map(confidence));
  }
}

function lens(outcomes: readonly number[], confidences: readonly number[]): number[] {
  const allWrong = outcomes.every((c) => c === 0);
  const D = allWrong ? 2 * Math.max(...confidences) : 1;
  const rewards = outcomes.map((c, i) =>
    c > 0 ? c : (-lensStrength * confidences[i]!) / Math.max(1e-3, D - confidences[i]!),
  );
  const mean = meanOf(rewards);
  return rewards.map((r) => r - mean);
}

/** exp(mean over tokens of log pi), in [0, 1]. */
function confidence({ actions }: Attempt): number {
  const logprobs = actions.flatMap((a) => a.logprobs);
  if (logprobs.length === 0) return 0;
  return Math.exp(meanOf(logprobs));
}
