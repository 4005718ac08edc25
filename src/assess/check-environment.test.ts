import { expect, test } from "vitest";
import { ErrataError } from "../util/error.js";
import { Random } from "../util/random.js";
import {
  type ArithmeticState,
  arithmetic,
  arithmeticTask,
} from "../environments/arithmetic/arithmetic.js";
import { checkEnvironment } from "./check-environment.js";
import type { Environment } from "../environments/environment.js";
import { playActions, playProcedure } from "../environments/play-procedure.js";

const window = arithmetic();
const whole = arithmetic({ view: "whole" });
const QUICK = { tasks: 30, seed: 1 };

test.each([window, whole])("a sound environment passes", async (environment) => {
  const result = await checkEnvironment(environment, { tasks: 1500, seed: 1 });
  expect(result).toMatchObject({
    env: "arithmetic",
    tasks: 1500,
    referenceAccepted: 1500,
    corrupted: 1500,
    corruptedRejected: 1500,
    corruptedBlank: 0,
    failures: [],
  });
  expect(result.verdictsPerSecond).toBeGreaterThan(0);
});

test("one level can be checked alone, also one that is not listed", async () => {
  const result = await checkEnvironment(window, { ...QUICK, level: "addition-8" });
  expect(result).toMatchObject({ referenceAccepted: 30, failures: [] });
});

type Fault = [string, Partial<Environment<ArithmeticState>>];

test.each<Fault>([
  ["reference-refused", { judge: () => ({ correct: false, answer: "", stop: "wrong" }) }],
  ["corruption-accepted", { judge: () => ({ correct: true, answer: "", stop: "solved" }) }],
  ["corruption-accepted", { corrupt: (_task, actions) => actions }],
  ["reference-refused", { maxSteps: 3 }],
  ["contract", { maxObservationSymbols: 2 }],
  ["contract", { lexicon: { symbols: ["0", "1"], separator: "" } }],
  ["contract", { name: "another" }],
  [
    "contract",
    {
      // As from JavaScript, which nothing type-checks.
      judge: () => ({
        correct: false,
        answer: "",
        stop: "wrong",
        firstError: { step: 0 } as never,
      }),
    },
  ],
  [
    "threw",
    {
      procedures: {
        ...window.procedures,
        broken: () => {
          throw new Error("no answer");
        },
      },
    },
  ],
])("%s is found", async (fault, change) => {
  const result = await checkEnvironment({ ...window, ...change }, QUICK);
  expect(result.failures.map((failure) => failure.fault)).toContain(fault);
  expect(result.failures.length).toBeLessThanOrEqual(10);
});

test("a corruption that is accepted is not counted as rejected", async () => {
  const sameActions = { ...window, corrupt: (_: unknown, actions: readonly string[]) => actions };
  expect(await checkEnvironment(sameActions, QUICK)).toMatchObject({
    corrupted: 30,
    corruptedRejected: 0,
  });
});

test("of a data set each task is tried once, and one listed under another split is found", async () => {
  const random = Random.from(1, "listed");
  const listed = (["train", "validation", "test"] as const).map((split) =>
    window.draw({ split, level: "addition", random }),
  );
  const tasks = (split: string) => listed.filter((task) => task.split === split);
  const withList: Environment<ArithmeticState> = { ...window, tasks };
  expect(await checkEnvironment(withList, { tasks: 500, seed: 1 })).toMatchObject({
    tasks: 3,
    referenceAccepted: 3,
    failures: [],
  });
  const misplaced = { ...window, tasks: () => listed };
  const result = await checkEnvironment(misplaced, { tasks: 500, seed: 1 });
  expect(result.failures[0]).toMatchObject({ fault: "contract" });
  await expect(
    checkEnvironment(withList, { tasks: 1, seed: 1, level: "subtraction" }),
  ).rejects.toMatchObject({ code: "ENVIRONMENT_LEVEL" });
});

test("without a lexicon observations and actions are not held to one", async () => {
  const { lexicon: _, ...free } = window;
  expect(await checkEnvironment(free, QUICK)).toMatchObject({
    referenceAccepted: 30,
    failures: [],
  });
});

test("what is wrong with every task is said once", async () => {
  const broken: Environment<ArithmeticState> = {
    ...window,
    step: () => {
      throw new Error("no such thing");
    },
  };
  const { failures } = await checkEnvironment(broken, QUICK);
  expect(failures).toEqual([
    {
      task: expect.any(String) as string,
      shown: expect.any(String) as string,
      fault: "threw",
      detail: "no such thing",
      more: 29,
    },
  ]);
});

test("an environment that cannot judge even one attempt says why itself", async () => {
  const absent = new ErrataError("no prover is installed", {
    code: "PROVER_MISSING",
    hint: "install one",
  });
  const start = (): never => {
    throw absent;
  };
  await expect(checkEnvironment({ ...window, start }, QUICK)).rejects.toBe(absent);
});

test("an aborted check stops with the signal's reason", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(checkEnvironment(window, { ...QUICK, signal })).rejects.toThrow("enough");
});

test("an environment that answers later is awaited", async () => {
  const later: Environment<ArithmeticState> = {
    ...window,
    step: async (state, action) => window.step(state, action),
    judge: async (trajectory) => window.judge(trajectory),
  };
  expect(await checkEnvironment(later, QUICK)).toMatchObject({
    referenceAccepted: 30,
    corruptedRejected: 30,
    failures: [],
  });
});

test("a procedure may be a function or a name, and an unknown name is refused", async () => {
  const task = arithmeticTask("addition", "37512+90466");
  const random = Random.from(1, "test-actions");
  const zeros = await playProcedure(window, task, () => "0", random);
  expect(zeros.end.state.answer).toBe("000000");
  await expect(playProcedure(window, task, "toString", random)).rejects.toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_PROCEDURE" }),
  );
});

test("actions left over are ignored, and an attempt without enough is truncated", async () => {
  const task = arithmeticTask("addition", "1+2");
  const over = await playActions(window, task, ["3", "0", "7"]);
  expect(over.steps).toHaveLength(2);
  expect(over.end).toMatchObject({ terminated: true, truncated: false });
  const short = await playActions(window, task, ["3"]);
  expect(short.end).toMatchObject({ terminated: false, truncated: true });
});
