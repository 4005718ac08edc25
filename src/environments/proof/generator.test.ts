import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import type { Split } from "../environment.js";
import { play, SHALLOW_POLICIES, walk } from "./forks.js";
import { drawTheorem, fits, splitOf } from "./generator.js";
import { DEEP, type Level, LEVELS } from "./level.js";
import { correct, isGoalProvable, losesNothing } from "./procedures.js";
import { canonicalSequent, type Sequent, sequentKey, sequentText } from "./sequent.js";
import { drawDisjunction, drawTheory } from "./theory.js";

const SPLITS: readonly Split[] = ["train", "validation", "test"];

function draw(level: Level, count: number, split: Split = "train", seed = 1): Sequent[] {
  const random = Random.from(seed, "generator");
  return Array.from({ length: count }, () => drawTheorem({ split, level, random }));
}

describe.each([...LEVELS, DEEP].map((level) => [level.name, level] as const))("%s", (_, level) => {
  const drawn = draw(level, 600);
  const [fewestTactics, mostTactics] = level.tactics;

  test("the correct method proves every theorem, and never loses a goal on the way", () => {
    for (const sequent of drawn) {
      const { moves, proved } = play(sequent, correct, { limit: mostTactics });
      expect(proved, sequentText(sequent)).toBe(true);
      expect(moves.length).toBeGreaterThanOrEqual(fewestTactics);
      for (const { goal, action } of moves) expect(losesNothing(goal, action)).toBe(true);
    }
  });

  test("no shallow way of choosing sides proves more than a tenth", () => {
    for (const [name, policy] of Object.entries(SHALLOW_POLICIES)) {
      const proved = drawn.filter((sequent) => play(sequent, policy, { limit: 20 }).proved);
      expect(proved.length / drawn.length, name).toBeLessThanOrEqual(0.1);
    }
  });

  test("forks are as many as the level says, and the rule in sight misleads at as many", () => {
    let left = 0;
    let forks = 0;
    for (const sequent of drawn) {
      const walked = walk(sequent, { limit: mostTactics })!;
      const misleading = walked.forks.filter(({ side, mentioned = "right" }) => side !== mentioned);
      expect(walked.forks.length).toBeGreaterThanOrEqual(level.forks[0]);
      expect(walked.forks.length).toBeLessThanOrEqual(level.forks[1]);
      expect(misleading.length).toBeGreaterThanOrEqual(level.misleading[0]);
      forks += walked.forks.length;
      left += walked.forks.filter(({ side }) => side === "left").length;
    }
    expect(left / forks).toBeGreaterThan(0.4);
    expect(left / forks).toBeLessThan(0.6);
  });

  test("the wrong side of a fork cannot be proved, so taking it is fatal", () => {
    let checked = 0;
    for (const sequent of drawn.slice(0, 200)) {
      for (const { goal, action } of play(sequent, correct, { limit: mostTactics }).moves) {
        if (action !== "left" && action !== "right") continue;
        const other = action === "left" ? "right" : "left";
        if (losesNothing(goal, other)) continue;
        const { conclusion, hypotheses } = goal;
        if (conclusion.kind !== "or") throw new Error(`${action} on ${conclusion.text}`);
        expect(isGoalProvable({ hypotheses, conclusion: conclusion[other] })).toBe(false);
        checked++;
      }
    }
    expect(checked).toBeGreaterThan(200);
  });

  test("observations are short", () => {
    const sizes = drawn.map((sequent) => sequentText(sequent).split(" ").length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(level.symbols);
  });

  test("theorems are written with atoms in the order they are read", () => {
    for (const sequent of drawn) expect(canonicalSequent(sequent)).toEqual(sequent);
  });

  test("most draws are new", () => {
    expect(new Set(drawn.map(sequentText)).size).toBeGreaterThan(drawn.length * 0.8);
  });

  test("the same seed draws the same theorems, another seed others", () => {
    expect(draw(level, 20).map(sequentText)).toEqual(drawn.slice(0, 20).map(sequentText));
    expect(draw(level, 20, "train", 2).map(sequentText)).not.toEqual(
      drawn.slice(0, 20).map(sequentText),
    );
  });

  test("splits share no theorem, not even renamed or reordered", () => {
    const keys = SPLITS.map((split) => new Set(draw(level, 120, split).map(sequentKey)));
    expect(disjoint(keys[0]!, keys[1]!)).toBe(true);
    expect(disjoint(keys[0]!, keys[2]!)).toBe(true);
    expect(disjoint(keys[1]!, keys[2]!)).toBe(true);
  });
});

test("a theorem belongs to one level at most", () => {
  const [few, many] = LEVELS as [Level, Level];
  for (const sequent of draw(few, 200)) expect(fits(sequent, many)).toBeUndefined();
  for (const sequent of draw(many, 200)) expect(fits(sequent, few)).toBeUndefined();
  for (const sequent of draw(DEEP, 100))
    for (const level of LEVELS) expect(fits(sequent, level)).toBeUndefined();
});

test("a tenth of all theorems is for testing, a tenth for validation", () => {
  const random = Random.from(3, "split-share");
  const theorems = new Map<string, Split>();
  while (theorems.size < 4000) {
    const sequent = { hypotheses: drawTheory(random, 0.2), goal: drawDisjunction(random, 0.5) };
    theorems.set(sequentKey(sequent), splitOf(sequent));
  }
  const share = (split: Split): number =>
    [...theorems.values()].filter((s) => s === split).length / theorems.size;
  expect(share("test")).toBeCloseTo(0.1, 1);
  expect(share("validation")).toBeCloseTo(0.1, 1);
  expect(share("test")).toBeGreaterThan(0.08);
  expect(share("validation")).toBeGreaterThan(0.08);
});

function disjoint(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return [...a].every((key) => !b.has(key));
}
