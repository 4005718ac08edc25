import { describe, expect, test } from "vitest";
import { groupAdvantages } from "./advantage.js";
import { advantagesOf, type Attempt } from "./estimators.js";

/** An attempt whose length-normalised likelihood is `likelihood`. */
const attempt = (likelihood: number): Attempt => ({
  actions: [1, 2].map(() => ({
    text: "",
    prompt: [],
    completion: [0, 0],
    logprobs: [Math.log(likelihood), Math.log(likelihood)],
    behaviourLogprobs: [0, 0],
  })),
});

const attempts = [0.9, 0.5, 0.2, 0.1].map(attempt);

describe("advantages", () => {
  test("of GRPO are the loop's own", () => {
    for (const normalisation of ["std", "none"] as const)
      expect(advantagesOf("grpo", [1, 0, 0, 1], attempts, normalisation)).toEqual(
        groupAdvantages([1, 0, 0, 1], normalisation),
      );
  });

  test("of RLOO compare with the mean of the others (arXiv:2402.14740, eq. 8)", () => {
    const [first, second] = advantagesOf("rloo", [1, 0, 0, 1], attempts);
    expect(first).toBeCloseTo(1 - 1 / 3, 12);
    expect(second).toBeCloseTo(0 - 2 / 3, 12);
    expect(advantagesOf("rloo", [1, 1, 1, 1], attempts)).toEqual([0, 0, 0, 0]);
    expect(advantagesOf("rloo", [1], attempts.slice(0, 1))).toEqual([0]);
  });

  test("of NSR are negative samples alone; W-REINFORCE adds right ones at a tenth", () => {
    expect(advantagesOf("nsr", [1, 0, 0, 1], attempts)).toEqual([0, -1, -1, 0]);
    expect(advantagesOf("w-reinforce", [1, 0, 0, 1], attempts)).toEqual([0.1, -1, -1, 0.1]);
  });

  test("of LENS punish the most confident mistake most, and teach in all-wrong groups", () => {
    // D = 2 * 0.9: penalties 0.25 pi / (1.8 - pi).
    const allWrong = advantagesOf("lens", [0, 0, 0, 0], attempts);
    const rewards = [0.9, 0.5, 0.2, 0.1].map((pi) => (-0.25 * pi) / (1.8 - pi));
    const mean = rewards.reduce((a, b) => a + b, 0) / 4;
    allWrong.forEach((a, i) => expect(a).toBeCloseTo(rewards[i]! - mean, 12));
    expect(Math.min(...allWrong)).toBe(allWrong[0]);
    // D = 1 with a right attempt.
    const mixed = advantagesOf("lens", [0, 1, 0, 0], attempts);
    expect(mixed[0]! - mixed[2]!).toBeCloseTo(-0.25 * (0.9 / 0.1 - 0.2 / 0.8), 12);
    expect(Math.max(...mixed)).toBe(mixed[1]);
  });
});

test("a right attempt whose reward a contrast lowered is still a right one", () => {
  const lowered = [0.7, 0, 0, 1];
  expect(advantagesOf("nsr", lowered, attempts)).toEqual([0, -1, -1, 0]);
  const reinforced = advantagesOf("w-reinforce", lowered, attempts);
  expect(reinforced[0]).toBeCloseTo(0.07, 12);
  expect(reinforced.slice(1)).toEqual([-1, -1, 0.1]);
  const lens = advantagesOf("lens", lowered, attempts);
  expect(lens[3]! - lens[0]!).toBeCloseTo(0.3, 12);
});
