/** Cutting a batch into pieces that fit into memory. */
import type { TrainingSequence } from "./engine.js";
import { defaultEngine, type EngineOptions } from "./options.js";
import { packedRows } from "./packing.js";
import type { ModelShape } from "./shape.js";

/** Bounds on one forward and backward pass. */
export type MicroBatchLimits = Partial<Pick<EngineOptions, "microBatchTokens" | "microBatchBytes">>;

/**
 * About how many bytes one token of a sequence of T takes in a training pass: float32 activations
 * kept for the backward pass and their gradients, most of them in the feed-forward blocks, the
 * attention weights (T a head) and the distribution over the vocabulary.
 */
export function activationBytes(shape: ModelShape, T: number): number {
  return rowBytes(shape) + attentionBytes(shape, T);
}

/** What a row takes of {@link activationBytes}, and what a place in attention. */
function rowBytes({ layers, width: D, feedForward: F, vocabulary: V }: ModelShape): number {
  return 4 * (layers * (14 * D + 8 * F) + 6 * V);
}

function attentionBytes({ layers, heads: H }: ModelShape, T: number): number {
  return 4 * layers * 4 * H * T;
}

/** Most tokens of sequences up to T long that fit into the limits; at least one sequence always does. */
export function microBatchTokens(shape: ModelShape, T: number, limits: MicroBatchLimits): number {
  const {
    microBatchTokens: tokens = defaultEngine.microBatchTokens,
    microBatchBytes: bytes = defaultEngine.microBatchBytes,
  } = limits;
  return Math.min(tokens, Math.floor(bytes / activationBytes(shape, T)));
}

/**
 * The indices of `sequences` in pieces, cut by {@link microBatches}: in order of length alone, or with
 * sequences of one prompt side by side, which then share its rows but may leave more padding to
 * attention; whichever has the less to keep.
 */
export function trainingPieces(
  shape: ModelShape,
  sequences: readonly TrainingSequence[],
  { parts, ...limits }: MicroBatchLimits & { readonly parts: number },
): number[][] {
  const lengths = sequences.map((s) => s.tokens.length);
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const maxTokens = microBatchTokens(shape, longest, limits);
  const plain = microBatches(lengths, { maxTokens, parts });
  const groups = promptGroups(sequences);
  if (groups.every((group, i) => group === i)) return plain;
  const grouped = microBatches(lengths, { maxTokens, parts, groups });
  const bytes = (pieces: readonly (readonly number[])[]): number =>
    pieces.reduce((total, piece) => {
      const T = piece.reduce((most, i) => Math.max(most, lengths[i]!), 0);
      const rows = packedRows(piece.map((i) => sequences[i]!.tokens));
      return total + rows * rowBytes(shape) + piece.length * T * attentionBytes(shape, T);
    }, 0);
  return bytes(grouped) < bytes(plain) ? grouped : plain;
}

/** For each sequence the first one with the same prompt: the tokens up to the first target. */
function promptGroups(sequences: readonly TrainingSequence[]): number[] {
  const known = new Map<string, number>();
  return sequences.map(({ tokens, targets }, i) => {
    const end = targets.reduce((least, { position }) => Math.min(least, position), tokens.length);
    const prompt = tokens.slice(0, end + 1).join(",");
    const first = known.get(prompt) ?? i;
    known.set(prompt, first);
    return first;
  });
}

/**
 * Indices of sequences in pieces of like length, none of more than `maxTokens` tokens with padding
 * (a longer sequence is a piece of its own). Their number is the least that fits, rounded up to a
 * multiple of `parts`, and the largest of them as small as that allows, so that `parts` threads that
 * take them in turn are done at about the same time. Sequences with the same number in `groups` stay
 * side by side. The pieces are fixed by lengths and groups alone.
 */
export function microBatches(
  lengths: readonly number[],
  {
    maxTokens,
    parts = 1,
    groups,
  }: { readonly maxTokens: number; readonly parts?: number; readonly groups?: readonly number[] },
): number[][] {
  const order = groups === undefined ? byLength(lengths) : byGroup(lengths, groups);
  const cut = (most: number): number[][] => {
    const pieces: number[][] = [];
    let longest = 0;
    for (const i of order) {
      const piece = pieces.at(-1);
      longest = Math.max(longest, lengths[i]!);
      if (piece !== undefined && (piece.length + 1) * longest <= most) piece.push(i);
      else {
        pieces.push([i]);
        longest = lengths[i]!;
      }
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

/** Longest first. */
function byLength(lengths: readonly number[]): number[] {
  return lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]!);
}

/** Groups one after another, those with the longest sequence first; within each, longest first. */
function byGroup(lengths: readonly number[], groups: readonly number[]): number[] {
  const members = new Map<number, number[]>();
  for (const i of byLength(lengths)) {
    const group = members.get(groups[i]!);
    if (group === undefined) members.set(groups[i]!, [i]);
    else group.push(i);
  }
  return [...members.values()].flat();
}
