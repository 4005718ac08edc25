/** Against lifelines, SciPy, statsmodels and rliable: scripts/golden/statistics.py. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { doseSlope, interaction, leastSquares } from "./regression.js";
import { kaplanMeier, medianSurvival, restrictedMean } from "./survival.js";
import { Random } from "../random.js";
import {
  bootstrap,
  holm,
  interquartileMean,
  ratioInterval,
  studentProbability,
  studentQuantile,
} from "./intervals.js";

interface Golden {
  readonly survival: readonly {
    readonly times: readonly number[];
    readonly reached: readonly boolean[];
    readonly cap: number;
    readonly curve: readonly (readonly [number, number])[];
    readonly median: number | null;
    readonly restrictedMean: number;
  }[];
  readonly interquartileMean: readonly {
    readonly values: readonly number[];
    readonly interquartileMean: number;
    readonly rliable: number;
  }[];
  readonly holm: readonly { readonly p: readonly number[]; readonly adjusted: readonly number[] }[];
  readonly regression: {
    readonly rows: readonly (readonly [number, number, number, number])[];
    readonly coefficients: readonly number[];
    readonly interaction: readonly [number, number];
  };
  readonly pairedRatio: {
    readonly a: readonly number[];
    readonly b: readonly number[];
    readonly ratio: number;
    readonly low: number;
    readonly high: number;
  };
  readonly student: readonly {
    readonly t: number;
    readonly freedom: number;
    readonly p: number;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL("golden/statistics.json", import.meta.url), "utf8"),
) as Golden;

test.each(golden.survival)("Kaplan-Meier of $times is lifelines'", (known) => {
  const runs = known.times.map((time, i) => ({ time, reached: known.reached[i]! }));
  const curve = kaplanMeier(runs);
  expect(curve.map((s) => s.time)).toEqual(known.curve.map(([time]) => time));
  for (const [i, { survival }] of curve.entries())
    expect(survival).toBeCloseTo(known.curve[i]![1], 10);
  expect(medianSurvival(runs) ?? null).toBe(known.median);
  expect(restrictedMean(runs, known.cap)).toBeCloseTo(known.restrictedMean, 8);
});

test("runs censored at the cap alone have the mean of their capped times", () => {
  const runs = [4, 8, 30, 30].map((time) => ({ time, reached: time < 30 }));
  expect(restrictedMean(runs, 30)).toBeCloseTo(18, 12);
  expect(restrictedMean([{ time: 30, reached: false }], 30)).toBe(30);
  expect(() => restrictedMean([], 30)).toThrow(RangeError);
});

test.each(golden.interquartileMean)("the interquartile mean of $values", (known) => {
  expect(interquartileMean(known.values)).toBeCloseTo(known.interquartileMean, 10);
  expect(interquartileMean(known.values)).toBeCloseTo(known.rliable, 5); // in single precision
  expect(() => interquartileMean([])).toThrow(RangeError);
});

test.each(golden.holm)("Holm's adjustment of $p", ({ p, adjusted }) => {
  holm(p).forEach((value, i) => expect(value).toBeCloseTo(adjusted[i]!, 12));
});

describe("regression", () => {
  const rows = golden.regression.rows.map(([seed, dose, method, value]) => ({
    seed,
    dose,
    method: method === 1,
    value,
  }));

  test("least squares is statsmodels'", () => {
    const X = rows.map(({ dose, method }) => [1, dose, Number(method), dose * Number(method)]);
    const fitted = leastSquares(
      X,
      rows.map((r) => r.value),
    );
    fitted.forEach((b, i) => expect(b).toBeCloseTo(golden.regression.coefficients[i]!, 8));
    expect(() =>
      leastSquares(
        [
          [1, 2],
          [2, 4],
        ],
        [1, 2],
      ),
    ).toThrow(RangeError);
    expect(() => leastSquares([[1]], [1, 2])).toThrow(RangeError);
  });

  test("the interaction's interval is that of resampling whole seeds", () => {
    const { mean, low, high, p } = interaction(rows);
    expect(mean).toBeCloseTo(golden.regression.coefficients[3]!, 8);
    expect(low).toBeCloseTo(golden.regression.interaction[0], 2);
    expect(high).toBeCloseTo(golden.regression.interaction[1], 2);
    expect(p).toBeLessThan(0.03); // six seeds, all on one side: as low as it gets
  });

  test("one dose, or one method, cannot tell", () => {
    expect(interaction(rows.filter((r) => r.dose === 1)).mean).toBeNaN();
    expect(doseSlope(rows.filter((r) => r.dose === 1)).mean).toBeNaN();
    const slope = doseSlope(rows.filter((r) => r.method));
    expect(slope.mean).toBeGreaterThan(slope.low);
    expect(slope.mean).toBeCloseTo(
      golden.regression.coefficients[1]! + golden.regression.coefficients[3]!,
      8,
    );
  });
});

describe("the bootstrap", () => {
  test("of a paired ratio has SciPy's percentiles, moved outwards", () => {
    const { a, b, ratio, low, high } = golden.pairedRatio;
    const own = ratioInterval(a, b);
    expect(own.mean).toBeCloseTo(ratio, 12);
    expect(own.low).toBeCloseTo(low, 1.9);
    expect(own.high).toBeCloseTo(high, 1.9);
  });

  test("tells how surely an estimate differs from the null", () => {
    const of = (values: readonly number[], nullValue?: number) =>
      bootstrap(
        values.length,
        (indices) => indices.reduce((n, i) => n + values[i]!, 0) / values.length,
        nullValue,
      );
    // Beyond the null lies no draw: 2 / 10,001 of a normal, widened to the t of 4 and of 9 degrees.
    expect(of([1, 2, 3, 4, 5]).p).toBeCloseTo(0.029, 3);
    expect(of([-1, -2, -3, -4, -5]).p).toBeCloseTo(0.029, 3);
    expect(of([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).p).toBeCloseTo(0.006, 3);
    expect(of([-1, 1, -2, 2]).p).toBeGreaterThan(0.9);
    expect(of([1, 2, 3], 2).p).toBeGreaterThan(0.9);
    expect(of([0, 0]).p).toBe(1);
    expect(of([3]).p).toBe(1);
  });

  test("p is below 0.05 where the interval leaves out the null", () => {
    const random = Random.from(1, "bootstrap test");
    const around = Array.from({ length: 60 }, (_, i) => {
      const values = Array.from({ length: 6 }, () => random.normal() + i / 20);
      const meanOf = (indices: readonly number[]): number =>
        indices.reduce((n, j) => n + values[j]!, 0) / values.length;
      return bootstrap(values.length, meanOf, 0, 2000);
    });
    const excludes = around.map(({ low, high }) => low > 0 || high < 0);
    expect(new Set(excludes)).toEqual(new Set([true, false]));
    const differing = around.filter(({ p }, i) => p < 0.05 !== excludes[i]);
    expect(differing.length).toBeLessThanOrEqual(2); // a draw apart, at the bound
  });

  test.each([
    [5, 0.9], // plain percentiles: 0.84
    [10, 0.92], // plain percentiles: 0.89
  ])("an interval over %i normal values covers their mean more often than %d", (n, least) => {
    const random = Random.from(2, "coverage");
    const trials = 400;
    let covered = 0;
    for (let i = 0; i < trials; i++) {
      const values = Array.from({ length: n }, () => random.normal());
      const meanOf = (indices: readonly number[]): number =>
        indices.reduce((sum, j) => sum + values[j]!, 0) / n;
      const { low, high } = bootstrap(n, meanOf, 0, 1500);
      if (low <= 0 && high >= 0) covered++;
    }
    expect(covered / trials).toBeGreaterThan(least);
    expect(covered / trials).toBeLessThan(0.99);
  });
});

test.each(golden.student)("P(T <= $t) at $freedom degrees of freedom is SciPy's", (known) => {
  expect(studentProbability(known.t, known.freedom)).toBeCloseTo(known.p, 6);
  expect(studentQuantile(known.p, known.freedom)).toBeCloseTo(known.t, 4);
  expect(() => studentProbability(1, 0)).toThrow(RangeError);
});
