/**
 * The contrastive loss on step embeddings, its projection head, and their gradients.
 *
 * x = (h - mean) / deviation, u = W^T x, z = u / |u|; for an anchor a with positives P and
 * candidates C (its positives and negatives):
 *
 *     L = mean over a of -1/|P| sum over p in P of [ z_a.z_p / tau - log sum over c in C exp(z_a.z_c / tau) ]
 *
 * Supervised contrastive learning (arXiv:2004.11362) on steps instead of images.
 */
import { readSafetensors, writeSafetensors } from "../engine/files/safetensors.js";
import type { Random } from "../util/random.js";
import { sumOf } from "../util/statistics/sums.js";

/** The head: a linear map of hidden states, the statistics that whiten them, and its AdamW state. */
export interface ContrastHead {
  /** Width of the hidden states, D. */
  readonly width: number;
  /** Width of the embeddings, K. */
  readonly size: number;
  /** W, row by row [D * K]. */
  readonly projection: Float32Array;
  /** Exponential averages of the hidden states' mean and variance [D]. */
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  /** Updates so far, and their moments [D * K]. */
  readonly steps: number;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** Whose embeddings attract and repel: indices into the embeddings. */
export interface Anchor {
  readonly anchor: number;
  readonly positives: readonly number[];
  readonly negatives: readonly number[];
}

/** The loss of a batch and what follows from it. */
export interface ContrastResult {
  /** Mean over the anchors. */
  readonly loss: number;
  /** Loss of each anchor, in order. */
  readonly losses: readonly number[];
  /** z [S][K], each of length 1. */
  readonly embeddings: readonly Float32Array[];
  /** dL/dh [S][D]. */
  readonly hiddenGradients: readonly Float32Array[];
  /** dL/dW [D * K]. */
  readonly projectionGradient: Float32Array;
}

/** A head with random weights, N(0, 1/D). */
export function newHead(width: number, size: number, random: Random): ContrastHead {
  const projection = new Float32Array(width * size);
  for (let i = 0; i < projection.length; i++) projection[i] = random.normal() / Math.sqrt(width);
  return {
    width,
    size,
    projection,
    mean: new Float32Array(width),
    variance: new Float32Array(width).fill(1),
    steps: 0,
    first: new Float32Array(width * size),
    second: new Float32Array(width * size),
  };
}

/** Weight of a batch in the averages of mean and variance; the first batch sets them. */
const statisticsRate = 0.1;

/** The head with the statistics of another batch of hidden states [S][D] blended in. */
export function observe(head: ContrastHead, hidden: readonly Float32Array[]): ContrastHead {
  if (hidden.length < 2) return head;
  const rate = head.steps === 0 ? 1 : statisticsRate;
  const mean = new Float32Array(head.width);
  const variance = new Float32Array(head.width);
  for (let j = 0; j < head.width; j++) {
    const average = hidden.reduce((a, h) => a + h[j]!, 0) / hidden.length;
    const spread = hidden.reduce((a, h) => a + (h[j]! - average) ** 2, 0) / hidden.length;
    mean[j] = (1 - rate) * head.mean[j]! + rate * average;
    variance[j] = (1 - rate) * head.variance[j]! + rate * spread;
  }
  return { ...head, mean, variance };
}

/** Embeddings z [S][K] of hidden states [S][D]. */
export function embedSteps(head: ContrastHead, hidden: readonly Float32Array[]): Float32Array[] {
  return hidden.map((h) => embedOne(head, h).z);
}

function embedOne(
  { width, size, projection, mean, variance }: ContrastHead,
  h: Float32Array,
): { x: Float64Array; z: Float32Array; length: number } {
  const x = Float64Array.from(h, (v, j) => (v - mean[j]!) / deviation(variance[j]!));
  const u = new Float64Array(size);
  for (let j = 0; j < width; j++)
    for (let k = 0; k < size; k++) u[k]! += x[j]! * projection[j * size + k]!;
  const length = Math.sqrt(u.reduce((a, v) => a + v * v, 1e-12));
  return { x, z: Float32Array.from(u, (v) => v / length), length };
}

function deviation(variance: number): number {
  return Math.sqrt(variance + 1e-6);
}

function dot(a: Float32Array, b: Float32Array): number {
  let total = 0;
  for (let k = 0; k < a.length; k++) total += a[k]! * b[k]!;
  return total;
}

/** Loss and gradients for hidden states [S][D]; the statistics are constants. */
export function contrastiveLoss(
  head: ContrastHead,
  hidden: readonly Float32Array[],
  anchors: readonly Anchor[],
  temperature: number,
): ContrastResult {
  const { width, size, projection, variance } = head;
  const embedded = hidden.map((h) => embedOne(head, h));
  const z = embedded.map((e) => e.z);
  const dz = z.map(() => new Float64Array(size));
  const losses = anchors.map(({ anchor, positives, negatives }) => {
    const candidates = [...positives, ...negatives];
    const scores = candidates.map((c) => dot(z[anchor]!, z[c]!) / temperature);
    const top = Math.max(...scores);
    const total = scores.reduce((a, s) => a + Math.exp(s - top), 0);
    const logTotal = top + Math.log(total);
    for (const [i, c] of candidates.entries()) {
      const share = Math.exp(scores[i]! - logTotal);
      const slope =
        (share - (i < positives.length ? 1 / positives.length : 0)) / temperature / anchors.length;
      for (let k = 0; k < size; k++) {
        dz[anchor]![k]! += slope * z[c]![k]!;
        dz[c]![k]! += slope * z[anchor]![k]!;
      }
    }
    const attracted = scores.slice(0, positives.length).reduce((a, s) => a + s, 0);
    return logTotal - attracted / positives.length;
  });
  const projectionGradient = new Float32Array(width * size);
  const hiddenGradients = embedded.map(({ x, z: unit, length }, i) => {
    const radial = unit.reduce((a, v, k) => a + v * dz[i]![k]!, 0);
    const du = dz[i]!.map((g, k) => (g - unit[k]! * radial) / length);
    const gradient = new Float32Array(width);
    for (let j = 0; j < width; j++) {
      let dx = 0;
      for (let k = 0; k < size; k++) {
        dx += projection[j * size + k]! * du[k]!;
        projectionGradient[j * size + k]! += x[j]! * du[k]!;
      }
      gradient[j] = dx / deviation(variance[j]!);
    }
    return gradient;
  });
  const loss = sumOf(losses) / Math.max(1, losses.length);
  return { loss, losses, embeddings: z, hiddenGradients, projectionGradient };
}

/** One Adam step on the projection (arXiv:1412.6980, default decay rates). */
export function updateHead(
  head: ContrastHead,
  gradient: Float32Array,
  learningRate: number,
): ContrastHead {
  const steps = head.steps + 1;
  const first = head.first.map((m, i) => 0.9 * m + 0.1 * gradient[i]!);
  const second = head.second.map((v, i) => 0.999 * v + 0.001 * gradient[i]! ** 2);
  const [a, b] = [1 - 0.9 ** steps, 1 - 0.999 ** steps];
  const projection = head.projection.map(
    (w, i) => w - (learningRate * (first[i]! / a)) / (Math.sqrt(second[i]! / b) + 1e-8),
  );
  return { ...head, projection, first, second, steps };
}

/**
 * Effective rank of embeddings, the participation ratio (tr C)^2 / tr(C^2) of their covariance C:
 * between 1 (collapsed) and K.
 */
export function effectiveRank(embeddings: readonly Float32Array[]): number {
  const [S, K] = [embeddings.length, embeddings[0]?.length ?? 0];
  if (S < 2) return K;
  const mean = new Float64Array(K);
  for (const z of embeddings) for (let k = 0; k < K; k++) mean[k]! += z[k]! / S;
  const centred = embeddings.map((z) => Float64Array.from(z, (v, k) => v - mean[k]!));
  let trace = 0;
  let squares = 0;
  for (let a = 0; a < K; a++)
    for (let b = 0; b < K; b++) {
      let covariance = 0;
      for (const z of centred) covariance += (z[a]! * z[b]!) / S;
      if (a === b) trace += covariance;
      squares += covariance ** 2;
    }
  return squares === 0 ? 1 : trace ** 2 / squares;
}

/** Writes a head as safetensors. */
export async function saveHead(path: string, head: ContrastHead): Promise<void> {
  const { width, size, projection, mean, variance, steps, first, second } = head;
  const matrix = { shape: [width, size] };
  await writeSafetensors(
    path,
    new Map([
      ["projection", { ...matrix, data: projection }],
      ["first", { ...matrix, data: first }],
      ["second", { ...matrix, data: second }],
      ["mean", { shape: [width], data: mean }],
      ["variance", { shape: [width], data: variance }],
    ]),
    { metadata: { steps: String(steps) } },
  );
}

/** Reads a head written by {@link saveHead}. */
export async function loadHead(path: string): Promise<ContrastHead> {
  const { tensors, metadata } = await readSafetensors(path);
  const data = (name: string): Float32Array => tensors.get(name)!.data;
  const [width, size] = tensors.get("projection")!.shape as [number, number];
  return {
    width,
    size,
    projection: data("projection"),
    first: data("first"),
    second: data("second"),
    mean: data("mean"),
    variance: data("variance"),
    steps: Number(metadata["steps"]),
  };
}
