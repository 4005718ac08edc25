/** The shape of a decoder-only transformer of the Llama family, and where its weights lie. */
import { ErrataError } from "../util/error.js";
import type { Random } from "../util/random.js";
import type { RopeScaling } from "./rope.js";

/** The linear maps of a layer, by their Hugging Face names. */
export const projections = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;
export type Projection = (typeof projections)[number];

export interface ModelShape {
  /** V, tokens in the vocabulary. */
  readonly vocabulary: number;
  /** D, width of the residual stream. */
  readonly width: number;
  readonly layers: number;
  /** H, query heads. */
  readonly heads: number;
  /** Key/value heads, a divisor of `heads`. */
  readonly keyValueHeads: number;
  /** d, width of one head; even. */
  readonly headWidth: number;
  /** F, width inside the feed-forward block. */
  readonly feedForward: number;
  /** Longest sequence. */
  readonly context: number;
  /** Whether the unembedding is the embedding. */
  readonly tied: boolean;
  readonly ropeTheta: number;
  readonly normEpsilon: number;
  /** Projections that add a bias (Qwen2: query, key, value). Default none. */
  readonly biases?: readonly Projection[];
  /** RMSNorm over every query and key head before the rotation (Qwen3). Default false. */
  readonly queryKeyNorm?: boolean;
  /** How rotary angles are stretched over longer contexts. Default not at all. */
  readonly ropeScaling?: RopeScaling;
}

/** @throws ErrataError `MODEL_SHAPE` when the heads of `shape` do not fit together. */
export function checkModelShape({ heads, keyValueHeads, headWidth }: ModelShape): void {
  if (heads % keyValueHeads !== 0 || headWidth % 2 !== 0)
    throw new ErrataError(
      `model shape: ${heads} heads, ${keyValueHeads} key/value heads of width ${headWidth}`,
      { code: "MODEL_SHAPE", hint: "keyValueHeads must divide heads, headWidth must be even" },
    );
}

/** One named weight and its place in a flat vector. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/** Names and dimensions laid end to end. */
export function layOut(list: readonly (readonly [string, readonly number[]])[]): Parameter[] {
  let offset = 0;
  return list.map(([name, dimensions]) => {
    const size = dimensions.reduce((n, d) => n * d, 1);
    const parameter = { name, shape: dimensions, offset, size };
    offset += size;
    return parameter;
  });
}

/** The name of a projection of a layer, without `.weight`. */
export function projectionName(layer: number, projection: Projection): string {
  const block = /gate|up|down/.test(projection) ? "mlp" : "self_attn";
  return `model.layers.${layer}.${block}.${projection}`;
}

/** Rows and columns [out, in] of a projection's matrix. */
export function projectionSize(shape: ModelShape, projection: Projection): [number, number] {
  const { width: D, heads, keyValueHeads, headWidth: d, feedForward: F } = shape;
  if (projection === "q_proj") return [heads * d, D];
  if (projection === "k_proj" || projection === "v_proj") return [keyValueHeads * d, D];
  if (projection === "o_proj") return [D, heads * d];
  return projection === "down_proj" ? [D, F] : [F, D];
}

/** Every weight of a model, in flat order, under its Hugging Face name. */
export function parameterLayout(shape: ModelShape): Parameter[] {
  const { vocabulary: V, width: D, headWidth: d } = shape;
  const list: [string, number[]][] = [["model.embed_tokens.weight", [V, D]]];
  for (let i = 0; i < shape.layers; i++) {
    const layer = `model.layers.${i}`;
    const project = (projection: Projection): void => {
      const [rows, columns] = projectionSize(shape, projection);
      const name = projectionName(i, projection);
      list.push([`${name}.weight`, [rows, columns]]);
      if (shape.biases?.includes(projection)) list.push([`${name}.bias`, [rows]]);
    };
    list.push([`${layer}.input_layernorm.weight`, [D]]);
    for (const projection of ["q_proj", "k_proj", "v_proj", "o_proj"] as const) project(projection);
    if (shape.queryKeyNorm)
      list.push(
        [`${layer}.self_attn.q_norm.weight`, [d]],
        [`${layer}.self_attn.k_norm.weight`, [d]],
      );
    list.push([`${layer}.post_attention_layernorm.weight`, [D]]);
    for (const projection of ["gate_proj", "up_proj", "down_proj"] as const) project(projection);
  }
  list.push(["model.norm.weight", [D]]);
  if (!shape.tied) list.push(["lm_head.weight", [V, D]]);
  return layOut(list);
}

/** Number of weights P. */
export function parameterCount(shape: ModelShape): number {
  return parameterLayout(shape).reduce((n, p) => n + p.size, 0);
}

/**
 * Random weights: matrices N(0, 1/in), residual outputs scaled by 1/sqrt(2 layers) (GPT-2),
 * embeddings and unembedding N(0, 0.05^2), norms 1, biases 0.
 */
export function initialWeights(shape: ModelShape, random: Random): Float32Array {
  const weights = new Float32Array(parameterCount(shape));
  for (const { name, shape: dimensions, offset, size } of parameterLayout(shape)) {
    const residual = /o_proj|down_proj/.test(name) ? 1 / Math.sqrt(2 * shape.layers) : 1;
    const deviation = /embed_tokens|lm_head/.test(name)
      ? 0.05
      : residual / Math.sqrt(dimensions[1] ?? 1);
    const constant = name.endsWith(".bias") ? 0 : 1;
    for (let i = 0; i < size; i++)
      weights[offset + i] = dimensions.length === 1 ? constant : deviation * random.normal();
  }
  return weights;
}
