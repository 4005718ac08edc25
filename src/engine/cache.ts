/** Keys and values of the tokens seen so far, kept by JavaScript between decoding steps. */
import type * as ort from "onnxruntime-node";
import { blocked, floats, type Feeds } from "./sessions.js";
import type { ModelShape } from "./shape.js";

/** Keys and values of one prompt of T tokens: [T, kvHeads * d] each, by layer. */
export interface PromptCache {
  readonly length: number;
  readonly keys: readonly Float32Array[];
  readonly values: readonly Float32Array[];
}

/** Takes prompt `source` of a prompt graph's outputs `key<i>` and `value<i>` [kvHeads, B, T, d]. */
export function promptCache(
  shape: ModelShape,
  outputs: Readonly<Record<string, Float32Array>>,
  { source, B, T, length }: { source: number; B: number; T: number; length: number },
): PromptCache {
  const { keyValueHeads: K, headWidth: d, layers } = shape;
  const rows = (name: string): Float32Array[] =>
    Array.from({ length: layers }, (_, i) => {
      const from = outputs[`${name}${i}`]!;
      const out = new Float32Array(length * K * d);
      for (let k = 0; k < K; k++)
        for (let t = 0; t < length; t++) {
          const at = ((k * B + source) * T + t) * d;
          const to = (t * K + k) * d;
          for (let j = 0; j < d; j++) out[to + j] = from[at + j]!;
        }
      return out;
    });
  return { length, keys: rows("key"), values: rows("value") };
}

/**
 * The cache of B rows with room for C tokens each: keys and values [C, B, kvHeads * d] by layer, so
 * that attention over the tokens seen so far reads a prefix of one buffer, and a new token of equally
 * long rows is one block at its end. Untouched memory is not paged in.
 */
export class KeyValueCache {
  readonly #shape: ModelShape;
  readonly #capacity: number;
  readonly #keys: Float32Array[];
  readonly #values: Float32Array[];
  /** Tokens cached in each row. */
  #lengths: number[];

  constructor(shape: ModelShape, rows: number, capacity: number) {
    this.#shape = shape;
    this.#capacity = capacity;
    const size = rows * shape.keyValueHeads * shape.headWidth * capacity;
    this.#keys = Array.from({ length: shape.layers }, () => new Float32Array(size));
    this.#values = Array.from({ length: shape.layers }, () => new Float32Array(size));
    this.#lengths = Array.from({ length: rows }, () => 0);
  }

  /** Tokens cached in each row. */
  get lengths(): readonly number[] {
    return this.#lengths;
  }

  get #width(): number {
    return this.#shape.keyValueHeads * this.#shape.headWidth;
  }

  /** Puts a prompt into `row`, over whatever was there. */
  fill(row: number, prompt: PromptCache): void {
    const width = this.#width;
    const B = this.#lengths.length;
    const copy = (to: Float32Array, from: Float32Array): void => {
      for (let t = 0; t < prompt.length; t++)
        to.set(from.subarray(t * width, (t + 1) * width), (t * B + row) * width);
    };
    prompt.keys.forEach((key, i) => copy(this.#keys[i]!, key));
    prompt.values.forEach((value, i) => copy(this.#values[i]!, value));
    this.#lengths[row] = prompt.length;
  }

  /** Adds a row at the end; no more than the cache was made for. */
  add(prompt: PromptCache): void {
    const width = this.#width;
    const B = this.#lengths.length;
    for (const store of [...this.#keys, ...this.#values])
      for (let t = this.#longest() - 1; t > 0; t--)
        store.copyWithin(t * (B + 1) * width, t * B * width, (t + 1) * B * width);
    this.#lengths.push(0);
    this.fill(B, prompt);
  }

  /** Gives up `row`, which goes on taking tokens, as long as the shortest of the rows. */
  clear(row: number): void {
    this.#lengths[row] = this.#lengths.reduce((least, length) => Math.min(least, length), Infinity);
  }

  /** Whether all rows are of one length. */
  get even(): boolean {
    return this.#lengths.every((length) => length === this.#lengths[0]);
  }

  /** Appends one token's keys and values ([2 * layers * B, kvHeads * d]: keys of all layers, then values). */
  append(fresh: Float32Array): void {
    const width = this.#width;
    const B = this.#lengths.length;
    const { layers } = this.#shape;
    const { even } = this;
    const first = this.#lengths[0]!;
    for (let i = 0; i < 2 * layers; i++) {
      const store = i < layers ? this.#keys[i]! : this.#values[i - layers]!;
      const from = i * B * width;
      if (even) store.set(fresh.subarray(from, from + B * width), first * B * width);
      else
        for (let b = 0; b < B; b++) {
          const at = (this.#lengths[b]! * B + b) * width;
          const source = from + b * width;
          for (let j = 0; j < width; j++) store[at + j] = fresh[source + j]!;
        }
    }
    for (let b = 0; b < B; b++) this.#lengths[b]!++;
  }

  /** Keeps only `rows`, in ascending order. */
  keep(rows: readonly number[]): void {
    const width = this.#width;
    const B = this.#lengths.length;
    const longest = this.#longest();
    const runs: { from: number; to: number; count: number }[] = [];
    rows.forEach((from, to) => {
      const last = runs.at(-1);
      if (last !== undefined && last.from + last.count === from) last.count++;
      else runs.push({ from, to, count: 1 });
    });
    for (const store of [...this.#keys, ...this.#values])
      for (let t = 0; t < longest; t++)
        for (const { from, to, count } of runs)
          store.copyWithin(
            (t * rows.length + to) * width,
            (t * B + from) * width,
            (t * B + from + count) * width,
          );
    this.#lengths = rows.map((row) => this.#lengths[row]!);
  }

  #longest(): number {
    return this.#lengths.reduce((most, length) => Math.max(most, length), 0);
  }

  /**
   * `pastKey<i>` and `pastValue<i>` [C, B * kvHeads, d] (views), C the longest row's length, and `bias`
   * where rows are shorter.
   */
  feeds(): Feeds {
    const { keyValueHeads: K, headWidth: d, layers } = this.#shape;
    const B = this.#lengths.length;
    const C = this.#longest();
    if (C > this.#capacity) throw new RangeError(`${C} tokens in a cache for ${this.#capacity}`);
    const size = C * B * this.#width;
    const feeds: Record<string, ort.Tensor> = this.even
      ? {}
      : { bias: floats(this.#mask(C), [B, 1, 1, C]) };
    for (let i = 0; i < layers; i++) {
      feeds[`pastKey${i}`] = floats(this.#keys[i]!.subarray(0, size), [C, B * K, d]);
      feeds[`pastValue${i}`] = floats(this.#values[i]!.subarray(0, size), [C, B * K, d]);
    }
    return feeds;
  }

  /** 0 on the tokens of each row, `blocked` after them [B, C]. */
  #mask(C: number): Float32Array {
    const mask = new Float32Array(this.#lengths.length * C);
    this.#lengths.forEach((length, b) => mask.fill(blocked, b * C + length, (b + 1) * C));
    return mask;
  }
}
