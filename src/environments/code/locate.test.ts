import { afterAll, expect, test } from "vitest";
import { locateByPrefix, statementsOf, suspectStatements } from "./locate.js";
import { JavaScriptSandbox } from "./sandbox/javascript.js";

const sandbox = new JavaScriptSandbox({ threads: 2 });
afterAll(() => sandbox.close());

const RIGHT = `function f(a) {
  let best = a[0];
  for (let i = 1; i < a.length; i++) {
    if (a[i] > best) best = a[i];
  }
  return best;
}`;
const WRONG = RIGHT.replace("a[i] > best", "a[i] < best");

const text = (program: string, { start, end }: { start: number; end: number }): string =>
  program.slice(start, end);

test("statements, in order, blocks aside", () => {
  expect(statementsOf(RIGHT).map((s) => text(RIGHT, s).split("\n")[0])).toEqual([
    "let best = a[0];",
    "for (let i = 1; i < a.length; i++) {",
    "let i = 1",
    "if (a[i] > best) best = a[i];",
    "best = a[i];",
    "return best;",
  ]);
  expect(statementsOf("not ( a program")).toEqual([]);
});

const LINES = ["a = 1;", "b = 2;", "c = 4;", "d = 4;", "e = 5;"];
const PROGRAM = LINES.join("");
const SPANS = LINES.map((line, i) => ({ start: i * line.length, end: (i + 1) * line.length }));
const RIGHT_LINES = PROGRAM.replace("c = 4;", "c = 3;");

test("prefixes: the first statement that no completion survives", async () => {
  let asked = 0;
  const found = await locateByPrefix(PROGRAM, {
    statements: SPANS,
    sample: async (prefix) => {
      asked++;
      return Promise.resolve(prefix + RIGHT_LINES.slice(prefix.length));
    },
    passes: async (program) => Promise.resolve(program === RIGHT_LINES),
    samples: 4,
  });
  expect(found).toMatchObject({ ...SPANS[2], evidence: "rollout" });
  expect(found!.confidence).toBeCloseTo(1 - (1 - 5 / 6) ** 4, 10);
  expect(asked).toBeLessThanOrEqual(4 * 5); // both ends and a bisection
});

test("prefixes: no word where the sampler cannot solve it, or the program is not lost", async () => {
  const options = {
    statements: SPANS,
    samples: 2,
    sample: async (p: string) => Promise.resolve(p),
  };
  expect(
    await locateByPrefix(PROGRAM, { ...options, passes: async () => Promise.resolve(false) }),
  ).toBeUndefined();
  expect(
    await locateByPrefix(PROGRAM, { ...options, passes: async () => Promise.resolve(true) }),
  ).toBeUndefined();
  expect(
    await locateByPrefix("", {
      ...options,
      statements: [],
      passes: async () => Promise.resolve(true),
    }),
  ).toBeUndefined();
});

test("coverage: what only failing assertions execute is suspected most", async () => {
  const program = `const f = (x) => {
  let y = x;
  if (x > 10) {
    y = x - 1;
  }
  return y;
};`;
  const suite = "for (const x of [1, 2, 11, 3, 12]) console.assert(f(x) === x);";
  const [first, ...rest] = await suspectStatements(program, suite, sandbox);
  expect(text(program, first!)).toBe("y = x - 1;");
  expect(first).toMatchObject({ evidence: "heuristic", confidence: 1 });
  const score = Math.sqrt(2 / 5); // failing assertions of all five that execute it: 2 / sqrt(2 * 5)
  expect(rest.every(({ confidence }) => confidence <= 1)).toBe(true);
  expect(rest.find((s) => text(program, s) === "return y;")!.confidence).toBeCloseTo(score, 10);
});

test("coverage: nothing to say of programs that pass, do not parse or do not end", async () => {
  expect(await suspectStatements(RIGHT, "console.assert(f([1, 3, 2]) === 3)", sandbox)).toEqual([]);
  expect(await suspectStatements("not ( a program", "console.assert(false)", sandbox)).toEqual([]);
  expect(
    await suspectStatements("const f = () => { for (;;); };", "console.assert(f())", sandbox),
  ).toEqual([]);
  expect(
    (await suspectStatements(WRONG, "console.assert(f([1, 3, 2]) === 3)", sandbox)).length,
  ).toBeGreaterThan(0);
});
