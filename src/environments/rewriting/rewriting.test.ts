import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { checkEnvironment } from "../../assess/check-environment.js";
import type { Task, Verdict } from "../environment.js";
import { playActions, playProcedure } from "../play-procedure.js";
import { isProvable } from "./decision.js";
import { rewriting, rewritingTask } from "./rewriting.js";
import { parseSequent, sequentKey } from "./sequent.js";
import { ACTIONS } from "./tactics.js";
import { forkAt } from "./walk.js";

const environment = rewriting();

function drawTasks(level: string, count: number, split: Task["split"] = "train"): Task[] {
  const random = Random.from(7, `rewriting-test-${split}`);
  return Array.from({ length: count }, () => environment.draw({ split, level, random }));
}

async function verdicts(procedure: string, tasks: readonly Task[]): Promise<Verdict[]> {
  const random = Random.from(8, procedure);
  const out: Verdict[] = [];
  for (const task of tasks)
    out.push(await environment.judge(await playProcedure(environment, task, procedure, random)));
  return out;
}

async function attempt(text: string, ...actions: readonly string[]): Promise<Verdict> {
  const task = rewritingTask(parseSequent(text), "few-conditions");
  return environment.judge(await playActions(environment, task, actions));
}

const rate = (all: readonly Verdict[]): number =>
  all.filter(({ correct }) => correct).length / all.length;

test("is sound", async () => {
  const result = await checkEnvironment(environment, { tasks: 600, seed: 1 });
  expect(result).toMatchObject({
    referenceAccepted: 600,
    corrupted: 600,
    corruptedRejected: 600,
    failures: [],
  });
});

test("the lexicon holds each action as one symbol, and every symbol once", () => {
  const { symbols } = environment.lexicon!;
  expect(new Set(symbols).size).toBe(symbols.length);
  for (const action of ACTIONS) expect(symbols).toContain(action);
});

test("the observation is the facts and the redex, then the order that is left", () => {
  const task = rewritingTask(parseSequent("h0 <= b a h1 < a c |- < + - a b b c"), "few-conditions");
  let turn = environment.start(task);
  const seen: string[] = [];
  for (const action of ["to a", "use h0", "use h1"]) {
    seen.push(turn.observation);
    turn = environment.step(turn.state, action) as typeof turn;
  }
  expect(seen).toEqual([
    "h0 <= b a h1 < a c |- + - a b b",
    "h0 <= b a h1 < a c |- <= b a",
    "h0 <= b a h1 < a c |- < a c",
  ]);
  expect(turn).toMatchObject({ terminated: true, observation: "" });
});

describe.each(environment.levels)("level %s", (level) => {
  const tasks = drawTasks(level, 200);

  test("taking conditions for granted proves nothing, and is what the judge sees", async () => {
    const all = await verdicts("ignore", tasks);
    expect(rate(all)).toBe(0);
    for (const { firstError, signature } of all) {
      expect(firstError).toMatchObject({
        family: "missing-side-condition",
        evidence: "oracle",
        confidence: 1,
      });
      expect(signature).toBe("ignored-condition");
    }
  });

  test("always expecting the exception proves nothing either", async () => {
    const all = await verdicts("exception", tasks);
    expect(rate(all)).toBe(0);
    for (const { signature } of all) expect(signature).toBe("presumed-exception");
  });

  test("neither noise nor any one result proves much", async () => {
    expect(rate(await verdicts("noise", tasks))).toBeLessThan(0.05);
    for (const always of ACTIONS) {
      let solved = 0;
      for (const task of tasks.slice(0, 60)) {
        const actions = new Array<string>(environment.maxSteps).fill(always);
        if ((await environment.judge(await playActions(environment, task, actions))).correct)
          solved++;
      }
      expect(solved / 60, always).toBeLessThan(0.05);
    }
  });

  test("hasty chains fail at dead ends, or go in circles", async () => {
    const wrong = (await verdicts("hasty", tasks)).filter(({ correct }) => !correct);
    expect(wrong.length).toBeGreaterThan(20);
    const families = wrong.map(({ firstError }) => firstError?.family);
    expect(new Set(families)).toEqual(new Set(["dead-end", "no-progress"]));
    const deadEnds = families.filter((family) => family === "dead-end").length;
    expect(deadEnds / wrong.length).toBeGreaterThan(0.5);
  });

  test("every error is local: right before it, lost after it", async () => {
    const random = Random.from(21, level);
    for (const task of tasks.slice(0, 60)) {
      const played = await playProcedure(environment, task, "noise", random);
      const { firstError } = await environment.judge(played);
      if (firstError === undefined || firstError.evidence === "heuristic") continue;
      const { state } = played.steps[firstError.step]!;
      const { goals, sequent } = state.development;
      expect(goals.every((goal) => isProvable(goal, sequent.facts))).toBe(true);
      if (firstError.expected !== undefined) {
        const prefix = played.steps.slice(0, firstError.step).map(({ action }) => action);
        const repaired = await environment.judge(
          await playActions(environment, task, [...prefix, firstError.expected]),
        );
        expect(repaired.firstError?.evidence ?? "heuristic").toBe("heuristic");
      }
    }
  });

  test("both laws are needed, and either may be the one", async () => {
    const random = Random.from(5, "forks");
    let first = 0;
    let second = 0;
    for (const task of tasks.slice(0, 100)) {
      const { steps } = await playProcedure(environment, task, "correct", random);
      for (const { state, action } of steps) {
        const { goals, sequent } = state.development;
        const fork = forkAt(goals[0]!, sequent.facts);
        expect(environment.choices!(state)).toEqual(fork?.actions ?? []);
        if (fork === undefined) continue;
        expect(action).toBe(fork.actions[fork.isException ? 1 : 0]);
        if (fork.isException) second++;
        else first++;
      }
    }
    expect(second / (first + second)).toBeGreaterThan(0.35);
    expect(second / (first + second)).toBeLessThan(0.65);
  });
});

test("splits share no theorem, however it is named", () => {
  const keys = (split: Task["split"]): Set<string> =>
    new Set(
      environment.levels
        .flatMap((level) => drawTasks(level, 80, split))
        .map(({ data }) => sequentKey(parseSequent(data as string))),
    );
  const train = keys("train");
  for (const key of [...keys("test"), ...keys("validation")]) expect(train.has(key)).toBe(false);
});

describe("the verdict", () => {
  const theorem = "h0 <= b a h1 < a c |- < + - a b b c";

  test.each([
    ["missing-side-condition", 0, "oracle", ["to b"]],
    ["no-law", 0, "kernel", ["to c"]],
    ["not-atomic", 0, "kernel", ["use h0"]],
    ["no-redex", 1, "kernel", ["to a", "to a"]],
    ["unknown-fact", 1, "kernel", ["to a", "use h4"]],
    ["mismatch", 1, "kernel", ["to a", "use h1"]],
    ["dead-end", 1, "oracle", ["to a", "zero"]],
    ["no-progress", 0, "heuristic", ["to a"]],
    ["malformed", 1, "kernel", ["to a", "lia"]],
  ])("%s", async (family, step, evidence, actions) => {
    expect(await attempt(theorem, ...actions)).toMatchObject({
      correct: false,
      firstError: { family, step, evidence },
    });
  });

  test("an unknown level is refused", () => {
    const random = Random.from(0, "level");
    expect(() => environment.draw({ split: "train", level: "none", random })).toThrow(
      expect.objectContaining({ code: "ENVIRONMENT_LEVEL" }),
    );
  });
});
