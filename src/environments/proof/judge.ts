/** The verdict on an attempt: kernel check, first error, systematic error. */
import type { StepVerdict, Trajectory, Verdict } from "../environment.js";
import { correct, isGoalProvable, losesNothing } from "./procedures.js";
import { signatureOf } from "./signature.js";
import { act, initialState, isOver, isSolved, type ProofState } from "./state.js";
import { type Goal, parseTactic } from "./tactics.js";

/** One action with the first open goal it was played on. */
export interface PlayedTactic {
  readonly goal: Goal;
  readonly action: string;
}

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
 *     malformed            no tactic
 *     any rejection code   a refused tactic, for example type-mismatch
 *
 * `answer` holds the actions up to the first error, `expected` what the correct method plays there.
 */
export function judgeProof({ task, steps }: Trajectory<ProofState>): Verdict {
  let state = initialState(task.data);
  const played: PlayedTactic[] = [];
  let firstError: StepVerdict | undefined;
  for (const { action } of steps) {
    if (isOver(state)) break;
    const goal = state.development.goals[0]!;
    const open = state.development.goals.length - 1;
    state = act(state, action);
    if (firstError === undefined) {
      played.push({ goal, action });
      firstError = errorAt(played, state, open);
    }
  }

  if (isSolved(state)) return { correct: true, answer: answerOf(played), stop: "solved" };

  const stop = stopOf(state);
  firstError ??= lastStep(played);
  if (firstError === undefined) return { correct: false, answer: "", stop };
  const signature = signatureOf(played, firstError.family);
  return {
    correct: false,
    answer: answerOf(played.slice(0, firstError.step + 1)),
    stop,
    firstError,
    ...(signature === undefined ? {} : { signature }),
  };
}

/** The verdict on the last of `played`, which led to `after`; `open` goals were not its concern. */
function errorAt(
  played: readonly PlayedTactic[],
  after: ProofState,
  open: number,
): StepVerdict | undefined {
  const { goal, action } = played.at(-1)!;
  if (after.refusal !== undefined) {
    const { code, message } = after.refusal;
    return { ...located(played), evidence: "kernel", confidence: 1, family: code, detail: message };
  }
  const { goals } = after.development;
  const lost = goals.slice(0, goals.length - open).find((each) => !isGoalProvable(each));
  if (lost === undefined) return undefined;
  const family = FATAL_FAMILIES[parseTactic(action)!.name] ?? "fatal";
  const detail = `after ${action}, ${lost.conclusion.text} cannot be proved (the goal was ${goal.conclusion.text})`;
  return { ...located(played), evidence: "oracle", confidence: 1, family, detail };
}

/** An attempt that lost nothing: blame its last step, without conviction. */
function lastStep(played: readonly PlayedTactic[]): StepVerdict | undefined {
  if (played.length === 0) return undefined;
  return {
    ...located(played),
    evidence: "heuristic",
    confidence: NO_PROGRESS_CONFIDENCE,
    family: "no-progress",
    detail: `every goal could still be proved after ${played.length} tactics, but the attempt ended`,
  };
}

function located(played: readonly PlayedTactic[]): Pick<StepVerdict, "step" | "span" | "expected"> {
  const { goal, action } = played.at(-1)!;
  const expected = correct(goal);
  return {
    step: played.length - 1,
    span: { start: 0, end: action.length },
    ...(losesNothing(goal, expected) ? { expected } : {}),
  };
}

function answerOf(played: readonly PlayedTactic[]): string {
  return played.map(({ action }) => action).join("; ");
}

function stopOf({ development, refusal }: ProofState): Verdict["stop"] {
  if (refusal !== undefined) return refusal.code === "malformed" ? "malformed" : "rejected";
  return development.goals.length === 0 ? "wrong" : "truncated";
}
