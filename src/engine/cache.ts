/** Keys and values of the tokens seen so far, kept by JavaScript between decoding steps. */
import type * as ort from "onnxruntime-node";
import { blocked, floats, type Feeds, type Outputs } from "./sessions.js";
import type { ModelShape } from "./transformer.js";

/**
 * The cache of B rows with capacity for C tokens each, growing as needed (attention costs the whole
 * capacity, so it should not be the longest completion allowed). Keys are stored [B, kvHeads, d, C] so that
 * scores are a plain matrix product; values [B, kvHeads, C, d].
 */
export class KeyValueCache {
  readonly #shape: ModelShape;
  #capacity: number;
  #keys: Float32Array[];
  #values: Float32Array[];
  #bias: Float32Array;
  /** Tokens cached in each row. */
  readonly lengths: number[];

  constructor(shape: ModelShape, rows: number, capacity: number) {
    this.#shape = shape;
    this.#capacity = capacity;
    const size = rows * shape.keyValueHeads * shape.headWidth * capacity;
    this.#keys = Array.from({ length: shape.layers }, () => new Float32Array(size));
    this.#values = Array.from({ length: shape.layers }, () => new Float32Array(size));
    this.#bias = new Float32Array(rows * capacity).fill(blocked);
    this.lengths = Array.from({ length: rows }, () => 0);
  }

  /** Copies prompt `source` of a prompt graph's outputs ([kvHeads, B, T, d]) into `row`. */
  fill(
    row: number,
    outputs: Outputs,
    source: number,
    size: { B: number; T: number; length: number },
  ): void {
    const { keyValueHeads: K, headWidth: d, layers } = this.#shape;
    const C = this.#capacity;
    for (let i = 0; i < layers; i++) {
      const [key, value] = [outputs[`key${i}`]!, outputs[`value${i}`]!];
      for (let k = 0; k < K; k++) {
        const from = (k * size.B + source) * size.T * d;
        const head = (row * K + k) * d * C;
        for (let t = 0; t < size.length; t++)
          for (let j = 0; j < d; j++) this.#keys[i]![head + j * C + t] = key[from + t * d + j]!;
        this.#values[i]!.set(value.subarray(from, from + size.length * d), head);
      }
    }
    this.lengths[row] = size.length;
    this.#bias.fill(0, row * C, row * C + size.length);
  }

  /** Appends one token's keys and values ([B, kvHeads, d]) to the first `rows` rows. */
  append(outputs: Outputs, rows: number): void {
    const { keyValueHeads: K, headWidth: d, layers } = this.#shape;
    const longest = this.lengths.slice(0, rows).reduce((a, b) => Math.max(a, b), 0);
    if (longest === this.#capacity) this.#grow(rows);
    const C = this.#capacity;
    for (let i = 0; i < layers; i++) {
      const [key, value] = [outputs[`key${i}`]!, outputs[`value${i}`]!];
      const [keys, values] = [this.#keys[i]!, this.#values[i]!];
      for (let b = 0; b < rows; b++) {
        const t = this.lengths[b]!;
        for (let k = 0; k < K; k++) {
          const from = (b * K + k) * d;
          const head = from * C;
          for (let j = 0; j < d; j++) {
            keys[head + j * C + t] = key[from + j]!;
            values[head + t * d + j] = value[from + j]!;
          }
        }
      }
    }
    for (let b = 0; b < rows; b++) {
      this.#bias[b * C + this.lengths[b]!] = 0;
      this.lengths[b]!++;
    }
  }

  /** Makes room in the first `rows` rows; the others are dropped. */
  #grow(rows: number): void {
    const { keyValueHeads: K, headWidth: d } = this.#shape;
    const C = this.#capacity;
    const grown = C + Math.max(16, C >> 2);
    const widen = (
      store: Float32Array,
      lines: number,
      entry: number,
      padding: number,
    ): Float32Array => {
      const [from, to] = [C * entry, grown * entry];
      const wide = new Float32Array(lines * to).fill(padding);
      for (let i = 0; i < lines; i++) wide.set(store.subarray(i * from, (i + 1) * from), i * to);
      return wide;
    };
    this.#keys = this.#keys.map((keys) => widen(keys, rows * K * d, 1, 0));
    this.#values = this.#values.map((values) => widen(values, rows * K, d, 0));
    this.#bias = widen(this.#bias, rows, 1, blocked);
    this.#capacity = grown;
  }

  /** Moves row `from` to `to`, which it replaces. */
  move(from: number, to: number): void {
    const { keyValueHeads: K, headWidth: d } = this.#shape;
    const stride = K * d * this.#capacity;
    for (const store of [...this.#keys, ...this.#values])
      store.copyWithin(to * stride, from * stride, (from + 1) * stride);
    this.#bias.copyWithin(to * this.#capacity, from * this.#capacity, (from + 1) * this.#capacity);
    this.lengths[to] = this.lengths[from]!;
  }

  /** `pastKey<i>`, `pastValue<i>` and `bias` for the first `rows` rows: views, not copies. */
  feeds(rows: number): Feeds {
    const { keyValueHeads: K, headWidth: d, layers } = this.#shape;
    const C = this.#capacity;
    const stride = K * d * C;
    const feeds: Record<string, ort.Tensor> = {
      bias: floats(this.#bias.subarray(0, rows * C), [rows, 1, 1, C]),
    };
    for (let i = 0; i < layers; i++) {
      feeds[`pastKey${i}`] = floats(this.#keys[i]!.subarray(0, rows * stride), [rows, K, d, C]);
      feeds[`pastValue${i}`] = floats(this.#values[i]!.subarray(0, rows * stride), [rows, K, C, d]);
    }
    return feeds;
  }
}
