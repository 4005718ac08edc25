import fc from "fast-check";
import { expect, test } from "vitest";
import { addTo, norm } from "./vectors.js";

const vectors = fc.float32Array({ maxLength: 40, noNaN: true, min: -1e4, max: 1e4 });

test("the norm is the root of the sum of squares", () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const expected = Math.hypot(...vector);
      expect(Math.abs(norm(vector) - expected)).toBeLessThanOrEqual(1e-12 * expected);
    }),
  );
  expect(norm(Float32Array.of(1, Number.NaN, 1, 1, 1))).toBeNaN();
});

test("a vector is added to another in place", () => {
  const sum = Float32Array.of(1, 2, 3);
  addTo(sum, Float32Array.of(10, 20, 30));
  expect([...sum]).toEqual([11, 22, 33]);
});
