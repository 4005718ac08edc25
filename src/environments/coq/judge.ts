/** The verdict on an attempt: Coq's own word. */
import { NO_PROGRESS_CONFIDENCE } from "../theorems/attempts.js";
import type { StepVerdict, Trajectory, Verdict } from "../environment.js";
import { FATAL_FAMILIES } from "../proof/attempts.js";
import { signatureOf } from "../proof/signature.js";
import { correct, isGoalProvable } from "../proof/procedures.js";
import type { Goal } from "../proof/tactics.js";
import type { CoqProver } from "./prover.js";
import {
  type CoqState,
  initialState,
  isOver,
  propositional,
  sentenceOf,
  tryAction,
} from "./state.js";

/**
 * Grades by replaying the actions through Coq on the task alone: correct only if `Qed` is accepted
 * and `Print Assumptions` says `Closed under the global context`.
 *
 * The first error is the first sentence that Coq refuses (evidence `kernel`), or that leaves a goal
 * of propositional logic without an intuitionistic proof (evidence `oracle`, by the `proof` domain's
 * decision procedure; in goals beyond that logic no such oracle exists). An attempt that was cut off,
 * or that `Qed` refuses, has its last step blamed, with evidence `heuristic`.
 */
export async function judgeCoq(
  prover: CoqProver,
  { task, steps }: Trajectory<CoqState>,
  form: CoqState["form"],
): Promise<Verdict> {
  let state = initialState(task.data, form);
  const played: { readonly goal: Goal | undefined; readonly action: string }[] = [];
  let firstError: StepVerdict | undefined;
  for (const { action } of steps) {
    if (isOver(state)) break;
    const goal = state.goal;
    const tried = await tryAction(prover, state, action);
    if (firstError === undefined) {
      played.push({ goal, action });
      const at = locate(form, goal, action, played.length - 1);
      if (tried.state.refusal !== undefined) {
        const { family, message } = tried.state.refusal;
        // that Coq gave up says nothing for sure: on a faster machine it may not
        firstError =
          family === "timeout" || family === "died"
            ? { ...at, evidence: "monitor", confidence: 0.5, family, detail: message }
            : { ...at, evidence: "kernel", confidence: 1, family, detail: message };
      } else if (goal !== undefined && isGoalProvable(goal) && tried.played?.ok === true) {
        const lost = tried.played.opened
          .map(propositional)
          .find((each) => each !== undefined && !isGoalProvable(each));
        if (lost !== undefined) {
          const head = (sentenceOf(state, action) ?? action).split(/[\s.]/)[0]!;
          firstError = {
            ...at,
            evidence: "oracle",
            confidence: 1,
            family: FATAL_FAMILIES[head] ?? "fatal",
            detail: `${action}: then ${lost.conclusion.text} cannot be proved`,
          };
        }
      }
    }
    state = tried.state;
  }

  let detail = `the attempt ended after ${played.length} sentences`;
  if (state.finished) {
    const { proved, message } = await prover.prove(state.theorem, state.script);
    if (proved) return { correct: true, answer: answerOf(played), stop: "solved" };
    detail = `Coq does not take it for a proof: ${message}`;
  }
  const stop = stopOf(state);
  if (firstError === undefined && played.length > 0) {
    const { goal, action } = played.at(-1)!;
    firstError = {
      ...locate(form, goal, action, played.length - 1),
      evidence: "heuristic",
      confidence: NO_PROGRESS_CONFIDENCE,
      family: "no-progress",
      detail,
    };
  }
  if (firstError === undefined) return { correct: false, answer: "", stop };
  const { family, step } = firstError;
  const until = played.slice(0, step + 1);
  const moves = until.filter(
    (each): each is { goal: Goal; action: string } => each.goal !== undefined,
  );
  const signature =
    form === "lexicon" && moves.length === until.length
      ? signatureOf(moves, family)
      : family === "no-progress" || family === "malformed"
        ? undefined
        : family;
  return {
    correct: false,
    answer: answerOf(until),
    stop,
    firstError,
    ...(signature === undefined ? {} : { signature }),
  };
}

function locate(
  form: CoqState["form"],
  goal: Goal | undefined,
  action: string,
  step: number,
): Pick<StepVerdict, "step" | "span" | "expected"> {
  const expected =
    form === "lexicon" && goal !== undefined && isGoalProvable(goal) ? correct(goal) : undefined;
  return {
    step,
    span: { start: 0, end: action.length },
    ...(expected === undefined ? {} : { expected }),
  };
}

function answerOf(played: readonly { readonly action: string }[]): string {
  return played.map(({ action }) => action).join("; ");
}

function stopOf({ refusal, finished }: CoqState): Verdict["stop"] {
  if (refusal !== undefined) return refusal.family === "malformed" ? "malformed" : "rejected";
  return finished ? "wrong" : "truncated";
}
