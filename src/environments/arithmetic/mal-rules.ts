/**
 * Systematic wrong methods, one full wrong answer each.
 *
 * The addition rules are those of the study this domain reproduces; the subtraction rules are
 * from Brown & VanLehn 1980 ("Repair theory").
 */
import { type Expression, applyOperator, evaluate, parseExpression } from "./expression.js";
import {
  type ColumnProblem,
  type ExpressionProblem,
  type Problem,
  type ProblemKind,
  bySize,
  differenceDigits,
} from "./problem.js";

/** A wrong method as a function: the answer it gives to a problem. */
export type MalRule<P = Problem> = (problem: P) => string;

/** Each column alone, modulo 10; the digit past the last column is 0. */
function dropCarry({ left, right }: ColumnProblem): string {
  return `${left.map((digit, i) => (digit + right[i]!) % 10).join("")}0`;
}

/**
 * Carries 1 into a column when the digits of the column before, without what that one received,
 * sum to `least` or more.
 */
function carryFromPreviousDigits({ left, right }: ColumnProblem, least: number): string {
  let answer = "";
  for (let i = 0; i <= left.length; i++) {
    const sum = i < left.length ? left[i]! + right[i]! : 0;
    const carry = i > 0 && left[i - 1]! + right[i - 1]! >= least ? 1 : 0;
    answer += (sum + carry) % 10;
  }
  return answer;
}

/** `|a - b|` in each column; the digit past the last column is 0. */
function columnDifference({ left, right }: ColumnProblem): string {
  return `${left.map((digit, i) => Math.abs(digit - right[i]!)).join("")}0`;
}

/** The right digits, always with `+`. */
function forgetSign({ left, right }: ColumnProblem): string {
  return `+${differenceDigits(left, right).digits.join("")}`;
}

/** The right sign, and the smaller digit taken from the larger in each column: no borrowing. */
function smallerFromLarger({ left, right }: ColumnProblem): string {
  const digits = left.map((digit, i) => Math.abs(digit - right[i]!));
  return bySize(left, right).sign + digits.join("");
}

/** The right sign, and each column borrows 10 where it must but nothing pays for it. */
function dropBorrow({ left, right }: ColumnProblem): string {
  const { sign, larger, smaller } = bySize(left, right);
  return sign + larger.map((digit, i) => (digit - smaller[i]! + 10) % 10).join("");
}

/** `a-(b-c)` as `a-b-c`: the minus before a parenthesis reaches its first term only. */
function signOfNested({ expression }: ExpressionProblem): string {
  return String(evaluateFirstTermOnly(expression));
}

function evaluateFirstTermOnly(expression: Expression): number {
  if (typeof expression === "number") return expression;
  const { operator, left, right } = expression;
  if (operator === "-" && typeof right === "object" && right.operator === "-") {
    const first = evaluateFirstTermOnly({ operator, left, right: right.left });
    return first - evaluateFirstTermOnly(right.right);
  }
  return applyOperator(operator, evaluateFirstTermOnly(left), evaluateFirstTermOnly(right));
}

/** The parentheses crossed out. */
function dropParentheses({ text }: ExpressionProblem): string {
  return String(evaluate(parseExpression(text.replaceAll(/[()]/g, ""))));
}

/** Operators in the order they are written, `*` no stronger than `+`; parentheses respected. */
function leftToRight({ text }: ExpressionProblem): string {
  return String(evaluate(parseExpression(text, { flat: true })));
}

const ADDITION: ReadonlyMap<string, MalRule<ColumnProblem>> = new Map([
  ["drop-carry", dropCarry],
  ["one-step-carry", (problem) => carryFromPreviousDigits(problem, 10)],
  ["always-carry", (problem) => carryFromPreviousDigits(problem, 5)],
  ["column-difference", columnDifference],
]);

const SUBTRACTION: ReadonlyMap<string, MalRule<ColumnProblem>> = new Map([
  ["forget-sign", forgetSign],
  ["smaller-from-larger", smallerFromLarger],
  ["drop-borrow", dropBorrow],
]);

const EXPRESSIONS: ReadonlyMap<string, MalRule<ExpressionProblem>> = new Map([
  ["sign-of-nested", signOfNested],
  ["drop-parentheses", dropParentheses],
  ["left-to-right", leftToRight],
]);

const NAMES: Readonly<Record<ProblemKind, readonly string[]>> = {
  addition: [...ADDITION.keys()],
  subtraction: [...SUBTRACTION.keys()],
  expressions: [...EXPRESSIONS.keys()],
};

/** Names of the mal-rules of a kind of problem, in the order {@link matchMalRule} tries them. */
export function malRuleNames(kind: ProblemKind): readonly string[] {
  return NAMES[kind];
}

/** The answer a mal-rule gives, or undefined when the rule is not about this kind of problem. */
export function malRuleAnswer(name: string, problem: Problem): string | undefined {
  if (problem.kind === "expressions") return EXPRESSIONS.get(name)?.(problem);
  return (problem.kind === "addition" ? ADDITION : SUBTRACTION).get(name)?.(problem);
}

/**
 * The mal-rule whose answer a wrong answer is, or undefined.
 *
 * Two rules may give one wrong answer; the first in this order names it:
 *
 *     addition     drop-carry, one-step-carry, always-carry, column-difference
 *     subtraction  forget-sign, smaller-from-larger, drop-borrow
 *     expressions  sign-of-nested, drop-parentheses, left-to-right
 */
export function matchMalRule(problem: Problem, wrongAnswer: string): string | undefined {
  return NAMES[problem.kind].find((name) => malRuleAnswer(name, problem) === wrongAnswer);
}
