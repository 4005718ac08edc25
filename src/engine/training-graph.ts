/** The graphs of training: the gradient of a batch (forward, loss, backward), and AdamW. */
import { Graph, type Tensor } from "./graph.js";
import {
  add,
  clamp,
  divide,
  exp,
  flatten,
  gatherRows,
  minimum,
  multiply,
  negate,
  pick,
  sqrt,
  subtract,
  sum,
} from "./operations.js";
import { trainableLayout, type GraphShape } from "./adapter.js";
import { forward, modelInputs, unembed } from "./transformer.js";

/** AdamW's decay rates and epsilon (PyTorch's defaults). */
export const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } as const;

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
  // Finite wherever a coefficient is 0, for 0 * Infinity would spoil the whole loss.
  const finiteExp = (x: Tensor): Tensor => exp(minimum(x, logprobs.graph.float(80)));
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
 * The gradient of a batch's loss; P counts the weights that train: the adapter's, where the shape
 * has one.
 *
 * Inputs: the weights by name, `tokens` [N], `causal` [T, T], `batch` [B], the streams [M] (`rows`,
 * `targets` int64; `policy`, `crossEntropy`, `referenceKl`, `reference`), `ratioLow`, `ratioHigh` [].
 * With `hidden` also `hiddenRows` int64 and `hiddenGradients` [S, D]: the loss gains their product with
 * the hidden states of those rows.
 * Outputs: `gradient` [P], `loss` [], `logprobs`, `entropy` [M].
 */
export function gradientGraph(
  shape: GraphShape,
  { hidden: withHidden = false }: { readonly hidden?: boolean } = {},
): Graph {
  const graph = new Graph();
  const model = modelInputs(graph, shape);
  const floats = (name: string, dimensions: (string | number)[]): Tensor =>
    graph.input(name, "float32", dimensions);
  const integers = (name: string, dimension: string): Tensor =>
    graph.input(name, "int64", [dimension]);
  const tokens = integers("tokens", "N");
  const rows = integers("rows", "M");
  const targets = integers("targets", "M");
  const { hidden, middle } = forward(
    shape,
    model,
    tokens,
    floats("causal", ["T", "T"]),
    floats("batch", ["B"]),
  );
  const distribution = unembed(shape, model, gatherRows(hidden, rows)); // [M, V]
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
  const gradients = graph.gradients(
    loss,
    trainableLayout(shape).map((p) => model.weight(p.name)),
    add,
  );
  graph.output("gradient", flatten(graph, gradients));
  graph.output("loss", loss);
  graph.output("logprobs", logprobs);
  graph.output("entropy", negate(sum(multiply(exp(distribution), distribution), [1])));
  return graph;
}

/** <gradient, hidden state> over the rows that have one []. */
function hiddenLoss(graph: Graph, shape: GraphShape, middle: Tensor): Tensor {
  const rows = graph.input("hiddenRows", "int64", ["S"]);
  const gradients = graph.input("hiddenGradients", "float32", ["S", shape.width]);
  return sum(multiply(gatherRows(middle, rows), gradients));
}

/**
 * AdamW (arXiv:1711.05101) on weights [P], the gradient scaled by `clip`:
 *
 *     m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *     w = w - rate (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon) + decay w)
 *
 * Inputs: `gradient`, `weights`, `first`, `second`, `decayed` [P] (1 where weight decay applies) and
 * scalars `clip`, `learningRate`, `weightDecay`, `correction1`, `correction2`.
 * Outputs: `newWeights`, `newFirst`, `newSecond` [P].
 */
export function optimizerGraph(): Graph {
  const graph = new Graph();
  const vector = (name: string): Tensor => graph.input(name, "float32", ["P"]);
  const scalar = (name: string): Tensor => graph.input(name, "float32", []);
  const number = (value: number): Tensor => graph.float(value);
  const clipped = multiply(vector("gradient"), scalar("clip"));
  const blend = (old: Tensor, fresh: Tensor, beta: number): Tensor =>
    add(multiply(old, number(beta)), multiply(fresh, number(1 - beta)));
  const first = blend(vector("first"), clipped, adam.beta1);
  const second = blend(vector("second"), multiply(clipped, clipped), adam.beta2);
  const deviation = sqrt(divide(second, scalar("correction2")));
  const step = divide(divide(first, scalar("correction1")), add(deviation, number(adam.epsilon)));
  const weights = vector("weights");
  const decay = multiply(multiply(weights, vector("decayed")), scalar("weightDecay"));
  const update = multiply(add(step, decay), scalar("learningRate"));
  graph.output("newWeights", subtract(weights, update));
  graph.output("newFirst", first);
  graph.output("newSecond", second);
  return graph;
}
