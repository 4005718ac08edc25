/** Terms over the natural numbers, written in prefix form: `+ - a b b` is (a - b) + b. */
import { ErrataError } from "../../util/error.js";

/** Zero and the variables. */
export const ATOMS: readonly string[] = ["0", "a", "b", "c", "d"];

/** Subtraction is cut off at zero, and division by zero gives zero, as in Coq and Lean. */
export const OPERATORS = ["+", "-", "*", "/", "max", "min"] as const;

/** One of {@link OPERATORS}. */
export type Operator = (typeof OPERATORS)[number];

/** `text` is the prefix form: terms are equal exactly when their texts are. */
export type Term =
  | { readonly kind: "atom"; readonly text: string }
  | {
      readonly kind: "operation";
      readonly operator: Operator;
      readonly left: Term;
      readonly right: Term;
      readonly text: string;
    };

export const ZERO: Term = atom("0");

/** A variable or zero. */
export function atom(text: string): Term {
  return { kind: "atom", text };
}

export function operation(operator: Operator, left: Term, right: Term): Term {
  return {
    kind: "operation",
    operator,
    left,
    right,
    text: `${operator} ${left.text} ${right.text}`,
  };
}

/** Terms of more symbols are no task: they could be nested deeper than a recursion goes. */
const MOST_SYMBOLS = 2000;

/**
 * Reads one term from `symbols` at `start`; `isAtom` says which symbols are atoms.
 * @throws ErrataError `REWRITING_SYNTAX`.
 */
export function readTerm(
  symbols: readonly string[],
  start: number,
  isAtom: (symbol: string) => boolean = (symbol) => ATOMS.includes(symbol),
): { readonly term: Term; readonly end: number } {
  const symbol = symbols[start];
  if (symbol !== undefined && isAtom(symbol)) return { term: atom(symbol), end: start + 1 };
  const operator = OPERATORS.find((each) => each === symbol);
  if (operator === undefined || symbols.length > MOST_SYMBOLS) {
    const shown = symbols.slice(0, MOST_SYMBOLS).join(" ");
    throw new ErrataError(
      `"${shown}": expected a term at symbol ${start}, found ${symbol ?? "the end"}`,
      { code: "REWRITING_SYNTAX", hint: "terms are prefix: + - a b b is (a - b) + b" },
    );
  }
  const left = readTerm(symbols, start + 1, isAtom);
  const right = readTerm(symbols, left.end, isAtom);
  return { term: operation(operator, left.term, right.term), end: right.end };
}

/** The term with every occurrence of `part` replaced. */
export function replace(term: Term, part: string, by: Term): Term {
  if (term.text === part) return by;
  if (term.kind === "atom") return term;
  const left = replace(term.left, part, by);
  const right = replace(term.right, part, by);
  return left === term.left && right === term.right ? term : operation(term.operator, left, right);
}

/** The term's value. */
export function evaluate(term: Term, valueOf: (atom: string) => number): number {
  if (term.kind === "atom") return term.text === "0" ? 0 : valueOf(term.text);
  const left = evaluate(term.left, valueOf);
  const right = evaluate(term.right, valueOf);
  switch (term.operator) {
    case "+":
      return left + right;
    case "-":
      return Math.max(0, left - right);
    case "*":
      return left * right;
    case "/":
      return right === 0 ? 0 : Math.floor(left / right);
    case "max":
      return Math.max(left, right);
    case "min":
      return Math.min(left, right);
  }
}
