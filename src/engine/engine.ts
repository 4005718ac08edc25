/**
 * What the algorithm asks of an engine: sample, score, embed, take one optimizer step.
 *
 * An engine sees token sequences, per-token coefficients and weights. It knows no tasks, no
 * rewards and no roles; which policy is a student or a weak partner is the caller's business.
 */
import type { Random } from "../util/random.js";
import type { Steering } from "./steering.js";
import type { Truncation } from "./sampler.js";
import type { StopOptions } from "./stop.js";
import type { AdapterShape } from "./adapter-shape.js";
import type { ModelShape } from "./shape.js";

/**
 * One model as all that is above an engine sees it. Which one it is, the object itself says; what it is
 * made of is its engine's, and only that engine can read, update or save it.
 */
export interface Policy {
  /** Its vocabulary and context among the rest. */
  readonly shape: ModelShape;
  /** Updates since it was made, forked or restored. */
  readonly version: number;
}

/** What an optimizer remembers of the updates of one policy; its engine's as well. */
export interface OptimizerState {
  /** Updates so far. */
  readonly steps: number;
  /** That of the policy which the next update is of. */
  readonly version: number;
}

/** The ways in which an engine can spoil a policy: see {@link Engine.degrade}. */
export const degradationKinds = ["lag", "noise", "quantisation", "layers", "heads"] as const;
export type DegradationKind = (typeof degradationKinds)[number];

/** What an engine can do. What takes the place of what it cannot is for its user to say. */
export interface Capabilities {
  /** {@link Engine.embed}, and losses on hidden states. */
  readonly embeddings: boolean;
  /** Sampling away from a second policy: {@link SampleRequest.steering}. */
  readonly steeredSampling: boolean;
  readonly degradations: readonly DegradationKind[];
  /**
   * Every version of a policy can be used for ever, so what follows an update can be dropped with it.
   * Without it an update ends the version it is of: whoever uses that one is refused (`POLICY_STALE`).
   */
  readonly rollback: boolean;
}

export interface SampleRequest extends Truncation, StopOptions {
  /** Token prompts, one row each, none empty. Equal prompts are computed once. */
  readonly prompts: readonly (readonly number[])[];
  readonly maxTokens: number;
  /** A row ends after this token; it is part of the completion. */
  readonly stopToken?: number;
  /** Divides the policy's logits (not those of an expert); greater than 0. Default 1. */
  readonly temperature?: number;
  /** Sample from a steering with a second policy instead of from the policy itself. */
  readonly steering?: { readonly expert: Policy } & Steering;
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
  /** log mu of each token under the distribution really sampled from [T]; equals `logprobs` without a steering. */
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
  /** The next version; the same where it is not finite. */
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

/** A sequence and the tokens in it to score. */
export interface ScoredSequence {
  readonly tokens: readonly number[];
  readonly targets: readonly { readonly position: number; readonly token: number }[];
}

/** Where to find what {@link Engine.save} wrote, and what it is on. */
export interface RestoreOptions {
  /** The policy whose frozen weights an adapter is on. */
  readonly base?: Policy;
}

export interface Engine {
  readonly capabilities: Capabilities;

  /** A policy with random weights. */
  initialise(shape: ModelShape, random: Random): Policy;

  /** `policy` with a fresh adapter that changes nothing yet and alone trains from here on. */
  adapt(policy: Policy, adapter: AdapterShape, random: Random): Policy;

  /**
   * A fresh policy of the vocabulary of `policy`, to be trained beside it: an adapter of rank `rank` over
   * the same frozen weights where it has one, else a model of `shape` with random weights.
   */
  initialiseBeside(
    policy: Policy,
    fresh: { readonly shape: ModelShape; readonly rank: number; readonly random: Random },
  ): Policy;

  /** A policy that is the same and goes its own way: updates of either leave the other as it is. */
  fork(policy: Policy): Policy;

  /** Gives up what is kept for a policy; it must not be used again. */
  release(policy: Policy): void;

  /** A fresh AdamW state for what trains in `policy`. */
  newOptimizer(policy: Policy): OptimizerState;

  /** Number of weights P of a policy, its adapter's left out. */
  parameters(policy: Policy): number;

  /**
   * A spoilt copy, by `degree` in [0, 1]. All but `lag` act on the weights that the policy computes with,
   * an adapter's part included: a trained adapter would otherwise go on saying what dropped layers said.
   *
   *     lag           (1 - degree) weights + degree weights of `initial`
   *     noise         every matrix plus N(0, (degree / 2 * its root mean square)^2)
   *     quantisation  8 - 6 degree bits a weight, absolute maximum of each matrix
   *     layers, heads round(degree * n) of the n layers (heads of every layer), at least one, write nothing
   *
   * @throws RangeError on a kind that is not among its `capabilities.degradations`.
   */
  degrade(
    policy: Policy,
    how: {
      readonly kind: DegradationKind;
      readonly degree: number;
      /** What `lag` moves towards. */
      readonly initial: Policy;
      readonly random: Random;
    },
  ): Policy;

  /** Writes a policy to a file of its own kind. */
  save(
    path: string,
    policy: Policy,
    options?: { readonly precision?: "float32" | "bfloat16" },
  ): Promise<void>;

  /** What {@link Engine.save} wrote. */
  restore(path: string, options?: RestoreOptions): Promise<Policy>;

  saveOptimizer(path: string, optimizer: OptimizerState): Promise<void>;

  /** What {@link Engine.saveOptimizer} wrote, for the policy that was saved with it. */
  restoreOptimizer(path: string): Promise<OptimizerState>;

  /** Ends what the engine holds; it may start again with the next call. */
  close(): Promise<void>;

  sample(policy: Policy, request: SampleRequest): Promise<Completion[]>;

  /** log pi of every target's token, in order of sequence and target. */
  logprobs(policy: Policy, sequences: readonly ScoredSequence[]): Promise<Float32Array>;

  /** Mean hidden state, at two thirds of the depth, over each span: one vector [D] a request. */
  embed(policy: Policy, requests: readonly EmbeddingRequest[]): Promise<Float32Array[]>;

  /**
   * One AdamW step on the loss over all sequences: gives the next version of the policy. A batch that is too large for memory is passed
   * forward and backward piece by piece, its gradients summed.
   * @throws RangeError without sequences, and where a target or token lies outside its range; ErrataError
   * `POLICY_STALE` where the optimizer goes with another version of the policy.
   */
  trainStep(
    policy: Policy,
    optimizer: OptimizerState,
    sequences: readonly TrainingSequence[],
    options: TrainOptions,
  ): Promise<TrainResult>;

  /** Multiply-add work so far: 2 FLOPs per weight and token forward, 6 with backward. */
  readonly flops: number;

  /** Of `flops`, the part of policies that others were sampled away from: {@link Steering.expert}. */
  readonly steeringFlops?: number;

  /** Tokens computed so far, forward or with backward. */
  readonly tokens?: number;
}
