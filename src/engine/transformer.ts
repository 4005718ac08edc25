/**
 * A decoder-only transformer of the Llama family: RMSNorm, rotary positions, SwiGLU,
 * grouped-query attention, no biases. Weights carry the names and layouts of Hugging Face
 * checkpoints (matrices [out, in]).
 *
 * Heads come first ([H, B, T, d]): going from [N, H, d] to [H, N, d] moves one axis, which ONNX
 * Runtime does by copying blocks; its transposes of several axes are many times slower.
 */
import { ErrataError } from "../error.js";
import type { Random } from "../random.js";
import type { Graph, Tensor } from "./graph.js";
import {
  add,
  gatherRows,
  logSoftmax,
  matmul,
  multiply,
  reshape,
  rmsNorm,
  rotary,
  silu,
  softmax,
  transpose,
} from "./operations.js";

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
}

/** @throws ErrataError `MODEL_SHAPE` when the heads of `shape` do not fit together. */
export function checkModelShape({ heads, keyValueHeads, headWidth }: ModelShape): void {
  if (heads % keyValueHeads !== 0 || headWidth % 2 !== 0)
    throw new ErrataError(
      `model shape: ${heads} heads, ${keyValueHeads} key/value heads of width ${headWidth}`,
      { code: "MODEL_SHAPE", hint: "keyValueHeads must divide heads, headWidth must be even" },
    );
}

/** One named weight and its place in the flat vector. */
export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

/** Every weight of a model, in flat order, under its Hugging Face name. */
export function parameterLayout(shape: ModelShape): Parameter[] {
  const { vocabulary: V, width: D, heads, keyValueHeads, headWidth, feedForward: F } = shape;
  const list: [string, number[]][] = [["model.embed_tokens.weight", [V, D]]];
  for (let i = 0; i < shape.layers; i++) {
    const layer = `model.layers.${i}`;
    list.push(
      [`${layer}.input_layernorm.weight`, [D]],
      [`${layer}.self_attn.q_proj.weight`, [heads * headWidth, D]],
      [`${layer}.self_attn.k_proj.weight`, [keyValueHeads * headWidth, D]],
      [`${layer}.self_attn.v_proj.weight`, [keyValueHeads * headWidth, D]],
      [`${layer}.self_attn.o_proj.weight`, [D, heads * headWidth]],
      [`${layer}.post_attention_layernorm.weight`, [D]],
      [`${layer}.mlp.gate_proj.weight`, [F, D]],
      [`${layer}.mlp.up_proj.weight`, [F, D]],
      [`${layer}.mlp.down_proj.weight`, [D, F]],
    );
  }
  list.push(["model.norm.weight", [D]]);
  if (!shape.tied) list.push(["lm_head.weight", [V, D]]);
  let offset = 0;
  return list.map(([name, dimensions]) => {
    const size = dimensions.reduce((n, d) => n * d, 1);
    const parameter = { name, shape: dimensions, offset, size };
    offset += size;
    return parameter;
  });
}

/** Number of weights P. */
export function parameterCount(shape: ModelShape): number {
  return parameterLayout(shape).reduce((n, p) => n + p.size, 0);
}

/**
 * Random weights: matrices N(0, 1/in), residual outputs scaled by 1/sqrt(2 layers) (GPT-2),
 * embeddings and unembedding N(0, 0.05^2), norms 1.
 */
export function initialWeights(shape: ModelShape, random: Random): Float32Array {
  const weights = new Float32Array(parameterCount(shape));
  for (const { name, shape: dimensions, offset, size } of parameterLayout(shape)) {
    const residual = /o_proj|down_proj/.test(name) ? 1 / Math.sqrt(2 * shape.layers) : 1;
    const deviation = /embed_tokens|lm_head/.test(name)
      ? 0.05
      : residual / Math.sqrt(dimensions[1] ?? 1);
    for (let i = 0; i < size; i++)
      weights[offset + i] = dimensions.length === 1 ? 1 : deviation * random.normal();
  }
  return weights;
}

/** Cosines and sines of the rotary angles t / theta^(2i/d): each [context, d/2]. */
export function rotaryTables(shape: ModelShape): { cosines: Float32Array; sines: Float32Array } {
  const half = shape.headWidth / 2;
  const cosines = new Float32Array(shape.context * half);
  const sines = new Float32Array(shape.context * half);
  for (let t = 0; t < shape.context; t++)
    for (let i = 0; i < half; i++) {
      const angle = t / shape.ropeTheta ** (i / half);
      cosines[t * half + i] = Math.cos(angle);
      sines[t * half + i] = Math.sin(angle);
    }
  return { cosines, sines };
}

/** The weights and position tables of one model as graph inputs. */
export interface ModelInputs {
  readonly weight: (name: string) => Tensor;
  readonly cosines: Tensor;
  readonly sines: Tensor;
}

/** Declares a model's inputs in a graph: one per weight, `cosines` and `sines`. */
export function modelInputs(graph: Graph, shape: ModelShape): ModelInputs {
  const weights = new Map(
    parameterLayout(shape).map((p) => [p.name, graph.input(p.name, "float32", p.shape)]),
  );
  return {
    weight: (name) => weights.get(name)!,
    cosines: graph.input("cosines", "float32", [shape.context, shape.headWidth / 2]),
    sines: graph.input("sines", "float32", [shape.context, shape.headWidth / 2]),
  };
}

/** Rows of heads side by side [N, heads * d] to [heads, N, d]. */
function headsFirst(x: Tensor, heads: number, headWidth: number): Tensor {
  return transpose(reshape(x, [x.shape[0]!, heads, headWidth]), [1, 0, 2]);
}

function feedForward(x: Tensor, model: ModelInputs, layer: string, epsilon: number): Tensor {
  const normal = rmsNorm(x, model.weight(`${layer}.post_attention_layernorm.weight`), epsilon);
  const gate = matmul(normal, model.weight(`${layer}.mlp.gate_proj.weight`), { transposeB: true });
  const up = matmul(normal, model.weight(`${layer}.mlp.up_proj.weight`), { transposeB: true });
  const down = model.weight(`${layer}.mlp.down_proj.weight`);
  return add(x, matmul(multiply(silu(gate), up), down, { transposeB: true }));
}

/** What {@link forward} gives for a batch of B sequences of T tokens, N = B * T. */
export interface ForwardResult {
  /** Final hidden states, normalised [N, D]. */
  readonly hidden: Tensor;
  /** Residual stream at two thirds of the depth [N, D]. */
  readonly middle: Tensor;
  /** Rotated keys and values of each layer, [kvHeads, B, T, d]. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/**
 * The whole model over right-padded sequences.
 *
 * @param tokens int64 [N], the rows of [B, T] end to end
 * @param causal float32 [T, T], 0 where attention is allowed and a large negative number where not
 * @param batch any tensor whose shape names B
 */
export function forward(
  shape: ModelShape,
  model: ModelInputs,
  tokens: Tensor,
  causal: Tensor,
  batch: Tensor,
): ForwardResult {
  const { heads: H, keyValueHeads: K, headWidth: d, normEpsilon } = shape;
  const group = H / K;
  const sized = [batch, causal];
  const origin = tokens.graph.integers([0]);
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  let x = gatherRows(model.weight("model.embed_tokens.weight"), tokens); // [N, D]
  let middle = x;
  for (let i = 0; i < shape.layers; i++) {
    const layer = `model.layers.${i}`;
    const normal = rmsNorm(x, model.weight(`${layer}.input_layernorm.weight`), normEpsilon);
    const project = (name: string, heads: number): Tensor =>
      reshape(
        headsFirst(
          matmul(normal, model.weight(`${layer}.self_attn.${name}.weight`), { transposeB: true }),
          heads,
          d,
        ),
        [heads, "B", "T", d],
        sized,
      );
    const turn = (y: Tensor): Tensor => rotary(y, origin, model.cosines, model.sines);
    const query = turn(project("q_proj", H));
    const key = turn(project("k_proj", K));
    const value = project("v_proj", K);
    keys.push(key);
    values.push(value);
    const grouped = (y: Tensor, n: number): Tensor =>
      group === 1 ? y : reshape(y, [K, n, "B", "T", d], sized);
    const scores = matmul(grouped(query, group), grouped(key, 1), {
      transposeB: true,
      alpha: 1 / Math.sqrt(d),
    }); // [K, group, B, T, T]
    const attended = matmul(softmax(add(scores, causal)), grouped(value, 1));
    const rows = reshape(transpose(reshape(attended, [H, "N", d]), [1, 0, 2]), ["N", H * d]);
    const out = model.weight(`${layer}.self_attn.o_proj.weight`);
    x = add(x, matmul(rows, out, { transposeB: true }));
    x = feedForward(x, model, layer, normEpsilon);
    if (i + 1 === Math.max(1, Math.round((shape.layers * 2) / 3))) middle = x;
  }
  return {
    hidden: rmsNorm(x, model.weight("model.norm.weight"), normEpsilon),
    middle,
    keys,
    values,
  };
}

/** log pi over the vocabulary [R, V] for hidden states [R, D]. */
export function unembed(shape: ModelShape, model: ModelInputs, hidden: Tensor): Tensor {
  const weight = model.weight(shape.tied ? "model.embed_tokens.weight" : "lm_head.weight");
  return logSoftmax(matmul(hidden, weight, { transposeB: true }));
}

/** What {@link decode} gives for one new token in each of B rows. */
export interface DecodeResult {
  readonly logprobs: Tensor;
  /** This token's rotated keys and values of each layer, [B, kvHeads, d]. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/**
 * One token per row over a cache of C past positions.
 *
 * Caches are inputs `pastKey<i>` [B, kvHeads, d, C] and `pastValue<i>` [B, kvHeads, C, d]; only the
 * new rows are outputs, for the runtime copies every output.
 *
 * @param tokens int64 [B]
 * @param positions int64 [B, 1]
 * @param bias float32 [B, 1, 1, C], 0 on past positions and a large negative number elsewhere
 */
export function decode(
  graph: Graph,
  shape: ModelShape,
  model: ModelInputs,
  tokens: Tensor,
  positions: Tensor,
  bias: Tensor,
): DecodeResult {
  const { heads: H, keyValueHeads: K, headWidth: d, normEpsilon } = shape;
  const group = H / K;
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  let x = gatherRows(model.weight("model.embed_tokens.weight"), tokens); // [B, D]
  for (let i = 0; i < shape.layers; i++) {
    const layer = `model.layers.${i}`;
    const normal = rmsNorm(x, model.weight(`${layer}.input_layernorm.weight`), normEpsilon);
    const project = (name: string, heads: number): Tensor =>
      reshape(
        matmul(normal, model.weight(`${layer}.self_attn.${name}.weight`), { transposeB: true }),
        ["B", heads, 1, d],
      );
    const turn = (y: Tensor): Tensor => rotary(y, positions, model.cosines, model.sines);
    const query = reshape(turn(project("q_proj", H)), ["B", K, group, d]);
    const key = turn(project("k_proj", K)); // [B, K, 1, d]
    const value = project("v_proj", K);
    keys.push(reshape(key, ["B", K, d]));
    values.push(reshape(value, ["B", K, d]));
    const pastKey = graph.input(`pastKey${i}`, "float32", ["B", K, d, "C"]);
    const pastValue = graph.input(`pastValue${i}`, "float32", ["B", K, "C", d]);
    const alpha = 1 / Math.sqrt(d);
    const past = add(matmul(query, pastKey, { alpha }), bias); // [B, K, group, C]
    const own = matmul(query, key, { transposeB: true, alpha }); // [B, K, group, 1]
    const scores = graph.node({
      operator: "Concat",
      inputs: [past, own],
      shape: ["B", K, group, "C+1"],
      attributes: { axis: 3 },
    });
    const attention = softmax(scores);
    const slice = (start: number, end: number, width: string | number): Tensor =>
      graph.node({
        operator: "Slice",
        inputs: [attention, graph.integers([start]), graph.integers([end]), graph.integers([3])],
        shape: ["B", K, group, width],
      });
    const attended = add(
      matmul(slice(0, -1, "C"), pastValue),
      multiply(slice(-1, 2 ** 31 - 1, 1), value),
    );
    const out = model.weight(`${layer}.self_attn.o_proj.weight`);
    x = add(x, matmul(reshape(attended, ["B", H * d]), out, { transposeB: true }));
    x = feedForward(x, model, layer, normEpsilon);
  }
  const hidden = rmsNorm(x, model.weight("model.norm.weight"), normEpsilon);
  return { logprobs: unembed(shape, model, hidden), keys, values };
}
