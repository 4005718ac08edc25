import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../../util/random.js";
import {
  canonicalExpression,
  evaluate,
  formatExpression,
  parseExpression,
  randomTree,
} from "./expression.js";

const tree = fc
  .tuple(fc.integer(), fc.integer({ min: 1, max: 6 }))
  .map(([seed, leaves]) => randomTree(Random.from(seed, "trees"), leaves));

test("a formatted expression reads back as the same tree", () => {
  fc.assert(
    fc.property(tree, (expression) => {
      expect(parseExpression(formatExpression(expression))).toEqual(expression);
    }),
  );
});

test("an expression has the value its text has in JavaScript", () => {
  fc.assert(
    fc.property(tree, (expression) => {
      const text = formatExpression(expression);
      // oxlint-disable-next-line typescript/no-implied-eval -- an independent oracle; the text is ours
      const value: unknown = new Function(`return ${text}`)();
      expect(evaluate(parseExpression(text))).toBe(value);
    }),
  );
});

test("sorting the operands of + and * keeps the value and is idempotent", () => {
  fc.assert(
    fc.property(tree, (expression) => {
      const canonical = canonicalExpression(expression);
      expect(evaluate(parseExpression(canonical))).toBe(evaluate(expression));
      expect(canonicalExpression(parseExpression(canonical))).toBe(canonical);
    }),
  );
  expect(canonicalExpression(parseExpression("(3+2)*4-1"))).toBe(
    canonicalExpression(parseExpression("4*(2+3)-1")),
  );
});

test("a flat reading takes operators as they come, parentheses respected", () => {
  expect(evaluate(parseExpression("2+3*4"))).toBe(14);
  expect(evaluate(parseExpression("2+3*4", { flat: true }))).toBe(20);
  expect(evaluate(parseExpression("2-(3+4*2)", { flat: true }))).toBe(-12);
});

test.each(["", "1+", "(1", "1)", "a", "1 + 2", "--1"])("%j is no expression", (text) => {
  expect(() => parseExpression(text)).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_TASK" }),
  );
});

test("parentheses deeper than a recursion goes are no expression", () => {
  const deep = `${"(".repeat(50_000)}1${")".repeat(50_000)}`;
  expect(() => parseExpression(deep)).toThrow(
    expect.objectContaining({ code: "ENVIRONMENT_TASK" }),
  );
});
