/**
 * The error-driven reward: a right answer earns 1; in a group where every attempt is wrong, the
 * tokens of the first wrong step are charged for repeating a mistake.
 *
 * Bounds (no setting breaks them): a right rollout is never charged; a wrong one is worth at most
 * 0 and at least -penalty; so every right answer outranks every wrong one. The charge is not
 * potential-based and does change the objective, by at most penalty * P(repeat), and it anneals to 0.
 */
import { z } from "zod";
import { chanceCorrected } from "../mistakes/corpus/recurrence.js";
import type { Group, Rollout } from "../play/play.js";
import { amount, share, type Options } from "../util/options.js";

/** The keys `reward.*`. */
export const rewardSchema = z.strictObject({
  penalty: amount
    .lt(1)
    .default(0.5)
    .describe("Largest charge for repeating a mistake, lambda_e, where a right answer earns 1."),
  when: z
    .enum(["hard", "soft", "off"])
    .default("hard")
    .describe(
      "Which groups are charged: `hard`, those that are all wrong; `soft`, each with weight (1 - share right)^2; `off`, every group.",
    ),
  tokens: z
    .enum(["step", "answer", "all"])
    .default("step")
    .describe(
      "Tokens that are charged: those of the first wrong `step`, of the last action (`answer`), or `all`.",
    ),
  evidence: z
    .enum(["weak", "self", "both", "none", "firstError"])
    .default("both")
    .describe(
      "What counts as a repeat: of mistakes in the corpus (`weak`), of the group's own (`self`), of `both`, or `none`; `firstError` charges every checkable first wrong step alike.",
    ),
  floor: share
    .default(0.5)
    .describe(
      "Least replication of a wrong attempt whose first wrong step the environment is sure of, whatever it repeats; at 0 evidence alone is charged for.",
    ),
  annealUntil: share
    .default(0.6)
    .describe("Share of training after which the charge has fallen to 0; 0 never charges."),
  diverge: amount
    .default(0.2)
    .describe("Extra weight of a task whose known wrong answers agree, lambda_d; 0 is none."),
});

/** How mistakes are charged. */
export type RewardOptions = Options<typeof rewardSchema>;

export const defaultReward: RewardOptions = rewardSchema.parse({});

/** Cosine from 1 at the start to 0 at `until` (both shares of training), 0 thereafter. */
export function anneal(progress: number, until: number): number {
  return progress >= until ? 0 : 0.5 * (1 + Math.cos((Math.PI * progress) / until));
}

/** What is known about one wrong rollout besides its group. */
export interface KnownMistakes {
  /** Share of the corpus's wrong answers for this task that equal this one, in [0, 1]. */
  readonly sameAnswer: number;
  /** exp(mean log q) of the first wrong step under the error expert of its signature, in [0, 1]; 0 without one. */
  readonly expertLikelihood: number;
}

/**
 * How much a wrong rollout repeats a mistake, rho in [0, 1]: the strongest of in-group consensus,
 * equal answers in the corpus and the expert's likelihood, each corrected for chance agreement
 * among `answers` possible answers; at least `floor` where a checkable first error exists; 1 for an
 * answer that is malformed, truncated or empty. 0 for a right rollout, for one the environment
 * failed on, and without evidence.
 */
export function replication(
  rollout: Rollout,
  group: Group,
  known: KnownMistakes,
  { evidence, floor }: Pick<RewardOptions, "evidence" | "floor">,
  answers: number = Infinity,
): number {
  if (rollout.verdict.correct || evidence === "none" || rollout.failure !== undefined) return 0;
  const { answer, stop, firstError } = rollout.verdict;
  if (stop === "malformed" || stop === "truncated" || answer === "") return 1;
  const checkable =
    firstError !== undefined && firstError.evidence !== "heuristic" && firstError.confidence >= 0.9;
  if (evidence === "firstError") return checkable ? 1 : 0;
  const same = group.rollouts.filter((r) => r.verdict.answer === answer).length;
  const consensus = group.rollouts.length < 2 ? 0 : (same - 1) / (group.rollouts.length - 1);
  const parts = [
    ...(evidence === "weak" ? [] : [consensus]),
    ...(evidence === "self" ? [] : [known.sameAnswer, known.expertLikelihood]),
  ];
  const strongest = Math.max(...parts.map((e) => chanceCorrected(e, answers)));
  return Math.min(1, Math.max(strongest, checkable ? floor : 0));
}

/** Weight of the charge in a group whose share of right rollouts is `accuracy`. */
export function groupWeight(when: RewardOptions["when"], accuracy: number): number {
  if (when === "hard") return accuracy === 0 ? 1 : 0;
  return when === "soft" ? (1 - accuracy) ** 2 : 1;
}

/** The charge on a wrong rollout's tokens, in [-penalty, 0]. */
export function replicationCharge(
  rho: number,
  accuracy: number,
  progress: number,
  options: RewardOptions,
): number {
  const weight = groupWeight(options.when, accuracy) * anneal(progress, options.annealUntil);
  return rho === 0 || weight === 0 ? 0 : -options.penalty * rho * weight;
}

/**
 * What one rollout is worth: 1 when right, else its charge. Only for metrics and tests: learning
 * adds the charge to the advantages after normalisation.
 */
export function reward(rollout: Rollout, charge: number): number {
  return rollout.verdict.correct ? 1 : charge;
}

/**
 * Weight of a task by how systematic its known mistakes are: 1 + diverge * m, with m the share
 * of the most common of its known wrong answers. The same for all rollouts of a task, so it
 * never reorders answers within a group.
 */
export function divergeWeight(wrongAnswers: ReadonlyMap<string, number>, diverge: number): number {
  let total = 0;
  let most = 0;
  for (const count of wrongAnswers.values()) {
    total += count;
    most = Math.max(most, count);
  }
  return total === 0 ? 1 : 1 + diverge * (most / total);
}
