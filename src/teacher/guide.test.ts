import { describe, expect, test } from "vitest";
import type { Policy } from "../engine/engine.js";
import { LocalEngine } from "../engine/local.js";
import { guide, teacherSignals, type GuideInput } from "./guide.js";
import type { GuideOptions } from "./options.js";
import { trainingSequences } from "../learn/sequences.js";
import { accuracy, inGroups, play, type Group } from "../play/play.js";
import { Random } from "../util/random.js";
import { TeacherBudget } from "./budget.js";
import { imperfectTeacher, modelTeacher, solverTeacher } from "./teacher.js";
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
import type { Environment, Task } from "../environments/environment.js";

const environment = cues as Environment;
const engine = new LocalEngine();
const policy = cuePolicy(rightWith(0.6));
const options: GuideOptions = {
  form: "hint",
  when: "stuck",
  after: 2,
  cap: 1,
  decayUntil: "never",
  calls: Infinity,
  tokens: Infinity,
  money: Infinity,
  weight: 0.1,
  pulls: "step",
  price: 0,
};

/** Right but at "b", where it always fails. */
const student = scriptedModel((cue) => (cue === "b" ? "x" : rightAnswer(cue)));

async function attempts(text: string, G = 4): Promise<Group> {
  const task = cueTask(text);
  return inGroups(
    await play(environment, student, new Array<Task>(G).fill(task), Random.from(0, "play")),
    G,
  )[0]!;
}

function input(more: Partial<GuideInput> = {}): GuideInput {
  const budget = new TeacherBudget(options, 16);
  budget.visit(100, 0);
  return {
    environment,
    tokenizer: cueTokenizer,
    student,
    score: (sequences) => engine.logprobs(policy, sequences),
    teacher: solverTeacher(environment),
    budget,
    stuckVisits: () => 2,
    random: Random.from(1, "guide"),
    ...more,
  };
}

describe("a hint", () => {
  test("gives the first right steps, which are not trained; the rest is the student's", async () => {
    const group = await attempts("abc");
    const { groups, calls, helped } = await guide([group], input(), options);
    expect({ calls, helped }).toEqual({ calls: 1, helped: 1 });
    const second = groups[0]!.rollouts.slice(2);
    expect(accuracy(second)).toBe(1);
    for (const rollout of second) {
      expect(rollout.guided).toBe("hint");
      expect(rollout.steps.map((s) => s.action)).toEqual(["a", "b", "c"].map(rightAnswer));
      expect(rollout.actions.map((a) => a.completion.length > 0)).toEqual([false, false, true]);
    }
    const sequences = trainingSequences(
      [
        {
          group: groups[0]!,
          signals: groups[0]!.rollouts.map(() => ({ advantage: 1, charge: 0 })),
        },
      ],
      cueTokenizer,
      "step",
    );
    const trained = sequences.flatMap((s) => s.targets.map((t) => cueTokenizer.decode([t.token])));
    expect(trained).toContain(rightAnswer("c"));
    expect(trained).not.toContain(rightAnswer("b"));
  });

  test("is asked only for groups that stay wrong on tasks stuck long enough, within the budget", async () => {
    const [stuck, solved] = [await attempts("ab"), await attempts("ac")];
    const none = await guide([solved], input(), options);
    expect(none).toMatchObject({ calls: 0, groups: [solved] });
    const early = await guide([stuck], input({ stuckVisits: () => 1 }), options);
    expect(early.calls).toBe(0);
    const poor = new TeacherBudget({ ...options, cap: 0.1 }, 16);
    poor.visit(10, 0);
    const two = await guide([stuck, await attempts("bb")], input({ budget: poor }), options);
    expect(two.calls).toBe(1);
  });
});

describe("a teacher whose words cannot be read", () => {
  const saying = (...actions: string[]): GuideInput["teacher"] => ({
    name: "garbled",
    demonstrate: (tasks) => Promise.resolve(tasks.map(() => ({ actions, tokens: 0 }))),
  });

  test.each(["hint", "trace"] as const)(
    "changes nothing as a %s, and the step goes on",
    async (form) => {
      const group = await attempts("abc");
      const teacher = saying("\u0000", "\u0000", "\u0000");
      const { groups, calls, helped } = await guide([group], input({ teacher }), {
        ...options,
        form,
      });
      expect({ calls, helped }).toEqual({ calls: 1, helped: 0 });
      if (form === "trace") expect(groups[0]!.rollouts).toEqual(group.rollouts);
    },
  );

  test.each(["hint", "trace"] as const)(
    "is not who is blamed where the engine fails (%s)",
    async (form) => {
      const broken = (): Promise<never> => Promise.reject(new Error("the engine has gone"));
      const failing = input({ student: { act: broken }, score: broken });
      const guided = guide([await attempts("abc")], failing, { ...options, form });
      await expect(guided).rejects.toThrow("the engine has gone");
    },
  );
});

test("without a limit on what it costs a teacher is asked about all groups at once", async () => {
  const asked: number[] = [];
  const solver = solverTeacher(environment);
  const teacher: GuideInput["teacher"] = {
    ...solver,
    demonstrate: (tasks, random) => {
      asked.push(tasks.length);
      return solver.demonstrate(tasks, random);
    },
  };
  const groups = [await attempts("ab"), await attempts("bb")];
  const unlimited = { tokens: Number.MAX_SAFE_INTEGER, money: Number.MAX_SAFE_INTEGER };
  await guide(groups, input({ teacher }), { ...options, ...unlimited });
  await guide(groups, input({ teacher }), { ...options, ...unlimited, tokens: 1e6 });
  expect(asked).toEqual([2, 1, 1]);
});

test("a trace takes the place of the last attempt, in the student's tokens and log-probs", async () => {
  const group = await attempts("ab");
  const { groups } = await guide([group], input(), { ...options, form: "trace" });
  const trace = groups[0]!.rollouts.at(-1)!;
  expect(trace).toMatchObject({ guided: "trace", offPolicy: true, verdict: { correct: true } });
  expect(Math.exp(trace.actions[1]!.logprobs[0]!)).toBeCloseTo(0.6, 2);

  const signals = groups[0]!.rollouts.map(() => ({ advantage: 1.5, charge: 0 }));
  const [shaped] = await teacherSignals(
    [{ group: groups[0]!, signals }],
    { engine, teacher: solverTeacher(environment) },
    new Set(),
    options,
  );
  const p = Math.exp(trace.actions[1]!.logprobs[0]!);
  expect(shaped!.signals.at(-1)!.advantage).toBe(0);
  expect(shaped!.signals.at(-1)!.tokens![1]![0]).toBeCloseTo((1.5 * 0.1 * p) / (p + 0.1) ** 2, 6);
  expect(shaped!.signals[0]).toEqual(signals[0]);
});

test("a pull weighs the student's first wrong step by log q - log pi", async () => {
  const group = groupOf("ab", ["xx", "xx"]);
  const other = cuePolicy(rightWith(0.9));
  const teacher = { ...solverTeacher(environment), policyFor: () => other };
  const { pulled, groups } = await guide([group], input({ teacher }), { ...options, form: "kl" });
  expect(groups).toEqual([group]);
  const signals = group.rollouts.map(() => ({ advantage: 0, charge: 0 }));
  const [shaped] = await teacherSignals([{ group, signals }], { engine, teacher }, pulled, options);
  const rollout = group.rollouts[0]!;
  const action = rollout.actions[1]!;
  const [q] = await engine.logprobs(other, [
    {
      tokens: [...action.prompt],
      targets: [{ position: action.prompt.length - 1, token: action.completion[0]! }],
    },
  ]);
  const expected = 0.1 * Math.max(-5, Math.min(5, q! - action.logprobs[0]!));
  expect(shaped!.signals[0]!.tokens![1]![0]).toBeCloseTo(expected, 5);
  expect(shaped!.signals[0]!.tokens![0]).toEqual([]);
});

test("a teacher whose words the student cannot read leaves the group as it was", async () => {
  const group = await attempts("ab");
  const foreign = {
    name: "foreign",
    demonstrate: () => Promise.resolve([{ actions: ["¿?", "!"], tokens: 9 }]),
  };
  const { groups, calls } = await guide([group], input({ teacher: foreign }), {
    ...options,
    form: "trace",
  });
  expect(calls).toBe(1);
  expect(groups[0]!.rollouts).toEqual(group.rollouts);
});

test("an imperfect solver is right on its share of tasks, always the same ones", async () => {
  const tasks = [..."abcd"].flatMap((a) =>
    [..."abcd"].flatMap((b) => [..."abcd"].map((c) => cueTask(a + b + c))),
  );
  const right = async (accuracy: number, seed: number): Promise<boolean[]> => {
    const shown = await solverTeacher(environment, accuracy).demonstrate(
      tasks,
      Random.from(seed, "teacher"),
    );
    return tasks.map((t, i) => shown[i]!.actions.join("") === rightAnswer(t.data as string));
  };
  expect((await right(1, 2)).every(Boolean)).toBe(true);
  const share = (await right(0.7, 2)).filter(Boolean).length / tasks.length;
  expect(share).toBeGreaterThan(0.55); // the mal-rules solve one task in eight by luck
  expect(share).toBeLessThan(0.95);
});

test("an imperfect model teaches, and pulls to, mistakes at the tasks where an imperfect solver errs", async () => {
  const tasks = [..."abcd"].flatMap((a) => [..."abcd"].map((b) => cueTask(a + b)));
  const [good, bad] = [cuePolicy(rightWith(0.9)), cuePolicy(rightWith(0.1))];
  const says = (answer: string, weights: Policy) =>
    modelTeacher(
      environment,
      answer,
      scriptedModel(() => answer),
      weights,
    );
  const cue = "y";
  const teacher = imperfectTeacher(says(cue, good), [says("x", bad)], 0.5);
  const { policyFor } = teacher;
  const right = tasks.map((task) => policyFor!(task) === good);
  expect(new Set(right).size).toBe(2);
  const shown = await teacher.demonstrate(tasks, Random.from(2, "teacher"));
  expect(shown.map((s) => s!.actions[0] === cue)).toEqual(right);
  const solved = await solverTeacher(environment, 0.5).demonstrate(tasks, Random.from(2, "solver"));
  for (const [i, task] of tasks.entries())
    if (right[i]) expect(solved[i]!.actions.join("")).toBe(rightAnswer(task.data as string));

  const scored = tasks.map((task) => {
    const group = { ...groupOf(task.data as string, ["xx"]), task };
    const rollouts = group.rollouts.map((r) => ({ ...r, task }));
    return { group: { task, rollouts }, signals: [{ advantage: 0, charge: 0 }] };
  });
  const everyGroup = new Set(scored.map((s) => s.group));
  const by = async (own: typeof teacher) =>
    (
      await teacherSignals(scored, { engine, teacher: own }, everyGroup, {
        weight: 1,
        pulls: "all",
      })
    ).map((s) => s.signals[0]!.tokens);
  const [mixed, toGood, toBad] = [
    await by(teacher),
    await by(says(cue, good)),
    await by(says("x", bad)),
  ];
  for (const [i, pull] of mixed.entries()) expect(pull).toEqual((right[i] ? toGood : toBad)[i]);
  expect(toGood).not.toEqual(toBad);
});

test("limits of tokens and money stop the calls of one step, not those of the next", async () => {
  const limits = { ...options, tokens: 15, form: "trace" } as const;
  const budget = new TeacherBudget(limits, 16);
  budget.visit(100, 0);
  const paid = {
    name: "paid",
    demonstrate: (tasks: readonly Task[]) =>
      Promise.resolve(
        tasks.map((t) => ({ actions: [...rightAnswer(t.data as string)], tokens: 10 })),
      ),
  };
  const groups = await Promise.all(["ab", "bb", "cb", "db"].map((row) => attempts(row)));
  const { calls } = await guide(groups, input({ teacher: paid, budget }), limits);
  expect(calls).toBe(2); // 10 tokens are below the limit, 20 are not
  expect(budget.state).toMatchObject({ calls: 2, tokens: 20 });
});

test("a hint for what takes one action changes nothing and proves no gain or loss", async () => {
  const gains: number[] = [];
  const budget = new TeacherBudget(options, 16);
  budget.visit(100, 0);
  const record = budget.record.bind(budget);
  budget.record = (spent) => {
    gains.push(spent.gain);
    record(spent);
  };
  const group = groupOf("a", ["x", "y"]);
  const { groups } = await guide([group], input({ budget }), { ...options, when: "always" });
  expect(groups[0]!.rollouts).toEqual(group.rollouts);
  expect(gains).toEqual([0]);
});
