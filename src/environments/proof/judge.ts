/** The verdict on an attempt: kernel check, first error, systematic error. */
import type { StepVerdict, Trajectory, Verdict } from "../environment.js";
import type { Move } from "./forks.js";
import { correct, isGoalProvable, losesNothing } from "./procedures.js";
import { signatureOf } from "./signature.js";
import { act, initialState, isOver, isSolved, type ProofState } from "./state.js";
import { parseTactic } from "./tactics.js";

/** Confidence that the last step of an attempt that lost nothing and went nowhere is its error. */
export const NO_PROGRESS_CONFIDENCE = 0.3;

/** Families of fatal tactics: the tactic is legal, and some goal it leaves cannot be proved. */
const FATAL_FAMILIES: Readonly<Record<string, string>> = {
  left: "wrong-disjunct",
  right: "wrong-disjunct",
  exfalso: "premature-exfalso",
  apply: "unreachable-premise",
};

/**
 * Grades by replaying the actions on the task alone: correct only if no goal is left and the kernel
 * accepts the term for the task's sequent.
 *
 * The first error is the first step that is refused (evidence `kernel`) or leaves a goal that
 * cannot be proved (evidence `oracle`, by the decision procedure), whichever comes first. An attempt
 * that lost nothing and was cut off has its last step blamed, with evidence `heuristic`.
 *
 *     wrong-disjunct       left or right, and that side cannot be proved
 *     premature-exfalso    exfalso without a contradiction within reach
 *     unreachable-premise  apply with a premise that cannot be proved
 *     no-progress          nothing was lost, and the steps ran out
 *     fatal                any other tactic that lost a goal (none of them can)
 *     malformed            no tactic
 *     any rejection code   a refused tactic, for example type-mismatch
 *
 * `answer` holds the actions up to the first error, `expected` what the correct method plays there.
 * On a theorem that cannot be proved, which is never drawn, only a refused step is an error.
 */
export function judgeProof({ task, steps }: Trajectory<ProofState>): Verdict {
  let state = initialState(task.data);
  const provable = state.development.goals.every(isGoalProvable);
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
  if (provable) firstError ??= lastStep(played);
  if (firstError === undefined) return { correct: false, answer: answerOf(played), stop };
  const signature = signatureOf(played, firstError.family);
  return {
    correct: false,
    answer: answerOf(played.slice(0, firstError.step + 1)),
    stop,
    firstError,
    ...(signature === undefined ? {} : { signature }),
  };
}

/** The error of the last move, if it was refused. */
function refusedAt(played: readonly Move[], { refusal }: ProofState): StepVerdict | undefined {
  if (refusal === undefined) return undefined;
  const { code, message } = refusal;
  return { ...located(played), evidence: "kernel", confidence: 1, family: code, detail: message };
}

/** The error of the last move, if it opened a goal that cannot be proved; `others` were open before. */
function fatalAt(
  played: readonly Move[],
  { development: { goals } }: ProofState,
  others: number,
): StepVerdict | undefined {
  const { goal, action } = played.at(-1)!;
  const lost = goals.slice(0, goals.length - others).find((each) => !isGoalProvable(each));
  if (lost === undefined) return undefined;
  return {
    ...located(played),
    evidence: "oracle",
    confidence: 1,
    family: FATAL_FAMILIES[parseTactic(action)!.name] ?? "fatal",
    detail: `${action} on ${goal.conclusion.text}: then ${lost.conclusion.text} cannot be proved`,
  };
}

/** An attempt that lost nothing: blame its last step, without conviction. */
function lastStep(played: readonly Move[]): StepVerdict | undefined {
  if (played.length === 0) return undefined;
  return {
    ...located(played),
    evidence: "heuristic",
    confidence: NO_PROGRESS_CONFIDENCE,
    family: "no-progress",
    detail: `every goal could still be proved after ${played.length} tactics, but the attempt ended`,
  };
}

function located(played: readonly Move[]): Pick<StepVerdict, "step" | "span" | "expected"> {
  const { goal, action } = played.at(-1)!;
  const expected = correct(goal);
  return {
    step: played.length - 1,
    span: { start: 0, end: action.length },
    ...(losesNothing(goal, expected) ? { expected } : {}),
  };
}

function answerOf(played: readonly Move[]): string {
  return played.map(({ action }) => action).join("; ");
}

function stopOf({ development, refusal }: ProofState): Verdict["stop"] {
  if (refusal !== undefined) return refusal.code === "malformed" ? "malformed" : "rejected";
  return development.goals.length === 0 ? "wrong" : "truncated";
}
