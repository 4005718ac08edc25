/** What an engine and the thread that computes for it tell each other. */
import type { Adapter } from "./adapter.js";
import type { LocalOptimizer, LocalPolicy } from "./local-policy.js";

/** A vector that crosses once: its number, and at the first time its data. */
export interface SharedVector {
  readonly id: number;
  readonly data?: Float32Array;
}

export type SharedPolicy = Omit<LocalPolicy, "weights" | "adapter"> & {
  readonly weights: SharedVector;
  readonly adapter?: Omit<Adapter, "weights"> & { readonly weights: SharedVector };
};

export type SharedOptimizer = Omit<LocalOptimizer, "first" | "second"> & {
  readonly first: SharedVector;
  readonly second: SharedVector;
};

/** `policy` with its vectors as `share` gives them. */
export function sharePolicy(
  { adapter, weights, ...rest }: LocalPolicy,
  share: (vector: Float32Array) => SharedVector,
): SharedPolicy {
  const shared = { ...rest, weights: share(weights) };
  if (adapter === undefined) return shared;
  return { ...shared, adapter: { ...adapter, weights: share(adapter.weights) } };
}

/** The policy that {@link sharePolicy} described. */
export function readPolicy(
  { adapter, weights, ...rest }: SharedPolicy,
  read: (vector: SharedVector) => Float32Array,
): LocalPolicy {
  const policy = { ...rest, weights: read(weights) };
  if (adapter === undefined) return policy;
  return { ...policy, adapter: { ...adapter, weights: read(adapter.weights) } };
}

/** Asks the thread to call a method of its engine, to stop one, or to forget vectors. */
export type EngineCall =
  | {
      readonly type: "call";
      readonly call: number;
      readonly method: "sample" | "logprobs" | "embed" | "gradient" | "trainStep";
      readonly policy: SharedPolicy;
      readonly expert?: SharedPolicy;
      readonly optimizer?: SharedOptimizer;
      /** What else the method takes, without functions, generators and signals. */
      readonly request: unknown;
      readonly options?: unknown;
    }
  | { readonly type: "abort"; readonly call: number }
  | { readonly type: "forget"; readonly ids: readonly number[] };

/** The end of a call. */
export interface EngineAnswer {
  readonly call: number;
  /** What it cost. */
  readonly flops: number;
  readonly steeringFlops: number;
  readonly tokens: number;
  readonly value?: unknown;
  /** The policy and optimizer of a step, where it changed them. */
  readonly policy?: SharedPolicy;
  readonly optimizer?: SharedOptimizer;
  readonly fault?: EngineFault;
}

export interface EngineFault {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
}
