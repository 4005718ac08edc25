/** The graphs that only read weights: prompts, scoring, hidden states, and one decoding step. */
import { Graph } from "./graph/graph.js";
import { pick } from "./graph/operations.js";
import {
  decode,
  forward,
  modelInputs,
  unembed,
  type ForwardResult,
  type ModelInputs,
  type ModelShape,
} from "./transformer.js";

function forwardGraph(shape: ModelShape): {
  graph: Graph;
  model: ModelInputs;
  result: ForwardResult;
} {
  const graph = new Graph();
  const model = modelInputs(graph, shape);
  const tokens = graph.input("tokens", "int64", ["N"]);
  const causal = graph.input("causal", "float32", ["T", "T"]);
  const batch = graph.input("batch", "float32", ["B"]);
  const rows = graph.input("rows", "int64", ["U"]);
  return { graph, model, result: forward(shape, model, tokens, causal, batch, rows) };
}

/** `rows` int64 [U] of N to `logprobs` [U, V]; with `cache`, also `key<i>` and `value<i>` [kvHeads, B, T, d]. */
export function promptGraph(shape: ModelShape, options: { readonly cache: boolean }): Graph {
  const { graph, model, result } = forwardGraph(shape);
  graph.output("logprobs", unembed(shape, model, result.hidden));
  if (options.cache) {
    result.keys.forEach((key, i) => graph.output(`key${i}`, key));
    result.values.forEach((value, i) => graph.output(`value${i}`, value));
  }
  return graph;
}

/** `rows` int64 [U] and `targets` int64 [M, 2], pairs of an index into them and a token, to `logprobs` [M]. */
export function scoringGraph(shape: ModelShape): Graph {
  const { graph, model, result } = forwardGraph(shape);
  const targets = graph.input("targets", "int64", ["M", 2]);
  graph.output("logprobs", pick(unembed(shape, model, result.hidden), targets));
  return graph;
}

/** `hidden` [N, D]: the residual stream at two thirds of the depth. */
export function hiddenGraph(shape: ModelShape): Graph {
  const { graph, result } = forwardGraph(shape);
  graph.output("hidden", result.middle);
  return graph;
}

/** One token a row over a cache, whose rows may be of different lengths unless `even`: see `decode`. */
export function decodingGraph(
  shape: ModelShape,
  { even = false }: { readonly even?: boolean } = {},
): Graph {
  const graph = new Graph();
  const model = modelInputs(graph, shape);
  const tokens = graph.input("tokens", "int64", ["B"]);
  const positions = graph.input("positions", "int64", ["B", 1]);
  const bias = even ? undefined : graph.input("bias", "float32", ["B", 1, 1, "C"]);
  const result = decode(graph, shape, model, tokens, positions, bias);
  graph.output("logprobs", result.logprobs);
  graph.output("rows", result.rows);
  return graph;
}
