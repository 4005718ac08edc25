/** The gradient of a batch, accumulated over micro-batches, and the AdamW step that uses it. */
import {
  graphShape,
  trainableLayout,
  trainableWeights,
  withTrainable,
  type GraphShape,
} from "./adapter.js";
import type { Graph } from "./graph.js";
import type { OptimizerState, Policy, TrainingSequence, TrainOptions } from "./engine.js";
import { floats, integers, scalar, type Feeds, type Sessions } from "./sessions.js";
import { adam, gradientGraph, optimizerGraph } from "./training-graph.js";

/** What the passes over some sequences gave. */
export interface Gradient {
  /** d(loss)/d(weights that train), summed over the sequences [P]. */
  readonly sum: Float32Array;
  readonly loss: number;
  /** log pi and entropy of each target, sequence by sequence in the order given. */
  readonly logprobs: Float32Array;
  readonly entropy: Float32Array;
  /** Tokens computed, padding included. */
  readonly tokens: number;
}

/** PPO's clip range, and a way to stop. */
export type GradientOptions = Pick<TrainOptions, "clipLow" | "clipHigh" | "signal">;

/** The gradient of the loss over `sequences`, computed piece by piece; `pieces` are indices. */
export async function batchGradient(
  sessions: Sessions,
  policy: Policy,
  sequences: readonly TrainingSequence[],
  pieces: readonly (readonly number[])[],
  { clipLow = 0.2, clipHigh = 0.28, signal }: GradientOptions,
): Promise<Gradient> {
  const shape = graphShape(policy);
  let M = 0;
  const starts = sequences.map(({ targets }) => (M += targets.length) - targets.length);
  const logprobs = new Float32Array(M);
  const entropy = new Float32Array(M);
  let total: Float32Array | undefined;
  let loss = 0;
  let tokens = 0;
  for (const piece of pieces) {
    signal?.throwIfAborted();
    const part = piece.map((i) => sequences[i]!);
    const { feeds, T } = sessions.sequenceFeeds(
      policy.shape,
      part.map((s) => s.tokens),
    );
    const hidden = hiddenFeeds(part, T, policy.shape.width);
    const kind = hidden === undefined ? "gradient" : "gradient+hidden";
    const graph = (): Graph => gradientGraph(shape, { hidden: hidden !== undefined });
    const outputs = await sessions.run(kind, shape, graph, {
      ...sessions.modelFeeds(policy),
      ...feeds,
      ...hidden,
      ...targetFeeds(part, T),
      ...streams(part),
      ratioLow: scalar(1 - clipLow),
      ratioHigh: scalar(1 + clipHigh),
    });
    loss += outputs["loss"]![0]!;
    tokens += part.length * T;
    let at = 0;
    for (const i of piece) {
      const end = at + sequences[i]!.targets.length;
      logprobs.set(outputs["logprobs"]!.subarray(at, end), starts[i]);
      entropy.set(outputs["entropy"]!.subarray(at, end), starts[i]);
      at = end;
    }
    const gradient = outputs["gradient"]!;
    if (total === undefined) total = gradient;
    else addTo(total, gradient);
  }
  total ??= new Float32Array(trainableWeights(policy).length);
  return { sum: total, loss, logprobs, entropy, tokens };
}

/** a += b. */
export function addTo(a: Float32Array, b: Float32Array): void {
  for (let i = 0; i < a.length; i++) a[i]! += b[i]!;
}

/** The coefficients and log-probs of all targets [M]. */
function streams(sequences: readonly TrainingSequence[]): Feeds {
  const targets = sequences.flatMap((s) => s.targets);
  const M = targets.length;
  const stream = (component: string): Float32Array =>
    Float32Array.from(targets, (t) => (t.component === component ? t.coefficient : 0));
  return {
    policy: floats(stream("policy"), [M]),
    crossEntropy: floats(stream("crossEntropy"), [M]),
    referenceKl: floats(stream("referenceKl"), [M]),
    reference: floats(
      Float32Array.from(targets, (t) => t.logprob),
      [M],
    ),
  };
}

/** Rows of [B * T] of all hidden spans with their gradients, shared out over the span; undefined without any. */
function hiddenFeeds(
  sequences: readonly TrainingSequence[],
  T: number,
  width: number,
): Feeds | undefined {
  const rows: number[] = [];
  const gradients: Float32Array[] = [];
  sequences.forEach(({ hidden = [] }, b) => {
    for (const { start, end, gradient } of hidden)
      for (let t = start; t < end; t++) {
        rows.push(b * T + t);
        gradients.push(gradient.map((g) => g / (end - start)));
      }
  });
  if (rows.length === 0) return undefined;
  const flat = new Float32Array(rows.length * width);
  gradients.forEach((gradient, i) => flat.set(gradient, i * width));
  return { hiddenRows: integers(rows), hiddenGradients: floats(flat, [rows.length, width]) };
}

/**
 * Rows of [B * T] and tokens of all targets.
 * @throws RangeError where a target lies outside its sequence.
 */
export function targetFeeds(
  sequences: readonly {
    readonly tokens: readonly number[];
    readonly targets: readonly { readonly position: number; readonly token: number }[];
  }[],
  T: number,
): Feeds {
  const rows: number[] = [];
  const targets: number[] = [];
  sequences.forEach(({ tokens, targets: wanted }, b) => {
    for (const { position, token } of wanted) {
      if (!(position >= 0 && position < tokens.length))
        throw new RangeError(
          `a target at position ${position} of a sequence of ${tokens.length} tokens`,
        );
      rows.push(b * T + position);
      targets.push(token);
    }
  });
  return { rows: integers(rows), targets: integers(targets) };
}

/** L2 norm, in float64. */
export function norm(vector: Float32Array): number {
  let total = 0;
  for (let i = 0; i < vector.length; i++) total += vector[i]! * vector[i]!;
  return Math.sqrt(total);
}

/** One AdamW step along `gradient`, its norm scaled to `clipNorm` at most. */
export async function optimizerStep(
  sessions: Sessions,
  policy: Policy,
  optimizer: OptimizerState,
  gradient: Float32Array,
  gradientNorm: number,
  { learningRate, clipNorm = 1, weightDecay = 0 }: TrainOptions,
): Promise<{ policy: Policy; optimizer: OptimizerState }> {
  const weights = trainableWeights(policy);
  const P = weights.length;
  const steps = optimizer.steps + 1;
  const decayed = decayMask(graphShape(policy));
  const next = {
    weights: new Float32Array(P),
    first: new Float32Array(P),
    second: new Float32Array(P),
  };
  const scalars = {
    clip: scalar(Math.min(1, clipNorm / (gradientNorm + 1e-6))),
    learningRate: scalar(learningRate),
    weightDecay: scalar(weightDecay),
    correction1: scalar(1 - adam.beta1 ** steps),
    correction2: scalar(1 - adam.beta2 ** steps),
  };
  for (let start = 0; start < P; start += tile) {
    const end = Math.min(P, start + tile);
    const vector = (data: Float32Array): Feeds[string] =>
      floats(data.subarray(start, end), [end - start]);
    const outputs = await sessions.run("optimizer", undefined, optimizerGraph, {
      ...scalars,
      gradient: vector(gradient),
      weights: vector(weights),
      first: vector(optimizer.first),
      second: vector(optimizer.second),
      decayed: vector(decayed),
    });
    next.weights.set(outputs["newWeights"]!, start);
    next.first.set(outputs["newFirst"]!, start);
    next.second.set(outputs["newSecond"]!, start);
  }
  return {
    policy: withTrainable(policy, next.weights),
    optimizer: { steps, first: next.first, second: next.second },
  };
}

/** Weights updated at once: their dozen temporary vectors then stay in a processor's cache. */
const tile = 2 ** 16;

const masks = new Map<string, Float32Array>();

/** 1 for weights of matrices, 0 for norm gains and biases [P]. */
function decayMask(shape: GraphShape): Float32Array {
  const key = JSON.stringify(shape);
  let mask = masks.get(key);
  if (mask === undefined) {
    const layout = trainableLayout(shape);
    mask = new Float32Array(layout.reduce((n, p) => n + p.size, 0));
    for (const { shape: dimensions, offset, size } of layout)
      if (dimensions.length > 1) mask.fill(1, offset, offset + size);
    masks.set(key, mask);
  }
  return mask;
}
