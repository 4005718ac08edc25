/** Random tasks, and which split each belongs to. */
import { type Random, hashText } from "../../util/random.js";
import type { Split } from "../environment.js";
import { evaluate, formatExpression, randomTree } from "./expression.js";
import type { Level } from "./level.js";
import { malRuleAnswer, malRuleNames } from "./mal-rules.js";
import { type ProblemKind, canonicalText, readProblem } from "./problem.js";

/** Numbers in one expression. */
const LEAVES = 4;

/** Largest value of an expression, by magnitude. */
const LARGEST_VALUE = 99;

/** The split of a problem: 80% train, 10% validation, 10% test, by a hash of its canonical text. */
export function splitOf(kind: ProblemKind, text: string): Split {
  const tenth = hashText(`${kind}:${canonicalText(kind, text)}`) % 10;
  return tenth < 8 ? "train" : tenth === 8 ? "validation" : "test";
}

/**
 * The text of a random problem of a level and split.
 *
 * Sums and differences: every digit of both operands uniform, leading zeros included.
 * Sums without carries: every pair of digits that sums to 9 or less is as likely as any other.
 * Expressions: random trees of four numbers from 1 to 9 with a value in -99..99. A mal-rule is
 * picked first and trees are drawn until that rule is wrong on one: every rule is wrong on a third
 * of the tasks at least, and no task is solved by all of them.
 */
export function drawText(level: Level, split: Split, random: Random): string {
  const { kind, digits, carryFree = false } = level;
  const candidate =
    digits === undefined
      ? expressionDrawer(random)
      : carryFree
        ? () => carryFreeSum(random, digits)
        : () =>
            `${randomDigits(random, digits)}${kind === "addition" ? "+" : "-"}${randomDigits(random, digits)}`;
  let text = candidate();
  while (splitOf(kind, text) !== split) text = candidate();
  return text;
}

function randomDigits(random: Random, count: number): string {
  let digits = "";
  for (let i = 0; i < count; i++) digits += random.below(10);
  return digits;
}

function carryFreeSum(random: Random, count: number): string {
  let [left, right] = ["", ""];
  for (let i = 0; i < count; i++) {
    let [a, b] = [random.below(10), random.below(10)];
    while (a + b > 9) [a, b] = [random.below(10), random.below(10)];
    left += a;
    right += b;
  }
  return `${left}+${right}`;
}

function expressionDrawer(random: Random): () => string {
  const rule = random.pick(malRuleNames("expressions"));
  return () => {
    for (;;) {
      const tree = randomTree(random, LEAVES);
      if (Math.abs(evaluate(tree)) > LARGEST_VALUE) continue;
      const text = formatExpression(tree);
      const problem = readProblem("expressions", text);
      if (malRuleAnswer(rule, problem) !== problem.answer) return text;
    }
  };
}
