/** Several optimizer steps on one batch, as in PPO: the batch's log-probs grow stale, clipping bounds how far. */
import type { Random } from "../random.js";
import type {
  Engine,
  OptimizerState,
  Policy,
  TrainingSequence,
  TrainOptions,
  TrainResult,
} from "./engine.js";

export interface EpochOptions {
  /** Passes over the batch. Default 1. */
  readonly epochs?: number;
  /** Optimizer steps a pass, each on its share of the sequences. Default 1. */
  readonly miniBatches?: number;
  /** Deals the sequences out anew in every pass; needed with more than one mini-batch. */
  readonly random?: Random;
}

/** The last step of several, and what they had in common. */
export interface EpochsResult extends TrainResult {
  /** Optimizer steps taken. */
  readonly steps: number;
  /**
   * Share of `policy` targets whose ratio had left the clip range on the side where their gradient
   * is zero, over all steps; measured before each step. 0 without such targets.
   */
  readonly clipFraction: number;
}

/**
 * Takes `epochs * miniBatches` optimizer steps. The coefficients of a mini-batch are multiplied by
 * the number of mini-batches: each step then has the mean that a step on the whole batch would have,
 * so that one mini-batch and one epoch are exactly one `trainStep`. Stops where a step is not finite.
 * @throws RangeError where there are fewer sequences than mini-batches.
 */
export async function trainEpochs(
  engine: Engine,
  policy: Policy,
  optimizer: OptimizerState,
  sequences: readonly TrainingSequence[],
  { epochs = 1, miniBatches = 1, random, ...options }: EpochOptions & TrainOptions,
): Promise<EpochsResult> {
  if (!(epochs >= 1) || !(miniBatches >= 1 && miniBatches <= sequences.length))
    throw new RangeError(
      `${epochs} epochs of ${miniBatches} mini-batches over ${sequences.length} sequences`,
    );
  if (miniBatches > 1 && random === undefined)
    throw new RangeError("mini-batches need a generator that deals them out");
  let current = { policy, optimizer };
  let last: TrainResult | undefined;
  let steps = 0;
  let clipped = 0;
  let targets = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = miniBatches === 1 ? sequences : random!.shuffle(sequences);
    for (let b = 0; b < miniBatches; b++) {
      const batch = order
        .filter((_, i) => i % miniBatches === b)
        .map((sequence) => scaled(sequence, miniBatches));
      const count = await countClipped(engine, current.policy, batch, options, steps > 0);
      clipped += count.clipped;
      targets += count.targets;
      last = await engine.trainStep(current.policy, current.optimizer, batch, options);
      current = { policy: last.policy, optimizer: last.optimizer };
      steps++;
      if (!last.finite) return { ...last, steps, clipFraction: clipped / Math.max(1, targets) };
    }
  }
  return { ...last!, steps, clipFraction: clipped / Math.max(1, targets) };
}

function scaled(sequence: TrainingSequence, factor: number): TrainingSequence {
  if (factor === 1) return sequence;
  const { hidden } = sequence;
  return {
    ...sequence,
    targets: sequence.targets.map((t) => ({ ...t, coefficient: factor * t.coefficient })),
    ...(hidden === undefined
      ? {}
      : { hidden: hidden.map((h) => ({ ...h, gradient: h.gradient.map((g) => factor * g) })) }),
  };
}

/** How many targets the clip has switched off; none before the policy has moved. */
async function countClipped(
  engine: Engine,
  policy: Policy,
  batch: readonly TrainingSequence[],
  { clipLow = 0.2, clipHigh = 0.28 }: TrainOptions,
  moved: boolean,
): Promise<{ clipped: number; targets: number }> {
  const all = batch.flatMap((s) => s.targets);
  const targets = all.filter((t) => t.component === "policy").length;
  if (!moved || targets === 0) return { clipped: 0, targets };
  const logprobs = await engine.logprobs(policy, batch);
  const clipped = all.filter(({ component, coefficient, logprob }, i) => {
    const ratio = Math.exp(logprobs[i]! - logprob);
    return (
      component === "policy" &&
      (coefficient > 0 ? ratio > 1 + clipHigh : coefficient < 0 && ratio < 1 - clipLow)
    );
  }).length;
  return { clipped, targets };
}
