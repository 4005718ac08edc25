import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TeacherBudget } from "./budget.js";
import type { TeacherLimits } from "./options.js";

const limits: TeacherLimits = {
  cap: 0.15,
  decayUntil: 0.6,
  calls: Infinity,
  tokens: Infinity,
  money: Infinity,
};

describe("a teacher's budget", () => {
  test("never lets calls exceed cap * visits, at any prefix of any run", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom<number | "never">(0.3, 0.6, 1, "never"),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 20 })), {
          maxLength: 40,
        }),
        (cap, decayUntil, steps) => {
          let budget = new TeacherBudget({ ...limits, cap, decayUntil }, 16);
          let calls = 0;
          let visits = 0;
          for (const [step, [seen, wanted]] of steps.entries()) {
            budget = new TeacherBudget({ ...limits, cap, decayUntil }, 16, budget.state);
            budget.visit(seen, step / 40);
            visits += seen;
            for (let i = 0; i < wanted; i++) {
              if (budget.take()) {
                calls++;
                budget.record({ tokens: 1, money: 0, gain: 1 });
              }
              expect(calls).toBeLessThanOrEqual(cap * visits);
            }
            budget.settle(0);
          }
          expect(budget.state.calls).toBe(calls);
        },
      ),
    );
  });

  test("is spent where it may be: a tenth of the visits at a cap of a tenth", () => {
    const budget = new TeacherBudget({ ...limits, cap: 0.1, decayUntil: "never" }, 10);
    let calls = 0;
    for (let step = 0; step < 100; step++) {
      budget.visit(10, step / 100);
      for (let i = 0; i < 10; i++) calls += Number(budget.take());
    }
    expect(calls).toBe(100);
    expect(budget.share).toBeCloseTo(0.1, 12);
  });

  test("dries up by `decayUntil`", () => {
    const budget = new TeacherBudget(limits, 16);
    const calls = Array.from({ length: 100 }, (_, step) => {
      budget.visit(16, step / 100);
      let taken = 0;
      while (budget.take()) taken++;
      return taken;
    });
    expect(calls.slice(0, 30).reduce((a, b) => a + b)).toBeGreaterThan(20);
    expect(calls.slice(66).reduce((a, b) => a + b)).toBe(0);
  });

  test.each([
    ["calls", { calls: 3 }, 3],
    ["tokens", { tokens: 250 }, 3],
    ["money", { money: 0.5 }, 1],
  ])("stops at its hard limit of %s", (_, limit, expected) => {
    const budget = new TeacherBudget({ ...limits, cap: 1, decayUntil: "never", ...limit }, 16);
    budget.visit(100, 0);
    let calls = 0;
    while (budget.take()) {
      calls++;
      budget.record({ tokens: 100, money: 0.5, gain: 1 });
    }
    expect(calls).toBe(expected);
  });

  test("the price rises with use above the rate, and stops calls that gain less", () => {
    const budget = new TeacherBudget({ ...limits, cap: 0.5, decayUntil: "never" }, 16);
    for (let i = 0; i < 40; i++) {
      budget.record({ tokens: 0, money: 0, gain: 0.05 });
      budget.settle(1);
    }
    budget.visit(100, 0);
    expect(budget.state.price).toBeGreaterThan(budget.state.expectedGain);
    expect(budget.take()).toBe(false);
  });

  test("a teacher without proven gain is retired after three reviews, a useful one is not", () => {
    const gains = (values: number[]): boolean => {
      const budget = new TeacherBudget({ ...limits, cap: 1, decayUntil: "never" }, 16);
      for (let review = 0; review < 3; review++) {
        for (const gain of values) budget.record({ tokens: 0, money: 0, gain });
        budget.review();
      }
      return budget.state.retired;
    };
    expect(gains([0.2, -0.3, 0.1, -0.2, 0])).toBe(true);
    expect(gains([0.5, 0.6, 0.4, 0.5])).toBe(false);
    expect(gains([0, 0])).toBe(false); // too few to judge
  });
});
