import { describe, expect, test } from "vitest";
import { LocalEngine } from "../engine/local.js";
import { criticOf, critique } from "../environments/critic.js";
import type { Environment, Task } from "../environments/environment.js";
import { accuracy, inGroups, play, type Group } from "../play/play.js";
import { Random } from "../util/random.js";
import { freshSelfPlay, type SelfPlayState } from "./self-play-state.js";
import { selfPlay, type SelfPlayInput, type SelfPlayOptions } from "./self-play.js";
import {
  cuePolicy,
  cues,
  cueTask,
  cueTokenizer,
  groupOf,
  rightAnswer,
  rightWith,
  scriptedModel,
} from "../testing/testing.js";

const environment = cues as Environment;
const engine = new LocalEngine();
const student = scriptedModel((cue) => rightAnswer(cue));
const options: SelfPlayOptions = {
  share: 0.25,
  operators: ["mal-rule", "temperature"],
  roles: ["diverger"],
  target: 0.75,
  rate: 0.05,
  malRule: "always-x",
};

async function input(rows: readonly string[]): Promise<SelfPlayInput> {
  const tasks = rows.flatMap((row) => new Array<Task>(4).fill(cueTask(row)));
  const groups = inGroups(await play(environment, student, tasks, Random.from(0, "p")), 4);
  return {
    environment,
    engine,
    tokenizer: cueTokenizer,
    maxActionSymbols: 1,
    policy: cuePolicy(rightWith(0.9)),
    initial: cuePolicy(rightWith(0.5)),
    student,
    groups,
    groupSize: 4,
    count: groups.length,
    random: Random.from(1, "self-play"),
  };
}

const degraded: SelfPlayState = { ...freshSelfPlay, degree: 1 };

describe("a round of self-play", () => {
  test("starts the student where the partner was about to err, and trains only what it then does", async () => {
    const round = await selfPlay(await input(["abab", "cdcd"]), degraded, options);
    expect(round.source).toBe("weak:self-play:mal-rule");
    expect(round.partner).toHaveLength(2);
    for (const { rollouts } of round.partner)
      expect(rollouts.every((r) => r.steps.every((s) => s.action === "x"))).toBe(true);
    expect(round.groups).toHaveLength(2);
    for (const { rollouts } of round.groups) {
      expect(rollouts).toHaveLength(4);
      expect(accuracy(rollouts)).toBe(1);
      expect(rollouts[0]!.actions.map((a) => a.completion.length)).toEqual([0, 1, 1, 1]);
    }
  });

  test("has no fork where the partner errs at once or not at all", async () => {
    const round = await selfPlay(await input(["bbbb", "aaaa"]), degraded, options);
    expect(round.groups).toEqual([]);
  });

  test("as junior takes over somewhere before the error, after the first action", async () => {
    const round = await selfPlay(await input(["aaab", "acab"]), degraded, {
      ...options,
      roles: ["junior"],
    });
    for (const { rollouts } of round.groups) {
      const given = rollouts[0]!.actions.filter((a) => a.completion.length === 0).length;
      expect(given).toBeGreaterThanOrEqual(1);
      expect(given).toBeLessThanOrEqual(3);
    }
    expect(round.groups).toHaveLength(2);
  });

  test("as critic points to the first wrong step", async () => {
    const round = await selfPlay(await input(["abab", "acbb"]), degraded, {
      ...options,
      roles: ["critic"],
    });
    expect(round.groups).toEqual([]);
    expect(round.critic).toHaveLength(2);
  });
});

describe("the controller", () => {
  const play10 = async (
    rows: readonly string[],
    start: SelfPlayState,
    rounds = 1,
    changed: Partial<SelfPlayOptions> = {},
  ): Promise<SelfPlayState> => {
    let state = start;
    for (let i = 0; i < rounds; i++)
      state = (await selfPlay(await input(rows), state, { ...options, ...changed })).state;
    return state;
  };

  test("weakens the partner less when the student wins too often, more when it loses", async () => {
    const won = await play10(["abab"], { ...freshSelfPlay, degree: 1, winRate: 1 });
    expect(won.winRate).toBeCloseTo(1, 12);
    expect(won.degree).toBeCloseTo(1 - 0.05 * 0.25, 12);
    const lost = await play10(["aaaa"], { ...freshSelfPlay, degree: 0.5, winRate: 0.5 });
    expect(lost.degree).toBeCloseTo(0.5 + 0.05 * 0.25, 12); // both solve: nothing is decided
  });

  test("gives a partner up that is always wrong or always right, once it was given a chance", async () => {
    const patient = await play10(["abab"], { ...degraded, partnerAccuracy: 0 }, 9, { rate: 0 });
    expect(patient).toMatchObject({ operator: 0, rounds: 9 });
    const after = await play10(["abab"], patient, 1, { rate: 0 });
    expect(after).toMatchObject({ operator: 1, rounds: 0, degree: 0.5 });
  });
});

describe("a critic", () => {
  const critic = criticOf(environment);
  const [faulty] = groupOf("abab", ["xxab"]).rollouts;
  const at = critique(environment, faulty!);

  test("sees the steps one by one and is right where it stops at the first wrong one", async () => {
    const judge = async (words: readonly string[]) => {
      let next = 0;
      const model = scriptedModel(() => words[next++]!);
      const [rollout] = await play(critic, model, [at], Random.from(0, "critic"));
      return rollout!.verdict;
    };
    const [right, wrong] = ["a", "b"]; // a lexicon's first two symbols stand for the words
    expect(await judge([right!, wrong!])).toMatchObject({ correct: true, stop: "solved" });
    expect(await judge([wrong!])).toMatchObject({
      correct: false,
      firstError: { step: 0, family: "false-alarm", expected: "a" },
    });
    expect(await judge([right!, right!, right!, right!])).toMatchObject({
      correct: false,
      firstError: { step: 1, family: "missed-error", expected: "b" },
    });
    expect(await judge(["z"])).toMatchObject({ correct: false, stop: "malformed" });
  });

  test("its observation holds what was seen and what was done", () => {
    expect(at.turn.observation).toBe("ax");
    expect(at.turn.messages!.at(-1)!.content).toContain("x");
  });
});

test("a group of the partner's mistakes keeps the task it was made at", async () => {
  const round = await selfPlay(await input(["abab"]), degraded, options);
  const tasks = (groups: readonly Group[]): string[] => groups.map((g) => g.task.id);
  expect(tasks(round.groups)).toEqual(tasks(round.partner));
});

test("a critic is not asked about attempts that its context cannot hold", async () => {
  const given = await input(["abab"]);
  const roles = ["critic"] as const;
  const round = async (context: number) =>
    selfPlay(
      { ...given, policy: { ...given.policy, shape: { ...given.policy.shape, context } } },
      degraded,
      { ...options, roles },
    );
  expect((await round(2)).critic).toHaveLength(1); // a cue and the action taken
  expect((await round(1)).critic).toEqual([]);
});
