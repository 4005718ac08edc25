import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import type { Split, Task, Trajectory, Verdict } from "../environment.js";
import { playActions, playProcedure } from "../play-procedure.js";
import { type ArithmeticState, arithmetic, arithmeticTask, proceduresFor } from "./arithmetic.js";
import { problemFromData } from "./problem.js";

const SPLITS: readonly Split[] = ["train", "validation", "test"];
const window = arithmetic();
const whole = arithmetic({ view: "whole" });
const VIEWS = { window, whole };

const levelsOf = (view: keyof typeof VIEWS): string[] => [
  ...VIEWS[view].levels,
  ...(view === "whole" ? ["subtraction-1", "subtraction-12"] : []),
  "addition-1",
  "addition-8",
  "addition-12",
];

const CASES = (["window", "whole"] as const).flatMap((view) =>
  levelsOf(view).map((level) => ({ view, level })),
);

function tasksOf(view: keyof typeof VIEWS, level: string, count: number, seed = 1): Task[] {
  const random = Random.from(seed, "test-tasks");
  return Array.from({ length: count }, (_, i) =>
    VIEWS[view].draw({ split: SPLITS[i % 3]!, level, random }),
  );
}

const actionsOf = ({ steps }: Trajectory<ArithmeticState>): string[] =>
  steps.map(({ action }) => action);

/** The verdict on a whole answer, whichever the view. */
async function grade(
  view: keyof typeof VIEWS,
  task: Task,
  answer: string,
): Promise<{ trajectory: Trajectory<ArithmeticState>; verdict: Verdict }> {
  const actions = view === "window" ? Array.from(answer) : [answer];
  const trajectory = await playActions(VIEWS[view], task, actions);
  return { trajectory, verdict: await VIEWS[view].judge(trajectory) };
}

describe.each(CASES)("$view $level", ({ view, level }) => {
  const environment = VIEWS[view];

  test("the reference is accepted and its corruption refused on 500 tasks", async () => {
    const random = Random.from(2, "test-actions");
    for (const task of tasksOf(view, level, 500)) {
      const reference = await playProcedure(environment, task, "correct", random);
      const right = problemFromData(task.data).answer;
      expect(await environment.judge(reference)).toEqual({
        correct: true,
        answer: right,
        stop: "solved",
      });
      const wrong = environment.corrupt(task, actionsOf(reference), random)!;
      const changed = Array.from(wrong.join("")).findIndex((symbol, i) => symbol !== right[i]);
      const verdict = await environment.judge(await playActions(environment, task, wrong));
      expect(verdict).toMatchObject({ correct: false, stop: "wrong", answer: wrong.join("") });
      expect(verdict.firstError).toMatchObject({
        step: view === "window" ? changed : 0,
        span: view === "window" ? { start: 0, end: 1 } : { start: changed, end: changed + 1 },
        evidence: "test",
        confidence: 1,
        expected: view === "window" ? right[changed] : right,
      });
    }
  });

  test("every procedure that applies ends, and each mal-rule earns its own signature", async () => {
    const random = Random.from(3, "test-actions");
    const tasks = tasksOf(view, level, 60);
    for (const name of proceduresFor(level)) {
      const signatures = new Set<string>();
      for (const task of tasks) {
        const trajectory = await playProcedure(environment, task, name, random);
        expect(trajectory.end.terminated).toBe(true);
        const verdict = await environment.judge(trajectory);
        expect(["solved", "wrong"]).toContain(verdict.stop);
        if (verdict.signature !== undefined) signatures.add(verdict.signature);
      }
      if (name === "correct") expect(signatures.size).toBe(0);
      // One digit has too little room for the rules that need a carry chain, or a borrow.
      else if (name !== "noise" && !level.endsWith("-1")) expect(signatures).toContain(name);
    }
  });

  test("every split has tasks, and no task is in two", () => {
    const seen = new Map<string, Split>();
    for (const task of tasksOf(view, level, 900)) {
      expect(seen.get(task.id) ?? task.split).toBe(task.split);
      seen.set(task.id, task.split);
    }
    expect(new Set(seen.values()).size).toBe(3);
  });

  test("one seed draws the same tasks", () => {
    expect(tasksOf(view, level, 20, 7)).toEqual(tasksOf(view, level, 20, 7));
    if (level !== "addition-1") {
      expect(tasksOf(view, level, 20, 8)).not.toEqual(tasksOf(view, level, 20, 7));
    }
  });
});

test("a column shows its digits, those before it and the answer there", async () => {
  const task = arithmeticTask("addition", "37512+90466");
  const { trajectory } = await grade("window", task, "879721");
  expect(trajectory.steps.map(({ observation }) => observation)).toEqual([
    "26___=",
    "16268=",
    "54167=",
    "70549=",
    "39707=",
    "__392=",
  ]);
  expect(trajectory.end).toMatchObject({ terminated: true, observation: "" });
});

test("past the first column the choice is whether a carry came in, and one of the two is right", async () => {
  const task = arithmeticTask("addition", "37512+90466");
  const { trajectory } = await grade("window", task, "879721");
  const states = [...trajectory.steps, trajectory.end].map(({ state }) => state);
  expect(states.map((state) => window.choices?.(state))).toEqual([
    [],
    ["7", "8"],
    ["9", "0"],
    ["7", "8"],
    ["2", "3"],
    ["0", "1"],
    [],
  ]);
  expect(whole.choices?.(whole.start(task).state)).toEqual([]);
  for (const other of tasksOf("window", "addition", 50)) {
    const right = await playProcedure(window, other, "correct", Random.from(1, "test-actions"));
    for (const { state, action } of right.steps.slice(1)) {
      expect(window.choices?.(state)).toContain(action);
    }
  }
});

test.each([
  ["addition", "37512+90466", "21573+66409="],
  ["subtraction", "37512-90466", "21573-66409="],
  ["expressions", "3-(4-2)*5", "3-(4-2)*5="],
] as const)("the whole view shows %s %s as %s", (kind, text, observation) => {
  expect(whole.start(arithmeticTask(kind, text)).observation).toBe(observation);
});

test("both views agree on any answer to a sum", async () => {
  const digit = fc.nat({ max: 9 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(digit, digit, digit, fc.boolean()), { minLength: 1, maxLength: 12 }),
      digit,
      async (columns, last) => {
        const task = arithmeticTask(
          "addition",
          `${columns.map(([a]) => a).join("")}+${columns.map(([, b]) => b).join("")}`,
        );
        const right = problemFromData(task.data).answer;
        const answer = [...columns.map(([, , c]) => c), last]
          .map((given, i) => (columns[i]?.[3] === false ? given : right[i]!))
          .join("");
        const seen = [await grade("window", task, answer), await grade("whole", task, answer)];
        const [local, global] = seen.map(({ verdict }) => verdict);
        expect(local!.correct).toBe(answer === right);
        expect({ ...local, firstError: undefined }).toEqual({ ...global, firstError: undefined });
        expect(local!.firstError?.step).toBe(global!.firstError?.span.start);
        expect(local!.firstError?.family).toBe(global!.firstError?.family);
        expect(local!.firstError?.detail).toBe(global!.firstError?.detail);
      },
    ),
  );
});

test("no text makes a step throw, and what cannot be read ends the episode", async () => {
  const tasks = ["addition", "subtraction", "expressions"].flatMap((level) =>
    tasksOf("whole", level, 3),
  );
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[-+*()=_0-9]{0,8}$/));
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...tasks), text, async (task, action) => {
      const views =
        task.level === "addition" ? (["window", "whole"] as const) : (["whole"] as const);
      for (const view of views) {
        const environment = VIEWS[view];
        const trajectory = await playActions(environment, task, [action]);
        const verdict = await environment.judge(trajectory);
        const { malformed } = trajectory.end.state;
        expect(verdict.stop === "malformed").toBe(malformed);
        if (malformed) {
          expect(trajectory.end.terminated).toBe(true);
          expect(verdict).toMatchObject({ correct: false, answer: "" });
          expect(verdict.firstError).toMatchObject({
            family: "malformed",
            span: { start: 0, end: action.length },
          });
          expect(await environment.step(trajectory.end.state, "1")).toEqual(trajectory.end);
        }
      }
    }),
  );
});

test("an earlier wrong digit comes before a malformed one", async () => {
  const task = arithmeticTask("addition", "11+11");
  const verdict = await window.judge(await playActions(window, task, ["2", "5", "="]));
  expect(verdict).toMatchObject({ stop: "malformed", firstError: { step: 1, expected: "2" } });
});

test("an attempt cut short is truncated, and blamed only for a digit it got wrong", async () => {
  const task = arithmeticTask("addition", "11+11");
  const blameless = await playActions(window, task, ["2", "2"]);
  expect(blameless.end.truncated).toBe(true);
  expect(await window.judge(blameless)).toEqual({ correct: false, answer: "", stop: "truncated" });
  const wrong = await window.judge(await playActions(window, task, ["3", "2"]));
  expect(wrong).toMatchObject({ stop: "truncated", firstError: { step: 0, family: "carry" } });
  expect(wrong).not.toHaveProperty("signature");
});

test.each([
  ["addition", "18+25", "330", "carry", { start: 1, end: 2 }],
  ["addition", "18+25", "390", "digit", { start: 1, end: 2 }],
  ["addition", "18+25", "34", "length", { start: 2, end: 2 }],
  ["addition", "18+25", "3400", "length", { start: 3, end: 4 }],
  ["subtraction", "18-25", "+70", "sign", { start: 0, end: 1 }],
  ["subtraction", "25-18", "+71", "borrow", { start: 2, end: 3 }],
  ["expressions", "2-3*4", "10", "sign", { start: 0, end: 1 }],
  ["expressions", "2-3*4", "-11", "digit", { start: 2, end: 3 }],
  ["expressions", "2+3*4", "1", "length", { start: 1, end: 1 }],
] as const)("%s %s answered %s is wrong in its %s", async (kind, text, answer, family, span) => {
  const { verdict } = await grade("whole", arithmeticTask(kind, text), answer);
  expect(verdict).toMatchObject({ correct: false, stop: "wrong", firstError: { family, span } });
});

test("a procedure that is not about a task's kind answers as correct does", async () => {
  const task = arithmeticTask("subtraction", "25-18");
  const random = Random.from(1, "test-actions");
  const trajectory = await playProcedure(whole, task, "drop-carry", random);
  expect((await whole.judge(trajectory)).correct).toBe(true);
});

test("noise replaces three digits in ten, a tenth of them by themselves", async () => {
  const random = Random.from(5, "test-actions");
  let changed = 0;
  let digits = 0;
  for (const task of tasksOf("window", "addition", 500)) {
    const right = problemFromData(task.data).answer;
    const given = actionsOf(await playProcedure(window, task, "noise", random));
    digits += given.length;
    changed += given.filter((digit, i) => digit !== right[i]).length;
  }
  expect(digits).toBe(3000);
  expect(changed / digits).toBeGreaterThan(0.23);
  expect(changed / digits).toBeLessThan(0.31);
});

test("swapping the operands of + or * keeps the split", () => {
  for (const task of tasksOf("window", "addition", 60)) {
    const [a, b] = problemFromData(task.data).text.split("+");
    expect(arithmeticTask("addition", `${b}+${a}`).split).toBe(task.split);
  }
  const split = arithmeticTask("expressions", "(3+2)*4-1").split;
  expect(arithmeticTask("expressions", "4*(2+3)-1").split).toBe(split);
});

test("splits are 80/10/10 and do not follow the parity of the digits", () => {
  const counts: Record<string, number> = {};
  const random = Random.from(6, "test-tasks");
  for (let i = 0; i < 10_000; i++) {
    const [a, b] = [random.below(100_000), random.below(100_000)];
    const text = `${String(a).padStart(5, "0")}+${String(b).padStart(5, "0")}`;
    const parity = Array.from(text).reduce((sum, symbol) => sum + symbol.charCodeAt(0), 0) % 2;
    const key = `${arithmeticTask("addition", text).split} ${parity}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  for (const parity of [0, 1]) {
    expect(Math.abs(counts[`train ${parity}`]! - 4000)).toBeLessThan(200);
    expect(Math.abs(counts[`validation ${parity}`]! - 500)).toBeLessThan(90);
    expect(Math.abs(counts[`test ${parity}`]! - 500)).toBeLessThan(90);
  }
});

test("each length from 1 to 12 has tasks in every split", () => {
  const random = Random.from(4, "test-tasks");
  for (let digits = 1; digits <= 12; digits++) {
    for (const kind of ["addition", "subtraction"]) {
      for (const split of SPLITS) {
        const task = whole.draw({ split, level: `${kind}-${digits}`, random });
        const problem = problemFromData(task.data);
        expect(problem).toMatchObject({ kind, left: { length: digits } });
      }
    }
  }
});

test("the default length is an option", () => {
  const environment = arithmetic({ digits: 3 });
  const random = Random.from(4, "test-tasks");
  const task = environment.draw({ split: "test", level: "addition", random });
  expect(problemFromData(task.data).text).toHaveLength(7);
});

test.each([
  "additions",
  "addition-0",
  "addition-13",
  "addition-05",
  "expressions-3",
  "",
  "subtraction",
])("the window view has no level %j", (level) => {
  const random = Random.from(4, "test-tasks");
  expect(() => window.draw({ split: "train", level, random })).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_LEVEL" }),
  );
});

test.each([0, 13, 2.5, Number.NaN])("%d digits are refused", (digits) => {
  expect(() => arithmetic({ digits })).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_OPTION" }),
  );
});

test.each([
  null,
  3,
  {},
  { kind: "addition", text: "1+22" },
  { kind: "addition", text: "1+2+3" },
  { kind: "sum", text: "1+2" },
])("%j is no task", (data) => {
  const task: Task = { ...arithmeticTask("addition", "1+2"), data };
  expect(() => whole.start(task)).toThrow(expect.objectContaining({ code: "ENVIRONMENT_TASK" }));
});

test("the window view refuses to start a task of another kind", () => {
  expect(() => window.start(arithmeticTask("subtraction", "1-2"))).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_TASK" }),
  );
});
