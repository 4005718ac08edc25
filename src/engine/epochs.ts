/** Several optimizer steps on one batch, as in PPO: the batch's log-probs grow stale, clipping bounds how far. */
import type { Random } from "../util/random.js";
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
  /** Optimizer steps taken; `clipFraction` is their mean. */
  readonly steps: number;
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
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = miniBatches === 1 ? sequences : random!.shuffle(sequences);
    for (let b = 0; b < miniBatches; b++) {
      const batch = order
        .filter((_, i) => i % miniBatches === b)
        .map((sequence) => scaled(sequence, miniBatches));
      last = await engine.trainStep(current.policy, current.optimizer, batch, options);
      current = { policy: last.policy, optimizer: last.optimizer };
      steps++;
      clipped += last.clipFraction;
      if (!last.finite) return { ...last, steps, clipFraction: clipped / steps };
    }
  }
  return { ...last!, steps, clipFraction: clipped / steps };
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
