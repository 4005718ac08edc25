import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { VectorMatrix } from "./matrix.js";
import {
  INITIAL_THRESHOLD,
  TARGET_ADMIT_RATE,
  adaptThreshold,
  cosine,
  normalize,
  novelty,
  updateAdmitRate,
} from "./novelty.js";

const vectors = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 5, maxLength: 5 });

describe("cosine", () => {
  test("is 1 for a vector and itself at any scale, 0 at a right angle, -1 for opposites", () => {
    expect(cosine([1, 2, 3], [2, 4, 6])).toBeCloseTo(1, 12);
    expect(cosine([1, 0], [0, 1])).toBe(0);
    expect(cosine([1, 2], [-1, -2])).toBeCloseTo(-1, 12);
    expect(cosine([0, 0], [1, 2])).toBe(0);
  });

  test("refuses vectors of different lengths", () => {
    expect(() => cosine([1], [1, 2])).toThrow(RangeError);
  });

  test("a matrix finds the row a search by hand finds, however the rows were put in", () => {
    fc.assert(
      fc.property(fc.array(vectors, { minLength: 1, maxLength: 90 }), vectors, (rows, query) => {
        const matrix = new VectorMatrix(5);
        const backwards = new VectorMatrix(5);
        rows.forEach((row, id) => matrix.append(id, normalize(row)));
        rows
          .toReversed()
          .forEach((row, i) => backwards.append(rows.length - 1 - i, normalize(row)));
        const found = matrix.nearest(normalize(query))!;
        const best = Math.max(...rows.map((row) => cosine(row, query)));
        expect(found.similarity).toBeCloseTo(best, 5);
        expect(backwards.nearest(normalize(query))).toEqual(found);
        expect(matrix.ranked(normalize(query))[0]).toEqual(found);
      }),
    );
  });

  test("a removed row is found no more", () => {
    const matrix = new VectorMatrix(2);
    matrix.append(7, Float32Array.of(1, 0));
    matrix.append(8, Float32Array.of(0, 1));
    matrix.append(9, Float32Array.of(-1, 0));
    matrix.remove(7);
    matrix.remove(7);
    expect(matrix.size).toBe(2);
    expect(matrix.nearest(Float32Array.of(1, 0))).toEqual({ id: 8, similarity: 0 });
    expect(() => matrix.append(1, new Float32Array(3))).toThrow(RangeError);
  });
});

describe("the novelty threshold", () => {
  test("rises when too much is admitted, falls when too little is, and stays in [0.02, 0.6]", () => {
    expect(adaptThreshold(0.15, 1)).toBeCloseTo(0.15 + 0.02 * 0.8, 12);
    expect(adaptThreshold(0.15, 0)).toBeCloseTo(0.15 - 0.02 * 0.2, 12);
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 400 }), (admissions) => {
        let threshold = INITIAL_THRESHOLD;
        let rate = TARGET_ADMIT_RATE;
        for (const admitted of admissions) {
          rate = updateAdmitRate(rate, admitted);
          const next = adaptThreshold(threshold, rate);
          if (next > 0.02 && next < 0.6)
            expect(Math.sign(next - threshold)).toBe(Math.sign(rate - 0.2));
          expect(next).toBeGreaterThanOrEqual(0.02);
          expect(next).toBeLessThanOrEqual(0.6);
          threshold = next;
        }
      }),
    );
  });

  test("settles where a fifth of the candidates is admitted", () => {
    const random = Random.from(1, "novelty");
    let threshold = INITIAL_THRESHOLD;
    let rate = TARGET_ADMIT_RATE;
    let admitted = 0;
    for (let i = 0; i < 6000; i++) {
      const isNovel = random.uniform() * 0.5 > threshold; // novelties uniform in [0, 0.5]
      if (i >= 1000 && isNovel) admitted++;
      rate = updateAdmitRate(rate, isNovel);
      threshold = adaptThreshold(threshold, rate);
    }
    expect(admitted / 5000).toBeCloseTo(0.2, 1);
  });

  test("nothing to compare with is wholly new", () => {
    expect(novelty(undefined)).toBe(1);
    expect(novelty(1)).toBe(0);
  });
});
