/** The graphs that only read weights: prompts, scoring, hidden states, and one decoding step. */
import { Graph, type Tensor } from "./graph.js";
import { gatherRows, pick } from "./operations.js";
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
  return { graph, model, result: forward(shape, model, tokens, causal, batch) };
}

function nextLogprobs(graph: Graph, shape: ModelShape, model: ModelInputs, hidden: Tensor): Tensor {
  const rows = graph.input("rows", "int64", ["M"]);
  return unembed(shape, model, gatherRows(hidden, rows));
}

/** `rows` int64 [M] of N to `logprobs` [M, V]; with `cache`, also `key<i>` and `value<i>` [kvHeads, B, T, d]. */
export function promptGraph(shape: ModelShape, options: { readonly cache: boolean }): Graph {
  const { graph, model, result } = forwardGraph(shape);
  graph.output("logprobs", nextLogprobs(graph, shape, model, result.hidden));
  if (options.cache) {
    result.keys.forEach((key, i) => graph.output(`key${i}`, key));
    result.values.forEach((value, i) => graph.output(`value${i}`, value));
  }
  return graph;
}

/** `rows` and `targets` int64 [M] to `logprobs` [M] of the targets. */
export function scoringGraph(shape: ModelShape): Graph {
  const { graph, model, result } = forwardGraph(shape);
  const targets = graph.input("targets", "int64", ["M"]);
  graph.output("logprobs", pick(nextLogprobs(graph, shape, model, result.hidden), targets));
  return graph;
}

/** `hidden` [N, D]: the residual stream at two thirds of the depth. */
export function hiddenGraph(shape: ModelShape): Graph {
  const { graph, result } = forwardGraph(shape);
  graph.output("hidden", result.middle);
  return graph;
}

/** One token a row over a cache: see `decode` in transformer.ts. */
export function decodingGraph(shape: ModelShape): Graph {
  const graph = new Graph();
  const model = modelInputs(graph, shape);
  const tokens = graph.input("tokens", "int64", ["B"]);
  const positions = graph.input("positions", "int64", ["B", 1]);
  const bias = graph.input("bias", "float32", ["B", 1, 1, "C"]);
  const result = decode(graph, shape, model, tokens, positions, bias);
  graph.output("logprobs", result.logprobs);
  graph.output("rows", result.rows);
  return graph;
}
