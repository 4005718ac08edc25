/**
 * The metrics of a run: every key that `metrics.jsonl` can hold, in one place.
 *
 * One line a step, deterministic (no wall-clock times): a resumed run writes the same bytes.
 */
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
  readonly "portfolio/committed": Readonly<Record<string, string>>;
  /** False when the update was skipped because it was not finite. */
  readonly "update/finite": boolean;
}

/** One line of `metrics.jsonl`: a training step or an evaluation before it. */
export type MetricsLine =
  | StepMetrics
  | { readonly step: number; readonly "eval/accuracy": number }
  | {
      readonly step: number;
      readonly "probe/hard": number;
      readonly "probe/uplift": Readonly<Record<string, { mean: number; lower: number }>>;
      readonly "probe/committed": string | null;
      readonly "probe/level": string;
    };
