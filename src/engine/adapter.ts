/**
 * Low-rank adapters (LoRA, arXiv:2106.09685): a projection y = x W^T becomes
 * y = x W^T + (alpha / rank) (x A^T) B^T with A [rank, in] and B [out, rank]. W is frozen and shared
 * by every policy over one base; only A and B train.
 */
import { ErrataError } from "../util/error.js";
import type { Random } from "../util/random.js";
import type { AdapterShape } from "./adapter-shape.js";
import type { Policy } from "./engine.js";
import { localOf, localPolicy, type Adapter, type LocalPolicy } from "./local-policy.js";
import {
  layOut,
  parameterLayout,
  projectionName,
  projections,
  projectionSize,
  type ModelShape,
  type Parameter,
  type Projection,
} from "./shape.js";

export { adapterSchema, type AdapterShape } from "./adapter-shape.js";
export type { Adapter } from "./local-policy.js";

/** What a graph depends on: the shape of a model, and that of its adapter where it has one. */
export type GraphShape = ModelShape & { readonly adapter?: AdapterShape };

/** The shape of the graphs of `policy`. */
export function graphShape({ shape, adapter }: LocalPolicy): GraphShape {
  if (adapter === undefined) return shape;
  const { rank, alpha, targets } = adapter;
  return { ...shape, adapter: { rank, alpha, targets: ordered(targets) } };
}

const ordered = (targets: readonly Projection[]): Projection[] =>
  projections.filter((p) => targets.includes(p));

/** Matrices of an adapter in flat order, under their names without PEFT's prefix. */
export function adapterLayout(shape: ModelShape, { rank, targets }: AdapterShape): Parameter[] {
  const list: [string, number[]][] = [];
  for (let i = 0; i < shape.layers; i++)
    for (const projection of ordered(targets)) {
      const [rows, columns] = projectionSize(shape, projection);
      const name = projectionName(i, projection);
      list.push(
        [`${name}.lora_A.weight`, [rank, columns]],
        [`${name}.lora_B.weight`, [rows, rank]],
      );
    }
  return layOut(list);
}

/** Number of weights of an adapter. */
export function adapterSize(shape: ModelShape, adapter: AdapterShape): number {
  return adapterLayout(shape, adapter).reduce((n, p) => n + p.size, 0);
}

/** @throws ErrataError `ADAPTER_SHAPE` where no adapter can have this shape. */
export function checkAdapterShape({ rank, alpha, targets }: AdapterShape): void {
  const unknown = targets.filter((t) => !projections.includes(t));
  if (Number.isSafeInteger(rank) && rank > 0 && alpha > 0 && targets.length > unknown.length)
    if (unknown.length === 0) return;
  throw new ErrataError(
    `adapter: rank ${rank}, alpha ${alpha}, targets ${targets.join(", ") || "none"}`,
    {
      code: "ADAPTER_SHAPE",
      hint: `rank is a positive integer, alpha positive, targets are some of ${projections.join(", ")}`,
    },
  );
}

/**
 * A fresh adapter, which changes nothing yet: A uniform in +-1/sqrt(in) (PEFT's default), B zero.
 * @throws ErrataError `ADAPTER_SHAPE`.
 */
export function initialAdapter(shape: ModelShape, adapter: AdapterShape, random: Random): Adapter {
  checkAdapterShape(adapter);
  const targets = ordered(adapter.targets);
  const weights = new Float32Array(adapterSize(shape, adapter));
  for (const { name, shape: dimensions, offset, size } of adapterLayout(shape, adapter)) {
    if (!name.endsWith("lora_A.weight")) continue;
    const bound = 1 / Math.sqrt(dimensions[1]!);
    for (let i = 0; i < size; i++) weights[offset + i] = bound * (2 * random.uniform() - 1);
  }
  return { ...adapter, targets, weights };
}

/** The weights of `policy` that train: its adapter's, or all where it has none. */
export function trainableWeights(policy: LocalPolicy): Float32Array {
  return policy.adapter?.weights ?? policy.weights;
}

/** `policy` with other weights in place of those that train. */
export function withTrainable(policy: LocalPolicy, weights: Float32Array): LocalPolicy {
  const { adapter } = policy;
  return adapter === undefined
    ? { ...policy, weights }
    : { ...policy, adapter: { ...adapter, weights } };
}

/** The parameters of a model that train, in flat order. */
export function trainableLayout(shape: GraphShape): Parameter[] {
  return shape.adapter === undefined ? parameterLayout(shape) : adapterLayout(shape, shape.adapter);
}

/** Whether a policy of the local engine is an adapter over frozen weights. */
export function hasAdapter(policy: Policy): boolean {
  return localOf(policy).adapter !== undefined;
}

/**
 * One policy without an adapter that computes the same: W + (alpha / rank) B A. Takes a copy of the
 * base weights; a policy without an adapter is returned as it is.
 */
export function mergeAdapter(of: Policy): LocalPolicy {
  const policy = localOf(of);
  const { shape, adapter } = policy;
  if (adapter === undefined) return policy;
  const weights = policy.weights.slice();
  const places = new Map(parameterLayout(shape).map((p) => [p.name, p.offset]));
  const layout = adapterLayout(shape, adapter);
  const scale = adapter.alpha / adapter.rank;
  for (let n = 0; n < layout.length; n += 2) {
    const [a, b] = [layout[n]!, layout[n + 1]!];
    const [columns, rows] = [a.shape[1]!, b.shape[0]!];
    const base = places.get(a.name.replace("lora_A.", ""))!;
    const sum = new Float64Array(columns);
    for (let i = 0; i < rows; i++) {
      sum.fill(0);
      for (let r = 0; r < adapter.rank; r++) {
        const factor = scale * adapter.weights[b.offset + i * adapter.rank + r]!;
        const row = a.offset + r * columns;
        for (let j = 0; j < columns; j++) sum[j]! += factor * adapter.weights[row + j]!;
      }
      const start = base + i * columns;
      for (let j = 0; j < columns; j++) weights[start + j]! += sum[j]!;
    }
  }
  return localPolicy(shape, weights);
}
