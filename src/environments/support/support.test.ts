import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { checkEnvironment } from "../../assess/check-environment.js";
import type { Json, Task, Trajectory, Verdict } from "../environment.js";
import { playActions, playProcedure } from "../play-procedure.js";
import { parseAction } from "./action.js";
import { act, isOver, MAX_STEPS, openConversation, takeover } from "./conversation.js";
import { canonicalKey } from "./draw.js";
import { type Customer, type DeskTask, openTask } from "./errand.js";
import { referenceCalls, referenceDesk, rewardOf } from "./judge.js";
import { correct, grantOrDeny, LAPSES, plausibleActions } from "./procedures.js";
import { support, type SupportState } from "./support.js";

const environment = support();
const MAL_RULES = Object.keys(LAPSES);

function drawTasks(level: string, count: number, seed = 1): Task[] {
  const random = Random.from(seed, "support-test");
  return Array.from({ length: count }, () => environment.draw({ split: "train", level, random }));
}

/** Plays the correct method from a state to the end. */
function finish(state: SupportState): SupportState {
  let at = state;
  while (!isOver(at)) at = act(at, correct(at));
  return at;
}

const wins = (task: Task, state: SupportState): boolean =>
  Object.values(rewardOf(task, state)).every((component) => component === 1);

describe.each(environment.levels)("%s", (level) => {
  test("is sound", async () => {
    const result = await checkEnvironment(environment, { tasks: 150, seed: 5, level });
    expect(result).toMatchObject({
      referenceAccepted: 150,
      corrupted: 150,
      corruptedRejected: 150,
      failures: [],
    });
  });

  test("the correct method leaves exactly what the reference calls leave", async () => {
    for (const task of drawTasks(level, 100)) {
      const { end } = await playProcedure(environment, task, "correct", Random.from(0, "x"));
      expect(end.state.desk.digest()).toBe(referenceDesk(task).digest());
      expect(end.state.desk.changed()).toHaveLength(referenceCalls(task).length);
    }
  });

  test("a first error is exactly where the correct method can no longer mend the conversation", async () => {
    let seen = 0;
    for (const name of [...MAL_RULES, "noise"]) {
      const random = Random.from(2, name);
      for (const task of drawTasks(level, 40, 2)) {
        const trajectory = await playProcedure(environment, task, name, random);
        const { firstError } = await environment.judge(trajectory);
        if (firstError === undefined || firstError.evidence === "heuristic") continue;
        const states = [...trajectory.steps.map(({ state }) => state), trajectory.end.state];
        expect(wins(task, finish(states[firstError.step]!))).toBe(true);
        const doomed = states.findIndex((state) => !wins(task, finish(state)));
        const { loss } = trajectory.end.state;
        // Of an agreed write the offer is blamed, after which a better one could still have been made.
        expect(doomed).toBe((loss?.offer === undefined ? firstError.step : loss.step) + 1);
        seen++;
      }
    }
    expect(seen).toBeGreaterThan(100);
  });

  test("each mal-rule's failures carry its name", async () => {
    for (const name of MAL_RULES) {
      const signatures: (string | undefined)[] = [];
      for (const task of drawTasks(level, 80, 3)) {
        const trajectory = await playProcedure(environment, task, name, Random.from(0, "x"));
        const { correct: right, signature } = await environment.judge(trajectory);
        if (!right) signatures.push(signature);
      }
      const own = signatures.filter((each) => each === name).length;
      expect(own, name).toBeGreaterThanOrEqual(0.95 * signatures.length);
    }
  });

  test("is not served by refusing everything, nor by granting everything", async () => {
    const constant = (choice: 0 | 1) => (state: SupportState) =>
      grantOrDeny(state)[choice] ?? correct(state);
    for (const choice of [0, 1] as const) {
      let served = 0;
      for (const task of drawTasks(level, 100, 4)) {
        const trajectory = await playProcedure(
          environment,
          task,
          constant(choice),
          Random.from(0, "x"),
        );
        if ((await environment.judge(trajectory)).correct) served++;
      }
      expect(served / 100).toBeLessThan(level === "windows" ? 0.01 : 0.5);
    }
  });
});

test("on windows, no number of weeks decides a whole task", async () => {
  for (let most = 0; most <= 8; most++) {
    const byWeeks = (state: SupportState): string => {
      const choices = grantOrDeny(state);
      const late = (state.order?.row.weeks ?? 0) > most;
      return choices.length === 0 ? correct(state) : choices[late ? 1 : 0]!;
    };
    for (const task of drawTasks("windows", 40, 8)) {
      const trajectory = await playProcedure(environment, task, byWeeks, Random.from(0, "x"));
      expect((await environment.judge(trajectory)).correct).toBe(false);
    }
  }
});

test("every mal-rule is wrong on some task of the easier level, and right on some", async () => {
  for (const name of MAL_RULES) {
    let right = 0;
    for (const task of drawTasks("mixed", 100, 6)) {
      const trajectory = await playProcedure(environment, task, name, Random.from(0, "x"));
      if ((await environment.judge(trajectory)).correct) right++;
    }
    expect(right, name).toBeGreaterThan(10);
    expect(right, name).toBeLessThan(92);
  }
});

test("on windows, the injected rule has three forks or more, and is wrong at two", async () => {
  const tooLate = environment.procedures["past-window"]!;
  for (const task of drawTasks("windows", 50, 7)) {
    const { steps } = await playProcedure(environment, task, "correct", Random.from(0, "x"));
    const forks = steps.filter(({ state }) => environment.choices!(state).length > 0);
    const wrong = forks.filter(
      ({ state, action }) => tooLate(state, Random.from(0, "x")) !== action,
    );
    expect(forks.length).toBeGreaterThanOrEqual(3);
    expect(wrong.length).toBeGreaterThanOrEqual(2);
    for (const { state, action } of forks) expect(environment.choices!(state)).toContain(action);
  }
});

/** A desk with one customer and one errand; everything is granted unless a test changes it. */
function deskTask(
  errands: Customer["errands"],
  ways: Partial<Customer> = {},
  order: Record<string, Json> = {},
): Task {
  const data = {
    tables: {
      users: {
        u1: { name: "ann", zip: "10001", email: "sun@x", tier: "basic" },
        u2: { name: "ben", zip: "19122", email: "oak@x", tier: "gold" },
      },
      orders: {
        "#W1": {
          user: "u1",
          status: "delivered",
          weeks: 2,
          lines: [
            { item: "#1", product: "lamp" },
            { item: "#2", product: "hat" },
          ],
          ...order,
        },
      },
      products: {
        lamp: {
          variants: [
            { item: "#3", colour: "red", available: true },
            { item: "#4", colour: "blue", available: false },
          ],
        },
      },
    },
    customer: {
      user: "u1",
      opening: "name-and-zip",
      forgetsZip: false,
      careless: false,
      errands,
      ...ways,
    },
  } satisfies Record<keyof Pick<DeskTask, "tables" | "customer">, unknown>;
  return {
    id: "t",
    domain: "support",
    level: "mixed",
    split: "train",
    data: data as unknown as Json,
  };
}

const RETURN = { request: { verb: "return", order: "#W1", product: "lamp" } } as const;
const EXCHANGE = {
  request: { verb: "exchange", order: "#W1", product: "lamp", colour: "red" },
} as const;
const HELLO = ["find ann 10001", "order #W1"];

async function play(
  task: Task,
  ...actions: string[]
): Promise<Verdict & { trajectory: Trajectory<SupportState>; seen: string }> {
  const trajectory = await playActions(environment, task, actions);
  const verdict = await environment.judge(trajectory);
  return { ...verdict, trajectory, seen: trajectory.end.observation };
}

describe("the monitors", () => {
  const returning = deskTask([RETURN]);
  test.each<[string, string, Task, string[]]>([
    ["wrong_sequence", "no access before identity", returning, ["order #W1"]],
    ["wrong_sequence", "no refusal before a look", returning, ["find ann 10001", "deny"]],
    ["wrong_sequence", "no write before a yes", returning, [...HELLO, "return lamp"]],
    [
      "wrong_sequence",
      "no write of another thing than agreed",
      returning,
      [...HELLO, "offer return lamp", "return hat"],
    ],
    ["hallucination", "no identity that was not claimed", returning, ["find ben 19122"]],
    ["hallucination", "no order that was not named", returning, ["find ann 10001", "order #W2"]],
    [
      "hallucination",
      "no item that is not in the order",
      returning,
      [...HELLO, "offer return coat"],
    ],
    [
      "hallucination",
      "no replacement that was not seen",
      deskTask([EXCHANGE]),
      [...HELLO, "offer exchange lamp red"],
    ],
    [
      "guideline_violation",
      "nothing too late: lamps two weeks",
      deskTask([RETURN], {}, { weeks: 3 }),
      [...HELLO, "offer return lamp"],
    ],
    [
      "guideline_violation",
      "nothing that was not delivered",
      deskTask([RETURN], {}, { status: "processed", weeks: 0 }),
      [...HELLO, "offer return lamp"],
    ],
    [
      "guideline_violation",
      "nothing of another customer",
      deskTask([RETURN], {}, { user: "u2" }),
      [...HELLO, "offer return lamp"],
    ],
    [
      "guideline_violation",
      "no second return from one order",
      deskTask([RETURN, { request: { verb: "return", order: "#W1", product: "hat" } }]),
      [...HELLO, "offer return lamp", "return lamp", "close", "order #W1", "offer return hat"],
    ],
    [
      "guideline_violation",
      "nothing out of stock",
      deskTask([{ request: { ...EXCHANGE.request, colour: "blue" } }]),
      [...HELLO, "product lamp", "offer exchange lamp blue"],
    ],
    ["premature_termination", "no transfer of what a tool can do", returning, ["transfer"]],
    ["tool_call_schema_error", "no action that is none", returning, [...HELLO, "give return lamp"]],
  ])("%s: %s", async (family, _, task, actions) => {
    const verdict = await play(task, ...actions);
    expect(verdict).toMatchObject({
      correct: false,
      stop: family === "tool_call_schema_error" ? "malformed" : "rejected",
      firstError: { step: actions.length - 1, family, evidence: "monitor", confidence: 1 },
    });
    expect(verdict.trajectory.end.terminated).toBe(true);
  });

  test("gold members have two weeks more", async () => {
    const task = deskTask([RETURN], { user: "u2" }, { user: "u2", weeks: 4 });
    const done = await play(
      task,
      "find ben 19122",
      "order #W1",
      "offer return lamp",
      "return lamp",
      "close",
    );
    expect(done.correct).toBe(true);
  });
});

describe("the customer", () => {
  test("gives what is asked, and only what they know", async () => {
    const vague = { opening: "nothing", forgetsZip: true } as const;
    const { seen } = await play(deskTask([{ ...RETURN, omits: "order" }], vague), "ask identity");
    expect(seen).toBe("claims ann sun@x asks return ? lamp says hello");
    const asked = await play(deskTask([{ ...RETURN, omits: "product" }]), ...HELLO, "ask product");
    expect(asked.seen).toContain("asks return #W1 lamp");
  });

  test("says no to what they do not want; a careless one says yes", async () => {
    const wrong = [...HELLO, "offer return hat"];
    expect((await play(deskTask([RETURN]), ...wrong)).seen).toMatch(/says no$/);
    expect((await play(deskTask([RETURN], { careless: true }), ...wrong)).seen).toMatch(
      /says yes$/,
    );
  });

  test("a wrong write that was agreed to is blamed on the offer, and the conversation goes on", async () => {
    const verdict = await play(
      deskTask([RETURN], { careless: true }),
      ...HELLO,
      "offer return hat",
      "return hat",
      "close",
    );
    expect(verdict).toMatchObject({
      correct: false,
      stop: "wrong",
      signature: "tool_call_argument_error",
      firstError: {
        step: 2,
        evidence: "oracle",
        family: "tool_call_argument_error",
        expected: "offer return lamp",
      },
      wrongOutputs: { "errand 1": "offer return hat" },
    });
    const first = await play(
      deskTask([{ request: { ...RETURN.request, product: "hat" } }], { careless: true }),
      ...HELLO,
      "offer return lamp",
      "return lamp",
      "close",
    );
    expect(first.signature).toBe("first-item");
  });

  test("may change what they want: the old offer then stands for nothing", async () => {
    const changing = deskTask([{ ...RETURN, change: { product: "hat" } }]);
    const offered = [...HELLO, "offer return lamp"];
    expect((await play(changing, ...offered)).seen).toMatch(/asks return #W1 hat .* says no$/);
    expect(await play(changing, ...offered, "return lamp")).toMatchObject({
      signature: "assume-yes",
    });
    expect(
      await play(changing, ...offered, "offer return hat", "return hat", "close"),
    ).toMatchObject({
      correct: true,
    });
  });

  test("may withdraw a request, and then nothing is to be written", async () => {
    const withdrawing = deskTask([{ ...RETURN, change: "withdraws" }]);
    expect(referenceCalls(withdrawing)).toEqual([]);
    expect((await play(withdrawing, ...HELLO, "offer return lamp", "close")).correct).toBe(true);
  });

  test("pushes once against a refusal; giving in breaks a rule, holding out is right", async () => {
    const pushing = deskTask([{ ...RETURN, pushes: true }], {}, { weeks: 7 });
    expect((await play(pushing, ...HELLO, "deny")).seen).toMatch(/says please$/);
    expect((await play(pushing, ...HELLO, "deny", "deny")).correct).toBe(true);
    expect(await play(pushing, ...HELLO, "deny", "offer return lamp")).toMatchObject({
      signature: "give-in",
      firstError: { step: 3, family: "guideline_violation" },
    });
  });

  test("accepts a refusal of what is allowed, which is then lost", async () => {
    expect(await play(deskTask([RETURN]), ...HELLO, "deny")).toMatchObject({
      correct: false,
      stop: "wrong",
      signature: "missed_required_action",
      firstError: { step: 2, family: "missed_required_action", evidence: "oracle" },
    });
  });

  test("is told a status, or is told wrong", async () => {
    const asking = deskTask([{ request: { verb: "status", order: "#W1" } }]);
    expect((await play(asking, ...HELLO, "tell delivered")).correct).toBe(true);
    expect(await play(asking, ...HELLO, "tell pending")).toMatchObject({
      firstError: { family: "hallucination", expected: "tell delivered" },
    });
  });

  test("leaves after three needless messages, and the third is to blame", async () => {
    expect(await play(deskTask([RETURN]), "close", "ask order", ...HELLO, "close")).toMatchObject({
      correct: false,
      stop: "wrong",
      firstError: { step: 4, family: "missed_required_action", evidence: "oracle" },
    });
  });

  test("a conversation without end is cut off", async () => {
    const actions = Array.from({ length: MAX_STEPS + 3 }, () => "product lamp");
    const verdict = await play(deskTask([RETURN]), ...actions);
    expect(verdict).toMatchObject({ stop: "truncated", firstError: { evidence: "heuristic" } });
    expect(verdict.signature).toBeUndefined();
    expect(verdict.trajectory.steps).toHaveLength(MAX_STEPS);
  });
});

test("tasks survive JSON, and are judged the same", async () => {
  for (const task of drawTasks("windows", 10, 9)) {
    const copy = JSON.parse(JSON.stringify(task)) as Task;
    expect(environment.start(copy).observation).toBe(environment.start(task).observation);
    for (const name of ["correct", "give-in"]) {
      const trajectory = await playProcedure(environment, task, name, Random.from(0, "x"));
      expect(await environment.judge({ ...trajectory, task: copy })).toEqual(
        await environment.judge(trajectory),
      );
    }
  }
});

test("the task decides what is graded, not the states handed in", async () => {
  const served = await play(
    deskTask([RETURN]),
    ...HELLO,
    "offer return lamp",
    "return lamp",
    "close",
  );
  expect(served.correct).toBe(true);
  const forged = { ...served.trajectory, task: deskTask([RETURN], {}, { weeks: 8 }) };
  expect(await environment.judge(forged)).toMatchObject({ correct: false, stop: "rejected" });
});

describe("taking over", () => {
  test("starts from the state another agent left, and blames nothing of theirs", async () => {
    const task = takeover(deskTask([RETURN], { careless: true }), [...HELLO, "offer return hat"])!;
    expect(environment.start(task).observation).toMatch(/offer return hat says yes$/);
    expect((await play(task, "offer return lamp", "return lamp", "close")).correct).toBe(true);
    expect(await play(task, "return hat", "close")).toMatchObject({
      firstError: { step: 0, family: "tool_call_argument_error", expected: "offer return lamp" },
    });
  });

  test("of what is over or lost is no task", () => {
    const task = deskTask([RETURN, RETURN]);
    expect(takeover(task, ["order #W1"])).toBeUndefined();
    expect(takeover(task, [...HELLO, "deny"])).toBeUndefined();
    expect(takeover(task, HELLO)).not.toBeUndefined();
  });
});

describe("draws", () => {
  test("an unknown level is refused", () => {
    const draw = (): Task =>
      environment.draw({ split: "train", level: "easy", random: Random.from(1, "x") });
    expect(draw).toThrowError(expect.objectContaining({ code: "ENVIRONMENT_LEVEL" }));
  });

  test.each([null, 3, {}, "x"])("a task that holds %j is refused", (data) => {
    expect(() => environment.start({ ...deskTask([RETURN]), data })).toThrowError(
      expect.objectContaining({ code: "SUPPORT_TASK" }),
    );
  });

  test("renaming changes neither the id's key nor the split; other weeks do", () => {
    for (const task of drawTasks("mixed", 20)) {
      const text = JSON.stringify(task.data);
      const renamed = text.replaceAll(/"u(\d)"/g, (_, n: string) => `"u${(Number(n) % 8) + 1}"`);
      expect(canonicalKey(JSON.parse(renamed) as DeskTask)).toBe(
        canonicalKey(task.data as unknown as DeskTask),
      );
    }
    const one = deskTask([RETURN]).data as unknown as DeskTask;
    const other = deskTask([RETURN], {}, { weeks: 1 }).data as unknown as DeskTask;
    expect(canonicalKey(one)).not.toBe(canonicalKey(other));
  });

  test("difficult customers on demand: vague, contradictory, pushing, careless", () => {
    const hard = support({ customers: { vague: 1, contradictory: 1, pushing: 1, careless: 1 } });
    const random = Random.from(1, "x");
    for (let i = 0; i < 30; i++) {
      const { customer } = openTask(hard.draw({ split: "train", level: "windows", random }).data);
      expect(customer.careless).toBe(true);
      expect(
        customer.errands.every((errand) => errand.pushes === true && errand.omits !== undefined),
      ).toBe(true);
      expect(customer.errands.some((errand) => errand.change !== undefined)).toBe(true);
    }
  });
});

test("every action that can be thought of is read back, and a state that is over stays", async () => {
  for (const task of drawTasks("mixed", 40)) {
    const { steps, end } = await playProcedure(environment, task, "correct", Random.from(0, "x"));
    for (const { state } of steps)
      for (const action of plausibleActions(state))
        expect(parseAction(action), action).toBeDefined();
    expect((await environment.step(end.state, "deny")).state).toBe(end.state);
  }
  for (const text of [
    "",
    "offer",
    "offer deny",
    "return",
    "find ann",
    "deny deny",
    "exchange #1",
    "cancel #1",
  ])
    expect(parseAction(text), text).toBeUndefined();
});

test("states are data: a conversation can be carried on from any of them", async () => {
  const [task] = drawTasks("windows", 1);
  const { steps } = await playProcedure(environment, task!, "past-window", Random.from(0, "x"));
  for (const { state } of steps) expect(wins(task!, finish(state))).toBe(true);
  expect(openConversation(task!.data).steps).toBe(0);
});
