import { describe, expect, test } from "vitest";
import type { ConfigInput } from "../config/config.js";
import { parseConfig } from "../config/parse.js";
import type { Engine, Policy } from "../engine/engine.js";
import { LocalEngine } from "../engine/local.js";
import { steeredLogprobs } from "../engine/steering.js";
import type { Environment, Task } from "../environments/environment.js";
import { lexiconTokenizer } from "../models/tokenizer.js";
import { groupParts, playGroups, studentModel, type Explored } from "./explore.js";
import { Random } from "../util/random.js";
import {
  cuePolicy,
  cues,
  cueTask,
  cueTokenizer,
  regardless,
  type CueTable,
} from "../testing/testing.js";

const engine = new LocalEngine();

/** Always right at a and c; at b and d nearly always x, which is wrong. */
const table: CueTable = { a: { x: 1 }, c: { x: 1 }, b: { x: 0.9, y: 0.1 }, d: { x: 0.9, y: 0.1 } };
const student = cuePolicy(table);
const expert = cuePolicy(regardless({ x: 0.95, y: 0.05 }));

const easy = [cueTask("aaca"), cueTask("ccac")];
const hard = [cueTask("bddb"), cueTask("dbdb"), cueTask("bbbd"), cueTask("dddd")];
const tasks = [easy[0]!, hard[0]!, hard[1]!, easy[1]!, hard[2]!, hard[3]!];

function explore(
  config: ConfigInput,
  expertFor: (task: Task) => Policy | undefined,
  list: readonly Task[] = tasks,
): Promise<Explored> {
  const player = {
    engine,
    environment: cues as Environment,
    tokenizer: cueTokenizer,
    config: parseConfig(config),
  };
  return playGroups({
    player,
    policy: student,
    tasks: list,
    steering: { expertFor, wrongAnswersOf: () => [] },
    random: Random.from(1, "explore"),
  });
}

const halves = (explored: Explored) =>
  explored.groups.map(({ task, rollouts }) => ({
    task,
    first: rollouts.slice(0, rollouts.length / 2),
    second: rollouts.slice(rollouts.length / 2),
  }));

const solved = (rollouts: Explored["groups"][number]["rollouts"]): boolean =>
  rollouts.some((r) => r.verdict.correct);

/** Requires that nothing was steered. */
function expectOnPolicy(explored: Explored): void {
  for (const { rollouts } of explored.groups)
    for (const { offPolicy, actions } of rollouts) {
      expect(offPolicy).toBe(false);
      for (const { logprobs, behaviourLogprobs } of actions)
        expect(behaviourLogprobs).toEqual(logprobs);
    }
}

describe("the second half of a group", () => {
  test("is steered where the first half was all wrong, and only there", async () => {
    const explored = await explore({}, () => expert);
    expect(explored.groups.map((g) => g.task)).toEqual(tasks);
    for (const { task, first, second } of halves(explored)) {
      expect(first).toHaveLength(4);
      expect(second).toHaveLength(4);
      expect(first.some((r) => r.offPolicy)).toBe(false);
      expect(second.map((r) => r.offPolicy)).toEqual(new Array(4).fill(!solved(first)));
      expect(solved(first)).toBe(easy.includes(task));
    }
  });

  test("when steered is sampled away from the expert, and reports both distributions", async () => {
    const { alpha, mask, floor } = parseConfig({}).explore;
    const V = cueTokenizer.size;
    const logs = (actions: Readonly<Record<string, number>>): number[] =>
      Array.from({ length: V }, (_, v) => Math.log(actions[cueTokenizer.decode([v])] ?? 1e-13));
    const mu = new Float64Array(V);
    const logPi = logs(table["b"]!);
    steeredLogprobs(
      logPi,
      logs({ x: 0.95, y: 0.05 }),
      { form: "repulsive", alpha, mask, floor, exempt: [1] },
      mu,
    );
    const steered = (await explore({}, () => expert)).groups
      .flatMap((g) => g.rollouts)
      .filter((r) => r.offPolicy);
    expect(steered).toHaveLength(16);
    const taken = new Set<number>();
    for (const { completion, logprobs, behaviourLogprobs } of steered.flatMap((r) => r.actions)) {
      const [token] = completion;
      taken.add(token!);
      expect(logprobs[0]).toBeCloseTo(logPi[token!]!, 3);
      expect(behaviourLogprobs[0]).toBeCloseTo(mu[token!]!, 3);
    }
    expect(taken).toEqual(new Set(cueTokenizer.encode("xy")));
    expect(mu[cueTokenizer.encode("y")[0]!]).toBeGreaterThan(Math.log(0.5)); // away from the mistake
  });

  test("when steered leaves every token that ends an action as likely as it was", async () => {
    const exempt: unknown[] = [];
    const spy = {
      sample: (_: unknown, { steering }: { steering?: { exempt: unknown } }) => {
        exempt.push(steering?.exempt);
        return Promise.resolve([{ tokens: [1], logprobs: [0], behaviourLogprobs: [0] }]);
      },
    } as unknown as Engine;
    const tokenizer = Object.assign(lexiconTokenizer(cues), { stops: [1, 0] });
    const parts = { engine: spy, environment: cues as Environment, config: parseConfig({}) };
    const model = studentModel({ ...parts, tokenizer }, student, expert);
    await model.act([{ observation: "a" }], Random.from(1, "act"));
    expect(exempt).toEqual([[1, 0]]);
  });

  test("is on-policy where no expert is named", async () => {
    const explored = await explore({}, () => undefined);
    expectOnPolicy(explored);
    expect(explored).toMatchObject({ stuck: 4, steered: 0, rescuedSteered: 0 });
  });

  test("is on-policy where the form is none, whatever expert is named, and counts as unsteered", async () => {
    const explored = await explore({ explore: { form: "none" } }, () => expert);
    expectOnPolicy(explored);
    expect(explored).toMatchObject({ stuck: 4, steered: 0, rescuedSteered: 0 });
    expect(explored.groups.every((g) => g.rollouts.length === 8)).toBe(true);
  });

  test("is steered in every group where the gate is `always`, but only stuck ones are counted", async () => {
    const explored = await explore({ explore: { when: "always" } }, () => expert);
    for (const { second } of halves(explored)) expect(second.every((r) => r.offPolicy)).toBe(true);
    expect(explored).toMatchObject({ stuck: 4, steered: 4 });
  });

  test("is steered by the expert of its own task", async () => {
    const other = cuePolicy(regardless({ y: 0.95, x: 0.05 }));
    const explored = await explore({}, (task) => [undefined, expert, other][hard.indexOf(task)]);
    const [unsteered, away, towards] = halves(explored).filter(({ task }) => hard.includes(task));
    expect(unsteered!.second.some((r) => r.offPolicy)).toBe(false);
    // Away from x, the mistake, the right y gains; away from y it loses.
    const gains = (rollouts: typeof away): number[] =>
      rollouts!.second
        .flatMap((r) => r.actions)
        .filter((a) => a.text === "y")
        .map((a) => a.behaviourLogprobs[0]! - a.logprobs[0]!);
    expect(Math.min(...gains(away))).toBeGreaterThan(1);
    expect(gains(towards).length === 0 || Math.max(...gains(towards)) < 0).toBe(true);
    expect(explored.steered).toBe(2);
  });
});

describe("the counts of exploration", () => {
  test("are those of the groups", async () => {
    // With one b a task is stuck two times in three, and now and then rescued without an expert; with
    // two or three it is nearly always stuck, and not always rescued by one.
    const rows = ["baca", "abac", "caba", "acab", "bcca", "cbac"].flatMap((one) => [
      one,
      one.replaceAll("a", "b"),
    ]);
    const list = rows.flatMap((row) => Array.from({ length: 6 }, () => cueTask(row)));
    const explored = await explore({}, ({ id }) => (id.includes("a") ? undefined : expert), list);
    const stuck = halves(explored).filter(({ first }) => !solved(first));
    const rescued = stuck.filter(({ second }) => solved(second));
    const steered = stuck.filter(({ second }) => second[0]!.offPolicy);
    const both = steered.filter((g) => rescued.includes(g));
    expect(explored.stuck).toBe(stuck.length);
    expect(explored.rescued).toBe(rescued.length);
    expect(explored.steered).toBe(steered.length);
    expect(explored.rescuedSteered).toBe(both.length);
    const counts = [both.length, rescued.length, stuck.length, list.length];
    counts.slice(1).forEach((count, i) => expect(count).toBeGreaterThan(counts[i]!)); // none of them the same
    expect(steered.length).toBeGreaterThan(both.length);
  });

  test("are zeros where every group succeeds", async () => {
    const explored = await explore({}, () => expert, easy);
    expect(explored).toMatchObject({ stuck: 0, rescued: 0, steered: 0, rescuedSteered: 0 });
    expectOnPolicy(explored);
  });

  test("hold for any group size", async () => {
    const explored = await explore({ groupSize: 2 }, () => expert);
    expect(explored.groups.every((g) => g.rollouts.length === 2)).toBe(true);
    expect(explored.stuck).toBe(4);
  });
});

describe("the share of a group that explores", () => {
  test("is half by default, and otherwise as asked, with an attempt left to each part", () => {
    const parts = (groupSize: number, fraction: number) =>
      groupParts({ groupSize, explore: { fraction } });
    expect(groupParts(parseConfig({}))).toEqual({ onPolicy: 4, exploring: 4 });
    expect(parts(8, 0.25)).toEqual({ onPolicy: 6, exploring: 2 });
    expect(parts(8, 0)).toEqual({ onPolicy: 7, exploring: 1 });
    expect(parts(8, 1)).toEqual({ onPolicy: 1, exploring: 7 });
  });

  test("is what is steered where the rest was all wrong", async () => {
    const { groups, steered } = await explore({ explore: { fraction: 0.25 } }, () => expert, hard);
    expect(steered).toBeGreaterThan(0);
    for (const { rollouts } of groups) {
      expect(rollouts).toHaveLength(8);
      expect(rollouts.slice(0, 6).every((r) => !r.offPolicy)).toBe(true);
      const late = new Set(rollouts.slice(6).map((r) => r.offPolicy));
      expect([...late]).toEqual([!solved(rollouts.slice(0, 6))]);
    }
  });
});
