import { describe, expect, test } from "vitest";
import type { Environment } from "../environments/environment.js";
import { allWrong, evaluate, sampleTasks } from "./evaluate.js";
import type { Model } from "../models/model.js";
import { Random } from "../util/random.js";
import { cues, cueTask, rightAnswer, scriptedModel } from "../testing/testing.js";

const environment = cues as Environment;

describe("the chance that a group is all wrong", () => {
  /** Counts the k-subsets of n attempts, the first c of them right, that hold no right one. */
  function enumerated(n: number, c: number, k: number): number {
    let [all, wrong] = [0, 0];
    for (let subset = 0; subset < 2 ** n; subset++) {
      const members = Array.from({ length: n }, (_, i) => i).filter((i) => (subset >> i) & 1);
      if (members.length !== k) continue;
      all++;
      if (members.every((i) => i >= c)) wrong++;
    }
    return wrong / all;
  }

  test("is C(n-c, k) / C(n, k), by enumeration", () => {
    for (let n = 1; n <= 8; n++)
      for (let c = 0; c <= n; c++)
        for (let k = 1; k <= n; k++)
          expect(allWrong(n, c, k), `n=${n} c=${c} k=${k}`).toBeCloseTo(enumerated(n, c, k), 12);
  });

  test("is 1 without a success and 0 without enough failures", () => {
    expect(allWrong(64, 0, 8)).toBe(1);
    expect(allWrong(64, 57, 8)).toBe(0);
  });
});

describe("sampling tasks", () => {
  // Attempts at a task come one after another: the first is solved once in four, the second twice, the third never.
  const successes = [1, 2, 0];
  const scripted: Model = {
    act: async (observations, random) => {
      const actions = await scriptedModel((cue) => rightAnswer(cue)).act(observations, random);
      return actions.map((action, i) =>
        i % 4 < successes[Math.floor(i / 4)]! ? action : { ...action, text: "z" },
      );
    },
  };
  const tasks = [cueTask("ab"), cueTask("cd"), cueTask("ba")];

  test("gives accuracy, pass@n and the share of stuck groups", async () => {
    const sampled = await sampleTasks(environment, scripted, tasks, {
      attempts: 4,
      groupSize: 2,
      random: Random.from(0, "sample"),
    });
    expect(sampled.accuracy).toBeCloseTo(3 / 12, 12);
    expect(sampled.passAtAll).toBeCloseTo(2 / 3, 12);
    expect(sampled.stuck).toBeCloseTo((3 / 6 + 1 / 6 + 1) / 3, 12); // pairs of four without a success
  });

  test("attempts each task as often as told", async () => {
    let asked = 0;
    const counting: Model = {
      act: (observations, random) => {
        asked += observations.length;
        return scripted.act(observations, random);
      },
    };
    await sampleTasks(environment, counting, tasks, {
      attempts: 4,
      groupSize: 2,
      random: Random.from(0, "sample"),
    });
    expect(asked).toBe(3 * 4 * 2); // two actions an attempt
  });
});

describe("evaluation", () => {
  test("is the accuracy of one attempt at each task", async () => {
    const model = scriptedModel((cue) => (cue === "d" ? "z" : rightAnswer(cue)));
    const tasks = ["ab", "cd", "ba", "dd"].map((row) => cueTask(row, "test"));
    expect(await evaluate(environment, model, tasks, Random.from(0, "evaluate"))).toBe(0.5);
  });
});
