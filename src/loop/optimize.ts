/** The optimizer's part of a step. */
import type { TrainingSequence } from "../engine/engine.js";
import { trainEpochs, type EpochsResult } from "../engine/epochs.js";
import { learningRateAt } from "../engine/schedule.js";
import type { Setup } from "../run/setup.js";
import type { RunState } from "../run/state.js";
import type { Random } from "../util/random.js";

/**
 * The optimizer's part of a step: one AdamW step on the whole batch or, with `optimizer.epochs` and
 * `optimizer.miniBatches`, several under PPO's clip (arXiv:1707.06347), at the scheduled rate.
 * Undefined where there is nothing to learn.
 */
export async function optimize(
  { config, engine }: Pick<Setup, "config" | "engine">,
  { step, student, optimizer }: Pick<RunState, "step" | "student" | "optimizer">,
  sequences: readonly TrainingSequence[],
  random: Random,
): Promise<EpochsResult | undefined> {
  if (sequences.length === 0) return undefined;
  const { schedule, warmup, final, epochs, miniBatches } = config.optimizer;
  const { learningRate: peak, steps } = config;
  return trainEpochs(engine, student, optimizer, sequences, {
    learningRate: learningRateAt(step, { shape: schedule, peak, warmup, final, steps }),
    epochs,
    miniBatches: Math.min(miniBatches, sequences.length),
    random,
  });
}

/** Whether every rollout's targets must stay apart: the policy moves within a step. */
export function movesWithinStep({ optimizer }: Pick<Setup["config"], "optimizer">): boolean {
  return optimizer.epochs > 1 || optimizer.miniBatches > 1;
}
