/** A local engine that stops for good: for a process that has to write a checkpoint and end. */
import type {
  Completion,
  OptimizerState,
  Policy,
  SampleRequest,
  TrainingSequence,
  TrainOptions,
} from "./engine.js";
import { LocalEngine } from "./local.js";
import type { LocalTrainResult } from "./local-policy.js";
import type { LocalEngineOptions } from "./options.js";

/**
 * A `LocalEngine` whose signal ends all sampling between two tokens and all training between two
 * micro-batches, what is asked for later too; with its reason as the error.
 */
export class HaltingEngine extends LocalEngine {
  readonly #signal: AbortSignal;

  constructor(options: LocalEngineOptions, signal: AbortSignal) {
    super(options);
    this.#signal = signal;
  }

  override sample(policy: Policy, request: SampleRequest): Promise<Completion[]> {
    return super.sample(policy, { signal: this.#signal, ...request });
  }

  override trainStep(
    policy: Policy,
    optimizer: OptimizerState,
    sequences: readonly TrainingSequence[],
    options: TrainOptions,
  ): Promise<LocalTrainResult> {
    return super.trainStep(policy, optimizer, sequences, { signal: this.#signal, ...options });
  }
}
