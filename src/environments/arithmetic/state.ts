/** The state of an attempt, what a policy sees of it, and what an action does to it. */
import type { Turn } from "../environment.js";
import type { ColumnProblem, Problem } from "./problem.js";

/** How much of a task a policy sees at once, and how much it answers at once. */
export type ArithmeticView = "window" | "whole";

/** A task and the part of its answer given so far. */
export interface ArithmeticState {
  readonly problem: Problem;
  readonly answer: string;
  /** The last action could not be read; the attempt is over. */
  readonly malformed: boolean;
}

/** Where there is no digit to show. */
const BLANK = "_";

/** Symbols of an observation in the view `window`. */
export const WINDOW_SYMBOLS = 6;

/** Whether the attempt has ended: a complete answer, or an action that could not be read. */
export function isOver(state: ArithmeticState, view: ArithmeticView): boolean {
  if (state.malformed) return true;
  return view === "whole"
    ? state.answer !== ""
    : state.answer.length === state.problem.answer.length;
}

/** The turn a state stands for. */
export function turnAt(state: ArithmeticState, view: ArithmeticView): Turn<ArithmeticState> {
  const terminated = isOver(state, view);
  return { state, observation: terminated ? "" : observe(state), terminated, truncated: false };

  function observe({ problem, answer }: ArithmeticState): string {
    if (problem.kind === "expressions") return `${problem.text}=`;
    return view === "whole" ? wholeProblem(problem) : windowAt(problem, answer);
  }
}

/** Both operands, least significant digit first: `21573+66409=`. */
function wholeProblem({ kind, left, right }: ColumnProblem): string {
  return `${left.join("")}${kind === "addition" ? "+" : "-"}${right.join("")}=`;
}

/** The column to answer, the column before it, and the digit answered there. */
function windowAt({ left, right }: ColumnProblem, answer: string): string {
  const i = answer.length;
  const here = `${left[i] ?? BLANK}${right[i] ?? BLANK}`;
  const before = `${left[i - 1] ?? BLANK}${right[i - 1] ?? BLANK}${answer[i - 1] ?? BLANK}`;
  return `${here}${before}=`;
}

/**
 * The column's digit without and with a carry: where a rule about carries can err. None at the
 * first column, which receives no carry, nor in the view `whole`.
 */
export function carryChoices(
  { problem, answer, malformed }: ArithmeticState,
  view: ArithmeticView,
): readonly string[] {
  const i = answer.length;
  if (view === "whole" || problem.kind === "expressions" || malformed) return [];
  if (i === 0 || i > problem.left.length) return [];
  const sum = (problem.left[i] ?? 0) + (problem.right[i] ?? 0);
  return [String(sum % 10), String((sum + 1) % 10)];
}

/** The state after an action; a state that is over stays as it is. */
export function answered(
  state: ArithmeticState,
  action: string,
  view: ArithmeticView,
): ArithmeticState {
  if (isOver(state, view)) return state;
  if (!isReadable(action, state.problem, view)) return { ...state, malformed: true };
  return { ...state, answer: state.answer + action };
}

/** Whether an action has the form of an answer: one digit, or a number (signed for a difference). */
function isReadable(action: string, { kind }: Problem, view: ArithmeticView): boolean {
  if (view === "window") return /^[0-9]$/.test(action);
  switch (kind) {
    case "addition":
      return /^[0-9]+$/.test(action);
    case "subtraction":
      return /^[+-][0-9]+$/.test(action);
    case "expressions":
      return /^-?[0-9]+$/.test(action);
  }
}
