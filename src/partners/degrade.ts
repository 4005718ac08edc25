/**
 * Degradations: how a deliberately weakened partner is made from a model.
 *
 * Temperature, lag, noise, dropped context, quantisation, dropped layers and heads spoil a model in
 * ways that look like noise; truncated actions and mal-rules make systematic mistakes. Whether what
 * they make is worth learning from is decided by recurrence, not by the name of the operator.
 */
import { mergeAdapter } from "../engine/adapter.js";
import type { Policy } from "../engine/engine.js";
import { parameterLayout, type Parameter } from "../engine/transformer.js";
import type { Model } from "../models/model.js";
import { PolicyModel, type PolicyModelOptions } from "../models/model.js";
import type { Prompt, Tokenizer } from "../models/tokenizer.js";
import type { Random } from "../util/random.js";

/** Every degradation of a model; `mal-rule` (self-play.ts) replaces the model by a scripted procedure. */
export const degradations = [
  "mal-rule",
  "layers",
  "heads",
  "truncation",
  "context",
  "quantisation",
  "noise",
  "lag",
  "temperature",
] as const;
export type Degradation = (typeof degradations)[number];

/** What a degradation starts from. */
export interface DegradeInput extends Omit<PolicyModelOptions, "policy" | "temperature"> {
  readonly policy: Policy;
  /** The student before training: `lag` moves towards it. */
  readonly initial: Policy;
  /** Chooses what is dropped or disturbed. */
  readonly random: Random;
}

/**
 * The model that `policy` becomes when degraded by `degree` in [0, 1]; 0 leaves it as it is.
 *
 *     temperature   T = 1 + 3 degree
 *     lag           (1 - degree) weights + degree initial weights
 *     noise         every matrix plus N(0, (degree / 2 * its root mean square)^2)
 *     quantisation  8 - 6 degree bits a weight, absolute maximum of each matrix
 *     layers, heads round(degree * n) of the n layers (heads of every layer), at least one, write nothing
 *     context       every prompt token but the last is dropped with probability degree / 2
 *     truncation    actions end after (1 - degree) of the longest length
 *
 * Noise, quantisation, layers and heads act on the weights that the policy computes with, an adapter's
 * part included: a trained adapter would otherwise go on saying what the dropped layers said.
 */
export function degraded(operator: Degradation, degree: number, input: DegradeInput): Model {
  const { policy, initial, random, maxActionSymbols, ...rest } = input;
  const model = (changed: Policy, options: Partial<PolicyModelOptions> = {}): Model =>
    new PolicyModel({ ...rest, maxActionSymbols, policy: changed, ...options });
  if (degree === 0) return model(policy);
  switch (operator) {
    case "temperature":
      return model(policy, { temperature: 1 + 3 * degree });
    case "lag":
      return model(lagging(policy, initial, degree));
    case "noise":
      return model(
        mapMatrices(policy, (matrix) => {
          const deviation = (degree / 2) * rootMeanSquare(matrix);
          return matrix.map((w) => w + deviation * random.normal());
        }),
      );
    case "quantisation":
      return model(mapMatrices(policy, (matrix) => quantised(matrix, Math.round(8 - 6 * degree))));
    case "layers":
      return model(withoutLayers(policy, chosen(policy.shape.layers, degree, random)));
    case "heads":
      return model(withoutHeads(policy, chosen(policy.shape.heads, degree, random)));
    case "context":
      return model(policy, { tokenizer: forgetful(rest.tokenizer, degree / 2, random) });
    case "truncation": {
      const longest = Math.max(1, Math.round((1 - degree) * maxActionSymbols));
      return model(policy, { maxTokens: longest });
    }
    case "mal-rule":
      throw new RangeError("degraded: a mal-rule replaces a model and is played by selfPlay");
  }
}

/** Moves what trains, an adapter or all weights, towards where it began. */
function lagging(policy: Policy, initial: Policy, degree: number): Policy {
  const towards = (weights: Float32Array, start: Float32Array): Float32Array =>
    weights.map((w, i) => (1 - degree) * w + degree * start[i]!);
  const { adapter } = policy;
  return adapter === undefined || initial.adapter === undefined
    ? { ...policy, weights: towards(policy.weights, initial.weights) }
    : {
        ...policy,
        adapter: { ...adapter, weights: towards(adapter.weights, initial.adapter.weights) },
      };
}

/** Changes each matrix (not the norm gains) of what the policy computes with: W + (alpha / rank) B A where it has an adapter. */
function mapMatrices(
  policy: Policy,
  change: (matrix: Float32Array, parameter: Parameter) => Float32Array,
): Policy {
  const weights =
    policy.adapter === undefined ? Float32Array.from(policy.weights) : mergeAdapter(policy).weights;
  for (const parameter of parameterLayout(policy.shape)) {
    const { shape, offset, size } = parameter;
    if (shape.length < 2) continue;
    weights.set(change(weights.slice(offset, offset + size), parameter), offset);
  }
  return { shape: policy.shape, weights };
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((a, v) => a + v * v, 0) / values.length);
}

function quantised(matrix: Float32Array, bits: number): Float32Array {
  const levels = 2 ** (bits - 1) - 1;
  const largest = matrix.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  if (largest === 0) return matrix;
  const step = largest / levels;
  return matrix.map((w) => Math.round(w / step) * step);
}

function chosen(n: number, degree: number, random: Random): Set<number> {
  const count = Math.max(1, Math.round(degree * n));
  return new Set(random.shuffle(Array.from({ length: n }, (_, i) => i)).slice(0, count));
}

const layerOf = (name: string): number => Number(/layers\.(\d+)\./.exec(name)?.[1] ?? -1);

/** A layer whose two output projections are 0 leaves the residual stream as it is. */
function withoutLayers(policy: Policy, dropped: ReadonlySet<number>): Policy {
  return mapMatrices(policy, (matrix, { name }) =>
    dropped.has(layerOf(name)) && /o_proj|down_proj/.test(name) ? matrix.fill(0) : matrix,
  );
}

/** A head whose columns of the output projection are 0 says nothing. */
function withoutHeads(policy: Policy, dropped: ReadonlySet<number>): Policy {
  const { headWidth, heads } = policy.shape;
  const columns = heads * headWidth;
  return mapMatrices(policy, (matrix, { name }) =>
    name.includes("o_proj")
      ? matrix.map((w, i) => (dropped.has(Math.floor((i % columns) / headWidth)) ? 0 : w))
      : matrix,
  );
}

/** A tokenizer that loses prompt tokens. */
function forgetful(tokenizer: Tokenizer, rate: number, random: Random): Tokenizer {
  return {
    size: tokenizer.size,
    stop: tokenizer.stop,
    ...(tokenizer.stops === undefined ? {} : { stops: tokenizer.stops }),
    encode: (text) => tokenizer.encode(text),
    decode: (tokens) => tokenizer.decode(tokens),
    spans: (tokens) => tokenizer.spans(tokens),
    encodePrompt: (prompt: Prompt) => {
      const tokens = tokenizer.encodePrompt(prompt);
      return tokens.filter((_, i) => i === tokens.length - 1 || random.uniform() >= rate);
    },
  };
}
