/** A recorded attempt becomes a verified one: it is played through the environment again. */
import type { Outcome } from "../corpus/outcomes.js";
import type { Environment, Task, Trajectory, Verdict } from "../../environments/environment.js";
import { playActions } from "../../environments/play-procedure.js";
import { traceStep, type WrongAttempt } from "../candidate.js";

/** Where a wrong attempt first went wrong, as the corpus keeps it. */
export type Located = Omit<WrongAttempt, "domain" | "taskId" | "source" | "answer" | "signature">;

/** An attempt after the environment's word on it. */
export interface Verified {
  readonly outcome: Omit<Outcome, "occurrence">;
  /** Absent where it is right, or the first wrong step is not known. */
  readonly located?: Located;
  readonly label?: boolean;
}

/** Plays an attempt and judges it; what the record says of its own success plays no part. */
export async function verify(
  environment: Environment,
  attempt: {
    /** What to play, or what was played. */
    readonly played:
      | Trajectory<unknown>
      | { readonly task: Task; readonly actions: readonly string[] };
    readonly source: string;
    readonly label?: boolean;
  },
): Promise<Verified> {
  const { played, source, label } = attempt;
  const trajectory =
    "steps" in played ? played : await playActions(environment, played.task, played.actions);
  const { task } = trajectory;
  const actions = "actions" in played ? played.actions : played.steps.map(({ action }) => action);
  const verdict = await environment.judge(trajectory);
  const located = locate(trajectory, verdict);
  const { correct, answer, wrongOutputs, signature } = verdict;
  return {
    outcome: {
      domain: environment.name,
      taskId: task.id,
      source,
      actions,
      correct,
      answer,
      ...(wrongOutputs === undefined ? {} : { wrongOutputs }),
      ...(signature === undefined ? {} : { signature }),
    },
    ...(located === undefined ? {} : { located }),
    ...(label === undefined ? {} : { label }),
  };
}

function locate(
  { task, steps }: Trajectory<unknown>,
  { correct, firstError }: Verdict,
): Located | undefined {
  if (correct || firstError === undefined) return undefined;
  const { observation, action } = steps[firstError.step]!;
  const { start, end } = firstError.span;
  const part = action.slice(start, end).trim();
  const isPart = part !== "" && part !== action.trim();
  return {
    level: task.level,
    split: task.split,
    state: isPart && start > 0 ? `${observation}\n${action.slice(0, start)}` : observation,
    wrongStep: isPart ? part : action,
    ...(firstError.expected === undefined ? {} : { correctStep: firstError.expected }),
    evidence: firstError.evidence,
    confidence: firstError.confidence,
    family: firstError.family,
    trace: steps.map(traceStep),
    data: task.data,
    step: firstError.step,
  };
}
