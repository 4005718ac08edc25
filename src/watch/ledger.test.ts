import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  costRoles,
  impliedSaving,
  impliedTeacherCost,
  Ledger,
  overheadOf,
  savingLine,
} from "./ledger.js";
import { money } from "./prices.js";

const free = { flops: 0, rollouts: 0, tokens: 0 };

describe("the ledger", () => {
  test("charges the work done meanwhile to the role it was done for", async () => {
    const meter = { flops: 100, tokens: 7 };
    const ledger = new Ledger(meter);
    const result = await ledger.charge("student", 8, () => {
      meter.flops += 30;
      meter.tokens += 3;
      return Promise.resolve("played");
    });
    meter.flops += 1000; // nobody's
    await ledger.charge("student", 2, () => Promise.resolve((meter.flops += 5)));
    await ledger.charge("expert", 0, () => Promise.resolve((meter.flops += 7)));
    ledger.addRollouts("probe", 64);
    ledger.addTokens("teacher", 500);
    expect(result).toBe("played");
    expect(ledger.totals).toEqual({
      ...Object.fromEntries(costRoles.map((role) => [role, free])),
      student: { flops: 35, rollouts: 10, tokens: 3 },
      expert: { ...free, flops: 7 },
      probe: { ...free, rollouts: 64 },
      teacher: { ...free, tokens: 500 },
    });
  });

  test("charges what steers the student's attempts to experts, and a probe's to the probe", async () => {
    const meter = { flops: 10, steeringFlops: 4 };
    const ledger = new Ledger(meter);
    const steered = () => {
      meter.flops += 30;
      meter.steeringFlops += 12;
      return Promise.resolve();
    };
    await ledger.charge("student", 1, steered);
    await ledger.charge("probe", 1, steered);
    const { student, expert, probe } = ledger.totals;
    expect([student.flops, expert.flops, probe.flops]).toEqual([18, 12, 30]);
  });

  test("charges what is done within another charge to its own role alone, also where it fails", async () => {
    const meter = { flops: 0, tokens: 0 };
    const ledger = new Ledger(meter);
    const compute = (flops: number) => () => Promise.resolve((meter.flops += flops));
    await ledger.charge("weak", 1, async () => {
      await compute(3)();
      await ledger.charge("student", 4, compute(10));
      await ledger.charge("student", 0, () => Promise.reject(new Error("no"))).catch(compute(100));
      await compute(5)();
    });
    await ledger.charge("student", 0, compute(1));
    expect(ledger.totals.weak).toEqual({ flops: 108, rollouts: 1, tokens: 0 });
    expect(ledger.totals.student).toEqual({ flops: 11, rollouts: 4, tokens: 0 });
    expect(ledger.seconds.teacher).toBe(0);
  });

  test("carries on from saved totals, on another meter, also from totals that know fewer roles", async () => {
    const before = new Ledger({ flops: 0 });
    before.addRollouts("weak", 3);
    const meter = { flops: 0 };
    const { weak } = before.totals;
    const after = new Ledger(meter, { weak: { flops: weak.flops, rollouts: weak.rollouts } });
    await after.charge("weak", 1, () => Promise.resolve((meter.flops += 2)));
    expect(after.totals.weak).toEqual({ flops: 2, rollouts: 4, tokens: 0 });
    expect(before.totals.weak).toEqual({ flops: 0, rollouts: 3, tokens: 0 });
  });

  test("gives totals that later work does not change", () => {
    const ledger = new Ledger({ flops: 0 });
    const { totals } = ledger;
    ledger.addRollouts("student", 1);
    expect(totals.student.rollouts).toBe(0);
  });

  test("keeps seconds apart from what is saved with a run", async () => {
    const ledger = new Ledger({ flops: 0 }, {}, { student: 5 });
    await ledger.charge("student", 0, () => Promise.resolve());
    expect(ledger.seconds.student).toBeGreaterThan(5);
    expect(JSON.stringify(ledger.totals)).not.toContain("seconds");
  });
});

describe("a budget", () => {
  const prices = { teacher: 2 };
  const ledger = (): Ledger => {
    const spent = new Ledger({ flops: 0 }, { student: { flops: 600 }, weak: { flops: 400 } });
    spent.addTokens("teacher", 3_000_000);
    return spent;
  };

  test("is exceeded by the sum over roles, and not below it", () => {
    expect(ledger().exceeded({ flops: 1001 })).toBeUndefined();
    expect(ledger().exceeded({ flops: 1000 })).toEqual({
      limit: "flops",
      spent: 1000,
      budget: 1000,
    });
    expect(ledger().exceeded({ tokens: 3e6 })?.limit).toBe("tokens");
    expect(ledger().exceeded({})).toBeUndefined();
    expect(
      new Ledger({ flops: 0 }, {}, { weak: 2, student: 3 }).exceeded({ seconds: 5 })?.limit,
    ).toBe("seconds");
  });

  test("in money counts tokens at their role's price", () => {
    expect(money(ledger().totals, prices)).toBe(6);
    expect(ledger().exceeded({ money: 6 }, prices)?.spent).toBe(6);
    expect(ledger().exceeded({ money: 6.1 }, prices)).toBeUndefined();
    expect(ledger().exceeded({ money: 1 })).toBeUndefined(); // nothing has a price
  });
});

describe("the identity of savings", () => {
  test("is the published example: s .67, f .15 and a saving of .60 need k = .90 + 2.24 w", () => {
    for (const overhead of [0, 0.1, 0.3]) {
      const k = impliedTeacherCost(0.6, { steps: 0.67, teacherShare: 0.15, overhead })!;
      expect(k).toBeCloseTo(0.9 + 2.24 * overhead, 1.5);
    }
  });

  test("and its solution for k agree", () => {
    const unit = fc.double({ min: 0.05, max: 1, noNaN: true });
    fc.assert(
      fc.property(unit, unit, unit, unit, (steps, teacherShare, teacherCost, overhead) => {
        const terms = { steps, teacherShare, teacherCost, overhead };
        const k = impliedTeacherCost(impliedSaving(terms), terms);
        // Where the teacher is worth nothing (s + s w = s f), any k gives the same saving.
        if (k !== undefined && Math.abs(1 + overhead - teacherShare) > 1e-3)
          expect(k).toBeCloseTo(teacherCost, 6);
      }),
    );
  });

  test("is printed with every term", () => {
    const line = savingLine({ steps: 0.67, teacherShare: 0.15, teacherCost: 1.13, overhead: 0.1 });
    expect(line).toContain("saving 0.60");
    expect(line).toContain("k 1.13");
  });

  test("takes the overhead from a ledger", () => {
    const costs = new Ledger(
      { flops: 0 },
      { student: { flops: 10 }, weak: { flops: 1 }, probe: { flops: 2 } },
    );
    expect(overheadOf(costs.totals)).toBeCloseTo(0.3, 12);
  });
});
