/** One step of AdamW (arXiv:1711.05101). */
import { graphShape, trainableLayout, trainableWeights, withTrainable } from "./adapter.js";
import type { TrainOptions } from "./engine.js";
import type { LocalOptimizer, LocalPolicy } from "./local-policy.js";

/** Decay rates and epsilon (PyTorch's defaults). */
export const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

/**
 * One AdamW step along `gradient` [P], its norm scaled to `clipNorm` at most:
 *
 *     m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *     w = w - rate (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon) + decay w)
 *
 * with decay on matrices alone, not on norm gains and biases. Takes over `gradient`, whose memory
 * becomes the new weights: at the size of a model, memory that is new costs more than the arithmetic.
 */
export function adamStep(
  policy: LocalPolicy,
  optimizer: LocalOptimizer,
  gradient: Float32Array,
  gradientNorm: number,
  { learningRate, clipNorm = 1, weightDecay = 0 }: TrainOptions,
): { policy: LocalPolicy; optimizer: LocalOptimizer } {
  const steps = optimizer.steps + 1;
  const size = gradient.length;
  const version = policy.version + 1;
  const state = { steps, version, first: new Float32Array(size), second: new Float32Array(size) };
  const rates: Rates = {
    clip: Math.min(1, clipNorm / (gradientNorm + 1e-6)),
    step: learningRate / (1 - adam.beta1 ** steps),
    scale: 1 / (1 - adam.beta2 ** steps),
  };
  const weights = trainableWeights(policy);
  for (const { offset, size: count, shape } of trainableLayout(graphShape(policy))) {
    const kept = shape.length > 1 ? 1 - learningRate * weightDecay : 1;
    update({ weights, optimizer, gradient, state, rates, kept }, offset, offset + count);
  }
  return { policy: { ...withTrainable(policy, gradient), version }, optimizer: state };
}

interface Rates {
  readonly clip: number;
  /** Learning rate over the first moment's correction. */
  readonly step: number;
  /** One over the second moment's correction. */
  readonly scale: number;
}

interface Update {
  readonly weights: Float32Array;
  readonly optimizer: LocalOptimizer;
  /** Read, then overwritten with the new weights. */
  readonly gradient: Float32Array;
  readonly state: LocalOptimizer;
  readonly rates: Rates;
  /** What decay leaves of a weight. */
  readonly kept: number;
}

/** Weights [start, end), in float64. */
function update(
  { weights, optimizer, gradient, state, rates, kept }: Update,
  start: number,
  end: number,
): void {
  const { first, second } = optimizer;
  const { first: newFirst, second: newSecond } = state;
  const { clip, step, scale } = rates;
  const { beta1, beta2, epsilon } = adam;
  for (let i = start; i < end; i++) {
    const g = gradient[i]! * clip;
    const m = beta1 * first[i]! + (1 - beta1) * g;
    const v = beta2 * second[i]! + (1 - beta2) * g * g;
    newFirst[i] = m;
    newSecond[i] = v;
    gradient[i] = kept * weights[i]! - (step * m) / (Math.sqrt(v * scale) + epsilon);
  }
}
