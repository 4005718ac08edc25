import { describe, expect, test } from "vitest";
import { forecast, isEnough, type Plan, type Taken } from "./forecast.js";
import { costRoles, type Cost, type CostRole } from "./roles.js";

const plan: Plan = {
  steps: 100,
  heldOut: 10,
  evaluateEvery: 10,
  probeEvery: 25,
  refitEvery: 50,
  partnersEvery: 10,
  partnerAttempts: 0,
  teacherAttempts: 0,
  prices: {},
  provider: "cpu",
};

const byRole = <T>(value: (role: CostRole) => T): Record<CostRole, T> =>
  Object.fromEntries(costRoles.map((role) => [role, value(role)])) as Record<CostRole, T>;

/** A run in which each role has taken so many tokens (ten FLOPs and a hundredth of a second each). */
function taken(tokens: Partial<Record<CostRole, number>>, more: Partial<Taken> = {}): Taken {
  const costs = byRole((role): Cost => {
    const n = tokens[role] ?? 0;
    return { tokens: n, flops: 10 * n, rollouts: n === 0 ? 0 : 10 };
  });
  const seconds = byRole((role) => costs[role].tokens / 100);
  return { costs, seconds, bills: [], processor: 1e9, memory: 1e8, ...more };
}

describe("a forecast", () => {
  test("of a student alone lies about its first steps, carried on", () => {
    const { tokens, flops, seconds } = forecast(
      [taken({ student: 100 }), taken({ student: 200 })],
      plan,
    );
    // 98 steps of 100 tokens are to come.
    expect(tokens.low).toBeLessThan(10_000);
    expect(tokens.high).toBeGreaterThan(10_000);
    expect(tokens.low).toBeGreaterThan(200);
    expect(flops).toEqual({ low: 10 * tokens.low, high: 10 * tokens.high });
    expect(seconds.high).toBeGreaterThan(tokens.high / 100); // the machine may get slower
  });

  test("counts what is done once as done", () => {
    const once = [taken({ student: 100, weak: 1e6 }), taken({ student: 200, weak: 1e6 })];
    expect(forecast(once, plan).tokens.high).toBeLessThan(1.1e6);
  });

  test("has an evaluation every so often, and one at the end", () => {
    const evaluated = [taken({ evaluation: 50 }), taken({ evaluation: 50 })];
    const { tokens } = forecast(evaluated, plan);
    // Nine more while it trains, one at the end: eleven of 50 tokens.
    expect(tokens.low).toBeLessThan(550);
    expect(tokens.high).toBeGreaterThan(550);
    expect(tokens.low).toBeGreaterThan(400);
    expect(tokens.high).toBeLessThan(850);
  });

  test("leaves room for a teacher that was not asked yet", () => {
    const steps = [taken({ student: 100 }), taken({ student: 200 })];
    const without = forecast(steps, plan).tokens;
    const { tokens, money } = forecast(steps, {
      ...plan,
      teacherAttempts: 50,
      teacherModel: "large",
      prices: { models: { large: { input: 1, output: 1e6 } } },
    });
    expect(tokens.low).toBe(without.low);
    expect(tokens.high - without.high).toBeCloseTo(50 * 2 * 20, 6);
    expect(money.low).toBe(0);
    expect(money.high).toBeCloseTo(50 * 2 * 20, 6);
  });

  test("knows that a processor that was shared may be had alone", () => {
    const alone = forecast([taken({ student: 100 }), taken({ student: 200 })], plan).seconds;
    const shared = forecast(
      [taken({ student: 100 }), taken({ student: 200 }, { processor: 1 })],
      plan,
    ).seconds;
    expect(shared.high).toBe(alone.high);
    expect(shared.low).toBeLessThan(0.6 * alone.low);
  });

  test("is made after two or three steps, later where they are fast, of no run that ends then", () => {
    const slow = taken({ student: 300 });
    const fast = taken({ student: 1 });
    const when = (at: Taken, steps: number): number =>
      [...Array(steps).keys()].findIndex((n) => isEnough(Array<Taken>(n).fill(at), steps));
    expect([3, 4, 7, 8, 1000].map((steps) => when(slow, steps))).toEqual([-1, 2, 2, 3, 3]);
    expect([4, 8, 100].map((steps) => when(fast, steps))).toEqual([2, 3, 25]);
  });
});
