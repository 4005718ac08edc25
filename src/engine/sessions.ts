/** ONNX Runtime sessions, built once per graph and model shape, and the feeds they share. */
import * as ort from "onnxruntime-node";
import { checkContext } from "./context.js";
import type { LocalPolicy } from "./local-policy.js";
import type { Graph } from "./graph/graph.js";
import { adapterLayout, type GraphShape } from "./adapter.js";
import { createSession, type SessionOptions } from "./graph/provider.js";
import { rotaryTables } from "./rope.js";
import { packed, type Packing } from "./packing.js";
import { parameterLayout, type ModelShape, type Parameter } from "./shape.js";

export type Feeds = Record<string, ort.Tensor>;
export type Outputs = Readonly<Record<string, Float32Array>>;

/** A float32 tensor over `data`, without a copy. */
export function floats(data: Float32Array, dimensions: readonly number[]): ort.Tensor {
  return new ort.Tensor("float32", data, dimensions);
}

/** A float32 scalar []. */
export function scalar(value: number): ort.Tensor {
  return floats(Float32Array.of(value), []);
}

/** An int64 tensor over `data`, without a copy. */
export function int64(data: BigInt64Array, dimensions: readonly number[]): ort.Tensor {
  return new ort.Tensor("int64", data, dimensions);
}

/** An int64 tensor. */
export function integers(
  values: readonly number[],
  dimensions: readonly number[] = [values.length],
): ort.Tensor {
  return int64(wide(values), dimensions);
}

/** Integers of 32 bits as int64: by halves, for a BigInt each is an object. */
export function wide(values: ArrayLike<number>): BigInt64Array {
  const data = new BigInt64Array(values.length);
  const halves = new Int32Array(data.buffer);
  const low = littleEndian ? 0 : 1;
  for (let i = 0; i < values.length; i++) {
    halves[2 * i + low] = values[i]!;
    halves[2 * i + 1 - low] = values[i]! < 0 ? -1 : 0;
  }
  return data;
}

const littleEndian = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

/** Added to attention scores where attention is not allowed. */
export const blocked = -1e9;

export class Sessions {
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, Promise<ort.InferenceSession>>();
  readonly #modelFeeds = new WeakMap<LocalPolicy, Feeds>();
  readonly #weightFeeds = new WeakMap<Float32Array, Feeds>();
  readonly #tables = new Map<string, Feeds>();
  readonly #causal = new Map<number, ort.Tensor>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Runs a graph (built on first use for this kind and shape) and returns its float outputs. */
  async run(
    kind: string,
    shape: GraphShape | undefined,
    build: () => Graph,
    feeds: Feeds,
  ): Promise<Outputs> {
    const key = `${kind}:${JSON.stringify(shape)}`;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      session = createSession(build(), this.#options);
      this.#sessions.set(key, session);
    }
    const results = await (await session).run(feeds);
    const outputs: Record<string, Float32Array> = {};
    for (const name in results) outputs[name] = results[name]!.data as Float32Array;
    return outputs;
  }

  /** The weights by name, those of an adapter too (views, not copies), and the rotary tables. */
  modelFeeds(policy: LocalPolicy): Feeds {
    let feeds = this.#modelFeeds.get(policy);
    if (feeds === undefined) {
      feeds = this.#feedsOf(policy);
      this.#modelFeeds.set(policy, feeds);
    }
    return feeds;
  }

  #feedsOf({ shape, weights, adapter }: LocalPolicy): Feeds {
    const feeds = {
      ...this.#named(weights, () => parameterLayout(shape)),
      ...(adapter === undefined
        ? {}
        : this.#named(adapter.weights, () => adapterLayout(shape, adapter))),
    };
    const { context, headWidth, ropeTheta, ropeScaling } = shape;
    const key = JSON.stringify({ context, headWidth, ropeTheta, ropeScaling });
    let tables = this.#tables.get(key);
    if (tables === undefined) {
      const { cosines, sines } = rotaryTables(shape);
      const dimensions = [shape.context, shape.headWidth / 2];
      tables = { cosines: floats(cosines, dimensions), sines: floats(sines, dimensions) };
      this.#tables.set(key, tables);
    }
    return { ...feeds, ...tables };
  }

  #named(weights: Float32Array, layout: () => readonly Parameter[]): Feeds {
    let feeds = this.#weightFeeds.get(weights);
    if (feeds === undefined) {
      feeds = {};
      for (const { name, offset, size, shape } of layout())
        feeds[name] = floats(weights.subarray(offset, offset + size), shape);
      this.#weightFeeds.set(weights, feeds);
    }
    return feeds;
  }

  /**
   * Feeds for right-padded sequences: `tokens` [N], `causal` [T, T], `batch` [B]; with `pack`, and where
   * it saves a twentieth of the rows, the packing and `packedRows`, `packedPlaces` for it.
   * @throws RangeError when a sequence is empty or has a token outside the model's vocabulary;
   * ErrataError `CONTEXT_LENGTH` when it is longer than its context.
   */
  sequenceFeeds(
    shape: ModelShape,
    sequences: readonly (readonly number[])[],
    { pack = false }: { readonly pack?: boolean } = {},
  ): { feeds: Feeds; T: number; packing?: Packing } {
    const T = sequences.reduce((most, s) => Math.max(most, s.length), 0);
    if (sequences.some((s) => s.length === 0)) throw new RangeError("an empty sequence");
    checkContext(T, 0, shape.context);
    const B = sequences.length;
    const tokens = new Int32Array(B * T);
    for (let b = 0; b < B; b++) {
      const sequence = sequences[b]!;
      for (let t = 0; t < sequence.length; t++) {
        const token = sequence[t]!;
        if (!(token >= 0 && token < shape.vocabulary))
          throw new RangeError(`token ${token} is outside the vocabulary of ${shape.vocabulary}`);
        tokens[b * T + t] = token;
      }
    }
    let causal = this.#causal.get(T);
    if (causal === undefined) {
      const bias = new Float32Array(T * T);
      for (let i = 0; i < T; i++) bias.fill(blocked, i * T + i + 1, (i + 1) * T);
      causal = floats(bias, [T, T]);
      this.#causal.set(T, causal);
    }
    const attention = { causal, batch: floats(new Float32Array(B), [B]) };
    const packing = pack ? packed(sequences, T) : undefined;
    if (packing === undefined || packing.places.length > 0.95 * B * T)
      return { feeds: { tokens: int64(wide(tokens), [B * T]), ...attention }, T };
    const { places, rows } = packing;
    const N = places.length;
    const chosen = places.map((place) => tokens[place]!);
    return {
      feeds: {
        tokens: int64(wide(chosen), [N]),
        packedRows: int64(wide(rows), [B * T]),
        packedPlaces: int64(wide(places), [N]),
        ...attention,
      },
      T,
      packing,
    };
  }
}
