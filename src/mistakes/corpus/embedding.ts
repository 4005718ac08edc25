import { ErrataError } from "../../util/error.js";
import { hashText } from "../../util/random.js";
import { normalize } from "./novelty.js";
import { sumOf } from "../../util/statistics/sums.js";

/** Share of the squared length that the action gets: cos = 0.4 cos(state) + 0.6 cos(action). */
export const ACTION_WEIGHT = 0.6;

/** Dimension of {@link textEmbedding}: half for the state, half for the edit. */
export const TEXT_DIMENSION = 512;

/**
 * One vector for a step taken at a state.
 *
 *     e = normalize([w_s * z_state ; w_a * z_action]),  w_a^2 = actionWeight,  w_s^2 = 1 - w_a^2
 *
 * Both parts, `[D_s]` and `[D_a]`, are brought to unit length first, so that the weight means the
 * same at any scale. Returns `[D_s + D_a]`.
 */
export function stateActionEmbedding(
  state: ArrayLike<number>,
  action: ArrayLike<number>,
  actionWeight: number = ACTION_WEIGHT,
): Float32Array {
  const joined = new Float32Array(state.length + action.length);
  joined.set(normalize(state).map((value) => value * Math.sqrt(1 - actionWeight)));
  joined.set(
    normalize(action).map((value) => value * Math.sqrt(actionWeight)),
    state.length,
  );
  return normalize(joined);
}

/** What a step looks like to {@link textEmbedding}. */
export interface StepText {
  readonly state: string;
  readonly wrongStep: string;
  /** A right step at the state, where known. */
  readonly correctStep?: string;
}

/**
 * Embedding of a step where no hidden states are at hand: hashed character 3- to 5-grams of the
 * state and of the edit from the wrong step to the right one.
 */
export function textEmbedding(
  { state, wrongStep, correctStep }: StepText,
  dimension: number = TEXT_DIMENSION,
): Float32Array {
  return stateActionEmbedding(
    hashedGrams(state, dimension / 2),
    hashedGrams(edit(wrongStep, correctStep), dimension / 2),
  );
}

/**
 * What changes from the wrong step to the right one, without what they share at either end:
 * `edit("b = 3", "b = 4")` is `3→4`; the wrong step itself when no right one is known.
 */
export function edit(wrongStep: string, correctStep?: string): string {
  if (correctStep === undefined) return wrongStep;
  const shortest = Math.min(wrongStep.length, correctStep.length);
  let start = 0;
  while (start < shortest && wrongStep[start] === correctStep[start]) start++;
  let end = 0;
  while (end < shortest - start && wrongStep.at(-1 - end) === correctStep.at(-1 - end)) end++;
  return `${wrongStep.slice(start, wrongStep.length - end)}→${correctStep.slice(start, correctStep.length - end)}`;
}

/**
 * Counts of character n-grams, n = 3 to 5, hashed with a sign into `dimension` buckets.
 * Source: feature hashing (arXiv 0902.2206). Start and end of the text are characters of their own.
 */
export function hashedGrams(text: string, dimension: number): Float32Array {
  const counts = new Float32Array(dimension);
  const padded = `\u0002${text}\u0003`;
  for (let length = 3; length <= 5; length++) {
    for (let start = 0; start + length <= padded.length; start++) {
      const hash = hashText(padded.slice(start, start + length));
      const bucket = (hash & 0x7fffffff) % dimension;
      counts[bucket]! += hash >>> 31 === 0 ? 1 : -1;
    }
  }
  return counts;
}

/** Per-coordinate mean and variance, each `[D]`, as kept in the corpus. */
export interface Whitening {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/**
 * Mean and variance of a batch `[N, D]`, per coordinate.
 *
 * A variance below a tenth of the average one is raised to it: a coordinate that happens not to
 * move in the batch must not drown the others later. Raw hidden states share a large common
 * direction (cosines reach 0.99), which is what this takes away.
 * @throws ErrataError `CORPUS_DIMENSION` on an empty batch or vectors of different lengths.
 */
export function fitWhitening(vectors: readonly ArrayLike<number>[]): Whitening {
  const dimension = vectors[0]?.length ?? 0;
  if (dimension === 0 || vectors.some((vector) => vector.length !== dimension)) {
    throw new ErrataError(
      `whitening needs vectors of one dimension, got ${vectors.length} of ${[...new Set(vectors.map((v) => v.length))].join(", ") || "none"}`,
      { code: "CORPUS_DIMENSION", hint: "fit on the embeddings of one batch from one model" },
    );
  }
  const mean = new Float64Array(dimension);
  const variance = new Float64Array(dimension);
  for (const vector of vectors) {
    for (let i = 0; i < dimension; i++) mean[i]! += vector[i]! / vectors.length;
  }
  for (const vector of vectors) {
    for (let i = 0; i < dimension; i++)
      variance[i]! += (vector[i]! - mean[i]!) ** 2 / vectors.length;
  }
  const floor = (0.1 * sumOf(variance)) / dimension || 1;
  return {
    mean: Float32Array.from(mean),
    variance: Float32Array.from(variance, (value) => Math.max(value, floor)),
  };
}

/**
 * Centred and diagonally whitened: `(x - mean) / sqrt(variance)`, `[D]`.
 * @throws ErrataError `CORPUS_DIMENSION` on a vector of another dimension.
 */
export function whiten(vector: ArrayLike<number>, { mean, variance }: Whitening): Float32Array {
  if (vector.length !== mean.length) {
    throw new ErrataError(
      `a vector of ${vector.length} values meets a whitening of dimension ${mean.length}`,
      {
        code: "CORPUS_DIMENSION",
        hint: "embed with the model the corpus was started with, or start a new corpus",
      },
    );
  }
  return Float32Array.from(vector, (value, i) => (value - mean[i]!) / Math.sqrt(variance[i]!));
}
