import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { confusability, isOutgrown, isTrusted, learnability, quality } from "./quality.js";
import { drawReplay, replayProbabilities } from "./sampling.js";
import { replayStatus, type CorpusEvent } from "./standing.js";

describe("quality", () => {
  test("noise that never recurs is worth nothing", () => {
    expect(quality(0, 1, 1)).toBe(0);
    expect(quality(0.5, 0.5, 1)).toBe(0.25);
  });

  test("learning is greatest at even odds, and a student no longer tempted has no confusion", () => {
    expect([0, 0.5, 1].map(learnability)).toEqual([0, 1, 0]);
    expect(confusability(-3, -1)).toBe(0);
    expect(confusability(-1, -3)).toBeCloseTo(1 - Math.exp(-2), 12);
  });

  test("a heuristic is never trusted, a kernel is from confidence 0.9", () => {
    expect(isTrusted("heuristic", 1)).toBe(false);
    expect(isTrusted("rollout", 0.95)).toBe(false);
    expect(isTrusted("kernel", 0.9)).toBe(true);
    expect(isTrusted("test", 0.89)).toBe(false);
  });

  test("a mistake is outgrown after 16 exposures without a replication, not before", () => {
    expect(isOutgrown(Array<boolean>(15).fill(false))).toBe(false);
    expect(isOutgrown(Array<boolean>(16).fill(false))).toBe(true);
    expect(isOutgrown([...Array<boolean>(15).fill(false), true])).toBe(false);
  });
});

describe("replay sampling", () => {
  const mistakes = [
    { id: 1, quality: 0.1, staleness: 30, retired: false },
    { id: 2, quality: 0.9, staleness: 0, retired: false },
    { id: 3, quality: 0.5, staleness: 10, retired: false },
  ];

  test("P = 0.8 rank^-1 + 0.2 staleness, and sums to 1", () => {
    const ranks = 1 + 1 / 2 + 1 / 3;
    const probabilities = replayProbabilities(mistakes);
    expect(probabilities[0]).toBeCloseTo((0.8 * (1 / 3)) / ranks + 0.2 * 0.75, 12);
    expect(probabilities[1]).toBeCloseTo(0.8 / ranks, 12);
    expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    const fresh = replayProbabilities(mistakes.map((mistake) => ({ ...mistake, staleness: 0 })));
    expect(fresh.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });

  test("draws without repetition, and about 2% from retired mistakes", () => {
    const random = Random.from(3, "replay");
    expect(new Set(drawReplay(mistakes, 9, random))).toEqual(new Set([1, 2, 3]));
    expect(drawReplay([], 4, random)).toEqual([]);
    const withRetired = [...mistakes, { id: 4, quality: 0.9, staleness: 500, retired: true }];
    let retired = 0;
    for (let i = 0; i < 5000; i++) if (drawReplay(withRetired, 1, random)[0] === 4) retired++;
    expect(retired / 5000).toBeGreaterThan(0.01);
    expect(retired / 5000).toBeLessThan(0.03);
  });
});

describe("status by replay", () => {
  const verdict = (
    id: number,
    verdict: "valid" | "invalid" | "ambiguous" | "wrong-step",
  ): CorpusEvent => ({
    id,
    kind: "verdict",
    mistakeId: 1,
    by: "ada",
    verdict,
  });

  test("the last verdict that stands decides, and revoking it brings back the one before", () => {
    const events: CorpusEvent[] = [verdict(1, "valid"), verdict(2, "invalid")];
    expect(replayStatus("candidate", [])).toBe("candidate");
    expect(replayStatus("candidate", events)).toBe("human-invalid");
    events.push({ id: 3, kind: "revoke", mistakeId: 1, revokes: 2 });
    expect(replayStatus("candidate", events)).toBe("human-valid");
    events.push({ id: 4, kind: "revoke", mistakeId: 1, revokes: 1 });
    expect(replayStatus("retired", events)).toBe("retired");
  });

  test("what cannot be told, or is told of the wrong step, is quarantined", () => {
    expect(replayStatus("accepted", [verdict(1, "ambiguous")])).toBe("quarantined");
    expect(replayStatus("accepted", [verdict(1, "wrong-step")])).toBe("quarantined");
  });
});
