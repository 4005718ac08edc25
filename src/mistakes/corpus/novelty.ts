/** Where the threshold starts and what it is steered by. */
export interface ThresholdOptions {
  /** Wanted share of candidates admitted, in [0, 1]. Default 0.2. */
  readonly target?: number;
  /** Default 0.02. */
  readonly rate?: number;
  /** Default 0.02. */
  readonly lowest?: number;
  /** Default 0.6. */
  readonly highest?: number;
}

/** Novelty threshold of an empty corpus. */
export const INITIAL_THRESHOLD = 0.15;

/** Share of candidates the corpus aims to admit; also where the measured rate starts. */
export const TARGET_ADMIT_RATE = 0.2;

/** Share of the old admit rate kept per candidate: a memory of about 20 candidates. */
export const ADMIT_RATE_DECAY = 0.95;

/**
 * A unit vector of the same direction, `x / |x|`; the zero vector stays zero.
 */
export function normalize(vector: ArrayLike<number>): Float32Array {
  let squares = 0;
  for (let i = 0; i < vector.length; i++) squares += vector[i]! * vector[i]!;
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  return Float32Array.from(vector, (value) => value * scale);
}

/**
 * Cosine of two vectors, `a.b / (|a||b|)` in [-1, 1]; 0 when either is zero.
 * @throws RangeError on vectors of different lengths.
 */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length)
    throw new RangeError(`cosine of vectors of ${a.length} and ${b.length} values`);
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    squaresA += a[i]! * a[i]!;
    squaresB += b[i]! * b[i]!;
  }
  if (squaresA === 0 || squaresB === 0) return 0;
  return Math.min(1, Math.max(-1, product / (Math.sqrt(squaresA) * Math.sqrt(squaresB))));
}

/** Novelty of a candidate, `1 - greatest cosine` in [0, 2]; 1 when there is nothing to compare with. */
export function novelty(greatestCosine: number | undefined): number {
  return 1 - (greatestCosine ?? 0);
}

/** Moving average of admissions, `d * rate + (1 - d) * [admitted]`, in [0, 1]. */
export function updateAdmitRate(admitRate: number, admitted: boolean): number {
  return ADMIT_RATE_DECAY * admitRate + (1 - ADMIT_RATE_DECAY) * (admitted ? 1 : 0);
}

/**
 * The threshold after one candidate: admitting too much raises it, too little lowers it.
 *
 *     theta <- clip(theta + rate * (admitRate - target), lowest, highest)
 */
export function adaptThreshold(
  threshold: number,
  admitRate: number,
  { target = TARGET_ADMIT_RATE, rate = 0.02, lowest = 0.02, highest = 0.6 }: ThresholdOptions = {},
): number {
  return Math.min(highest, Math.max(lowest, threshold + rate * (admitRate - target)));
}
