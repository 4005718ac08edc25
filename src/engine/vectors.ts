/** Arithmetic on vectors as long as a model. */

/** L2 norm, in float64; four sums, for one would wait for itself. */
export function norm(vector: Float32Array): number {
  const whole = vector.length - (vector.length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    a += vector[i]! * vector[i]!;
    b += vector[i + 1]! * vector[i + 1]!;
    c += vector[i + 2]! * vector[i + 2]!;
    d += vector[i + 3]! * vector[i + 3]!;
  }
  for (let i = whole; i < vector.length; i++) a += vector[i]! * vector[i]!;
  return Math.sqrt(a + b + (c + d));
}

/** a += b. */
export function addTo(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
}
