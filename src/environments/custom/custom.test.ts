import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Random } from "../../util/random.js";
import { checkEnvironment } from "../../assess/check-environment.js";
import { findData } from "../data-folder.js";
import type { Environment, Split, Verdict } from "../environment.js";
import { playActions } from "../play-procedure.js";
import { defineEnvironment, type DefinedVerdict, type EnvironmentDefinition } from "./define.js";
import { parseTasks } from "../support/tau/task.js";
import { tau2File } from "./tau2-file.js";
import { tasksFile } from "./tasks-file.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-custom-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const withCode = (code: string, part: string): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(part) as string });

const echo: EnvironmentDefinition<string> = {
  name: "echo",
  tasks: (split) => [{ id: `${split}-1`, domain: "echo", level: "all", split, data: "x" }],
  start: ({ split }) => ({
    state: "",
    observation: `say x in ${split}`,
    terminated: false,
    truncated: false,
  }),
  step: (_state, action) => ({
    state: action,
    observation: "",
    terminated: true,
    truncated: false,
  }),
  judge: ({ end }) => ({
    correct: end.state === "x",
    answer: end.state,
    stop: end.state === "x" ? "solved" : "wrong",
  }),
  procedures: { correct: () => "x" },
};

describe("defining an environment", () => {
  test("fills in what was left out, and draws from the list of tasks", async () => {
    const environment = defineEnvironment(echo);
    expect(environment).toMatchObject({ levels: ["all"], maxSteps: 1, maxActionSymbols: 512 });
    const random = Random.from(1, "draw");
    expect(environment.draw({ split: "test", level: "all", random }).id).toBe("test-1");
    expect(() => environment.draw({ split: "test", level: "hard", random })).toThrow(
      withCode("ENVIRONMENT_LEVEL", "hard"),
    );
    expect(await checkEnvironment(environment, { tasks: 10, seed: 1 })).toMatchObject({
      tasks: 3,
      referenceAccepted: 3,
      corrupted: 0,
      failures: [],
    });
  });

  test("a split without tasks is named", () => {
    const environment = defineEnvironment({ ...echo, tasks: () => [] });
    expect(() =>
      environment.draw({ split: "validation", level: "all", random: Random.from(1, "draw") }),
    ).toThrow(withCode("ENVIRONMENT_LEVEL", "no validation tasks"));
  });

  const { tasks: _, ...withoutTasks } = echo;
  test.each<[string, object]>([
    ["its name", { ...echo, name: "a b" }],
    ['no function "judge"', { ...echo, judge: undefined }],
    ['no procedure "correct"', { ...echo, procedures: {} }],
    ["maxSteps of echo is 0", { ...echo, maxSteps: 0 }],
    ["no levels", { ...echo, levels: [] }],
    ['neither "draw" nor "tasks"', withoutTasks],
  ])("%s is a fault", (part, definition) => {
    expect(() => defineEnvironment(definition as EnvironmentDefinition<string>)).toThrow(
      withCode("ENVIRONMENT_DEFINITION", part),
    );
  });
});

describe("a verdict", () => {
  const end = { state: "", observation: "", terminated: true, truncated: false };
  const judged = (verdict: DefinedVerdict, actions: readonly string[]) =>
    defineEnvironment<string>({ ...echo, judge: () => verdict }).judge({
      task: echo.tasks!("train")[0]!,
      steps: actions.map((action) => ({ state: "", observation: "?", action })),
      end,
    });
  const wrong = { correct: false, answer: "b", stop: "wrong" } as const;

  test("of one wrong action points to it, whatever it leaves out", async () => {
    const all = { span: { start: 0, end: 3 }, evidence: "test", confidence: 1, detail: "" };
    expect((await judged(wrong, ["bad"])).firstError).toEqual({
      ...all,
      step: 0,
      family: "wrong-answer",
    });
    const named = { ...wrong, signature: "slip", firstError: { step: 1, confidence: 0.5 } };
    expect((await judged(named, ["ok", "bad"])).firstError).toEqual({
      ...all,
      step: 1,
      confidence: 0.5,
      family: "slip",
    });
  });

  test("of several actions, or a right one, says no more than it was told", async () => {
    expect(await judged(wrong, ["ok", "bad"])).toEqual(wrong);
    const right = { correct: true, answer: "a", stop: "solved" } as const;
    expect(await judged(right, ["a"])).toEqual(right);
  });
});

function file(name: string, records: readonly unknown[]): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    records.map((r) => (typeof r === "string" ? r : JSON.stringify(r))).join("\n"),
  );
  return path;
}

async function judge(record: object, response: string): Promise<Verdict> {
  const environment = tasksFile(file("one.jsonl", [{ prompt: "?", split: "train", ...record }]));
  const [task] = environment.tasks!("train");
  return environment.judge(await playActions(environment, task!, [response]));
}

test("the example is sound", async () => {
  vi.doMock("errata", () => ({ defineEnvironment }));
  const path = new URL("../../../examples/environment-gcd.ts", import.meta.url).href;
  const { default: gcd } = (await import(path)) as { default: Environment };
  expect(await checkEnvironment(gcd, { tasks: 300, seed: 1 })).toMatchObject({
    env: "gcd",
    referenceAccepted: 300,
    corruptedRejected: 300,
    failures: [],
  });
});

describe("a file of tasks", () => {
  test.each<[object, string, boolean]>([
    [{ answer: "a b" }, " a\n b ", true],
    [{ answer: "a b" }, "ab", false],
    [{ answer: "4" }, "4.0", false],
    [{ answer: "$" }, ".", false],
    [{ answer: "yes" }, "Answer: yes.", true],
    [{ answer: "4", verifier: "number" }, "It is $4.00\nAnswer: $4.00", true],
    [{ answer: "0.5", verifier: "number" }, "\\boxed{\\frac{1}{2}}", true],
    [{ answer: "4", verifier: "number" }, "five", false],
    [{ answer: "7", verifier: { regex: "^[2357]$" } }, "<answer>3</answer>", true],
    [{ answer: "7", verifier: { regex: "^[2357]$" } }, "9", false],
    [{ answer: "X", verifier: { regex: "^x$", flags: "i" } }, "x", true],
    [{ answer: "4", verifier: { code: "(a, task) => a === task.answer" } }, "#### 4", true],
    [{ answer: "4", verifier: { code: "(a) => a.length" } }, "4", false],
  ])("%j, answered %j: %s", async (record, response, correct) => {
    expect((await judge(record, response)).correct).toBe(correct);
  });

  test("a verifier that fails or does not end refuses, and says so", async () => {
    const broken = await judge({ answer: "4", verifier: { code: "() => nothing.here" } }, "4");
    expect(broken).toMatchObject({ correct: false, firstError: { family: "verifier-failed" } });
    const endless = await judge(
      { answer: "a", verifier: { regex: "^(a+)+$" } },
      `${"a".repeat(40)}b`,
    );
    expect(endless.firstError!.detail).toContain("timeout");
  });

  test("the code of a verifier is shut in", async () => {
    const record = { answer: "4", verifier: { code: "() => typeof process === 'undefined'" } };
    expect((await judge(record, "4")).correct).toBe(true);
  });

  test("other people's records are read", async () => {
    const environment = tasksFile(
      file("others.jsonl", [
        { question: "Sort: b a", answer: "a b", metadata: { source_dataset: "sorting" } },
        {
          prompt: [
            { role: "system", content: "Be brief." },
            { role: "user", content: "1+1?" },
          ],
          answer: 2,
          info: { source: "x" },
        },
      ]),
    );
    expect(environment.levels).toEqual(["all", "sorting"]);
    const all = (["train", "validation", "test"] as Split[]).flatMap((s) => environment.tasks!(s));
    expect(all).toHaveLength(2);
    const conversation = environment.start(all.find((task) => task.level === "all")!);
    expect(conversation.messages).toHaveLength(2);
    expect(conversation.observation).toBe("Be brief.\n\n1+1?");
  });

  test("the check accepts references, refuses what is wrong, and finds a lax verifier", async () => {
    const sound = tasksFile(
      file("sound.jsonl", [
        { prompt: "a", answer: "yes" },
        { prompt: "b", answer: "12", verifier: "number" },
        { prompt: "c", answer: "7", verifier: { regex: "^[2357]$" }, wrong: ["8", "9"] },
        { prompt: "d", answer: "4", verifier: { code: "(a) => a !== '' && a % 2 === 0" } },
      ]),
    );
    expect(await checkEnvironment(sound, { tasks: 10, seed: 1 })).toMatchObject({
      tasks: 4,
      referenceAccepted: 4,
      corrupted: 4,
      corruptedRejected: 4,
      failures: [],
    });
    const lax = tasksFile(
      file("lax.jsonl", [{ prompt: "a", answer: "7", verifier: { regex: "" } }]),
    );
    expect(await checkEnvironment(lax, { tasks: 1, seed: 1 })).toMatchObject({
      failures: [{ fault: "corruption-accepted" }],
    });
    const nearlyAll = tasksFile(
      file("nearly-all.jsonl", [{ prompt: "a", answer: "7", verifier: { regex: "." } }]),
    );
    expect(await checkEnvironment(nearlyAll, { tasks: 1, seed: 1 })).toMatchObject({
      failures: [{ fault: "corruption-accepted", detail: '["?!"]' }],
    });
  });

  test("the check counts the verifiers that it tried with an empty or a nonsense answer alone", async () => {
    const environment = tasksFile(
      file("weakly-tried.jsonl", [
        { prompt: "a", answer: "7", verifier: { regex: "^\\d$" } },
        { prompt: "b", answer: "7", verifier: { code: "(a) => a !== ''" } },
        { prompt: "c", answer: "7", verifier: { regex: "^\\d$" }, wrong: ["x"] },
        { prompt: "d", answer: "7" },
      ]),
    );
    expect(await checkEnvironment(environment, { tasks: 9, seed: 1 })).toMatchObject({
      corrupted: 4,
      corruptedRejected: 4,
      corruptedBlank: 2,
    });
  });

  test("splits are stable, and cover all three", () => {
    const records = Array.from({ length: 200 }, (_, i) => ({ prompt: `${i}`, answer: "x" }));
    const environment = tasksFile(file("many.jsonl", records));
    const ids = (split: Split): string[] => environment.tasks!(split).map((task) => task.id);
    expect(ids("train").length).toBeGreaterThan(140);
    expect(ids("validation").length).toBeGreaterThan(5);
    expect(ids("test").length).toBeGreaterThan(5);
    expect(
      tasksFile(file("again.jsonl", records.toReversed())).tasks!("test")
        .map((t) => t.id)
        .toSorted(),
    ).toEqual(ids("test").toSorted());
  });

  test("a damaged file names its lines", () => {
    const path = file("bad.jsonl", [
      "nope",
      { prompt: "a" },
      { answer: "a" },
      { prompt: "b", answer: "1", verifier: { regex: "(" } },
      { prompt: "c", answer: "1", verifier: "fuzzy" },
      { prompt: "d", answer: "1", split: "dev" },
      { prompt: "e", answer: "1", wrong: "2" },
    ]);
    expect(() => tasksFile(path)).toThrow(
      /line 1: .*JSON[^]*line 2: .*"answer"[^]*line 3: .*"prompt"[^]*line 4: .*regular[^]*line 5: .*fuzzy[^]*and 2 more/,
    );
    expect(() => tasksFile(join(folder, "none.jsonl"))).toThrow(
      withCode("ENVIRONMENT_FILE", "no such file"),
    );
    expect(() => tasksFile(file("empty.jsonl", []))).toThrow(
      withCode("ENVIRONMENT_FILE", "no tasks"),
    );
  });

  test("that is not UTF-8 is refused, not read with other characters", () => {
    const path = join(mkdtempSync(join(tmpdir(), "errata-latin-")), "latin1.jsonl");
    writeFileSync(path, Buffer.from('{"prompt": "caf\u00e9?", "answer": "4"}\n', "latin1"));
    expect(() => tasksFile(path)).toThrow(withCode("ENVIRONMENT_FILE", "not UTF-8"));
  });

  test("one question twice is one task; with two answers it is a fault", () => {
    const once = { prompt: "a", answer: "1", split: "train" };
    expect(tasksFile(file("twice.jsonl", [once, once])).tasks!("train")).toHaveLength(1);
    expect(() => tasksFile(file("two.jsonl", [once, { ...once, answer: "2" }]))).toThrow(/line 2/);
  });
});

test("tau2-bench tasks are sent to their domain", () => {
  const path = file("tau2.json", ['[{"id": "0", "user_scenario": {"instructions": "x"}}]']);
  expect(() => tasksFile(path)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining(`tau2-retail:${path}`) as string }),
  );
  expect(() => tau2File("mock", path)).toThrow(withCode("ENVIRONMENT_FILE", '"mock"'));
});

const retail = findData("tau2/retail/tasks.json");

test("tau2-bench tasks of one's own run in a published domain", async ({ skip }) => {
  if (retail === undefined) skip("set ERRATA_DATA to the folder that holds tau2/");
  const some = (JSON.parse(readFileSync(retail!, "utf8")) as unknown[]).slice(0, 10);
  const environment = tau2File("tau2-retail", file("own.json", [JSON.stringify(some)]));
  expect(await checkEnvironment(environment, { tasks: 20, seed: 1 })).toMatchObject({
    env: "tau2-retail",
    tasks: 10,
    referenceAccepted: 10,
    failures: [],
  });
});

describe("questions that repeat", () => {
  const asked = (n: number, more: object = {}): object => ({
    id: `t${n}`,
    prompt: `What is ${n % 6} + 1?`,
    answer: `${(n % 6) + 1}`,
    ...more,
  });
  const records = Array.from({ length: 120 }, (_, n) => asked(n));

  test("under other names are in one split", async () => {
    const environment = tasksFile(file("repeats.jsonl", records));
    const splits = new Map<string, Set<Split>>();
    for (const split of ["train", "validation", "test"] as const)
      for (const task of environment.tasks!(split)) {
        const question = environment.start(task).observation;
        splits.set(question, (splits.get(question) ?? new Set()).add(split));
      }
    expect([...splits.values()].map(({ size }) => size)).toEqual(Array(6).fill(1));
    expect((await checkEnvironment(environment, { tasks: 9, seed: 1 })).failures).toEqual([]);
  });

  test("are refused where the file puts them into two, white space aside", () => {
    const two = [
      asked(1, { split: "train" }),
      asked(7, { split: "test", prompt: " What is  1 + 1?\n" }),
    ];
    expect(() => tasksFile(file("split.jsonl", two))).toThrow(
      /line 2: its question is in train too/,
    );
  });

  test("are found by the check in an environment of one's own", async () => {
    const twice = (split: Split): DefinedTask => ({
      id: `${split}-1`,
      domain: "echo",
      level: "all",
      split,
      data: "x",
    });
    const { failures } = await checkEnvironment(
      defineEnvironment({
        ...echo,
        start: ({ data }) => ({
          state: "",
          observation: data as string,
          terminated: false,
          truncated: false,
        }),
        tasks: (split) => [twice(split)],
      }),
      { tasks: 3, seed: 1 },
    );
    expect(failures).toContainEqual(expect.objectContaining({ fault: "repeated" }));
  });
});

type DefinedTask = ReturnType<NonNullable<EnvironmentDefinition<string>["tasks"]>>[number];

test("a bad task is named by its line, its name in the file and its question", async () => {
  const environment = tasksFile(
    file("named.jsonl", [
      { prompt: "One?", answer: "1" },
      "",
      { id: "sum", prompt: "What is\n  7 + 1?", answer: "8", wrong: ["8"] },
    ]),
  );
  const { failures } = await checkEnvironment(environment, { tasks: 9, seed: 1 });
  expect(failures.map(({ shown }) => shown)).toEqual(['line 3 (sum), "What is 7 + 1?"']);
});

test("the check finds a reader that takes thoughts for answers", async () => {
  const naive = defineEnvironment({
    ...echo,
    tasks: (split) => [{ id: `${split}`, domain: "echo", level: "all", split, data: split }],
    start: ({ data }) => ({
      state: "",
      observation: `say x to ${data as string}`,
      terminated: false,
      truncated: false,
    }),
    judge: ({ end }) => ({
      correct: end.state.includes("x"),
      answer: end.state,
      stop: end.state.includes("x") ? "solved" : "wrong",
    }),
    restate: () => ({ shouted: ["X"] }),
    tricks: () => ({ thoughts: ["<think>x</think>"] }),
  });
  const { failures, restated, restatedAccepted, tricks, tricksRefused } = await checkEnvironment(
    naive,
    { tasks: 3, seed: 1 },
  );
  expect({ restated, restatedAccepted, tricks, tricksRefused }).toEqual({
    restated: 3,
    restatedAccepted: 0,
    tricks: 3,
    tricksRefused: 0,
  });
  expect(failures.map(({ fault }) => fault)).toContain("form-refused");
  expect(failures.map(({ fault }) => fault)).toContain("trick-accepted");
});

test("a verifier that runs the answer runs it apart", async () => {
  const code =
    "(answer) => { const f = eval(answer + '; f'); return JSON.stringify(f([1, 2])) === JSON.stringify([2, 4]) && [f([3])].every(([x]) => x === 6); }";
  const verdict = (answer: string): Promise<Verdict> =>
    judge({ answer: "const f = (xs) => xs.map((x) => 2 * x)", verifier: { code } }, answer);
  expect((await verdict("const f = (xs) => xs.map((x) => 2 * x)")).correct).toBe(true);
  expect((await verdict("const f = (xs) => xs")).correct).toBe(false);
  expect(
    (
      await verdict(
        "JSON.stringify = () => 'same'; Array.prototype.every = () => true; const f = (xs) => xs",
      )
    ).correct,
  ).toBe(false);
});

test.each([
  ["graph_color", null],
  ["countdown", "1 + 2"],
])("questions of reasoning-gym's %s are refused by name without a verifier", (name, answer) => {
  const record = { question: "?", answer, metadata: { source_dataset: name } };
  expect(() => tasksFile(file("gym.jsonl", [record]))).toThrow(
    new RegExp(`"${name}" have many right answers`),
  );
});

test.each([
  ["NL_ASSERTION alone", ["NL_ASSERTION"]],
  ["ENV_ASSERTION alone", ["ENV_ASSERTION"]],
  ["nothing", []],
  ["an unknown component", ["DB", "VIBES"]],
])("a tau2-bench task whose reward is %s is refused when it is read", (_name, reward_basis) => {
  const task = {
    id: "0",
    user_scenario: { instructions: "x" },
    evaluation_criteria: { reward_basis },
  };
  expect(() => parseTasks([task], "own.json")).toThrow(
    expect.objectContaining({ code: "TAU_TASK" }),
  );
});
