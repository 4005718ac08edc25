/** The small charts of a run: the same in the page and in the report. */
import type { Series } from "./api.js";

/** One chart: which metrics it draws and what they mean. */
export interface Panel {
  readonly title: string;
  /** What it means, in a sentence. */
  readonly about?: string;
  /** Metrics drawn, with the word for each. */
  readonly keys: readonly (readonly [key: string, label: string])[];
  readonly unit: "share" | "fine share" | "number" | "magnitude";
  /** Fixed ends of the value axis. */
  readonly range?: readonly [number, number];
  /** A line that must not be crossed. */
  readonly cap?: (series: Series) => number | null;
}

const share: readonly [number, number] = [0, 1];

/** Every small chart, in order. */
export const panels: readonly Panel[] = [
  {
    title: "Attempts right in training",
    about: "Share of this step's rollouts that the verifier accepts, steered ones included.",
    keys: [["rollout/accuracy", "right"]],
    unit: "share",
    range: share,
  },
  {
    title: "Reward",
    about: "Mean reward: 1 for a right rollout, the charge for a wrong one.",
    keys: [["reward/mean", "reward"]],
    unit: "number",
  },
  {
    title: "Stuck groups",
    about:
      "Groups whose first half was all wrong, those steered away from a known mistake, and those with a right attempt afterwards.",
    keys: [
      ["group/stuck", "stuck"],
      ["group/steered", "steered"],
      ["group/rescued", "rescued"],
    ],
    unit: "number",
  },
  {
    title: "Known mistakes made again",
    about: "Of the known mistakes at this step's tasks, the share that the student made again.",
    keys: [["replication/rate", "again"]],
    unit: "share",
    range: share,
  },
  {
    title: "Mistakes kept",
    about: "Mistakes in the corpus, and those the student has outgrown.",
    keys: [
      ["corpus/size", "kept"],
      ["corpus/retired", "outgrown"],
    ],
    unit: "number",
  },
  {
    title: "Groups that teach nothing",
    about: "Share of groups whose outcomes all agree.",
    keys: [["group/zeroVariance", "no signal"]],
    unit: "share",
    range: share,
  },
  {
    title: "Teacher's share",
    about: "Share of prompt visits with a teacher so far; dashed: its cap.",
    keys: [["teacher/share", "share"]],
    unit: "fine share",
    cap: ({ config }) => config.teacherCap,
  },
  {
    title: "Entropy",
    about: "Nats, averaged over trained tokens.",
    keys: [["policy/entropy", "entropy"]],
    unit: "number",
  },
  {
    title: "Length",
    about: "Mean tokens that a rollout wrote.",
    keys: [["rollout/tokens", "tokens"]],
    unit: "number",
  },
  {
    title: "Distance from the start",
    about: "Estimated KL divergence from the policy that training started from, in nats.",
    keys: [["policy/kl", "KL"]],
    unit: "number",
  },
  {
    title: "Gradient",
    about: "Norm of the gradient.",
    keys: [["loss/gradientNorm", "norm"]],
    unit: "number",
  },
  {
    title: "Sampler and trainer apart",
    about: "Mean |log pi(trainer) - log pi(sampler)|.",
    keys: [["policy/logprobMismatch", "apart"]],
    unit: "number",
  },
  {
    title: "Cost",
    about: "FLOPs of all roles so far, evaluation excluded.",
    keys: [["cost/flops", "FLOP"]],
    unit: "magnitude",
    cap: ({ config }) => config.budget.flops ?? null,
  },
  {
    title: "Money",
    about: "So far, at the configured prices.",
    keys: [["cost/money", "money"]],
    unit: "number",
    cap: ({ config }) => config.budget.money ?? null,
  },
  {
    title: "Past self",
    about:
      "How degraded the student's past self is as a partner, and how often the student beats it.",
    keys: [
      ["selfPlay/degree", "degree"],
      ["selfPlay/winRate", "win rate"],
    ],
    unit: "number",
    range: share,
  },
];

/** The last of some values, with three digits. */
export function lastOf(values: readonly number[]): string {
  const last = values.at(-1);
  return last === undefined ? "-" : String(Number(last.toPrecision(3)));
}
