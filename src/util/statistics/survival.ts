/** Steps to a target are right-censored: a run that never got there says only "more than this". */

import { bootstrap, type Interval } from "./intervals.js";

/** One run: the step at which it arrived, or the last one it was watched until. */
export interface Survival {
  readonly time: number;
  /** False: censored, it had not arrived by `time`. */
  readonly reached: boolean;
}

/** The share of runs that have not arrived after `time`. */
export interface SurvivalStep {
  readonly time: number;
  readonly survival: number;
}

/**
 * Kaplan-Meier (1958) estimate of S(t), the probability of not having arrived by t, at every time
 * where some run arrived:
 *
 *     S(t) = product over times t_i <= t of (1 - arrived_i / watched_i)
 */
export function kaplanMeier(runs: readonly Survival[]): SurvivalStep[] {
  const times = [...new Set(runs.filter((r) => r.reached).map((r) => r.time))].sort(
    (a, b) => a - b,
  );
  let survival = 1;
  return times.map((time) => {
    const watched = runs.filter((r) => r.time >= time).length;
    const arrived = runs.filter((r) => r.reached && r.time === time).length;
    survival *= 1 - arrived / watched;
    return { time, survival };
  });
}

/** The first time at which at most half have not arrived; undefined when that never is. */
export function medianSurvival(runs: readonly Survival[]): number | undefined {
  return kaplanMeier(runs).find((s) => s.survival <= 0.5)?.time;
}

/**
 * Restricted mean survival time: the area under the Kaplan-Meier curve up to `cap`. Where runs are
 * censored at the cap alone it is the mean of min(time, cap).
 * @throws RangeError on no runs.
 */
export function restrictedMean(runs: readonly Survival[], cap: number): number {
  if (runs.length === 0) throw new RangeError("restrictedMean: no runs");
  let [area, from, level] = [0, 0, 1];
  for (const { time, survival } of kaplanMeier(runs)) {
    if (time >= cap) break;
    area += level * (time - from);
    [from, level] = [time, survival];
  }
  return area + level * (cap - from);
}

/**
 * A mean that may be censored: restricted to the time that each run was watched for. Where `reached` is 0
 * it says no more than "above `cap`", and `low` and `high` equal `mean`.
 */
export interface Censored extends Interval {
  /** Runs that arrived. */
  readonly reached: number;
  /** Runs. */
  readonly of: number;
  /** How long a run was watched: the mean, where they differ. */
  readonly cap: number;
}

/** The restricted mean of runs watched until `cap`, with a 95% bootstrap over them. */
export function censoredMean(runs: readonly Survival[], cap: number): Censored {
  const { mean, low, high } = bootstrap(runs.length, (draw) =>
    restrictedMean(
      draw.map((i) => runs[i]!),
      cap,
    ),
  );
  return { mean, low, high, reached: runs.filter((r) => r.reached).length, of: runs.length, cap };
}
