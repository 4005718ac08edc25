/** Ordinary least squares, and whether a method's gain grows with a dose. */
import { bootstrap, type Estimate } from "./intervals.js";

/**
 * Coefficients b of y = X b that minimise the squared error, by Gaussian elimination of the normal
 * equations with partial pivoting. X is [n, p], n >= p.
 * @throws RangeError when X has dependent columns or rows of unequal length.
 */
export function leastSquares(X: readonly (readonly number[])[], y: readonly number[]): number[] {
  const p = X[0]?.length ?? 0;
  if (X.length !== y.length || X.some((row) => row.length !== p))
    throw new RangeError(`leastSquares: ${X.length} rows and ${y.length} values do not match`);
  const dot = (a: (i: number) => number, b: (i: number) => number): number =>
    X.reduce((sum, _, i) => sum + a(i) * b(i), 0);
  const A = Array.from({ length: p }, (_, r) => [
    ...Array.from({ length: p }, (_, c) =>
      dot(
        (i) => X[i]![r]!,
        (i) => X[i]![c]!,
      ),
    ),
    dot(
      (i) => X[i]![r]!,
      (i) => y[i]!,
    ),
  ]);
  for (let c = 0; c < p; c++) {
    let pivot = c;
    for (let r = c + 1; r < p; r++) if (Math.abs(A[r]![c]!) > Math.abs(A[pivot]![c]!)) pivot = r;
    if (Math.abs(A[pivot]![c]!) < 1e-12)
      throw new RangeError("leastSquares: the columns depend on each other");
    [A[c], A[pivot]] = [A[pivot]!, A[c]!];
    for (let r = 0; r < p; r++) {
      if (r === c) continue;
      const factor = A[r]![c]! / A[c]![c]!;
      for (let k = c; k <= p; k++) A[r]![k]! -= factor * A[c]![k]!;
    }
  }
  return A.map((row, i) => row[p]! / row[i]!);
}

/** One measurement: with the method or without, at a dose, on a seed. */
export interface Dosed {
  readonly seed: number;
  readonly dose: number;
  readonly method: boolean;
  readonly value: number;
}

/**
 * The interaction b3 of y = b0 + b1 dose + b2 method + b3 dose method, with a bootstrap over seeds:
 * by how much the method's gain grows from dose 0 to dose 1. NaN where the design cannot tell.
 */
export function interaction(rows: readonly Dosed[]): Estimate {
  const seeds = [...new Set(rows.map((r) => r.seed))].sort((a, b) => a - b);
  const bySeed = seeds.map((seed) => rows.filter((r) => r.seed === seed));
  return bootstrap(seeds.length, (indices) => {
    const drawn = indices.flatMap((i) => bySeed[i]!);
    return coefficient(
      drawn.map(({ dose, method }) => [1, dose, Number(method), dose * Number(method)]),
      drawn.map((r) => r.value),
    );
  });
}

/** The slope b1 of value = b0 + b1 dose, with a bootstrap over seeds: a dose-response. */
export function doseSlope(rows: readonly Omit<Dosed, "method">[]): Estimate {
  const seeds = [...new Set(rows.map((r) => r.seed))].sort((a, b) => a - b);
  const bySeed = seeds.map((seed) => rows.filter((r) => r.seed === seed));
  return bootstrap(seeds.length, (indices) => {
    const drawn = indices.flatMap((i) => bySeed[i]!);
    return coefficient(
      drawn.map(({ dose }) => [1, dose]),
      drawn.map((r) => r.value),
    );
  });
}

/** The last coefficient, or NaN where the columns depend on each other. */
function coefficient(X: readonly (readonly number[])[], y: readonly number[]): number {
  try {
    return leastSquares(X, y).at(-1)!;
  } catch {
    return Number.NaN;
  }
}
