/**
 * The metrics of a run: every key that `metrics.jsonl` can hold, in one place.
 *
 * One line a step, deterministic (no wall-clock times): a resumed run writes the same bytes.
 */
import type { Alarm } from "./alarms.js";
import type { Interval } from "../util/statistics/intervals.js";

/** A training step. */
export interface StepMetrics {
  readonly step: number;
  /** Share of right rollouts among this step's. */
  readonly "rollout/accuracy": number;
  /** Mean reward: 1 for a right rollout, the charge for a wrong one. */
  readonly "reward/mean": number;
  /** Mean charge over wrong rollouts, at most 0. */
  readonly "reward/charge": number;
  /** Share of groups whose outcomes all agree: without the charge they teach nothing. */
  readonly "group/zeroVariance": number;
  /** Groups whose first half was all wrong. */
  readonly "group/stuck": number;
  /** Of those, groups with a right rollout in the second half. */
  readonly "group/rescued": number;
  /** Stuck groups whose second half was steered by an expert. */
  readonly "group/steered": number;
  /** Of those, rescued. */
  readonly "group/rescuedSteered": number;
  /** Share of off-policy weights that were clipped. */
  readonly "offPolicy/clipped": number;
  readonly "loss/total": number;
  readonly "loss/gradientNorm": number;
  /** Nats, averaged over trained tokens. */
  readonly "policy/entropy": number;
  /** Mean |log pi(trainer) - log pi(sampler)|. */
  readonly "policy/logprobMismatch": number;
  /** Share of trained tokens that PPO's clip left without a gradient; 0 with one optimizer step a batch. */
  readonly "policy/clipFraction": number;
  /** Mean actions a rollout. */
  readonly "rollout/length": number;
  /** Rollouts the environment failed on. */
  readonly "rollout/failed": number;
  readonly "corpus/admitted": number;
  readonly "corpus/merged": number;
  readonly "corpus/rejected": number;
  readonly "corpus/size": number;
  readonly "corpus/threshold": number;
  /** Experts in use, by signature and the level they are committed to. */
  readonly "probe/committed": Readonly<Record<string, string>>;
  /** False when the update was skipped because it was not finite. */
  readonly "update/finite": boolean;
}

/** What the corpus, the curriculum and the guards add to a step's line. */
export interface MechanismMetrics {
  /** Mean tokens that a rollout wrote. */
  readonly "rollout/tokens": number;
  /** Mean share of a rollout's token 4-grams that it had written before. */
  readonly "rollout/repeated": number;
  /** Tasks that no longer come up: stuck too often in a row. */
  readonly "group/parked": number;
  /** Known mistakes of this step's tasks: how many, and the share that the student made again. */
  readonly "replication/visits": number;
  readonly "replication/rate": number | null;
  /** By signature, over the last 16 visits to each mistake. */
  readonly "replication/bySignature": Readonly<Record<string, number>>;
  /** Moving share of candidates that were admitted. */
  readonly "corpus/admissionRate": number;
  /** Mistakes outgrown so far. */
  readonly "corpus/retired": number;
  /** Mistakes held back in this step by the guard against poison. */
  readonly "corpus/quarantined": number;
  /** With `partners.collection: worth`, when partners played: budget share and marginal coverage. */
  readonly "collect/share"?: Readonly<Record<string, number>>;
  readonly "collect/gain"?: Readonly<Record<string, number>>;
  /** Of all roles so far, evaluation excluded. */
  readonly "cost/flops": number;
  /** Money so far, at the configured prices. */
  readonly "cost/money": number;
  /** See alarms.ts. */
  readonly "alarm/names": readonly Alarm[];
}

/** A line written when something arrived for the run: see inbox.ts. */
export interface ImportMetrics {
  readonly step: number;
  readonly "import/files": number;
  readonly "import/attempts": number;
  readonly "import/unreadable": number;
  readonly "import/admitted": number;
  readonly "import/merged": number;
  readonly "import/rejected": number;
  readonly "import/partners": readonly string[];
  readonly "import/verdicts": number;
}

/** A line written with every probe, on validation tasks: see overlap.ts. */
export interface OverlapMetrics {
  readonly step: number;
  readonly "overlap/coverage": Interval | null;
  /** By partner: shares of errors in common. */
  readonly "overlap/totalVariation": Readonly<Record<string, number>>;
  /** By partner: chance-corrected agreement of wrong answers. */
  readonly "overlap/agreement": Readonly<Record<string, number | null>>;
  /** By expert: log q(wrong) - log q(right) at the student's first wrong steps. */
  readonly "overlap/margin": Readonly<Record<string, number | null>>;
}

/** A line written after a step while it is found out who steers: see race.ts. */
export interface RaceMetrics {
  readonly step: number;
  /** By source that is still in the race. */
  readonly "race/groups": Readonly<Record<string, number>>;
  readonly "race/rescued": Readonly<Record<string, number>>;
  /** The winner; null while the race goes on. */
  readonly "race/chosen": string | null;
}

/** A line written with an evaluation: distance from the policy that training started from. */
export interface DistanceMetrics {
  readonly step: number;
  /** Mean over sampled tokens of the k3 estimate of KL(pi || pi_start), in nats. */
  readonly "policy/kl": number;
}

/** What the optional mechanisms add to a step's line; each group of keys only while its mechanism is on. */
export interface OptionalMetrics {
  /** Groups of this step in which the teacher took part, and those right because of it. */
  readonly "teacher/calls"?: number;
  readonly "teacher/helped"?: number;
  /** Calls over prompt-visits since the start, at most `teacher.cap`. */
  readonly "teacher/share"?: number;
  readonly "teacher/retired"?: boolean;
  /** Average of P(student solves, partner fails | exactly one solves). */
  readonly "selfPlay/winRate"?: number;
  /** How degraded the partner is, in [0, 1]. */
  readonly "selfPlay/degree"?: number;
  readonly "selfPlay/partnerAccuracy"?: number;
  /** P(two wrong attempts of the partner at one task agree). */
  readonly "selfPlay/systematic"?: number;
  readonly "selfPlay/source"?: string;
  /** Groups that began at a fork, and the share of their attempts that were right. */
  readonly "selfPlay/forks"?: number;
  readonly "selfPlay/solved"?: number | null;
  /** Share of the student's judgements as critic that were right. */
  readonly "selfPlay/criticRight"?: number | null;
  readonly "contrast/loss"?: number;
  readonly "contrast/anchors"?: number;
  /** Of the step-error detector on style-matched pairs; null without any. */
  readonly "contrast/auc"?: number | null;
  /** Effective rank of the step embeddings. */
  readonly "contrast/rank"?: number;
  readonly "contrast/stopped"?: string | null;
}

/** One line of `metrics.jsonl`: a training step or an evaluation before it. */
export type MetricsLine =
  | (StepMetrics & Partial<MechanismMetrics> & OptionalMetrics)
  | ImportMetrics
  | OverlapMetrics
  | DistanceMetrics
  | {
      readonly step: number;
      readonly "eval/accuracy": number;
      /** FLOPs of all roles so far, evaluation excluded. */
      readonly "eval/flops"?: number;
      /** Of those, the student's. */
      readonly "eval/studentFlops"?: number;
    }
  | {
      readonly step: number;
      readonly "probe/hard": number;
      readonly "probe/uplift": Readonly<Record<string, { mean: number; lower: number }>>;
      readonly "probe/committed": string | null;
      readonly "probe/level": string;
    }
  | RaceMetrics
  | {
      readonly step: number;
      /** Share of the student's mistakes that each signature makes up, where that decides which experts are fitted. */
      readonly "expert/overlap": Readonly<Record<string, number>>;
    };
