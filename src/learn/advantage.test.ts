import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultWeightBounds, groupAdvantages, offPolicyWeight } from "./advantage.js";
import { attempt, cueTask } from "../testing/testing.js";

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const normalisation = fc.constantFrom("std" as const, "none" as const);
const outcomes = fc.array(fc.constantFrom(0, 1), { minLength: 1, maxLength: 32 });

describe("group advantages", () => {
  test("are zeros where all outcomes agree", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.constantFrom(0, 1),
        normalisation,
        (G, c, norm) => {
          expect(groupAdvantages(new Array<number>(G).fill(c), norm)).toEqual(
            new Array<number>(G).fill(0),
          );
        },
      ),
    );
  });

  test("sum to zero, and a right outcome's is above a wrong one's", () => {
    fc.assert(
      fc.property(outcomes, normalisation, (c, norm) => {
        const A = groupAdvantages(c, norm);
        expect(sum(A)).toBeCloseTo(0, 9);
        if (new Set(c).size === 1) return;
        c.forEach((outcome, i) =>
          outcome === 1 ? expect(A[i]).toBeGreaterThan(0) : expect(A[i]).toBeLessThan(0),
        );
      }),
    );
  });

  test("have deviation 1 when normalised, and are the centred outcomes when not", () => {
    fc.assert(
      fc.property(outcomes, (c) => {
        fc.pre(new Set(c).size === 2);
        const mean = sum(c) / c.length;
        groupAdvantages(c, "none").forEach((a, i) => expect(a).toBeCloseTo(c[i]! - mean, 12));
        expect(Math.sqrt(sum(groupAdvantages(c, "std").map((a) => a * a)) / c.length)).toBeCloseTo(
          1,
          4,
        );
      }),
    );
  });

  test("of one right in four are sqrt(3) and three times -1/sqrt(3)", () => {
    const [right, ...wrong] = groupAdvantages([1, 0, 0, 0]);
    expect(right).toBeCloseTo(Math.sqrt(3), 4);
    for (const a of wrong) expect(a).toBeCloseTo(-1 / Math.sqrt(3), 4);
  });

  test("follow the order of the rollouts", () => {
    fc.assert(
      fc.property(outcomes, normalisation, (c, norm) => {
        groupAdvantages(c.toReversed(), norm)
          .toReversed()
          .forEach((a, i) => expect(a).toBeCloseTo(groupAdvantages(c, norm)[i]!, 12));
      }),
    );
  });

  test("when normalised do not depend on what a right answer is worth or on a shift of all rewards", () => {
    fc.assert(
      fc.property(
        outcomes,
        fc.double({ min: 0.5, max: 4, noNaN: true }),
        fc.integer({ min: -3, max: 3 }),
        (c, scale, shift) => {
          fc.pre(new Set(c).size === 2);
          groupAdvantages(c.map((x) => scale * x + shift)).forEach((a, i) =>
            expect(a).toBeCloseTo(groupAdvantages(c)[i]!, 3),
          );
        },
      ),
    );
  });

  test("of no rollouts are none", () => {
    expect(groupAdvantages([])).toEqual([]);
  });
});

describe("the weight of a rollout", () => {
  const right = cueTask("aa");
  const logprob = fc.double({ min: -60, max: 0, noNaN: true });

  test("on-policy is 1, unclipped, whatever its log-probabilities", () => {
    fc.assert(
      fc.property(logprob, logprob, fc.boolean(), (pi, mu, correct) => {
        const rollout = attempt(right, correct ? "xx" : "yy", {
          logprob: pi,
          behaviourLogprob: mu,
        });
        expect(offPolicyWeight(rollout)).toEqual({ weight: 1, clipped: false });
      }),
    );
  });

  test("off-policy lies in the range of its outcome and says when it was clipped", () => {
    fc.assert(
      fc.property(logprob, logprob, fc.boolean(), (pi, mu, correct) => {
        const rollout = attempt(right, correct ? "xx" : "yy", {
          offPolicy: true,
          logprob: pi,
          behaviourLogprob: mu,
        });
        const { weight, clipped } = offPolicyWeight(rollout);
        const [low, high] = correct ? defaultWeightBounds.right : defaultWeightBounds.wrong;
        expect(weight).toBeGreaterThanOrEqual(low);
        expect(weight).toBeLessThanOrEqual(high);
        const ratio = Math.exp(2 * (pi - mu)); // two actions of one token each
        expect(clipped).toBe(ratio < low || ratio > high);
        if (!clipped) expect(weight).toBeCloseTo(ratio, 9);
      }),
    );
  });

  test("never falls below 1 for a right answer that exploration found, nor rises above 1 for a wrong one", () => {
    const options = { offPolicy: true, logprob: -3, behaviourLogprob: -0.5 };
    expect(offPolicyWeight(attempt(right, "xx", options))).toEqual({ weight: 1, clipped: true });
    expect(offPolicyWeight(attempt(right, "yy", options)).weight).toBeCloseTo(Math.exp(-5), 9);
    const opposite = { offPolicy: true, logprob: -0.5, behaviourLogprob: -30 };
    expect(offPolicyWeight(attempt(right, "xx", opposite))).toEqual({ weight: 3, clipped: true });
    expect(offPolicyWeight(attempt(right, "yy", opposite))).toEqual({ weight: 1, clipped: true });
  });

  test("off-policy is 1, unclipped, where mu was pi after all", () => {
    const options = { offPolicy: true, logprob: -2, behaviourLogprob: -2 };
    for (const actions of ["xx", "yy"])
      expect(offPolicyWeight(attempt(right, actions, options))).toEqual({
        weight: 1,
        clipped: false,
      });
  });
});
