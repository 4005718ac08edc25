/** Intervals over seeds and over tasks. */
import { Random } from "../random.js";
import { meanOf } from "./sums.js";

/** An estimate with a 95% interval. */
export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Resamples of a bootstrap, unless it says otherwise. */
export const resamples = 10_000;

/** An estimate with a 95% interval and how surely it differs from a null value. */
export interface Estimate extends Interval {
  /** Two-sided p of the null value: 1 minus the confidence at which the interval just leaves it out. */
  readonly p: number;
}

/**
 * Bootstrap of `statistic` over the indices 0..count-1 (Efron 1979), with the percentiles moved outwards
 * for few indices (the expanded percentile interval of Hesterberg 2015, arXiv:1411.5279): of 5 or 10 normal values they cover the mean in 92% and
 * 94% of cases, plain percentiles in 84% and 89%. With n = count, T of n - 1 degrees of freedom and Z normal:
 *
 *     interval = percentiles a and 1 - a of the draws,  a = P(Z <= -sqrt(n / (n - 1)) t(.975))
 *     q = min(1, 2 min(#{draw <= null} + 1, #{draw >= null} + 1) / (draws + 1))
 *     p = P(|T| >= sqrt((n - 1) / n) z(1 - q / 2))
 *
 * so that p < .05 where the interval leaves out the null. Resampling indices keeps together what shares one: where an
 * index is a seed the bootstrap is paired. Seeded: the same every time. Resamples of 0/0 are left out. One
 * index says nothing of the spread: p is 1. `statistic` gets the same array each time, with other indices in it.
 */
export function bootstrap(
  count: number,
  statistic: (indices: readonly number[]) => number,
  nullValue: number = 0,
  times: number = resamples,
): Estimate {
  const random = Random.from(0, "bootstrap");
  const indices = Array.from({ length: count }, (_, i) => i);
  const mean = statistic(indices);
  const draws = Array.from({ length: times }, () => {
    for (let i = 0; i < count; i++) indices[i] = random.below(count);
    return statistic(indices);
  })
    .filter((value) => !Number.isNaN(value))
    .sort((a, b) => a - b);
  const below = draws.filter((value) => value <= nullValue).length;
  const above = draws.filter((value) => value >= nullValue).length;
  const q = Math.min(1, (2 * (Math.min(below, above) + 1)) / (draws.length + 1));
  const tail = tailOf(count);
  return {
    mean,
    low: draws[Math.floor(tail * draws.length)] ?? Number.NaN,
    high: draws[Math.ceil((1 - tail) * draws.length) - 1] ?? Number.NaN,
    p: widened(q, count),
  };
}

/** The share of draws beyond each end of an interval over `count` values: 0.025 for very many. */
function tailOf(count: number): number {
  if (count < 2) return 0.025;
  const reach = Math.sqrt(count / (count - 1)) * studentQuantile(0.975, count - 1);
  return studentProbability(-reach, normal);
}

/** The two-sided p over `count` values where the share of draws beyond the null is q / 2. */
function widened(q: number, count: number): number {
  if (count < 2) return 1;
  const reach = Math.sqrt((count - 1) / count) * studentQuantile(1 - q / 2, normal);
  return Math.min(1, 2 * studentProbability(-reach, count - 1));
}

function interval({ mean, low, high }: Interval): Interval {
  return { mean, low, high };
}

/**
 * Mean of the middle half: the lowest and highest floor(n / 4) values are left out (the
 * interquartile mean of arXiv:2108.13264, as `scipy.stats.trim_mean(x, 0.25)`).
 * @throws RangeError on no values.
 */
export function interquartileMean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("interquartileMean: no values");
  const cut = Math.floor(values.length / 4);
  return meanOf(values.toSorted((a, b) => a - b).slice(cut, values.length - cut));
}

/**
 * Holm's adjustment of p-values for testing several hypotheses at once (Holm 1979): sorted upwards,
 * p_(i) becomes max over j <= i of min(1, (m - j) p_(j)), j from 0. In the order given.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  for (const [j, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (pValues.length - j) * pValues[i]!));
    adjusted[i] = largest;
  }
  return adjusted;
}

/**
 * Mean with a bootstrap 95% interval, of so many resamples.
 * @throws RangeError on no values.
 */
export function meanInterval(values: readonly number[], times: number = resamples): Interval {
  if (values.length === 0) throw new RangeError("meanInterval: no values");
  return interval(bootstrap(values.length, meanAt(values), 0, times));
}

/**
 * mean(a) / mean(b) with a bootstrap 95% interval over pairs: a_i and b_i share a seed.
 * @throws RangeError when the lengths differ or are 0.
 */
export function ratioInterval(a: readonly number[], b: readonly number[]): Interval {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`ratioInterval: ${a.length} and ${b.length} values`);
  const [meanOfA, meanOfB] = [meanAt(a), meanAt(b)];
  return interval(bootstrap(a.length, (indices) => meanOfA(indices) / meanOfB(indices)));
}

/** The mean of `values` at so many indices, of which nothing is kept. */
function meanAt(values: readonly number[]): (indices: readonly number[]) => number {
  const drawn = new Float64Array(values.length);
  return (indices) => {
    for (let i = 0; i < drawn.length; i++) drawn[i] = values[indices[i]!]!;
    return meanOf(drawn);
  };
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
 * The difference of two independent shares, a - b, with Newcombe's 95% interval (Newcombe 1998, method 10): with Wilson's
 * intervals [la, ua] and [lb, ub],
 *
 *     low = d - sqrt((a - la)^2 + (ub - b)^2),  high = d + sqrt((ua - a)^2 + (b - lb)^2)
 *
 * @throws RangeError on no trials.
 */
export function differenceInterval(
  a: readonly [successes: number, trials: number],
  b: readonly [successes: number, trials: number],
): Interval {
  const [one, other] = [wilsonInterval(...a), wilsonInterval(...b)];
  const mean = one.mean - other.mean;
  return {
    mean,
    low: mean - Math.hypot(one.mean - one.low, other.high - other.mean),
    high: mean + Math.hypot(one.high - one.mean, other.mean - other.low),
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

/** So many degrees of freedom that Student's t is normal. */
const normal = 1e6;

/**
 * The mass of Student's t between 0 and each of a row of angles: with t = sqrt(v) tan(angle), the density of the
 * angle is proportional to cos(angle)^(v - 1), which is integrated by Simpson's rule up to `reach`.
 */
function massByAngle(freedom: number): { readonly width: number; readonly mass: number[] } {
  const panels = 2000;
  const width = Math.min(Math.PI / 2, 40 / Math.sqrt(freedom)) / panels;
  const density = (angle: number): number => Math.max(0, Math.cos(angle)) ** (freedom - 1);
  const upTo = [0];
  for (let i = 0; i < panels; i++) {
    const at = i * width;
    const area = (width / 6) * (density(at) + 4 * density(at + width / 2) + density(at + width));
    upTo.push(upTo[i]! + area);
  }
  return { width, mass: upTo.map((area) => area / (2 * upTo[panels]!)) };
}

/**
 * Quantile of Student's t distribution: t with P(T <= t) = p at `freedom` degrees of freedom (many
 * thousands give the normal quantile).
 * @throws RangeError unless 0 < p < 1 and freedom >= 1.
 */
export function studentQuantile(p: number, freedom: number): number {
  if (!(p > 0 && p < 1 && freedom >= 1))
    throw new RangeError(`studentQuantile: p ${p}, ${freedom} degrees of freedom`);
  if (p < 0.5) return -studentQuantile(1 - p, freedom);
  const { width, mass } = massByAngle(freedom);
  const wanted = p - 0.5;
  const i = Math.min(mass.length - 2, mass.findIndex((area) => area > wanted) - 1);
  const inside = (wanted - mass[i]!) / (mass[i + 1]! - mass[i]!);
  return Math.sqrt(freedom) * Math.tan((i + inside) * width);
}

/**
 * P(T <= t) of Student's t distribution at `freedom` degrees of freedom, in [0, 1]: what
 * {@link studentQuantile} inverts.
 * @throws RangeError unless freedom >= 1.
 */
export function studentProbability(t: number, freedom: number): number {
  if (!(freedom >= 1)) throw new RangeError(`studentProbability: ${freedom} degrees of freedom`);
  if (t > 0) return 1 - studentProbability(-t, freedom);
  const { width, mass } = massByAngle(freedom);
  const at = Math.atan(-t / Math.sqrt(freedom)) / width;
  const i = Math.min(mass.length - 2, Math.floor(at));
  return Math.max(0, 0.5 - mass[i]! - (at - i) * (mass[i + 1]! - mass[i]!));
}

/**
 * Mean minus its one-sided margin: mean - t(confidence, n - 1) s / sqrt(n), s the sample standard
 * deviation (n - 1); with `normal`, the normal quantile instead of Student's. One value has no
 * bound: -Infinity.
 * @throws RangeError on no values.
 */
export function lowerBound(
  values: readonly number[],
  options: { readonly lcb: "t" | "normal"; readonly confidence: number },
): number {
  const n = values.length;
  if (n === 0) throw new RangeError("lowerBound: no values");
  if (n === 1) return -Infinity;
  const mean = meanOf(values);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const quantile = studentQuantile(options.confidence, options.lcb === "t" ? n - 1 : normal);
  return mean - quantile * Math.sqrt(variance / n);
}
