import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  differenceInterval,
  meanInterval,
  ratioInterval,
  stepsToTarget,
  wilsonInterval,
} from "./intervals.js";

const value = fc.double({ min: 0.1, max: 100, noNaN: true });
const values = fc.array(value, { minLength: 1, maxLength: 6 });

describe("the interval of a mean", () => {
  test("is what enumerating all resamples gives", () => {
    // Three values have 27 equally likely resamples; the outer 2.5% are those of one value alone (1/27 = 3.7%).
    expect(meanInterval([0, 3, 6])).toEqual({ mean: 3, low: 0, high: 6 });
    // Of 0 and 1 ten times each the mean of 20 draws is binomial; of twenty values an interval leaves out
    // 1.6% at either end, not 2.5%: P(draws <= 4/20) = 0.6%, P(draws <= 5/20) = 2.1%.
    const halves = Array.from({ length: 20 }, (_, i) => i % 2);
    expect(meanInterval(halves)).toEqual({ mean: 0.5, low: 0.25, high: 0.75 });
  });

  test("is the value itself where there is one, or all are equal", () => {
    expect(meanInterval([4])).toEqual({ mean: 4, low: 4, high: 4 });
    expect(meanInterval([2, 2, 2])).toEqual({ mean: 2, low: 2, high: 2 });
  });

  test("holds the mean, lies within the values, and is the same every time", () => {
    fc.assert(
      fc.property(values, (list) => {
        const { mean, low, high } = meanInterval(list);
        expect(low).toBeLessThanOrEqual(mean + 1e-9);
        expect(high).toBeGreaterThanOrEqual(mean - 1e-9);
        expect(low).toBeGreaterThanOrEqual(Math.min(...list) - 1e-9);
        expect(high).toBeLessThanOrEqual(Math.max(...list) + 1e-9);
        expect(meanInterval(list)).toEqual({ mean, low, high });
      }),
      { numRuns: 5 },
    );
  });

  test("narrows with the root of the number of values", () => {
    const width = (n: number): number => {
      const { low, high } = meanInterval(Array.from({ length: n }, (_, i) => i % 10));
      return high - low;
    };
    expect(width(20) / width(80)).toBeCloseTo(2, 0);
  });

  test("of nothing is refused", () => {
    expect(() => meanInterval([])).toThrow(RangeError);
  });
});

describe("the interval of a ratio", () => {
  test("pairs the values: where all pairs have one ratio it is that ratio, however the values spread", () => {
    const b = [10, 200, 35, 80];
    const a = b.map((x) => x / 2);
    const { mean, low, high } = ratioInterval(a, b);
    for (const bound of [mean, low, high]) expect(bound).toBeCloseTo(0.5, 12);
    const shuffled = ratioInterval(a.toReversed(), b);
    expect(shuffled.mean).toBeCloseTo(0.5, 12);
    expect(shuffled.high - shuffled.low).toBeGreaterThan(0.5);
  });

  test("is a ratio of means, not a mean of ratios", () => {
    expect(ratioInterval([1, 9], [1, 3]).mean).toBe(2.5);
  });

  test("leaves out resamples of nothing over nothing", () => {
    // One task in four rescued by both: a third of the resamples hold it neither here nor there.
    expect(ratioInterval([1, 0, 0, 0], [1, 0, 0, 0])).toEqual({ mean: 1, low: 1, high: 1 });
  });

  test("of unpaired values or of none is refused", () => {
    expect(() => ratioInterval([1], [1, 2])).toThrow(RangeError);
    expect(() => ratioInterval([], [])).toThrow(RangeError);
  });
});

describe("differenceInterval", () => {
  test.each([
    // Newcombe 1998 (differences), table II, method 10.
    [[56, 70], [48, 80], 0.0524, 0.3339],
    [[9, 10], [3, 10], 0.1705, 0.809],
    [[5, 56], [0, 29], -0.0381, 0.1926],
    [[0, 10], [0, 20], -0.1611, 0.2775],
  ] as const)("of %j and %j is Newcombe's", (a, b, low, high) => {
    const found = differenceInterval(a, b);
    expect(found.low).toBeCloseTo(low, 3);
    expect(found.high).toBeCloseTo(high, 3);
  });
});

describe("the interval of a share", () => {
  test("is Wilson's", () => {
    // Newcombe 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    const table: [number, number, number, number][] = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ];
    for (const [successes, trials, low, high] of table) {
      const interval = wilsonInterval(successes, trials);
      expect(interval.mean).toBe(successes / trials);
      expect(interval.low).toBeCloseTo(low, 4);
      expect(interval.high).toBeCloseTo(high, 4);
    }
  });

  test("lies in [0, 1] and holds the share", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.nat(), (trials, n) => {
        const { mean, low, high } = wilsonInterval(n % (trials + 1), trials);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(mean).toBeGreaterThanOrEqual(low - 1e-12);
        expect(mean).toBeLessThanOrEqual(high + 1e-12);
      }),
    );
  });

  test("of no trials is refused", () => {
    expect(() => wilsonInterval(0, 0)).toThrow(RangeError);
  });
});

describe("steps to a target", () => {
  const curve = [
    [0, 0.1],
    [5, 0.5],
    [10, 0.45],
    [15, 0.8],
  ] as const;

  test("are those of the first point at or above it", () => {
    expect(stepsToTarget(curve, 0.5, 150)).toEqual({ steps: 5, reached: true });
    expect(stepsToTarget(curve, 0.6, 150)).toEqual({ steps: 15, reached: true });
    expect(stepsToTarget(curve, 0.05, 150)).toEqual({ steps: 0, reached: true });
  });

  test("are censored at the cap where the curve never gets there", () => {
    expect(stepsToTarget(curve, 0.9, 150)).toEqual({ steps: 150, reached: false });
    expect(stepsToTarget([], 0.5, 20)).toEqual({ steps: 20, reached: false });
  });
});
