import { describe, expect, test } from "vitest";
import type { Environment } from "../environments/environment.js";
import type { Model } from "../models/model.js";
import { accuracy, inGroups, play } from "./play.js";
import { Random } from "../util/random.js";
import {
  attempt,
  cues,
  cueTask,
  rightAnswer,
  scriptedModel,
  type CueState,
} from "../testing/testing.js";

const environment = cues as Environment;
const random = Random.from(0, "play");
const right = scriptedModel((cue) => rightAnswer(cue));
const stateOf = (state: unknown): CueState => state as CueState;

describe("playing", () => {
  test("records what was seen and done, action by action, and the verdict", async () => {
    const tasks = [cueTask("ab"), cueTask("cdda")];
    const [short, long] = await play(environment, right, tasks, random);
    expect(short!.task).toBe(tasks[0]);
    expect(short!.steps.map((s) => [s.observation, s.action])).toEqual([
      ["a", "x"],
      ["b", "y"],
    ]);
    expect(long!.steps.map((s) => s.action).join("")).toBe("xyyx");
    expect(long!.actions.map((a) => a.text).join("")).toBe("xyyx");
    for (const rollout of [short!, long!]) {
      expect(rollout.verdict).toMatchObject({ correct: true, stop: "solved" });
      expect(rollout.offPolicy).toBe(false);
      expect(rollout).not.toHaveProperty("failure");
    }
  });

  test("asks for all open episodes at once, and only for those", async () => {
    const waves: string[][] = [];
    const model: Model = {
      act: (prompts, r) => {
        waves.push(prompts.map((p) => p.observation));
        return right.act(prompts, r);
      },
    };
    await play(environment, model, [cueTask("ab"), cueTask("cdda"), cueTask("ba")], random);
    expect(waves).toEqual([["a", "c", "b"], ["b", "d", "a"], ["d"], ["a"]]);
  });

  test("of no tasks asks nothing", async () => {
    const model: Model = { act: () => Promise.reject(new Error("asked")) };
    expect(await play(environment, model, [], random)).toEqual([]);
  });

  test("ends an episode at the environment's limit, and its verdict says truncated", async () => {
    const limited: Environment = {
      ...environment,
      step: async (state, action) => {
        const turn = await environment.step(state, action);
        return turn.terminated || stateOf(turn.state).answer.length < 2
          ? turn
          : { ...turn, truncated: true };
      },
    };
    const [long, short] = await play(limited, right, [cueTask("cdda"), cueTask("ab")], random);
    expect(long!.steps).toHaveLength(2);
    expect(long!.verdict).toMatchObject({ correct: false, stop: "truncated" });
    expect(short!.verdict.correct).toBe(true);
  });

  test("marks every rollout as off-policy when told so", async () => {
    const rollouts = await play(environment, right, [cueTask("ab"), cueTask("cd")], random, {
      offPolicy: true,
    });
    expect(rollouts.every((r) => r.offPolicy)).toBe(true);
  });
});

describe("an environment that fails", () => {
  const tasks = [cueTask("abcd"), cueTask("abdd"), cueTask("cdda")];

  test("in a step spoils that rollout alone, and is not asked about it again", async () => {
    let judged = 0;
    const failing: Environment = {
      ...environment,
      step: (state, action) => {
        if (stateOf(state).cues === "abdd" && stateOf(state).answer.length === 1)
          throw new Error("kernel died");
        return environment.step(state, action);
      },
      judge: (trajectory) => {
        judged++;
        return environment.judge(trajectory);
      },
    };
    const rollouts = await play(failing, right, tasks, random);
    expect(rollouts.map((r) => r.verdict.correct)).toEqual([true, false, true]);
    expect(rollouts.map((r) => r.failure)).toEqual([undefined, "Error: kernel died", undefined]);
    expect(rollouts.map((r) => r.steps.length)).toEqual([4, 2, 4]);
    expect(judged).toBe(2);
  });

  test("in judging, or by a promise it breaks, does the same", async () => {
    const failing: Environment = {
      ...environment,
      judge: (trajectory) =>
        trajectory.task.id === "abdd"
          ? Promise.reject(new Error("no word"))
          : environment.judge(trajectory),
      step: (state, action) =>
        stateOf(state).cues === "cdda"
          ? Promise.reject(new Error("no turn"))
          : environment.step(state, action),
    };
    const rollouts = await play(failing, right, tasks, random);
    expect(rollouts.map((r) => r.failure)).toEqual([undefined, "Error: no word", "Error: no turn"]);
    expect(rollouts[1]!.verdict).toEqual({ correct: false, answer: "", stop: "rejected" });
  });
});

describe("rollouts", () => {
  const rollouts = ["xx", "xy", "xy", "yy"].map((actions) => attempt(cueTask("ab"), actions));

  test("have the accuracy of their verdicts; none have 0", () => {
    expect(accuracy(rollouts)).toBe(0.5);
    expect(accuracy([])).toBe(0);
  });

  test("are cut into groups of consecutive ones", () => {
    const groups = inGroups(rollouts, 2);
    expect(groups.map((g) => g.rollouts)).toEqual([rollouts.slice(0, 2), rollouts.slice(2)]);
    expect(groups.every((g) => g.task === g.rollouts[0]!.task)).toBe(true);
  });
});
