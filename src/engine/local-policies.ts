/** What the local engines do with policies besides computing: policies are values, so most of it is free. */
import type { Random } from "../util/random.js";
import { initialAdapter, trainableWeights } from "./adapter.js";
import type { AdapterShape } from "./adapter-shape.js";
import { degradedWeights } from "./degrade.js";
import {
  degradationKinds,
  type Capabilities,
  type Engine,
  type OptimizerState,
  type Policy,
  type RestoreOptions,
} from "./engine.js";
import { loadOptimizer, loadPolicy, saveOptimizer, savePolicy } from "./files/checkpoint.js";
import {
  localOf,
  localOptimizer,
  localPolicy,
  type LocalOptimizer,
  type LocalPolicy,
} from "./local-policy.js";
import { checkModelShape, initialWeights, type ModelShape } from "./shape.js";

/** A fresh AdamW state for what trains in `policy`: its adapter, or all its weights. */
export function newOptimizer(policy: Policy): LocalOptimizer {
  const P = trainableWeights(localOf(policy)).length;
  const { version } = policy;
  return { steps: 0, version, first: new Float32Array(P), second: new Float32Array(P) };
}

/** The part of an {@link Engine} that all engines over local weights have in common. */
export abstract class LocalPolicies {
  readonly capabilities: Capabilities = {
    embeddings: true,
    steeredSampling: true,
    degradations: degradationKinds,
    rollback: true,
  };

  initialise(shape: ModelShape, random: Random): LocalPolicy {
    checkModelShape(shape);
    return localPolicy(shape, initialWeights(shape, random));
  }

  adapt(policy: Policy, adapter: AdapterShape, random: Random): LocalPolicy {
    const { shape, weights } = localOf(policy);
    return localPolicy(shape, weights, initialAdapter(shape, adapter, random));
  }

  initialiseBeside(
    policy: Policy,
    { shape, rank, random }: Parameters<Engine["initialiseBeside"]>[1],
  ): LocalPolicy {
    const { adapter } = localOf(policy);
    if (adapter === undefined) return this.initialise(shape, random);
    return this.adapt(policy, { rank, alpha: 2 * rank, targets: adapter.targets }, random);
  }

  fork(policy: Policy): LocalPolicy {
    return { ...localOf(policy), version: 0 };
  }

  /** Nothing to give up: memory goes with the last reference. */
  release(_policy: Policy): void {}

  newOptimizer(policy: Policy): LocalOptimizer {
    return newOptimizer(policy);
  }

  parameters(policy: Policy): number {
    return localOf(policy).weights.length;
  }

  degrade(policy: Policy, how: Parameters<Engine["degrade"]>[1]): LocalPolicy {
    return degradedWeights(localOf(policy), { ...how, initial: localOf(how.initial) });
  }

  /** As safetensors: see {@link savePolicy}. */
  save(
    path: string,
    policy: Policy,
    options: { readonly precision?: "float32" | "bfloat16" } = {},
  ): Promise<void> {
    return savePolicy(path, policy, options);
  }

  /** See {@link loadPolicy}. */
  restore(path: string, options: RestoreOptions = {}): Promise<LocalPolicy> {
    return loadPolicy(path, options);
  }

  saveOptimizer(path: string, optimizer: OptimizerState): Promise<void> {
    return saveOptimizer(path, localOptimizer(optimizer));
  }

  restoreOptimizer(path: string): Promise<LocalOptimizer> {
    return loadOptimizer(path);
  }
}
