import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chanceCorrected, recurrences, systematicity } from "./recurrence.js";

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe("chance correction", () => {
  test("rho = [(e - u) / (1 - u)]+ with u = 1 / (|O| - 1)", () => {
    expect(chanceCorrected(0.5, 5)).toBeCloseTo((0.5 - 0.25) / 0.75, 12);
    expect(chanceCorrected(0.25, 5)).toBe(0);
    expect(chanceCorrected(0.1, 5)).toBe(0);
    expect(chanceCorrected(1, 5)).toBe(1);
    expect(chanceCorrected(0.3)).toBe(0.3);
  });

  test("binary answers claim no signal", () => {
    fc.assert(fc.property(share, (evidence) => chanceCorrected(evidence, 2) === 0));
  });

  test("stays in [0, 1] and never exceeds the evidence", () => {
    fc.assert(
      fc.property(share, fc.integer({ min: 2, max: 1000 }), (evidence, possible) => {
        const rho = chanceCorrected(evidence, possible);
        expect(rho).toBeGreaterThanOrEqual(0);
        expect(rho).toBeLessThanOrEqual(evidence + 1e-12);
      }),
    );
  });
});

describe("systematicity", () => {
  test("is (n_same - 1) / (n_wrong - 1), and a lone wrong attempt shows none", () => {
    expect(systematicity(3, 8)).toBeCloseTo(2 / 7, 12);
    expect(systematicity(8, 8)).toBe(1);
    expect(systematicity(1, 8)).toBe(0);
    expect(systematicity(1, 1)).toBe(0);
  });

  test("of a group: repeated answers recur, empty ones do not agree with each other", () => {
    expect(recurrences(["a", "a", "b", "", ""])).toEqual([
      { sameAnswers: 2, recurrence: 1 / 4 },
      { sameAnswers: 2, recurrence: 1 / 4 },
      { sameAnswers: 1, recurrence: 0 },
      { sameAnswers: 1, recurrence: 0 },
      { sameAnswers: 1, recurrence: 0 },
    ]);
  });
});
