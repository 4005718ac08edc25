/** Degradations of weights: see `Engine.degrade`. */
import type { Random } from "../util/random.js";
import { mergeAdapter } from "./adapter.js";
import type { DegradationKind } from "./engine.js";
import { localPolicy, type LocalPolicy } from "./local-policy.js";
import { parameterLayout, type Parameter } from "./shape.js";

/** `policy` spoilt by `degree` in [0, 1]; `lag` moves it towards `initial`. */
export function degradedWeights(
  policy: LocalPolicy,
  how: {
    readonly kind: DegradationKind;
    readonly degree: number;
    readonly initial: LocalPolicy;
    readonly random: Random;
  },
): LocalPolicy {
  const { kind, degree, initial, random } = how;
  switch (kind) {
    case "lag":
      return lagging(policy, initial, degree);
    case "noise":
      return mapMatrices(policy, (matrix) => {
        const deviation = (degree / 2) * rootMeanSquare(matrix);
        return matrix.map((w) => w + deviation * random.normal());
      });
    case "quantisation":
      return mapMatrices(policy, (matrix) => quantised(matrix, Math.round(8 - 6 * degree)));
    case "layers":
      return withoutLayers(policy, chosen(policy.shape.layers, degree, random));
    case "heads":
      return withoutHeads(policy, chosen(policy.shape.heads, degree, random));
  }
}

/** Moves what trains, an adapter or all weights, towards where it began. */
function lagging(policy: LocalPolicy, initial: LocalPolicy, degree: number): LocalPolicy {
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
  policy: LocalPolicy,
  change: (matrix: Float32Array, parameter: Parameter) => Float32Array,
): LocalPolicy {
  const weights =
    policy.adapter === undefined ? Float32Array.from(policy.weights) : mergeAdapter(policy).weights;
  for (const parameter of parameterLayout(policy.shape)) {
    const { shape, offset, size } = parameter;
    if (shape.length < 2) continue;
    weights.set(change(weights.slice(offset, offset + size), parameter), offset);
  }
  return localPolicy(policy.shape, weights);
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
function withoutLayers(policy: LocalPolicy, dropped: ReadonlySet<number>): LocalPolicy {
  return mapMatrices(policy, (matrix, { name }) =>
    dropped.has(layerOf(name)) && /o_proj|down_proj/.test(name) ? matrix.fill(0) : matrix,
  );
}

/** A head whose columns of the output projection are 0 says nothing. */
function withoutHeads(policy: LocalPolicy, dropped: ReadonlySet<number>): LocalPolicy {
  const { headWidth, heads } = policy.shape;
  const columns = heads * headWidth;
  return mapMatrices(policy, (matrix, { name }) =>
    name.includes("o_proj")
      ? matrix.map((w, i) => (dropped.has(Math.floor((i % columns) / headWidth)) ? 0 : w))
      : matrix,
  );
}
