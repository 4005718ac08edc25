/** Intervals over seeds and over tasks. */
import { Random } from "./random.js";

/** An estimate with a 95% interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

const resamples = 10_000;

/** Percentile bootstrap of `statistic` over the indices 0..count-1 (Efron 1979); resamples of 0/0 are left out. */
function bootstrap(count: number, statistic: (indices: readonly number[]) => number): Interval {
  const random = Random.from(0, "bootstrap");
  const draws = Array.from({ length: resamples }, () =>
    statistic(Array.from({ length: count }, () => random.below(count))),
  )
    .filter((value) => !Number.isNaN(value))
    .sort((a, b) => a - b);
  return {
    mean: statistic(Array.from({ length: count }, (_, i) => i)),
    low: draws[Math.floor(0.025 * draws.length)] ?? Number.NaN,
    high: draws[Math.ceil(0.975 * draws.length) - 1] ?? Number.NaN,
  };
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

/**
 * Mean with a bootstrap 95% interval.
 * @throws RangeError on no values.
 */
export function meanInterval(values: readonly number[]): Interval {
  if (values.length === 0) throw new RangeError("meanInterval: no values");
  return bootstrap(values.length, (indices) => meanOf(indices.map((i) => values[i]!)));
}

/**
 * mean(a) / mean(b) with a bootstrap 95% interval over pairs: a_i and b_i share a seed.
 * @throws RangeError when the lengths differ or are 0.
 */
export function ratioInterval(a: readonly number[], b: readonly number[]): Interval {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`ratioInterval: ${a.length} and ${b.length} values`);
  return bootstrap(
    a.length,
    (indices) => meanOf(indices.map((i) => a[i]!)) / meanOf(indices.map((i) => b[i]!)),
  );
}

/**
 * A share with Wilson's 95% interval (Wilson 1927), in [0, 1]; z = 1.96:
 *
 *     (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)
 *
 * @throws RangeError on no trials.
 */
export function wilsonInterval(successes: number, trials: number): Interval {
  if (!(trials > 0)) throw new RangeError(`wilsonInterval: ${trials} trials`);
  const z = 1.959964;
  const mean = successes / trials;
  const centre = mean + z ** 2 / (2 * trials);
  const spread = z * Math.sqrt((mean * (1 - mean)) / trials + z ** 2 / (4 * trials ** 2));
  const scale = 1 + z ** 2 / trials;
  return {
    mean,
    low: Math.max(0, (centre - spread) / scale),
    high: Math.min(1, (centre + spread) / scale),
  };
}

/**
 * Steps to a target, restricted to `cap`: the first step of a curve at or above `target`, or `cap`
 * when it never is. The mean of these is the restricted mean survival time.
 */
export function stepsToTarget(
  curve: readonly (readonly [step: number, accuracy: number])[],
  target: number,
  cap: number,
): { readonly steps: number; readonly reached: boolean } {
  const hit = curve.find(([, accuracy]) => accuracy >= target);
  return hit === undefined ? { steps: cap, reached: false } : { steps: hit[0], reached: true };
}
