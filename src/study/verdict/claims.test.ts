import { describe, expect, test } from "vitest";
import { judgeClaims, verdictOf } from "./claims.js";
import { teacherShareTo } from "../runs/measure.js";
import { resultOf } from "./result.js";
import type { Claim } from "../design/study.js";
import { protocolWith, runOf } from "../testing.js";

const claim = (changes: Partial<Claim> = {}): Claim => ({
  name: "fewer steps",
  measure: "steps",
  arm: "errata",
  baseline: "grpo",
  target: 0.33,
  kind: "primary",
  ...changes,
});

const seeds = [1000, 1001, 1002, 1003, 1004];
const arms = [
  ["errata", "errata"],
  ["grpo", "weak-free"],
] as const;

/** Arrivals are steps at which an arm is right everywhere; 80% is the evaluation before or at it. */
const runs = (own: readonly number[], other: readonly number[]) =>
  seeds.flatMap((seed, i) => [runOf("errata", seed, own[i]!), runOf("grpo", seed, other[i]!)]);

describe("a verdict", () => {
  const estimate = (mean: number, low: number, high: number, p = 0.001) => ({ mean, low, high, p });

  test("is supported where the interval excludes nothing and the estimate is what was claimed", () => {
    expect(verdictOf(estimate(0.4, 0.1, 0.6), 0.33, 5)).toBe("supported");
    expect(verdictOf(estimate(0.1, 0.05, 0.2), 0, 5)).toBe("supported");
  });

  test("is not supported where the interval excludes the claim, even if there is an effect", () => {
    expect(verdictOf(estimate(0.2, 0.1, 0.3), 0.33, 5)).toBe("not supported");
    expect(verdictOf(estimate(-0.2, -0.3, -0.1), 0, 5)).toBe("not supported");
  });

  test("is undecided otherwise: too wide, too few seeds, too many tests, nothing measured", () => {
    expect(verdictOf(estimate(0.3, 0.1, 0.5), 0.33, 5)).toBe("undecided");
    expect(verdictOf(estimate(0.4, -0.1, 0.6), 0.33, 5)).toBe("undecided");
    expect(verdictOf(estimate(0.4, 0.1, 0.6), 0.33, 4)).toBe("undecided");
    expect(verdictOf(estimate(0.4, 0.1, 0.6, 0.06), 0.33, 5)).toBe("undecided");
    expect(verdictOf(estimate(Number.NaN, 0, 0), 0.33, 5)).toBe("undecided");
  });
});

test("that nothing is lost is supported above its margin, and refuted by a sure loss", () => {
  const verdict = (low: number, high: number, seeds = 5) =>
    verdictOf({ mean: (low + high) / 2, low, high, p: 0.5 }, -0.05, seeds);
  expect(verdict(-0.04, 0.02)).toBe("supported");
  expect(verdict(-0.06, 0.02)).toBe("undecided");
  expect(verdict(-0.04, -0.01)).toBe("not supported");
  expect(verdict(-0.2, -0.1)).toBe("not supported");
  expect(verdict(0, 0, 4)).toBe("undecided");
});

describe("a claim", () => {
  test("of abilities compares students after training, or with the student before it", () => {
    const ability = (passAt64: number, inverted: number | null) => ({
      before: { passAt1: 0.1, passAt64: 0.6, inverted: 0.9 },
      after: { passAt1: 0.5, passAt64, inverted },
    });
    const list = seeds.flatMap((seed) => [
      runOf("errata", seed, 25, { ability: ability(0.8, 0.7) }),
      runOf("grpo", seed, 50, { ability: ability(0.7, 0.95) }),
    ]);
    const claims = [
      claim({ name: "1", measure: "passAt64", baseline: "base", target: -0.05 }),
      claim({ name: "2", measure: "passAt64", target: -0.05 }),
      claim({ name: "3", measure: "inverted", baseline: "base", target: -0.05 }),
      claim({ name: "4", measure: "inverted", target: -0.05 }),
    ];
    const results = judgeClaims(protocolWith(arms, claims), list);
    const estimates = results.map((r) => r.estimate);
    for (const [i, expected] of [0.2, 0.1, -0.2, -0.25].entries())
      expect(estimates[i]).toBeCloseTo(expected, 12);
    expect(results.map((r) => r.verdict)).toEqual([
      "supported",
      "supported",
      "not supported",
      "not supported",
    ]);
    const [own, ...others] = list;
    const one = protocolWith(arms, claims.slice(0, 1));
    const [collapsed] = judgeClaims(one, [{ ...own!, diverged: true }, ...others]);
    expect(collapsed!.estimate).toBeCloseTo((4 * 0.2 - 0.6) / 5, 12); // worth nothing after
    const [unmeasured] = judgeClaims(one, [runOf("errata", 1000, 25)]);
    expect(unmeasured!.verdict).toBe("undecided");
  });

  test("of times is undecided where fewer than half of the baseline's runs arrive", () => {
    const never = [200, 200, 200, 200, 200];
    const measures = ["steps", "flops", "saving"] as const;
    const protocol = protocolWith(
      arms,
      measures.map((measure) => claim({ name: measure, measure })),
    );
    for (const { verdict, estimate, arrived } of judgeClaims(protocol, runs(never, never)))
      expect([verdict, estimate, arrived]).toEqual([
        "undecided",
        Number.NaN,
        { arm: 0, baseline: 0 },
      ]);
    const two = runs([25, 25, 25, 25, 25], [50, 50, 200, 200, 200]);
    for (const { verdict, estimate, arrived } of judgeClaims(protocol, two))
      expect([verdict, estimate, arrived]).toEqual([
        "undecided",
        Number.NaN,
        { arm: 5, baseline: 2 },
      ]);
  });

  test("of times is not supported where the baseline arrives and the arm does not", () => {
    const [late] = judgeClaims(
      protocolWith(arms, [claim()]),
      runs([50, 50, 200, 200, 200], [50, 50, 50, 50, 50]),
    );
    expect(late).toMatchObject({ verdict: "not supported", estimate: Number.NaN });
    expect(late!.arrived).toEqual({ arm: 2, baseline: 5 });
  });

  test("of steps is one minus the ratio of restricted means, paired by seed", () => {
    // 80% at steps 20, 40 and not at all of 100: arrivals 25 -> 20, 50 -> 40, 200 -> never.
    const [result] = judgeClaims(
      protocolWith(arms, [claim()]),
      runs([25, 25, 25, 25, 25], [50, 50, 50, 50, 200]),
    );
    expect(result!.estimate).toBeCloseTo(1 - 20 / 52, 12);
    expect(result!).toMatchObject({ seeds: 5, verdict: "supported" });
    expect(result!.low).toBeCloseTo(0.5, 12); // 1 - 20/40, where the slow seed was not drawn
  });

  test("of FLOPs, accuracy and teacher share measure those", () => {
    const protocol = protocolWith(arms, [
      claim({ name: "f", measure: "flops", target: 0 }),
      claim({ name: "a", measure: "accuracy", target: 0.1 }),
      claim({ name: "t", measure: "teacherShare", target: 0.85 }),
      claim({ name: "s", measure: "saving", target: 0.6 }),
    ]);
    const list = runs([25, 25, 25, 25, 25], [50, 50, 50, 50, 50]).map((r) => ({
      ...r,
      teacherShare: r.arm === "errata" ? 0.1 : 1,
      // Asked early: at the target, step 20, in a fifth of visits, not in a tenth.
      teacherShares: [[5, 0.4] as const, [15, 0.2] as const, [95, 0.1] as const],
    }));
    const [flops, accuracy, share, saving] = judgeClaims(protocol, list);
    expect(flops!.estimate).toBeCloseTo(1 - 20 / 40, 12);
    expect(accuracy!.estimate).toBeCloseTo(20 / 25 - 20 / 50, 12);
    expect(share!.estimate).toBeCloseTo(0.9, 12);
    // s = 1/2, f = .2, k = 1, w = (3 - 2) / 2, all at the target.
    expect(saving!.estimate).toBeCloseTo(1 - (0.5 * (1 + 0.2 * 1 + 0.5)) / 2, 12);
    const never = { ...list[0]!, curve: [[0, 0, 0, 0] as const] };
    expect(teacherShareTo(never, 0.8)).toBe(0.1);
    expect(teacherShareTo({ ...never, teacherShares: [] }, 0.8)).toBe(0);
  });

  test("of interaction is the growth of the gain with the dose", () => {
    const doses = [0, 0.5, 1];
    const protocol = protocolWith(
      [...doses.map((d) => [`dose-${d}`, "dose", d] as const), ["grpo", "weak-free"]],
      [claim({ measure: "interaction", arm: "dose-1", target: 0 })],
    );
    // At step 20: accuracy 20 / arrival. Dose 0 equals grpo's .4, dose 1 has .8, dose .5 has .6.
    const list = seeds.flatMap((seed) => [
      runOf("grpo", seed, 50),
      ...doses.map((d) => runOf(`dose-${d}`, seed, 20 / (0.4 + 0.4 * d))),
    ]);
    const [result] = judgeClaims(protocol, list);
    expect(result!.estimate).toBeCloseTo(0.4, 10);
    expect(result!.verdict).toBe("supported");
  });

  test("is adjusted for the other primary claims, not for secondary ones", () => {
    const claims = [
      claim({ name: "1" }),
      claim({ name: "2" }),
      claim({ name: "3", kind: "secondary" }),
    ];
    const results = judgeClaims(
      protocolWith(arms, claims),
      runs([25, 25, 25, 25, 25], [50, 50, 50, 50, 50]),
    );
    expect(results[0]!.p / results[2]!.p).toBeCloseTo(2, 10);
    expect(results[1]!.p).toBe(results[0]!.p);
  });

  test("without runs that share a seed is undecided", () => {
    const [result] = judgeClaims(protocolWith(arms, [claim()]), [runOf("errata", 1, 25)]);
    expect(result).toMatchObject({ seeds: 0, verdict: "undecided" });
  });
});

describe("a result", () => {
  const protocol = protocolWith([...arms, ["luffy", "teacher-only"]], [claim()]);
  const list = [
    ...runs([25, 25, 25, 25, 25], [50, 50, 50, 50, 200]),
    ...seeds.map((seed) => runOf("luffy", seed, 50, { teacherShare: 1 })),
  ];
  const result = resultOf(protocol, list, []);

  test("has a line for each arm", () => {
    const [own, grpo] = result.arms;
    expect(own).toMatchObject({ name: "errata", seeds: 5, reached: 5, medianSteps: 20 });
    expect(grpo).toMatchObject({ reached: 4, medianSteps: 40 });
    expect(grpo!.stepsTo80.mean).toBeCloseTo(52, 12);
    expect(grpo!.stepsTo80).toMatchObject({ reached: 4, of: 5, cap: 100 });
    expect(grpo!.stepsTo50).toMatchObject({ mean: 44, reached: 5, of: 5, cap: 100 });
    expect(grpo!.flopsTo80).toMatchObject({ reached: 4, of: 5 });
    const never = resultOf(
      protocolWith(arms, []),
      runs([200, 200, 200, 200, 200], [50, 50, 50, 50, 50]),
      [],
    ).arms[0]!;
    expect(never.stepsTo80).toEqual({
      mean: 100,
      low: 100,
      high: 100,
      reached: 0,
      of: 5,
      cap: 100,
    });
    expect(own!.accuracy.mean).toBeCloseTo(0.8, 12);
    expect(own!.flops).toBeCloseTo(3e8, 3); // evaluation is not training
    expect(own!.overhead).toBeCloseTo(0.5, 12);
    expect(own!.rescuedSteered).toBeCloseTo(0.6, 12);
    expect(own!.rescuedOnPolicy).toBeCloseTo(0.2, 12);
  });

  test("has a saving curve against every teacher-only arm, rising with the teacher's cost", () => {
    expect(result.savings.map((s) => s.baseline)).toEqual(["luffy"]);
    const means = result.savings[0]!.points.map((p) => p.mean);
    expect(means).toEqual(means.toSorted((a, b) => a - b));
    expect(result.savings[0]!.points.find((p) => p.teacherCost === 1)!.mean).toBeCloseTo(
      1 - (0.5 * 1.5) / 2,
      12,
    );
  });

  test("a run that diverged never arrives and is worth nothing afterwards", () => {
    const broken = runOf("errata", 1000, 50, { diverged: true });
    const cut = { ...broken, curve: broken.curve.slice(0, 2) };
    const own = resultOf(protocolWith(arms, []), [cut, ...list.slice(1)], []).arms[0]!;
    expect(own.reached).toBe(4);
    expect(own.diverged).toBe(1);
    expect(own.finalAccuracy.mean).toBeCloseTo(0.8, 12);
  });
});
