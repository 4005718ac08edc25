import { expect, test } from "vitest";
import type { ClaimResult } from "../verdict/claims.js";
import { withCensoring } from "./format.js";
import { claimEstimate } from "./text.js";

test("a mean that may be censored says so", () => {
  const whole = { mean: 52, low: 40, high: 64, reached: 5, of: 5, cap: 100 };
  expect(withCensoring(whole)).toBe("52.0 [40.0, 64.0]");
  expect(withCensoring({ ...whole, reached: 4 })).toBe("52.0 [40.0, 64.0], 4/5 arrive");
  expect(withCensoring({ ...whole, mean: 100, low: 100, high: 100, reached: 0 })).toBe("> 100");
  const flops = { mean: 3e9, low: 2e9, high: 4e9, reached: 5, of: 5, cap: 9e9 };
  expect(withCensoring(flops, 1e9)).toBe("3.00 [2.00, 4.00]");
});

test("a claim without a ratio counts the runs that arrive", () => {
  const claim: ClaimResult = {
    name: "fewer steps",
    measure: "steps",
    arm: "errata",
    baseline: "grpo",
    target: 0.33,
    kind: "primary",
    estimate: Number.NaN,
    low: Number.NaN,
    high: Number.NaN,
    p: 1,
    seeds: 5,
    arrived: { arm: 5, baseline: 0 },
    verdict: "undecided",
  };
  expect(claimEstimate(claim)).toBe("no ratio: 5 of 5 runs arrive, 0 of the baseline's");
  expect(claimEstimate({ ...claim, estimate: 0.5, low: 0.4, high: 0.6 })).toBe("0.50 [0.40, 0.60]");
});
