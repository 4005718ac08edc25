import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coverage, errorAgreement, signatureShares, totalVariationOverlap } from "./agreement.js";
import { attempt, cueTask } from "../testing/testing.js";

const shares = fc
  .array(fc.tuple(fc.constantFrom("a", "b", "c", "unrecognised"), fc.nat(100)))
  .map((parts) => {
    const counts: Record<string, number> = {};
    for (const [name, n] of parts) counts[name] = (counts[name] ?? 0) + n + 1;
    const total = Object.values(counts).reduce((a, b) => a + b, 0);
    return Object.fromEntries(Object.entries(counts).map(([k, n]) => [k, n / total]));
  });

describe("signatures in common", () => {
  test("coverage is the student's share of known errors", () => {
    const student = { a: 0.5, b: 0.3, unrecognised: 0.2 };
    expect(coverage(student, new Set(["a"]))).toBe(0.5);
    expect(coverage(student, new Set(["a", "b", "unrecognised"]))).toBeCloseTo(0.8, 12);
    expect(coverage(student, new Set())).toBe(0);
  });

  test("overlap is symmetric, in [0, 1], and all of what is recognised where both are alike", () => {
    fc.assert(
      fc.property(shares, shares, (a, b) => {
        const o = totalVariationOverlap(a, b);
        expect(o).toBeCloseTo(totalVariationOverlap(b, a), 12);
        expect(o).toBeGreaterThanOrEqual(0);
        expect(o).toBeLessThanOrEqual(1 + 1e-12);
        const recognised = 1 - (a["unrecognised"] ?? 0);
        if (Object.keys(a).length > 0)
          expect(totalVariationOverlap(a, a)).toBeCloseTo(recognised, 9);
      }),
    );
    expect(totalVariationOverlap({ a: 0.7, b: 0.3 }, { a: 0.2, c: 0.8 })).toBeCloseTo(0.2, 12);
  });

  test("shares count wrong attempts only", () => {
    const task = cueTask("abcd");
    const rollouts = ["xyxy", "xxxx", "xxxx", "xyxz"].map((a) => attempt(task, a));
    expect(signatureShares(rollouts)).toEqual({ "always-x": 2 / 3, unrecognised: 1 / 3 });
    expect(signatureShares([])).toEqual({});
  });
});

describe("agreement of wrong answers", () => {
  test("is 1 for equal answers, 0 at chance, and says nothing of two possible answers", () => {
    const same = [
      ["1", "1"],
      ["2", "2"],
    ] as const;
    expect(errorAgreement(same)).toBe(1);
    expect(errorAgreement(same, 5)).toBe(1);
    // u = 1/4: one pair in four agrees by chance.
    const chance = [
      ["1", "1"],
      ["1", "2"],
      ["1", "3"],
      ["1", "4"],
    ] as const;
    expect(errorAgreement(chance, 5)).toBeCloseTo(0, 12);
    expect(errorAgreement(same, 2)).toBeUndefined();
    expect(errorAgreement([])).toBeUndefined();
  });
});
