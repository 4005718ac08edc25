/** The graph of one optimizer step: forward, loss, backward, clipping and AdamW. */
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
import { forward, modelInputs, parameterLayout, unembed, type ModelShape } from "./transformer.js";

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
 * Inputs: the weights by name, `weights`, `first`, `second` and `decayed` [P] (1 where weight decay
 * applies), `tokens` [N], `causal` [T, T], `batch` [B], the streams [M] (`rows`, `targets` int64;
 * `policy`, `crossEntropy`, `referenceKl`, `reference`) and scalars (`learningRate`, `weightDecay`,
 * `correction1`, `correction2`, `clipNorm`, `ratioLow`, `ratioHigh`).
 * Outputs: `newWeights`, `newFirst`, `newSecond` [P], `loss`, `gradientNorm` [], `logprobs`, `entropy` [M].
 */
export function trainingGraph(shape: ModelShape): Graph {
  const graph = new Graph();
  const model = modelInputs(graph, shape);
  const floats = (name: string, dimensions: (string | number)[]): Tensor =>
    graph.input(name, "float32", dimensions);
  const tokens = graph.input("tokens", "int64", ["N"]);
  const rows = graph.input("rows", "int64", ["M"]);
  const targets = graph.input("targets", "int64", ["M"]);
  const { hidden } = forward(
    shape,
    model,
    tokens,
    floats("causal", ["T", "T"]),
    floats("batch", ["B"]),
  );
  const distribution = unembed(shape, model, gatherRows(hidden, rows)); // [M, V]
  const logprobs = pick(distribution, targets);
  const loss = sum(
    tokenLoss(logprobs, {
      policy: floats("policy", ["M"]),
      crossEntropy: floats("crossEntropy", ["M"]),
      referenceKl: floats("referenceKl", ["M"]),
      reference: floats("reference", ["M"]),
      ratioLow: floats("ratioLow", []),
      ratioHigh: floats("ratioHigh", []),
    }),
  );
  const layout = parameterLayout(shape);
  const gradient = flatten(
    graph,
    graph.gradients(
      loss,
      layout.map((p) => model.weight(p.name)),
      add,
    ),
  );
  const gradientNorm = sqrt(sum(multiply(gradient, gradient)));
  adamW(graph, gradient, gradientNorm, layout.at(-1)!.offset + layout.at(-1)!.size);
  graph.output("loss", loss);
  graph.output("gradientNorm", gradientNorm);
  graph.output("logprobs", logprobs);
  graph.output("entropy", negate(sum(multiply(exp(distribution), distribution), [1])));
  return graph;
}

/**
 * AdamW (arXiv:1711.05101) on the flat weight vector [P], the gradient scaled by
 * min(1, clipNorm / (norm + 1e-6)):
 *
 *     m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *     w = w - rate (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon) + decay w)
 */
function adamW(graph: Graph, gradient: Tensor, norm: Tensor, size: number): void {
  const vector = (name: string): Tensor => graph.input(name, "float32", [size]);
  const scalar = (name: string): Tensor => graph.input(name, "float32", []);
  const number = (value: number): Tensor => graph.float(value);
  const clip = minimum(number(1), divide(scalar("clipNorm"), add(norm, number(1e-6))));
  const clipped = multiply(gradient, clip);
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
}
