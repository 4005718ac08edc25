/** The gradient of a batch, accumulated over micro-batches. */
import { graphShape, trainableLayout, trainableWeights } from "./adapter.js";
import type { Graph } from "./graph/graph.js";
import { defaultClip, type TrainingSequence, type TrainOptions } from "./engine.js";
import type { LocalPolicy } from "./local-policy.js";
import type { Packing } from "./packing.js";
import {
  floats,
  int64,
  integers,
  scalar,
  wide,
  type Feeds,
  type Outputs,
  type Sessions,
} from "./sessions.js";
import type { Parameter } from "./shape.js";
import { gradientGraph, gradientName } from "./training-graph.js";
import { addTo } from "./vectors.js";

/** What the passes over some sequences gave. */
export interface Gradient {
  /** d(loss)/d(weights that train), summed over the sequences [P]. */
  readonly sum: Float32Array;
  readonly loss: number;
  /** log pi and entropy of each target, sequence by sequence in the order given. */
  readonly logprobs: Float32Array;
  readonly entropy: Float32Array;
  /** Tokens computed: a shared prefix once. */
  readonly tokens: number;
}

/** PPO's clip range, and a way to stop. */
export type GradientOptions = Pick<TrainOptions, "clipLow" | "clipHigh" | "signal">;

/** The gradient of the loss over `sequences`, computed piece by piece; `pieces` are indices. */
export async function batchGradient(
  sessions: Sessions,
  policy: LocalPolicy,
  sequences: readonly TrainingSequence[],
  pieces: readonly (readonly number[])[],
  { clipLow = defaultClip.low, clipHigh = defaultClip.high, signal }: GradientOptions,
): Promise<Gradient> {
  const shape = graphShape(policy);
  let M = 0;
  const starts = sequences.map(({ targets }) => (M += targets.length) - targets.length);
  const logprobs = new Float32Array(M);
  const entropy = new Float32Array(M);
  const sum = new Float32Array(trainableWeights(policy).length);
  const layout = trainableLayout(shape);
  let loss = 0;
  let tokens = 0;
  for (const piece of pieces) {
    signal?.throwIfAborted();
    const part = piece.map((i) => sequences[i]!);
    const { feeds, T, packing } = sessions.sequenceFeeds(
      policy.shape,
      part.map((s) => s.tokens),
      { pack: true },
    );
    const hidden = hiddenFeeds(part, T, policy.shape.width, packing);
    const picks = targetFeeds(part, T, packing);
    const parts = { hidden: hidden !== undefined, packed: packing !== undefined };
    const kind = `gradient${parts.hidden ? "+hidden" : ""}${parts.packed ? "+packed" : ""}`;
    const graph = (): Graph => gradientGraph(shape, parts);
    const outputs = await sessions.run(kind, shape, graph, {
      ...sessions.modelFeeds(policy),
      ...feeds,
      ...hidden,
      ...picks.feeds,
      ...streams(part),
      ratioLow: scalar(1 - clipLow),
      ratioHigh: scalar(1 + clipHigh),
    });
    loss += outputs["loss"]![0]!;
    tokens += packing?.places.length ?? part.length * T;
    let at = 0;
    for (const i of piece) {
      const end = at + sequences[i]!.targets.length;
      logprobs.set(outputs["logprobs"]!.subarray(at, end), starts[i]);
      for (let m = at; m < end; m++)
        entropy[starts[i]! + m - at] = outputs["entropy"]![picks.places[m]!]!;
      at = end;
    }
    collect(sum, layout, outputs, piece === pieces[0]);
  }
  return { sum, loss, logprobs, entropy, tokens };
}

/** Adds the gradients of all weights to `sum`, or for the first piece puts them there. */
function collect(
  sum: Float32Array,
  layout: readonly Parameter[],
  outputs: Outputs,
  first: boolean,
): void {
  for (const { name, offset, size } of layout) {
    const gradient = outputs[gradientName(name)]!;
    if (first) sum.set(gradient, offset);
    else addTo(sum.subarray(offset, offset + size), gradient);
  }
}

/** The coefficients and log-probs of all targets [M]. */
function streams(sequences: readonly TrainingSequence[]): Feeds {
  const M = sequences.reduce((n, { targets }) => n + targets.length, 0);
  const coefficients = {
    policy: new Float32Array(M),
    crossEntropy: new Float32Array(M),
    referenceKl: new Float32Array(M),
  };
  const reference = new Float32Array(M);
  let m = 0;
  for (const { targets } of sequences)
    for (const { component, coefficient, logprob } of targets) {
      coefficients[component][m] = coefficient;
      reference[m++] = logprob;
    }
  const { policy, crossEntropy, referenceKl } = coefficients;
  return {
    policy: floats(policy, [M]),
    crossEntropy: floats(crossEntropy, [M]),
    referenceKl: floats(referenceKl, [M]),
    reference: floats(reference, [M]),
  };
}

/** Rows of all hidden spans with their gradients, shared out over the span; undefined without any. */
function hiddenFeeds(
  sequences: readonly TrainingSequence[],
  T: number,
  width: number,
  packing?: Packing,
): Feeds | undefined {
  const rows: number[] = [];
  const gradients: Float32Array[] = [];
  sequences.forEach(({ hidden = [] }, b) => {
    for (const { start, end, gradient } of hidden)
      for (let t = start; t < end; t++) {
        rows.push(rowOf(b * T + t, packing));
        gradients.push(gradient.map((g) => g / (end - start)));
      }
  });
  if (rows.length === 0) return undefined;
  const flat = new Float32Array(rows.length * width);
  gradients.forEach((gradient, i) => flat.set(gradient, i * width));
  return { hiddenRows: integers(rows), hiddenGradients: floats(flat, [rows.length, width]) };
}

/** The row that computes a place of [B * T]. */
const rowOf = (place: number, packing?: Packing): number => packing?.rows[place] ?? place;

/** Where the targets of some sequences are, and what they are. */
export interface TargetFeeds {
  /** `rows` int64 [U], the rows with targets, and `targets` int64 [M, 2], (place, token). */
  readonly feeds: Feeds;
  /** The index into `rows` of each target [M]. */
  readonly places: Int32Array;
}

/**
 * The feeds that pick all targets, sequence by sequence.
 * @throws RangeError where a target lies outside its sequence.
 */
export function targetFeeds(
  sequences: readonly {
    readonly tokens: readonly number[];
    readonly targets: readonly { readonly position: number; readonly token: number }[];
  }[],
  T: number,
  packing?: Packing,
): TargetFeeds {
  const M = sequences.reduce((n, { targets }) => n + targets.length, 0);
  const rows: number[] = [];
  const places = new Int32Array(M);
  const pairs = new Int32Array(2 * M);
  let m = 0;
  sequences.forEach(({ tokens, targets }, b) => {
    const known = new Int32Array(tokens.length).fill(-1);
    for (const { position, token } of targets) {
      if (!(position >= 0 && position < tokens.length))
        throw new RangeError(
          `a target at position ${position} of a sequence of ${tokens.length} tokens`,
        );
      if (known[position] === -1) known[position] = rows.push(rowOf(b * T + position, packing)) - 1;
      places[m] = known[position]!;
      pairs[2 * m] = places[m]!;
      pairs[2 * m + 1] = token;
      m++;
    }
  });
  return { feeds: { rows: integers(rows), targets: int64(wide(pairs), [M, 2]) }, places };
}
