/** The verdict on an answer: exact match, the first wrong symbol, the mal-rule it shows. */
import type { StepVerdict, Trajectory, Verdict } from "../environment.js";
import { matchMalRule } from "./mal-rules.js";
import type { Problem } from "./problem.js";
import type { ArithmeticState, ArithmeticView } from "./state.js";
import { isOver } from "./state.js";

/**
 * Grades by exact match with the right answer.
 *
 * The first error is the first symbol that differs. Its family:
 *
 *     carry      a sum's digit off by one, modulo 10
 *     borrow     a difference's digit off by one, modulo 10
 *     sign       a sign where the other, or a digit, should stand
 *     digit      any other wrong digit
 *     length     the answer stops early or goes on (an empty span at the end, or the first extra symbol)
 *     malformed  an action that could not be read (the whole action)
 *
 * The signature of a complete wrong answer is {@link matchMalRule}'s, if any rule gives it. An
 * answer cut short has none, and `answer` is then empty.
 */
export function judgeArithmetic(
  trajectory: Trajectory<ArithmeticState>,
  view: ArithmeticView,
): Verdict {
  const { state } = trajectory.end;
  const { problem, answer, malformed } = state;
  if (!malformed && answer === problem.answer) return { correct: true, answer, stop: "solved" };

  const firstError = firstWrongSymbol(trajectory, view);
  const located = firstError === undefined ? {} : { firstError };
  if (malformed) return { correct: false, answer: "", stop: "malformed", ...located };
  if (!isOver(state, view)) return { correct: false, answer: "", stop: "truncated", ...located };
  const signature = matchMalRule(problem, answer);
  return {
    correct: false,
    answer,
    stop: "wrong",
    ...(signature === undefined ? {} : { signature }),
    ...located,
  };
}

function firstWrongSymbol(
  { steps, end }: Trajectory<ArithmeticState>,
  view: ArithmeticView,
): StepVerdict | undefined {
  const { problem, answer, malformed } = end.state;
  const right = problem.answer;
  let at = 0;
  while (at < answer.length && answer[at] === right[at]) at++;

  const window = view === "window";
  const common = {
    step: window ? at : 0,
    evidence: "test",
    confidence: 1,
    expected: window ? right.charAt(at) : right,
  } as const;

  if (at < answer.length) {
    const start = window ? 0 : at;
    return {
      ...common,
      span: { start, end: start + 1 },
      family: familyOf(problem, at, answer),
      detail: `symbol ${at + 1} of the answer to ${problem.text} is ${answer[at]}, not ${right[at] ?? "the end"}`,
    };
  }
  if (malformed) {
    const action = steps.at(-1)?.action ?? "";
    return {
      ...common,
      span: { start: 0, end: action.length },
      family: "malformed",
      detail: `the action ${JSON.stringify(action)} is not ${window ? "one digit" : "an answer"}`,
    };
  }
  if (!isOver(end.state, view)) return undefined;
  return {
    ...common,
    span: { start: at, end: at },
    family: "length",
    detail: `the answer to ${problem.text} stops after ${at} of ${right.length} symbols`,
  };
}

function familyOf(problem: Problem, at: number, answer: string): string {
  const right = problem.answer[at];
  const given = answer[at]!;
  if (right === undefined) return "length";
  if (isSign(right) || isSign(given)) return "sign";
  const offset = (Number(given) - Number(right) + 10) % 10;
  if (problem.kind === "expressions" || (offset !== 1 && offset !== 9)) return "digit";
  return problem.kind === "addition" ? "carry" : "borrow";
}

const isSign = (symbol: string): boolean => symbol === "+" || symbol === "-";
