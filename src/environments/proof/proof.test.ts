import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import type { Task, Trajectory, Verdict } from "../environment.js";
import { playActions, playProcedure } from "../play-procedure.js";
import { isGoalProvable } from "./procedures.js";
import { proof, type ProofState, proofTask } from "./proof.js";
import { parseSequent } from "./sequent.js";
import { ACTIONS } from "./tactics.js";

const environment = proof();

function drawTasks(level: string, count: number, purpose = "proof-test"): Task[] {
  const random = Random.from(7, purpose);
  return Array.from({ length: count }, () => environment.draw({ split: "train", level, random }));
}

async function attempt(text: string, ...actions: readonly string[]): Promise<Verdict> {
  const task = proofTask(parseSequent(text), "few-forks");
  return environment.judge(await playActions(environment, task, actions));
}

/** Verdicts of a procedure on drawn tasks. */
async function verdicts(procedure: string, tasks: readonly Task[]): Promise<Verdict[]> {
  const random = Random.from(8, procedure);
  const out: Verdict[] = [];
  for (const task of tasks) {
    out.push(await environment.judge(await playProcedure(environment, task, procedure, random)));
  }
  return out;
}

/** Share of each name among the wrong verdicts. */
function shares(
  wrong: readonly Verdict[],
  name: (verdict: Verdict) => string | undefined,
): Record<string, number> {
  const out: Record<string, number> = {};
  for (const verdict of wrong)
    out[name(verdict) ?? "none"] = (out[name(verdict) ?? "none"] ?? 0) + 1 / wrong.length;
  return out;
}

describe("the lexicon", () => {
  test("holds each action as one symbol, and every symbol once", () => {
    const { symbols } = environment.lexicon!;
    expect(new Set(symbols).size).toBe(symbols.length);
    for (const action of ACTIONS) expect(symbols).toContain(action);
    expect(symbols).toHaveLength(5 + 1 + 3 + 1 + 8 + 29);
  });

  test("covers every observation, and none is longer than promised", async () => {
    const known = new Set(environment.lexicon!.symbols);
    const random = Random.from(5, "lexicon");
    const unknown = new Set<string>();
    let longest = 0;
    for (const task of environment.levels.flatMap((level) => drawTasks(level, 150))) {
      for (const procedure of ["correct", "noise", "apply", "exfalso"]) {
        const { steps } = await playProcedure(environment, task, procedure, random);
        for (const { observation } of steps) {
          const symbols = observation.split(" ");
          longest = Math.max(longest, symbols.length);
          for (const symbol of symbols) if (!known.has(symbol)) unknown.add(symbol);
        }
      }
    }
    expect([...unknown]).toEqual([]);
    expect(longest).toBeLessThanOrEqual(environment.maxObservationSymbols);
  });
});

describe.each(environment.levels)("level %s", (level) => {
  const tasks = drawTasks(level, 500);

  test("the correct procedure proves every task", async () => {
    const all = await verdicts("correct", tasks);
    expect(all.filter(({ correct, stop }) => correct && stop === "solved")).toHaveLength(
      tasks.length,
    );
  });

  test("every corrupted solution is refused", async () => {
    const random = Random.from(9, "corrupt");
    for (const task of tasks) {
      const { steps } = await playProcedure(environment, task, "correct", random);
      const actions = steps.map(({ action }) => action);
      const wrong = environment.corrupt(task, actions, random);
      expect(wrong).toBeDefined();
      expect(wrong!.filter((action, i) => action !== actions[i])).toHaveLength(1);
      const verdict = await environment.judge(await playActions(environment, task, wrong!));
      expect(verdict.correct).toBe(false);
      expect(verdict.firstError).toBeDefined();
    }
  });

  test("the weak procedures err each in its own way", async () => {
    const families: Record<string, string> = {
      left: "wrong-disjunct",
      mention: "wrong-disjunct",
      exfalso: "premature-exfalso",
      apply: "unreachable-premise",
    };
    for (const [procedure, family] of Object.entries(families)) {
      const all = await verdicts(procedure, tasks);
      const wrong = all.filter(({ correct }) => !correct);
      expect(wrong.length / all.length, procedure).toBeGreaterThan(0.2);
      expect(
        shares(wrong, ({ firstError }) => firstError?.family)[family],
        procedure,
      ).toBeGreaterThan(0.75);
    }
    const noise = await verdicts("noise", tasks);
    expect(noise.filter(({ correct }) => correct).length / noise.length).toBeLessThan(0.1);
  });

  test("left and mention are told apart as far as they differ", async () => {
    const byLeft = shares(await verdicts("left", tasks), ({ signature }) => signature);
    const byMention = shares(await verdicts("mention", tasks), ({ signature }) => signature);
    expect(byLeft["wrong-disjunct-left"]).toBeGreaterThan(0.5);
    expect(byMention["wrong-disjunct-mentioned"]).toBeGreaterThan(0.95);
  });

  test("an oracle's first error is fatal, and the action expected there is not", async () => {
    for (const procedure of ["left", "mention", "exfalso", "apply", "noise"]) {
      const random = Random.from(10, procedure);
      for (const task of tasks.slice(0, 60)) {
        const trajectory = await playProcedure(environment, task, procedure, random);
        const { correct, firstError } = await environment.judge(trajectory);
        if (correct || firstError?.evidence !== "oracle") continue;
        const { state, action } = trajectory.steps[firstError.step]!;
        expect(firstError.span).toEqual({ start: 0, end: action.length });
        expect(state.development.goals.every(isGoalProvable)).toBe(true);
        const after = await environment.step(state, action);
        expect(after.state.development.goals.every(isGoalProvable)).toBe(false);
        const mended = await environment.step(state, firstError.expected!);
        expect(mended.state.refusal).toBeUndefined();
        expect(mended.state.development.goals.every(isGoalProvable)).toBe(true);
      }
    }
  });

  test("choices are offered where one side is fatal, and the correct procedure takes the other", async () => {
    let offered = 0;
    for (const task of tasks.slice(0, 100)) {
      const { steps } = await playProcedure(
        environment,
        task,
        "correct",
        Random.from(1, "choices"),
      );
      for (const { state, action } of steps) {
        const choices = environment.choices!(state);
        if (choices.length === 0) continue;
        offered++;
        expect(choices).toEqual(["left", "right"]);
        expect(choices).toContain(action);
      }
    }
    expect(offered).toBeGreaterThan(150);
  });
});

describe("draws", () => {
  test("an unknown level is refused", () => {
    const draw = (): Task =>
      environment.draw({ split: "train", level: "easy", random: Random.from(1, "x") });
    expect(draw).toThrowError(expect.objectContaining({ code: "ENVIRONMENT_LEVEL" }));
  });

  test("theorems that differ in the names of atoms are one task", () => {
    const one = proofTask(parseSequent("h0 -> p q |- \\/ q r"), "few-forks");
    const other = proofTask(parseSequent("h0 -> t s |- \\/ s p"), "few-forks");
    expect(other).toEqual(one);
  });

  test("tasks survive JSON", async () => {
    const [task] = drawTasks("many-forks", 1);
    const copy = JSON.parse(JSON.stringify(task)) as Task;
    expect(environment.start(copy).observation).toBe(environment.start(task!).observation);
  });

  test.each([[3], [null], [{}]])("a task that holds %j is refused", (data) => {
    const task = { ...proofTask(parseSequent("|- p"), "few-forks"), data };
    expect(() => environment.start(task)).toThrowError(
      expect.objectContaining({ code: "PROOF_TASK" }),
    );
  });
});

describe("episodes", () => {
  const start = (text: string): ProofState =>
    environment.start(proofTask(parseSequent(text), "few-forks")).state;

  test.each(["", "auto", "exact", "left left", "exact h9", "\u0000", "LEFT"])(
    "%j ends the episode as malformed",
    async (action) => {
      const turn = await environment.step(start("h0 p |- p"), action);
      expect(turn).toMatchObject({ terminated: true, truncated: false, observation: "" });
      expect(await attempt("h0 p |- p", action)).toMatchObject({
        correct: false,
        stop: "malformed",
        firstError: {
          step: 0,
          family: "malformed",
          expected: "exact h0",
          span: { start: 0, end: action.length },
        },
      });
    },
  );

  test("a state that is over stays as it is", async () => {
    const proved = await environment.step(start("h0 p |- p"), "exact h0");
    expect(proved.terminated).toBe(true);
    expect(await environment.step(proved.state, "left")).toEqual(proved);
  });

  test("going in circles is cut off", async () => {
    const circle = "h0 -> p q h1 -> q p h2 p |- q";
    const actions = Array.from({ length: environment.maxSteps }, (_, i) =>
      i % 2 === 0 ? "apply h0" : "apply h1",
    );
    expect(await attempt(circle, ...actions)).toMatchObject({
      correct: false,
      stop: "truncated",
      firstError: { step: environment.maxSteps - 1, family: "no-progress", evidence: "heuristic" },
    });
  });

  test("every procedure names a legal symbol on any state, lost or over", async () => {
    const random = Random.from(3, "lost");
    const lost = [
      "|- p",
      "h0 p |- \\/ q r",
      "h0 -> p q |- /\\ q r",
      "h0 -> p -> q r |- \\/ r s",
      "|- False",
    ];
    const states = lost.map(start);
    states.push((await environment.step(start("h0 p |- p"), "exact h0")).state);
    for (const state of states) {
      for (const act of Object.values(environment.procedures))
        expect(ACTIONS).toContain(act(state, random));
    }
  });
});

describe("verdicts", () => {
  test("a refused tactic is the kernel's word", async () => {
    expect(await attempt("h0 p h1 q |- /\\ p q", "split", "exact h1")).toMatchObject({
      correct: false,
      stop: "rejected",
      answer: "split; exact h1",
      firstError: {
        step: 1,
        evidence: "kernel",
        confidence: 1,
        family: "type-mismatch",
        expected: "exact h0",
      },
    });
  });

  test("a fatal tactic before a refused one is the first error", async () => {
    expect(await attempt("h0 p |- \\/ q p", "left", "exact h0")).toMatchObject({
      stop: "rejected",
      answer: "left",
      firstError: {
        step: 0,
        evidence: "oracle",
        confidence: 1,
        family: "wrong-disjunct",
        expected: "right",
      },
    });
  });

  test.each<[string, string, string[]]>([
    ["wrong-disjunct-left", "h0 p |- \\/ q p", ["left"]],
    ["wrong-disjunct-left", "h0 -> r p h1 p |- \\/ q p", ["left"]],
    ["wrong-disjunct-mentioned", "h0 -> r q h1 p |- \\/ q p", ["left"]],
    ["wrong-disjunct-mentioned", "h0 -> r q h1 p |- \\/ p q", ["right"]],
    ["wrong-disjunct-mentioned", "h0 p |- \\/ p q", ["right"]],
    ["wrong-disjunct-right", "h0 -> r p h1 p |- \\/ p q", ["right"]],
    // An earlier left where the rule speaks of the other side shows that it is not the rule that is followed.
    [
      "wrong-disjunct-left",
      "h0 -> r q h1 p |- /\\ \\/ p q \\/ q p",
      ["split", "left", "exact h1", "left"],
    ],
    ["premature-exfalso", "h0 p |- \\/ q p", ["exfalso"]],
    ["unreachable-premise", "h0 -> q p h1 p |- p", ["apply h0"]],
  ])("%s: on %s, %j", async (signature, text, actions) => {
    expect(await attempt(text, ...actions)).toMatchObject({ correct: false, signature });
  });

  test("nothing done is no answer", async () => {
    const verdict = await attempt("h0 p |- p");
    expect(verdict).toEqual({ correct: false, answer: "", stop: "truncated" });
  });

  test("stopping early, with nothing lost, is blamed on the last step without conviction", async () => {
    const verdict = await attempt("h0 p |- /\\ p p", "split", "exact h0");
    expect(verdict).toMatchObject({
      stop: "truncated",
      firstError: { step: 1, family: "no-progress" },
    });
    expect(verdict.firstError!.confidence).toBeLessThan(0.5);
    expect(verdict.signature).toBeUndefined();
  });

  test("on a theorem that cannot be proved, no legal tactic is blamed", async () => {
    expect(await attempt("|- \\/ p q", "left")).toEqual({
      correct: false,
      answer: "left",
      stop: "truncated",
    });
    expect(await attempt("|- p", "split")).toMatchObject({ firstError: { family: "wrong-goal" } });
  });

  test("the task decides what is proved, not the states handed in", async () => {
    const easy = proofTask(parseSequent("h0 p |- p"), "few-forks");
    const hard = proofTask(parseSequent("|- p"), "few-forks");
    const trajectory = await playActions(environment, easy, ["exact h0"]);
    const forged: Trajectory<ProofState> = { ...trajectory, task: hard };
    expect((await environment.judge(forged)).correct).toBe(false);
  });
});
