/** Small-integer expressions: `+`, `-`, `*` and parentheses. */
import { ErrataError } from "../../util/error.js";
import type { Random } from "../../util/random.js";

export type Operator = "+" | "-" | "*";

/** A number, or an operator over two expressions. */
export type Expression =
  | number
  | { readonly operator: Operator; readonly left: Expression; readonly right: Expression };

const OPERATORS: readonly Operator[] = ["+", "-", "*"];

/** Longer texts are no task: they could be nested deeper than a recursion goes. */
const LONGEST = 1000;

const precedence = (operator: Operator): number => (operator === "*" ? 2 : 1);

/** The value of an expression. */
export function evaluate(expression: Expression): number {
  if (typeof expression === "number") return expression;
  return applyOperator(expression.operator, evaluate(expression.left), evaluate(expression.right));
}

/** One operator on two values. */
export function applyOperator(operator: Operator, left: number, right: number): number {
  switch (operator) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
  }
}

/**
 * The text that {@link parseExpression} reads back as the same tree: parentheses stand around a
 * weaker operator, and around a right operand of the same strength.
 */
export function formatExpression(expression: Expression): string {
  if (typeof expression === "number") return String(expression);
  const { operator, left, right } = expression;
  const strength = precedence(operator);
  return `${operandText(left, strength)}${operator}${operandText(right, strength + 1)}`;
}

function operandText(operand: Expression, least: number): string {
  const text = formatExpression(operand);
  return typeof operand === "number" || precedence(operand.operator) >= least ? text : `(${text})`;
}

/**
 * Reads an expression; operators associate to the left, `*` before `+` and `-`.
 *
 * With `flat`, all operators are equally strong: what the rule `left-to-right` reads.
 * @throws ErrataError `ENVIRONMENT_TASK` when the text is not an expression.
 */
export function parseExpression(
  text: string,
  { flat = false }: { readonly flat?: boolean } = {},
): Expression {
  if (text.length > LONGEST) throw unreadable(text, LONGEST);
  let position = 0;

  function operation(least: number): Expression {
    let left = operand();
    for (;;) {
      const operator = OPERATORS.find((symbol) => symbol === text[position]);
      if (operator === undefined) return left;
      const strength = flat ? 1 : precedence(operator);
      if (strength < least) return left;
      position++;
      left = { operator, left, right: operation(strength + 1) };
    }
  }

  function operand(): Expression {
    if (text[position] === "(") {
      position++;
      const inner = operation(1);
      if (text[position] !== ")") throw unreadable(text, position);
      position++;
      return inner;
    }
    const start = position;
    while (isDigit(text[position])) position++;
    if (position === start) throw unreadable(text, position);
    return Number(text.slice(start, position));
  }

  const expression = operation(1);
  if (position < text.length) throw unreadable(text, position);
  return expression;
}

const isDigit = (symbol: string | undefined): boolean =>
  symbol !== undefined && symbol >= "0" && symbol <= "9";

function unreadable(text: string, position: number): ErrataError {
  const shown = text.length > LONGEST ? `${text.slice(0, 80)}...` : text;
  return new ErrataError(`expression "${shown}" cannot be read at character ${position}`, {
    code: "ENVIRONMENT_TASK",
    hint: "use non-negative integers, + - * and balanced parentheses",
  });
}

/** A random tree over `leaves` numbers from 1 to 9: shape, operators and numbers uniform per node. */
export function randomTree(random: Random, leaves: number): Expression {
  if (leaves === 1) return 1 + random.below(9);
  const leftLeaves = 1 + random.below(leaves - 1);
  const left = randomTree(random, leftLeaves);
  return {
    operator: random.pick(OPERATORS),
    left,
    right: randomTree(random, leaves - leftLeaves),
  };
}

/**
 * The text with the operands of every `+` and `*` in a fixed order: expressions that differ only
 * by swapping them have one canonical text.
 */
export function canonicalExpression(expression: Expression): string {
  return formatExpression(sorted(expression));
}

function sorted(expression: Expression): Expression {
  if (typeof expression === "number") return expression;
  const left = sorted(expression.left);
  const right = sorted(expression.right);
  const swap = expression.operator !== "-" && formatExpression(right) < formatExpression(left);
  return swap ? { ...expression, left: right, right: left } : { ...expression, left, right };
}
