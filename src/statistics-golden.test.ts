/** Against lifelines, SciPy, statsmodels and rliable: scripts/golden/statistics.py. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { doseSlope, interaction, leastSquares } from "./statistics-regression.js";
import { kaplanMeier, medianSurvival, restrictedMean } from "./statistics-survival.js";
import { bootstrap, holm, interquartileMean, ratioInterval } from "./statistics.js";

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
    expect(p).toBeLessThan(0.001);
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
  test("of a paired ratio has SciPy's percentiles", () => {
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
    expect(of([1, 2, 3]).p).toBeCloseTo(2 / 10_001, 10);
    expect(of([-1, -2, -3]).p).toBeCloseTo(2 / 10_001, 10);
    expect(of([-1, 1, -2, 2]).p).toBeGreaterThan(0.9);
    expect(of([1, 2, 3], 2).p).toBeGreaterThan(0.9);
    expect(of([0, 0]).p).toBe(1);
  });
});
