import { describe, expect, test } from "vitest";
import { Ledger } from "./ledger.js";

describe("the ledger", () => {
  test("charges the work done meanwhile to the role it was done for", async () => {
    const meter = { flops: 100 };
    const ledger = new Ledger(meter);
    const result = await ledger.charge("student", 8, () => {
      meter.flops += 30;
      return Promise.resolve("played");
    });
    meter.flops += 1000; // nobody's
    await ledger.charge("student", 2, () => Promise.resolve((meter.flops += 5)));
    await ledger.charge("expert", 0, () => Promise.resolve((meter.flops += 7)));
    ledger.addRollouts("probe", 64);
    expect(result).toBe("played");
    expect(ledger.totals).toEqual({
      student: { flops: 35, rollouts: 10 },
      weak: { flops: 0, rollouts: 0 },
      expert: { flops: 7, rollouts: 0 },
      probe: { flops: 0, rollouts: 64 },
      evaluation: { flops: 0, rollouts: 0 },
    });
  });

  test("carries on from saved totals, on another meter", async () => {
    const before = new Ledger({ flops: 0 });
    before.addRollouts("weak", 3);
    const meter = { flops: 0 };
    const after = new Ledger(meter, before.totals);
    await after.charge("weak", 1, () => Promise.resolve((meter.flops += 2)));
    expect(after.totals.weak).toEqual({ flops: 2, rollouts: 4 });
    expect(before.totals.weak).toEqual({ flops: 0, rollouts: 3 });
  });

  test("gives totals that later work does not change", () => {
    const ledger = new Ledger({ flops: 0 });
    const { totals } = ledger;
    ledger.addRollouts("student", 1);
    expect(totals.student.rollouts).toBe(0);
  });
});
