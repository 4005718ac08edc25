/** The graph of training: the gradient of a batch (forward, loss, backward). */
import { Graph, type Tensor } from "./graph/graph.js";
import {
  add,
  clamp,
  exp,
  gatherRows,
  minimum,
  multiply,
  negate,
  pick,
  subtract,
  sum,
} from "./graph/operations.js";
import { trainableLayout, type GraphShape } from "./adapter.js";
import { PackedRows } from "./packed-rows.js";
import { forward, modelInputs, unembed } from "./transformer.js";

/** Per-token losses; see `Target` in engine.ts for the formulas. All tensors [M]. */
export function tokenLoss(
  logprobs: Tensor,
  streams: {
    readonly policy: Tensor;
    readonly crossEntropy: Tensor;
    readonly referenceKl: Tensor;
    readonly reference: Tensor;
    readonly ratioLow: Tensor;
    readonly ratioHigh: Tensor;
  },
): Tensor {
  const one = logprobs.graph.float(1);
  // Beyond 40 nats the tangent there: finite, for 0 * Infinity would spoil the whole loss, and never flat,
  // for the gradient of the other terms would then have the last word.
  const finiteExp = (x: Tensor): Tensor => {
    const capped = minimum(x, logprobs.graph.float(40));
    return multiply(exp(capped), add(one, subtract(x, capped)));
  };
  const ratio = finiteExp(subtract(logprobs, streams.reference));
  const clipped = clamp(ratio, streams.ratioLow, streams.ratioHigh);
  const surrogate = minimum(multiply(ratio, streams.policy), multiply(clipped, streams.policy));
  const behind = subtract(streams.reference, logprobs);
  const kl = subtract(subtract(finiteExp(behind), behind), one);
  return subtract(
    subtract(multiply(streams.referenceKl, kl), surrogate),
    multiply(streams.crossEntropy, logprobs),
  );
}

/**
 * The gradient of a batch's loss for the weights that train: the adapter's, where the shape has one.
 *
 * Inputs: the weights by name, `tokens` [N], `causal` [T, T], `batch` [B], `rows` int64 [U] (those with
 * targets), `targets` int64 [M, 2] (pairs of an index into `rows` and a token), the streams [M]
 * `policy`, `crossEntropy`, `referenceKl`, `reference`, and `ratioLow`, `ratioHigh` [].
 * With `hidden` also `hiddenRows` int64 and `hiddenGradients` [S, D]: the loss gains their product with
 * the hidden states of those rows.
 * With `packed` also `packedRows` int64 [B * T] and `packedPlaces` int64 [N]: see `Packing`.
 * Outputs: the gradient of each weight that trains under {@link gradientName}, `loss` [],
 * `logprobs` [M], `entropy` [U].
 */
export function gradientGraph(
  shape: GraphShape,
  {
    hidden: withHidden = false,
    packed = false,
  }: { readonly hidden?: boolean; readonly packed?: boolean } = {},
): Graph {
  const graph = new Graph();
  const model = modelInputs(graph, shape);
  const floats = (name: string, dimensions: (string | number)[]): Tensor =>
    graph.input(name, "float32", dimensions);
  const tokens = graph.input("tokens", "int64", ["N"]);
  const rows = graph.input("rows", "int64", ["U"]);
  const targets = graph.input("targets", "int64", ["M", 2]);
  const { hidden, middle } = forward(
    shape,
    model,
    tokens,
    floats("causal", ["T", "T"]),
    floats("batch", ["B"]),
    rows,
    packed ? new PackedRows(graph, shape.headWidth) : undefined,
  );
  const distribution = unembed(shape, model, hidden); // [U, V]
  const logprobs = pick(distribution, targets);
  const tokenLosses = sum(
    tokenLoss(logprobs, {
      policy: floats("policy", ["M"]),
      crossEntropy: floats("crossEntropy", ["M"]),
      referenceKl: floats("referenceKl", ["M"]),
      reference: floats("reference", ["M"]),
      ratioLow: floats("ratioLow", []),
      ratioHigh: floats("ratioHigh", []),
    }),
  );
  const loss = withHidden ? add(tokenLosses, hiddenLoss(graph, shape, middle)) : tokenLosses;
  const trained = trainableLayout(shape).map((p) => model.weight(p.name));
  graph
    .gradients(loss, trained, add)
    .forEach((g, i) => graph.output(gradientName(trained[i]!.name), g));
  graph.output("loss", loss);
  graph.output("logprobs", logprobs);
  graph.output("entropy", negate(sum(multiply(exp(distribution), distribution), [1])));
  return graph;
}

/** The output of {@link gradientGraph} that holds the gradient of a weight. */
export const gradientName = (weight: string): string => `gradient:${weight}`;

/** <gradient, hidden state> over the rows that have one []. */
function hiddenLoss(graph: Graph, shape: GraphShape, middle: Tensor): Tensor {
  const rows = graph.input("hiddenRows", "int64", ["S"]);
  const gradients = graph.input("hiddenGradients", "float32", ["S", shape.width]);
  return sum(multiply(gatherRows(middle, rows), gradients));
}
