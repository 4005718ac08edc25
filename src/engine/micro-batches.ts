/** Cutting a batch into pieces that fit into memory. */
import type { ModelShape } from "./shape.js";

/** Bounds on one forward and backward pass. */
export interface MicroBatchLimits {
  /** Most tokens, padding included. Default 2048. */
  readonly microBatchTokens?: number;
  /** Most bytes of activations, by {@link activationBytes}. Default 2 GiB. */
  readonly microBatchBytes?: number;
}

/**
 * About how many bytes one token of a sequence of T takes in a training pass: float32 activations
 * kept for the backward pass and their gradients, most of them in the feed-forward blocks, the
 * attention weights (T a head) and the distribution over the vocabulary.
 */
export function activationBytes(shape: ModelShape, T: number): number {
  const { layers, width: D, feedForward: F, heads: H, vocabulary: V } = shape;
  return 4 * (layers * (14 * D + 8 * F + 4 * H * T) + 6 * V);
}

/** Most tokens of sequences up to T long that fit into the limits; at least one sequence always does. */
export function microBatchTokens(shape: ModelShape, T: number, limits: MicroBatchLimits): number {
  const { microBatchTokens: tokens = 2048, microBatchBytes: bytes = 2 ** 31 } = limits;
  return Math.min(tokens, Math.floor(bytes / activationBytes(shape, T)));
}

/**
 * Indices of sequences in pieces of like length, none of more than `maxTokens` tokens with padding
 * (a longer sequence is a piece of its own). Their number is the least that fits, rounded up to a
 * multiple of `parts`, and the largest of them as small as that allows, so that `parts` threads that
 * take them in turn are done at about the same time. The pieces are fixed by the lengths alone.
 */
export function microBatches(
  lengths: readonly number[],
  { maxTokens, parts = 1 }: { readonly maxTokens: number; readonly parts?: number },
): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]!);
  const cut = (most: number): number[][] => {
    const pieces: number[][] = [];
    for (const i of order) {
      const piece = pieces.at(-1);
      // Sorted by length, the first sequence of a piece is its longest.
      if (piece !== undefined && (piece.length + 1) * lengths[piece[0]!]! <= most) piece.push(i);
      else pieces.push([i]);
    }
    return pieces;
  };
  const wanted = parts * Math.ceil(cut(maxTokens).length / parts);
  let [low, high] = [1, Math.max(1, maxTokens)];
  while (low < high) {
    const most = Math.floor((low + high) / 2);
    if (cut(most).length <= wanted) high = most;
    else low = most + 1;
  }
  return cut(high);
}
