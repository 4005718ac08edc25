/** What a step writes into its run's folder. */
import type { Corpus } from "./corpus/corpus.js";
import type { TrainResult } from "./engine/engine.js";
import type { Explored } from "./explore.js";
import type { StepMetrics } from "./metrics.js";
import type { Admissions } from "./remember.js";
import type { Scored } from "./score.js";

/** Everything a step produced. */
export type StepResult = Omit<Explored, "groups"> &
  Scored & {
    readonly update: TrainResult | undefined;
    readonly admissions: Admissions;
  };

/** The line of `metrics.jsonl` for a step; `committed` are the experts in use, by level. */
export function stepMetrics(
  step: number,
  result: StepResult,
  corpus: Corpus,
  committed: ReadonlyMap<string, string>,
): StepMetrics {
  const rollouts = result.groups.flatMap((g) => g.group.rollouts);
  const mean = (value: (r: (typeof rollouts)[number]) => number): number =>
    rollouts.reduce((total, r) => total + value(r), 0) / Math.max(1, rollouts.length);
  const { mistakes, threshold } = corpus.stats();
  const { update, admissions } = result;
  return {
    step,
    "rollout/accuracy": mean((r) => Number(r.verdict.correct)),
    "reward/mean": result.meanReward,
    "reward/charge": result.meanCharge,
    "group/zeroVariance": result.zeroVariance,
    "group/stuck": result.stuck,
    "group/rescued": result.rescued,
    "group/steered": result.steered,
    "group/rescuedSteered": result.rescuedSteered,
    "offPolicy/clipped": result.clipped,
    "loss/total": update?.loss ?? 0,
    "loss/gradientNorm": update?.gradientNorm ?? 0,
    "policy/entropy": update?.entropy ?? 0,
    "policy/logprobMismatch": update?.logprobMismatch ?? 0,
    "rollout/length": mean((r) => r.steps.length),
    "rollout/failed": rollouts.filter((r) => r.failure !== undefined).length,
    "corpus/admitted": admissions.admitted,
    "corpus/merged": admissions.merged,
    "corpus/rejected": admissions.rejected,
    "corpus/size": mistakes,
    "corpus/threshold": threshold,
    "portfolio/committed": Object.fromEntries(committed),
    "update/finite": update?.finite ?? true,
  };
}

/** The lines of `rollouts/step-*.jsonl` for a step: one a rollout. */
export function rolloutLines(result: StepResult): string {
  return result.groups
    .flatMap(({ group, signals }) =>
      group.rollouts.map(({ task, steps, verdict, offPolicy, failure }, i) =>
        JSON.stringify({
          task: task.id,
          level: task.level,
          actions: steps.map((s) => s.action),
          ...verdict,
          offPolicy,
          advantage: signals[i]!.advantage,
          charge: signals[i]!.charge,
          ...(failure === undefined ? {} : { failure }),
        }),
      ),
    )
    .map((line) => `${line}\n`)
    .join("");
}
