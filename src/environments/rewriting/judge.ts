/** The verdict on an attempt: kernel check, first error, systematic error. */
import type { StepVerdict, Trajectory, Verdict } from "../environment.js";
import { isProvable } from "./decision.js";
import { type Order, orderText } from "./law.js";
import { correct, losesNothing } from "./procedures.js";
import { Random } from "../../random.js";
import { signatureOf } from "./signature.js";
import { act, initialState, isOver, isSolved, type RewritingState } from "./state.js";
import { goalRedex, parseTactic } from "./tactics.js";
import type { Move } from "./walk.js";

/** Confidence that the last step of an attempt that lost nothing and went nowhere is its error. */
export const NO_PROGRESS_CONFIDENCE = 0.3;

/**
 * Grades by replaying the actions on the task alone: correct only if no goal is left and the kernel
 * accepts the proof of the task's sequent.
 *
 * The first error is the first step that is refused (evidence `kernel`) or leaves a goal that
 * cannot be proved (evidence `oracle`, by the decision procedure), whichever comes first. An attempt
 * that lost nothing and was cut off has its last step blamed, with evidence `heuristic`.
 *
 *     missing-side-condition  a law whose side condition does not follow from the facts
 *     dead-end                a fact or zero that leads where no chain of facts goes
 *     no-progress             nothing was lost, and the steps ran out
 *     malformed               no tactic
 *     any rejection code      a refused tactic, for example no-law
 *
 * `answer` holds the actions up to the first error, `expected` what the correct method plays there.
 * On a theorem that cannot be proved, which is never drawn, only a refused step is an error.
 */
export function judgeRewriting({ task, steps }: Trajectory<RewritingState>): Verdict {
  let state = initialState(task.data);
  const { facts } = state.development.sequent;
  const provable = state.development.goals.every((goal) => isProvable(goal, facts));
  const played: Move[] = [];
  let firstError: StepVerdict | undefined;
  for (const { action } of steps) {
    if (isOver(state)) break;
    const goal = state.development.goals[0]!;
    const open = state.development.goals.length - 1;
    state = act(state, action);
    if (firstError === undefined) {
      played.push({ goal, action });
      firstError =
        refusedAt(played, state) ?? (provable ? fatalAt(played, state, open) : undefined);
    }
  }

  if (isSolved(state)) return { correct: true, answer: answerOf(played), stop: "solved" };

  const stop = stopOf(state);
  if (provable) firstError ??= lastStep(played, facts);
  if (firstError === undefined) return { correct: false, answer: answerOf(played), stop };
  const { goal, action } = played[firstError.step]!;
  const signature = signatureOf(goal, action, firstError.family);
  return {
    correct: false,
    answer: answerOf(played.slice(0, firstError.step + 1)),
    stop,
    firstError,
    ...(signature === undefined ? {} : { signature }),
  };
}

/** The error of the last move, if it was refused. */
function refusedAt(
  played: readonly Move[],
  { refusal, development }: RewritingState,
): StepVerdict | undefined {
  if (refusal === undefined) return undefined;
  return {
    ...located(played, development.sequent.facts),
    evidence: "kernel",
    confidence: 1,
    family: refusal.code,
    detail: refusal.message,
  };
}

/** The error of the last move, if it opened a goal that cannot be proved; `others` were open before. */
function fatalAt(
  played: readonly Move[],
  { development: { goals, sequent } }: RewritingState,
  others: number,
): StepVerdict | undefined {
  const { facts } = sequent;
  const { goal, action } = played.at(-1)!;
  const lost = goals.slice(0, goals.length - others).find((each) => !isProvable(each, facts));
  if (lost === undefined) return undefined;
  const rewrites = parseTactic(action)!.name === "to";
  return {
    ...located(played, facts),
    evidence: "oracle",
    confidence: 1,
    family: rewrites ? "missing-side-condition" : "dead-end",
    detail: rewrites
      ? `${goalRedex(goal)!.text} is only ${action.slice(3)} if ${orderText(lost)}, which does not follow`
      : `${action} on ${orderText(goal)}: then ${orderText(lost)} does not follow`,
  };
}

/** An attempt that lost nothing: blame its last step, without conviction. */
function lastStep(played: readonly Move[], facts: readonly Order[]): StepVerdict | undefined {
  if (played.length === 0) return undefined;
  return {
    ...located(played, facts),
    evidence: "heuristic",
    confidence: NO_PROGRESS_CONFIDENCE,
    family: "no-progress",
    detail: `every goal could still be proved after ${played.length} tactics, but the attempt ended`,
  };
}

function located(
  played: readonly Move[],
  facts: readonly Order[],
): Pick<StepVerdict, "step" | "span" | "expected"> {
  const { goal, action } = played.at(-1)!;
  const expected = correct(goal, facts, unused);
  return {
    step: played.length - 1,
    span: { start: 0, end: action.length },
    ...(losesNothing(goal, facts, expected) ? { expected } : {}),
  };
}

/** `correct` draws nothing. */
const unused = Random.from(0, "unused");

function answerOf(played: readonly Move[]): string {
  return played.map(({ action }) => action).join("; ");
}

function stopOf({ development, refusal }: RewritingState): Verdict["stop"] {
  if (refusal !== undefined) return refusal.code === "malformed" ? "malformed" : "rejected";
  return development.goals.length === 0 ? "wrong" : "truncated";
}
