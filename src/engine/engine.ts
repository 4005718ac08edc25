/**
 * What the algorithm asks of an engine: sample, score, embed, take one optimizer step.
 *
 * An engine sees token sequences, per-token coefficients and weights. It knows no tasks, no
 * rewards and no roles; which policy is a student or a weak partner is the caller's business.
 */
import type { Random } from "../util/random.js";
import { trainableWeights, type Adapter } from "./adapter.js";
import type { Mixture } from "./mixture.js";
import type { Truncation } from "./sampler.js";
import type { StopOptions } from "./stop.js";
import type { ModelShape } from "./transformer.js";

/** Weights of one model: `shape` says how to read them. */
export interface Policy {
  readonly shape: ModelShape;
  /** All weights end to end, in the order of `parameterLayout(shape)`. Replaced, never mutated. */
  readonly weights: Float32Array;
  /** Where there is one, it trains; `weights` are then frozen, and may be those of many policies. */
  readonly adapter?: Adapter;
}

/** AdamW state (arXiv:1711.05101) for P weights that train. */
export interface OptimizerState {
  readonly steps: number;
  /** First and second moments, each [P]. */
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** What an engine can do. */
export interface Capabilities {
  readonly embeddings: boolean;
  readonly mixtureSampling: boolean;
}

export interface SampleRequest extends Truncation, StopOptions {
  /** Token prompts, one row each, none empty. Equal prompts are computed once. */
  readonly prompts: readonly (readonly number[])[];
  readonly maxTokens: number;
  /** A row ends after this token; it is part of the completion. */
  readonly stopToken?: number;
  /** Divides the policy's logits (not those of a mixture's expert); greater than 0. Default 1. */
  readonly temperature?: number;
  /** Sample from a mixture with a second policy instead of from the policy itself. */
  readonly mixture?: { readonly expert: Policy } & Mixture;
  /** Seeds the rows, one draw each, where there are no `seeds`. */
  readonly random: Random;
  /** One a row, 32 bits: a completion depends on its prompt and seed, not on what is sampled beside it. */
  readonly seeds?: readonly number[];
  /** Most rows decoded at once; finished ones are replaced by waiting ones. Default 256. */
  readonly maxRows?: number;
  /** Ends sampling early, between two tokens, with its reason as the error. */
  readonly signal?: AbortSignal;
}

/** One sampled completion of T tokens. */
export interface Completion {
  readonly tokens: readonly number[];
  /** log pi of each token under the policy at the request's temperature [T]. */
  readonly logprobs: readonly number[];
  /** log mu of each token under the distribution really sampled from [T]; equals `logprobs` without a mixture. */
  readonly behaviourLogprobs: readonly number[];
  /** Ended by the stop token, not by `maxTokens`. */
  readonly stopped: boolean;
}

/**
 * One token whose probability the loss touches. Loss per target, with l = log pi(token) and
 * r = exp(l - logprob):
 *
 *     policy        -min(r c, clip(r, 1 - clipLow, 1 + clipHigh) c)   (arXiv:1707.06347; c is signed)
 *     crossEntropy  -c l
 *     referenceKl    c (exp(logprob - l) - (logprob - l) - 1)         (k3, http://joschu.net/blog/kl-approx.html)
 *
 * Beyond 40 nats exponentials go on as their tangents there, so that losses and gradients stay finite.
 */
export interface Target {
  /** The token is predicted from the tokens up to and including this index. */
  readonly position: number;
  readonly token: number;
  readonly component: "policy" | "crossEntropy" | "referenceKl";
  /** Weight c, already divided by whatever the caller averages over. */
  readonly coefficient: number;
  /** Log-probability under the sampling policy (`policy`) or the reference (`referenceKl`). */
  readonly logprob: number;
}

export interface TrainingSequence {
  readonly tokens: readonly number[];
  readonly targets: readonly Target[];
  /**
   * Losses on hidden states that the caller has differentiated itself: adds <gradient, mean hidden
   * state over [start, end)>, the state that `embed` gives, whose gradient is the caller's.
   */
  readonly hidden?: readonly {
    readonly start: number;
    readonly end: number;
    /** dL/dh [D], already divided by whatever the caller averages over. */
    readonly gradient: Float32Array;
  }[];
}

export interface TrainOptions {
  readonly learningRate: number;
  /** Largest L2 norm of the gradient. Default 1. */
  readonly clipNorm?: number;
  /** Decoupled weight decay on matrices (not on norms). Default 0. */
  readonly weightDecay?: number;
  /** PPO clip range. Defaults 0.2 and 0.28 (arXiv:2503.14476). */
  readonly clipLow?: number;
  readonly clipHigh?: number;
  /** Ends the step early, between two micro-batches, with its reason as the error. */
  readonly signal?: AbortSignal;
}

/** PPO's clip range where none is given: [0.8, 1.28] (clip-higher, arXiv:2503.14476). */
export const defaultClip = { low: 0.2, high: 0.28 } as const;

export interface TrainResult {
  readonly policy: Policy;
  readonly optimizer: OptimizerState;
  readonly loss: number;
  /** L2 norm before clipping. */
  readonly gradientNorm: number;
  /** Mean entropy, in nats, of the distributions the targets were drawn from. */
  readonly entropy: number;
  /** Mean |log pi(trainer) - log pi(sampler)| over policy targets; 0 without any. */
  readonly logprobMismatch: number;
  /**
   * Share of policy targets whose ratio pi/pi_old has left the clip range on the side where their
   * gradient is zero, as the step found them; 0 without any, and where the policy has not moved.
   */
  readonly clipFraction: number;
  /** False when the loss or gradient was not finite: policy and optimizer are then unchanged. */
  readonly finite: boolean;
}

/** A span of tokens [start, end) of one sequence, whose hidden states are averaged. */
export interface EmbeddingRequest {
  readonly tokens: readonly number[];
  readonly start: number;
  readonly end: number;
}

export interface Engine {
  readonly capabilities: Capabilities;

  /** A policy with random weights. */
  initialise(shape: ModelShape, random: Random): Policy;

  sample(policy: Policy, request: SampleRequest): Promise<Completion[]>;

  /** log pi of every target's token, in order of sequence and target. */
  logprobs(
    policy: Policy,
    sequences: readonly {
      readonly tokens: readonly number[];
      readonly targets: readonly { readonly position: number; readonly token: number }[];
    }[],
  ): Promise<Float32Array>;

  /** Mean hidden state, at two thirds of the depth, over each span: one vector [D] a request. */
  embed(policy: Policy, requests: readonly EmbeddingRequest[]): Promise<Float32Array[]>;

  /**
   * One AdamW step on the loss over all sequences. A batch that is too large for memory is passed
   * forward and backward piece by piece, its gradients summed.
   * @throws RangeError without sequences, and where a target or token lies outside its range.
   */
  trainStep(
    policy: Policy,
    optimizer: OptimizerState,
    sequences: readonly TrainingSequence[],
    options: TrainOptions,
  ): Promise<TrainResult>;

  /** Multiply-add work so far: 2 FLOPs per weight and token forward, 6 with backward. */
  readonly flops: number;

  /** Of `flops`, the part of policies that others were sampled away from: {@link Mixture.expert}. */
  readonly steeringFlops?: number;

  /** Tokens computed so far, forward or with backward. */
  readonly tokens?: number;
}

/** A fresh AdamW state for what trains in `policy`: its adapter, or all its weights. */
export function newOptimizer(policy: Policy): OptimizerState {
  const P = trainableWeights(policy).length;
  return { steps: 0, first: new Float32Array(P), second: new Float32Array(P) };
}
