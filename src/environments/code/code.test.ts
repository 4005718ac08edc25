import { expect, test } from "vitest";
import { lexiconTokenizer } from "../../models/tokenizer.js";
import { Random } from "../../util/random.js";
import { checkEnvironment } from "../../assess/check-environment.js";
import type { Task, Verdict } from "../environment.js";
import { playActions, playProcedure } from "../play-procedure.js";
import { code } from "./code.js";
import { HELD_OUT_FAMILIES, codeTask, splitOf } from "./draw.js";
import { programText } from "./fragments.js";
import { familyOf, parseRequirement } from "./requirement.js";
import { initialState } from "./state.js";

const environment = code();

const task = (...requirements: string[]): Task =>
  codeTask(requirements.map(parseRequirement), "two-results", "train");

async function verdict(on: Task, ...actions: string[]): Promise<Verdict> {
  return environment.judge(await playActions(environment, on, actions));
}

const words = (text: string): string[] => text.split(" ");

const TWO = task("count array after 3 to 7 least 5", "max text nth 2 rest even");
const RIGHT = "r=0; 4 8 if(x >= 5 r++; r=-1; 1 n if(x%2 != 0 continue; r=max(r,x);";

test("the reference is accepted and its corruption refused on every task", async () => {
  const result = await checkEnvironment(environment, { tasks: 60, seed: 1 });
  expect(result).toMatchObject({ referenceAccepted: 60, corruptedRejected: result.corrupted });
  expect(result.corrupted).toBeGreaterThan(55);
  expect(result.failures).toEqual([]);
});

test("a program is JavaScript as people write it", () => {
  const { requirements } = initialState(TWO.data);
  const blocks = [words(RIGHT).slice(0, 7), words(RIGHT).slice(7)];
  expect(programText(requirements, blocks)).toBe(`function solve(a, s) {
  const n = a.length;
  const out = [];
  let r;
  r = 0;
  for (let i = 4; i < 8; i++) {
    if (a[i] >= 5) r++;
  }
  out.push(r);
  r = -1;
  for (let i = 1; i < n; i++) {
    if (Number(s[i]) % 2 !== 0) continue; r = Math.max(r, Number(s[i]));
  }
  out.push(r);
  return out;
}`);
});

test("other ways of writing the same are right too", async () => {
  expect(await verdict(TWO, ...words(RIGHT))).toMatchObject({ correct: true, stop: "solved" });
  const other = "r=0; 4 8 if(x < 5 continue; r++; r=-1; 1 n if(x%2 == 0 r=max(r,x);";
  expect(await verdict(TWO, ...words(other))).toMatchObject({ correct: true });
});

test.each([
  ["r=0; 3 8 if(x >= 5 r++;", 1, "off-by-one", "off-by-one", "4"],
  ["r=0; 4 7 if(x >= 5 r++;", 2, "off-by-one", "off-by-one", "8"],
  ["r=0; 4 8 if(x > 5 r++;", 5, "wrong-comparison", "wrong-comparison", "4"],
  ["r=1; 4 8 if(x >= 5 r++;", 0, "wrong-initial", undefined, "r=0;"],
  ["r=0; 4 8 if(x >= 5 r+=x;", 6, "wrong-statement", undefined, "r++;"],
  ["r=0; 4 2 if(x >= 5 r++;", 2, "wrong-bound", undefined, "8"],
])("%s goes wrong at fragment %i", async (block, step, family, signature, expected) => {
  const given = await verdict(TWO, ...words(block), ...words(RIGHT).slice(7));
  expect(given).toMatchObject({ correct: false, stop: "wrong" });
  expect(given.firstError).toMatchObject({
    step,
    family,
    expected,
    evidence: "oracle",
    confidence: 1,
  });
  expect(given.signature).toBe(signature);
});

test("the first error is never after the first fragment that differs, and what stands before it can be saved", async () => {
  const random = Random.from(3, "code-first-error");
  for (let i = 0; i < 40; i++) {
    const drawn = environment.draw({ split: "train", level: "two-results", random });
    const attempt = await playProcedure(environment, drawn, "noise", random);
    const { correct, firstError } = await environment.judge(attempt);
    if (correct) continue;
    const at = firstError!.step;
    let turn = environment.start(drawn);
    const kept = attempt.steps.slice(0, at).map(({ action }) => action);
    for (const action of kept) turn = await environment.step(turn.state, action);
    while (!turn.terminated) {
      const action = environment.procedures.correct(turn.state, random);
      kept.push(action);
      turn = await environment.step(turn.state, action);
    }
    expect(await verdict(drawn, ...kept), `${drawn.id} at ${at}`).toMatchObject({ correct: true });
  }
});

test("a mal-rule writes one wrong program, recognised as its own", async () => {
  const rules = Object.keys(environment.procedures).filter((n) => n !== "correct" && n !== "noise");
  for (const rule of rules) {
    const own = new Map<string | undefined, number>();
    for (let i = 0; i < 60; i++) {
      const draw = Random.from(i, "code-mal-rules");
      const drawn = environment.draw({ split: "train", level: "three-results", random: draw });
      const attempts = await Promise.all(
        [1, 2].map((seed) => playProcedure(environment, drawn, rule, Random.from(seed, "act"))),
      );
      const [first, second] = attempts.map(({ steps }) => steps.map(({ action }) => action));
      expect(first).toEqual(second);
      const { correct, signature } = await environment.judge(attempts[0]!);
      if (!correct) own.set(signature, (own.get(signature) ?? 0) + 1);
    }
    const total = [...own.values()].reduce((a, b) => a + b, 0);
    expect(total, rule).toBeGreaterThan(10);
    expect((own.get(rule) ?? 0) / total, rule).toBeGreaterThan(0.5);
  }
});

test("no constant way of writing bounds solves a task, and off-by-one errs at several places", async () => {
  const random = Random.from(5, "code-forks");
  for (const [level, least] of [
    ["two-results", 2],
    ["three-results", 4],
  ] as const) {
    for (let i = 0; i < 40; i++) {
      const drawn = environment.draw({ split: "validation", level, random });
      const { steps } = await playProcedure(environment, drawn, "correct", random);
      const bug = environment.procedures["off-by-one"]!;
      const forks = steps.filter(({ state, action }) =>
        environment.choices!(state).includes(action),
      );
      const wrong = forks.filter(({ state, action }) => bug(state, random) !== action);
      expect(wrong.length).toBeGreaterThanOrEqual(least);
      expect(wrong.length).toBeLessThan(2 * initialState(drawn.data).requirements.length);
      const fence = await playProcedure(environment, drawn, "off-by-one", random);
      expect((await environment.judge(fence)).correct).toBe(false);
    }
  }
});

test("splits share no requirement, and held-out families stand apart", () => {
  const random = Random.from(6, "code-splits");
  for (const split of ["train", "validation", "test"] as const)
    for (const level of environment.levels)
      for (let i = 0; i < 30; i++) {
        const drawn = environment.draw({ split, level, random });
        for (const requirement of initialState(drawn.data).requirements) {
          expect(splitOf(requirement)).toBe(split);
          expect(HELD_OUT_FAMILIES.has(familyOf(requirement))).toBe(level === "held-out-families");
        }
      }
});

test("no text of a policy throws", async () => {
  const tokenizer = lexiconTokenizer(environment);
  const texts = ["", " ", "r=0; 4", "}", "constructor", "__proto__", "\u0000", "x".repeat(100_000)];
  for (const text of texts) {
    const given = await verdict(TWO, text);
    expect(given).toMatchObject({ correct: false, firstError: { step: 0, evidence: "kernel" } });
    expect(given.stop).toBe(text === "}" ? "rejected" : "malformed");
    expect(given.answer.length).toBeLessThan(100);
  }
  expect(await verdict(TWO)).toMatchObject({ stop: "truncated", answer: "" });
  expect(tokenizer.decode(tokenizer.encode(RIGHT))).toBe(RIGHT);
});

test("two wrong programs with one behaviour repeat each other, two behaviours do not", async () => {
  const end = words(RIGHT).slice(7);
  const answer = async (block: string): Promise<string> =>
    (await verdict(TWO, ...words(block), ...end)).answer;
  const copied = await answer("r=0; 4 7 if(x >= 5 r++;");
  expect(await answer("r=0; 4 7 if(x > 4 r++;")).toBe(copied);
  expect(await answer("r=0; 3 7 if(x >= 5 r++;")).not.toBe(copied);
});

test("an unknown level is refused by name", () => {
  const random = Random.from(0, "x");
  expect(() => environment.draw({ split: "train", level: "hard", random })).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_LEVEL" }),
  );
  expect(() => environment.start({ ...TWO, data: 3 })).toThrow(
    expect.objectContaining({ code: "CODE_TASK" }),
  );
});
