/** What policies are to the local engine: values. An update makes a new one and leaves the old one as it was. */
import { ErrataError } from "../util/error.js";
import type { OptimizerState, Policy, TrainResult } from "./engine.js";
import type { AdapterShape } from "./adapter-shape.js";
import type { ModelShape } from "./shape.js";

/** One adapter over a base model. */
export interface Adapter extends AdapterShape {
  /** All A and B end to end, in the order of `adapterLayout`. Replaced, never mutated. */
  readonly weights: Float32Array;
}

/** Weights of one model: `shape` says how to read them. */
export interface LocalPolicy extends Policy {
  /** All weights end to end, in the order of `parameterLayout(shape)`. Replaced, never mutated. */
  readonly weights: Float32Array;
  /** Where there is one, it trains; `weights` are then frozen, and may be those of many policies. */
  readonly adapter?: Adapter;
}

/** AdamW state (arXiv:1711.05101) for P weights that train. */
export interface LocalOptimizer extends OptimizerState {
  /** First and second moments, each [P]. */
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** The result of an update of local weights. */
export type LocalTrainResult = Omit<TrainResult, "policy" | "optimizer"> & {
  readonly policy: LocalPolicy;
  readonly optimizer: LocalOptimizer;
};

/** A policy that has had no update yet. */
export function localPolicy(
  shape: ModelShape,
  weights: Float32Array,
  adapter?: Adapter,
): LocalPolicy {
  return { shape, version: 0, weights, ...(adapter === undefined ? {} : { adapter }) };
}

/**
 * What the local engine keeps in a policy.
 * @throws ErrataError `POLICY_FOREIGN` on one of another engine.
 */
export function localOf(policy: Policy): LocalPolicy {
  if ("weights" in policy) return policy as LocalPolicy;
  throw foreign();
}

/** As {@link localOf}, of an optimizer state. */
export function localOptimizer(optimizer: OptimizerState): LocalOptimizer {
  if ("first" in optimizer) return optimizer as LocalOptimizer;
  throw foreign();
}

/** @throws ErrataError `POLICY_STALE` where an optimizer goes with another version of a policy. */
export function checkVersion(policy: Policy, optimizer: OptimizerState): void {
  if (policy.version === optimizer.version) return;
  throw new ErrataError(
    `an update of version ${policy.version} of a policy with the optimizer of version ${optimizer.version}`,
    {
      code: "POLICY_STALE",
      hint: "go on from the policy and the optimizer that the last update returned, both",
    },
  );
}

function foreign(): ErrataError {
  return new ErrataError("the local engine was given a policy of another engine", {
    code: "POLICY_FOREIGN",
    hint: "save it with the engine it is of, or use that engine throughout",
  });
}
