/** What a task asks, read back from its JSON, with the right answer. */
import { ErrataError } from "../../util/error.js";
import type { Json } from "../environment.js";
import { type Expression, canonicalExpression, evaluate, parseExpression } from "./expression.js";

/** The three kinds of task. */
export type ProblemKind = "addition" | "subtraction" | "expressions";

/** Two numbers of equally many digits, least significant digit first; leading zeros count. */
export interface ColumnProblem {
  readonly kind: "addition" | "subtraction";
  /** As written, most significant digit first: `37512+90466`. */
  readonly text: string;
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly answer: string;
}

/** A nested expression of small integers. */
export interface ExpressionProblem {
  readonly kind: "expressions";
  /** As written: `3-(4-2)*5`. */
  readonly text: string;
  readonly expression: Expression;
  readonly answer: string;
}

export type Problem = ColumnProblem | ExpressionProblem;

/** Most digits an operand may have. */
export const LONGEST_OPERAND = 12;

/**
 * The right answer to an addition: its digits, least significant first, one more than the
 * operands have.
 */
export function sumDigits(left: readonly number[], right: readonly number[]): number[] {
  const digits: number[] = [];
  let carry = 0;
  for (let i = 0; i < left.length; i++) {
    const sum = left[i]! + right[i]! + carry;
    digits.push(sum % 10);
    carry = sum >= 10 ? 1 : 0;
  }
  digits.push(carry);
  return digits;
}

/**
 * The right answer to a subtraction: the sign, then the digits of `|left - right|`, least
 * significant first, as many as the operands have. The sign is always written (`+` for zero).
 */
export function differenceDigits(
  left: readonly number[],
  right: readonly number[],
): { readonly sign: "+" | "-"; readonly digits: readonly number[] } {
  const { sign, larger, smaller } = bySize(left, right);
  const digits: number[] = [];
  let borrow = 0;
  for (let i = 0; i < larger.length; i++) {
    const difference = larger[i]! - smaller[i]! - borrow;
    digits.push((difference + 10) % 10);
    borrow = difference < 0 ? 1 : 0;
  }
  return { sign, digits };
}

/** The operands of a subtraction by size, and the sign of the result. */
export function bySize(
  left: readonly number[],
  right: readonly number[],
): {
  readonly sign: "+" | "-";
  readonly larger: readonly number[];
  readonly smaller: readonly number[];
} {
  for (let i = left.length - 1; i >= 0; i--) {
    if (left[i]! > right[i]!) break;
    if (left[i]! < right[i]!) return { sign: "-", larger: right, smaller: left };
  }
  return { sign: "+", larger: left, smaller: right };
}

/**
 * Rebuilds a problem from its kind and text.
 * @throws ErrataError `ENVIRONMENT_TASK` when the text is not a problem of this kind.
 */
export function readProblem(kind: ProblemKind, text: string): Problem {
  if (kind === "expressions") {
    const expression = parseExpression(text);
    return { kind, text, expression, answer: String(evaluate(expression)) };
  }
  const sign = kind === "addition" ? "+" : "-";
  const [leftText = "", rightText = "", rest] = text.split(sign);
  const digits = leftText.length;
  if (
    rest !== undefined ||
    rightText.length !== digits ||
    digits > LONGEST_OPERAND ||
    !/^[0-9]+$/.test(leftText + rightText)
  ) {
    throw new ErrataError(`"${text}" is not a task of kind ${kind}`, {
      code: "ENVIRONMENT_TASK",
      hint: `write two numbers of equally many digits (at most ${LONGEST_OPERAND}): 00${sign}00`,
    });
  }
  const left = littleEndian(leftText);
  const right = littleEndian(rightText);
  if (kind === "addition") {
    return { kind, text, left, right, answer: sumDigits(left, right).join("") };
  }
  const difference = differenceDigits(left, right);
  return { kind, text, left, right, answer: difference.sign + difference.digits.join("") };
}

function littleEndian(text: string): number[] {
  const digits: number[] = [];
  for (let i = text.length - 1; i >= 0; i--) digits.push(text.charCodeAt(i) - 48);
  return digits;
}

/**
 * Rebuilds the problem of a task from `task.data`: `{"kind": ..., "text": ...}`.
 * @throws ErrataError `ENVIRONMENT_TASK` when the data is something else.
 */
export function problemFromData(data: Json): Problem {
  if (typeof data === "object" && data !== null && "kind" in data && "text" in data) {
    const { kind, text } = data;
    const known = kind === "addition" || kind === "subtraction" || kind === "expressions";
    if (known && typeof text === "string") return readProblem(kind, text);
  }
  throw new ErrataError(`not an arithmetic task: ${JSON.stringify(data)}`, {
    code: "ENVIRONMENT_TASK",
    hint: 'an arithmetic task is {"kind": "addition" | "subtraction" | "expressions", "text": ...}',
  });
}

/**
 * What decides a problem's split. Problems that differ only by swapping the operands of `+` or
 * `*` share it, so that a held-out problem never has its mirror image in training.
 */
export function canonicalText(kind: ProblemKind, text: string): string {
  if (kind === "subtraction") return text;
  if (kind === "expressions") return canonicalExpression(parseExpression(text));
  const [left = "", right = ""] = text.split("+");
  return left <= right ? text : `${right}+${left}`;
}
