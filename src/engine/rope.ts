/** Rotary positions (arXiv:2104.09864) and the ways checkpoints stretch them over longer contexts. */
import type { ModelShape } from "./shape.js";

/**
 * How the angular frequencies f_i = theta^(-2i/d) change. `original` is the context before
 * stretching, in tokens.
 *
 * - `linear`: f / factor (arXiv:2306.15595).
 * - `llama3`: wavelengths below original / highFrequency stay, those above original / lowFrequency
 *   are divided by factor, between them both are blended (Llama 3.1).
 * - `yarn`: dimensions that turn more than betaFast times over the original context stay, those
 *   that turn less than betaSlow times are divided by factor, a ramp in between; cosines and sines
 *   are multiplied by attentionFactor (arXiv:2309.00071).
 */
export type RopeScaling =
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFrequency: number;
      readonly highFrequency: number;
      readonly original: number;
    }
  | {
      readonly type: "yarn";
      readonly factor: number;
      readonly original: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      readonly attentionFactor: number;
      /** Whether the ends of the ramp are rounded to whole dimensions. */
      readonly truncate: boolean;
    };

/** What the rotary tables depend on. */
export type RopeShape = Pick<ModelShape, "context" | "headWidth" | "ropeTheta" | "ropeScaling">;

/** Angular frequencies [d/2], in radians a token. */
export function rotaryFrequencies(shape: Omit<RopeShape, "context">): Float64Array {
  const { headWidth: d, ropeTheta: theta, ropeScaling: scaling } = shape;
  const plain = Float64Array.from({ length: d / 2 }, (_, i) => theta ** ((-2 * i) / d));
  if (scaling === undefined) return plain;
  const { factor } = scaling;
  if (scaling.type === "linear") return plain.map((f) => f / factor);
  if (scaling.type === "llama3") {
    const { lowFrequency, highFrequency, original } = scaling;
    return plain.map((f) => {
      const turns = (original * f) / (2 * Math.PI);
      const kept = (turns - lowFrequency) / (highFrequency - lowFrequency);
      return blend(f, factor, Math.min(1, Math.max(0, kept)));
    });
  }
  const dimension = (turns: number): number =>
    (d * Math.log(scaling.original / (turns * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, last] = [dimension(scaling.betaFast), dimension(scaling.betaSlow)];
  const low = Math.max(0, scaling.truncate ? Math.floor(first) : first);
  const high = Math.min(d - 1, scaling.truncate ? Math.ceil(last) : last);
  const width = high === low ? 0.001 : high - low;
  return plain.map((f, i) => blend(f, factor, 1 - Math.min(1, Math.max(0, (i - low) / width))));
}

/** `kept` of a frequency as it was, the rest divided by `factor`. */
function blend(frequency: number, factor: number, kept: number): number {
  return kept * frequency + ((1 - kept) * frequency) / factor;
}

/** Cosines and sines of the rotary angles t f_i: each [context, d/2]. */
export function rotaryTables(shape: RopeShape): { cosines: Float32Array; sines: Float32Array } {
  const half = shape.headWidth / 2;
  const { ropeScaling: scaling } = shape;
  const gain = scaling?.type === "yarn" ? scaling.attentionFactor : 1;
  const frequencies = rotaryFrequencies(shape);
  const cosines = new Float32Array(shape.context * half);
  const sines = new Float32Array(shape.context * half);
  for (let t = 0; t < shape.context; t++)
    for (let i = 0; i < half; i++) {
      const angle = t * frequencies[i]!;
      cosines[t * half + i] = gain * Math.cos(angle);
      sines[t * half + i] = gain * Math.sin(angle);
    }
  return { cosines, sines };
}
