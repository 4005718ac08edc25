/**
 * A decoder-only transformer of the Llama family: RMSNorm, rotary positions, SwiGLU,
 * grouped-query attention; with biases and normalised heads where its shape says so. Weights carry
 * the names and layouts of Hugging Face checkpoints (matrices [out, in]).
 *
 * Heads come first ([H, B, T, d]): going from [N, H, d] to [H, N, d] moves one axis, which ONNX
 * Runtime does by copying blocks; its transposes of several axes are many times slower.
 */
import { adapterLayout, type GraphShape } from "./adapter.js";
import type { Graph, Tensor } from "./graph/graph.js";
import {
  add,
  gatherRows,
  logSoftmax,
  matmul,
  multiply,
  reshape,
  rmsNorm,
  rotary,
  scale,
  silu,
  softmax,
  sum,
  transpose,
} from "./graph/operations.js";
import type { PackedRows } from "./packed-rows.js";
import { parameterLayout, projectionName, type ModelShape, type Projection } from "./shape.js";

export { rotaryTables } from "./rope.js";
export {
  checkModelShape,
  initialWeights,
  parameterCount,
  parameterLayout,
  type ModelShape,
  type Parameter,
} from "./shape.js";

/** The weights and position tables of one model as graph inputs. */
export interface ModelInputs {
  readonly weight: (name: string) => Tensor;
  /** x [N, in] through a projection of a layer, with its bias and adapter: [N, out]. */
  readonly project: (x: Tensor, layer: number, projection: Projection) => Tensor;
  readonly cosines: Tensor;
  readonly sines: Tensor;
}

/** Declares a model's inputs in a graph: one per weight, its adapter's, `cosines` and `sines`. */
export function modelInputs(graph: Graph, shape: GraphShape): ModelInputs {
  const { adapter } = shape;
  const layout = [
    ...parameterLayout(shape),
    ...(adapter === undefined ? [] : adapterLayout(shape, adapter)),
  ];
  const weights = new Map(layout.map((p) => [p.name, graph.input(p.name, "float32", p.shape)]));
  const weight = (name: string): Tensor => weights.get(name)!;
  const project = (x: Tensor, layer: number, projection: Projection): Tensor => {
    const name = projectionName(layer, projection);
    let y = matmul(x, weight(`${name}.weight`), { transposeB: true });
    if (shape.biases?.includes(projection)) y = add(y, weight(`${name}.bias`));
    if (!adapter?.targets.includes(projection)) return y;
    const low = matmul(x, weight(`${name}.lora_A.weight`), { transposeB: true });
    const alpha = adapter.alpha / adapter.rank;
    return add(y, matmul(low, weight(`${name}.lora_B.weight`), { transposeB: true, alpha }));
  };
  return {
    weight,
    project,
    cosines: graph.input("cosines", "float32", [shape.context, shape.headWidth / 2]),
    sines: graph.input("sines", "float32", [shape.context, shape.headWidth / 2]),
  };
}

/** Heads [..., d] of queries or keys, normalised one by one where the shape says so. */
function normaliseHeads(
  x: Tensor,
  shape: ModelShape,
  model: ModelInputs,
  layer: number,
  which: "q_norm" | "k_norm",
): Tensor {
  if (!shape.queryKeyNorm) return x;
  const gain = model.weight(`model.layers.${layer}.self_attn.${which}.weight`);
  return rmsNorm(x, gain, shape.normEpsilon);
}

/** Rows of heads side by side [N, heads * d] to [heads, N, d]. */
function headsFirst(x: Tensor, heads: number, headWidth: number): Tensor {
  return transpose(reshape(x, [x.shape[0]!, heads, headWidth]), [1, 0, 2]);
}

function feedForward(x: Tensor, model: ModelInputs, layer: number, epsilon: number): Tensor {
  const gain = model.weight(`model.layers.${layer}.post_attention_layernorm.weight`);
  const normal = rmsNorm(x, gain, epsilon);
  const gate = silu(model.project(normal, layer, "gate_proj"));
  const inner = multiply(gate, model.project(normal, layer, "up_proj"));
  return add(x, model.project(inner, layer, "down_proj"));
}

/** What {@link forward} gives for a batch of B sequences of T tokens, N = B * T, of which U are wanted. */
export interface ForwardResult {
  /** Final hidden states of `rows`, normalised [U, D]. */
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
 * @param rows int64 [U], the rows whose final states are wanted: the last block computes only these
 * @param packing where there is one, `tokens` [N] and `rows` are those of packed rows, N less than
 * B * T; attention alone is computed for every place of [B, T]
 */
export function forward(
  shape: ModelShape,
  model: ModelInputs,
  tokens: Tensor,
  causal: Tensor,
  batch: Tensor,
  rows: Tensor,
  packing?: PackedRows,
): ForwardResult {
  const { heads: H, keyValueHeads: K, headWidth: d, normEpsilon } = shape;
  const group = H / K;
  const sized = [batch, causal];
  const origin = tokens.graph.integers([0]);
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  let x = gatherRows(model.weight("model.embed_tokens.weight"), tokens); // [N, D]
  let middle = x;
  const wanted = (y: Tensor): Tensor => gatherRows(y, rows);
  const middleLayer = Math.max(1, Math.round((shape.layers * 2) / 3)) - 1;
  for (let i = 0; i < shape.layers; i++) {
    const gain = model.weight(`model.layers.${i}.input_layernorm.weight`);
    const normal = rmsNorm(x, gain, normEpsilon);
    const project = (name: Projection, heads: number): Tensor => {
      const y = model.project(normal, i, name);
      return packing?.unpack(y, heads, { queries: name === "q_proj" }) ?? headsFirst(y, heads, d);
    };
    const batched = (y: Tensor, heads: number): Tensor => reshape(y, [heads, "B", "T", d], sized);
    const turn = (y: Tensor): Tensor => rotary(y, origin, model.cosines, model.sines);
    const query = turn(batched(normaliseHeads(project("q_proj", H), shape, model, i, "q_norm"), H));
    const key = turn(batched(normaliseHeads(project("k_proj", K), shape, model, i, "k_norm"), K));
    const value = batched(project("v_proj", K), K);
    keys.push(key);
    values.push(value);
    const grouped = (y: Tensor, n: number): Tensor =>
      group === 1 ? y : reshape(y, [K, n, "B", "T", d], sized);
    const scores = matmul(grouped(query, group), grouped(key, 1), {
      transposeB: true,
      alpha: 1 / Math.sqrt(d),
    }); // [K, group, B, T, T]
    const attended = matmul(softmax(add(scores, causal)), grouped(value, 1));
    let joined =
      packing?.pack(attended, H) ??
      reshape(transpose(reshape(attended, [H, "N", d]), [1, 0, 2]), ["N", H * d]);
    if (i === shape.layers - 1 && i > middleLayer) [x, joined] = [wanted(x), wanted(joined)];
    x = add(x, model.project(joined, i, "o_proj"));
    x = feedForward(x, model, i, normEpsilon);
    if (i === middleLayer) middle = x;
  }
  if (shape.layers - 1 <= middleLayer) x = wanted(x);
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
  /** This token's rotated keys of all layers, then its values: [2 * layers * B, kvHeads * d]. */
  readonly rows: Tensor;
}

/**
 * One token per row over a cache of C past positions.
 *
 * Caches are inputs `pastKey<i>` and `pastValue<i>` [C, B * kvHeads, d]: positions come first, so
 * that a cache that grows is a longer view of one buffer, and a new token one block at its end.
 * Only the new rows are an output, for the runtime copies every output.
 *
 * @param tokens int64 [B]
 * @param positions int64 [B, 1]
 * @param bias float32 [B, 1, 1, C], 0 on past positions and a large negative number elsewhere; absent
 * where every row has C past positions
 */
export function decode(
  graph: Graph,
  shape: ModelShape,
  model: ModelInputs,
  tokens: Tensor,
  positions: Tensor,
  bias?: Tensor,
): DecodeResult {
  const { heads: H, keyValueHeads: K, headWidth: d, normEpsilon } = shape;
  const group = H / K;
  // Queries are scaled as they are turned, which costs nothing.
  const queryCosines = scale(model.cosines, 1 / Math.sqrt(d));
  const querySines = scale(model.sines, 1 / Math.sqrt(d));
  const keys: Tensor[] = [];
  const values: Tensor[] = [];
  let x = gatherRows(model.weight("model.embed_tokens.weight"), tokens); // [B, D]
  for (let i = 0; i < shape.layers; i++) {
    const gain = model.weight(`model.layers.${i}.input_layernorm.weight`);
    const normal = rmsNorm(x, gain, normEpsilon);
    const project = (name: Projection, heads: number): Tensor =>
      reshape(model.project(normal, i, name), ["B", heads, 1, d]);
    const heads = normaliseHeads(project("q_proj", H), shape, model, i, "q_norm");
    const turned = rotary(heads, positions, queryCosines, querySines);
    const query = reshape(turned, ["B*K", group, d]);
    const keyHeads = normaliseHeads(project("k_proj", K), shape, model, i, "k_norm");
    const key = rotary(keyHeads, positions, model.cosines, model.sines); // [B, K, 1, d]
    const value = reshape(model.project(normal, i, "v_proj"), ["B*K", 1, d]);
    keys.push(reshape(key, ["B", K * d]));
    values.push(reshape(value, ["B", K * d]));
    const pastKey = graph.input(`pastKey${i}`, "float32", ["C", "B*K", d]);
    const pastValue = graph.input(`pastValue${i}`, "float32", ["C", "B*K", d]);
    const past = positionsFirst(query, pastKey, true); // [B*K, group, C]
    const masked =
      bias === undefined
        ? past
        : reshape(
            add(reshape(past, ["B", K, group, "C"], [bias]), bias),
            ["B*K", group, "C"],
            [pastKey],
          );
    const own = sum(multiply(query, reshape(key, ["B*K", 1, d])), [2], true); // [B*K, group, 1]
    const scores = graph.node({
      operator: "Concat",
      inputs: [masked, own],
      shape: ["B*K", group, "C+1"],
      attributes: { axis: 2 },
    });
    const attention = softmax(scores, { masked: bias !== undefined });
    const slice = (start: number, end: number, width: string | number): Tensor =>
      graph.node({
        operator: "Slice",
        inputs: [attention, graph.integers([start]), graph.integers([end]), graph.integers([2])],
        shape: ["B*K", group, width],
      });
    const attended = add(
      positionsFirst(slice(0, -1, "C"), pastValue),
      multiply(slice(-1, 2 ** 31 - 1, 1), value),
    );
    x = add(x, model.project(reshape(attended, ["B", H * d]), i, "o_proj"));
    x = feedForward(x, model, i, normEpsilon);
  }
  const hidden = rmsNorm(x, model.weight("model.norm.weight"), normEpsilon);
  const rows = graph.node({
    operator: "Concat",
    inputs: [...keys, ...values],
    shape: ["rows", K * d],
    attributes: { axis: 0 },
  });
  return { logprobs: unembed(shape, model, hidden), rows };
}

/** a [A, R, n] times a cache [C, A, d], whose two first axes are exchanged without a copy. */
function positionsFirst(a: Tensor, cache: Tensor, transposeB = false): Tensor {
  const [positions, , width] = cache.shape;
  return a.graph.node({
    operator: "FusedMatMul",
    domain: "com.microsoft",
    inputs: [a, cache],
    shape: [a.shape[0]!, a.shape[1]!, transposeB ? positions! : width!],
    attributes: { transB: Number(transposeB), transBatchB: 1 },
  });
}
