/** The embedded engine: graphs built here, executed by ONNX Runtime. */
import { adamStep } from "./adam.js";
import { trainableWeights } from "./adapter.js";
import { ContinuousDecoder } from "./continuous.js";
import { decodeRows } from "./decoding.js";
import {
  defaultClip,
  type Completion,
  type EmbeddingRequest,
  type Engine,
  type OptimizerState,
  type Policy,
  type SampleRequest,
  type TrainingSequence,
  type TrainOptions,
} from "./engine.js";
import { batchGradient, type Gradient } from "./gradient.js";
import { LocalPolicies } from "./local-policies.js";
import {
  checkVersion,
  localOf,
  localOptimizer,
  type LocalPolicy,
  type LocalTrainResult,
} from "./local-policy.js";
import { trainingPieces } from "./micro-batches.js";
import { defaultEngine, type LocalEngineOptions } from "./options.js";
import { ForwardPasses, type ScoredSequence } from "./passes.js";
import { Sessions } from "./sessions.js";
import { addTo, norm } from "./vectors.js";
import { WorkerEngine } from "./worker-engine.js";

/**
 * Models up to this many weights are computed by one single-threaded session a thread, each over its
 * share of the rows: their operations are too short to be worth cutting up. Larger ones, whose copies
 * would fill the memory, are computed by one session with all threads.
 */
const sharedWeights = 2 ** 23;

/** Fewest rows worth a thread of their own. */
const fewestRows = 8;

export type { LocalEngineOptions } from "./options.js";

export class LocalEngine extends LocalPolicies implements Engine {
  readonly #options: LocalEngineOptions;
  readonly #wide: Sessions;
  /** As wide, for gradients of all weights of a large model, which need the memory of nearly all else. */
  readonly #frugal: Sessions;
  readonly #single: Sessions;
  #helpers: WorkerEngine[] | undefined;
  #flops = 0;
  #steeringFlops = 0;
  #tokens = 0;

  constructor(options: LocalEngineOptions = {}) {
    super();
    const { threads = defaultEngine.threads, provider = defaultEngine.provider } = options;
    this.#options = options;
    this.#wide = new Sessions({ threads, provider });
    this.#frugal = new Sessions({ threads, provider, keepMemory: false });
    this.#single = threads === 1 ? this.#wide : new Sessions({ threads: 1, provider });
  }

  get tokens(): number {
    return this.#tokens + (this.#helpers ?? []).reduce((n, helper) => n + helper.tokens, 0);
  }

  get flops(): number {
    return this.#flops + (this.#helpers ?? []).reduce((n, helper) => n + helper.flops, 0);
  }

  get steeringFlops(): number {
    const elsewhere = (this.#helpers ?? []).reduce((n, helper) => n + helper.steeringFlops, 0);
    return this.#steeringFlops + elsewhere;
  }

  /** Ends the engine's threads; a later call starts them again. */
  async close(): Promise<void> {
    await Promise.all((this.#helpers ?? []).map((helper) => helper.close()));
  }

  #count(policy: LocalPolicy, tokens: number, perWeight: 2 | 6): number {
    // Frozen weights need no gradient of their own, which is a third of the work of training.
    const frozen = policy.adapter === undefined ? 0 : policy.weights.length;
    const trained = trainableWeights(policy).length;
    const flops = (perWeight * trained + (perWeight === 6 ? 4 : 2) * frozen) * tokens;
    this.#flops += flops;
    this.#tokens += tokens;
    return flops;
  }

  /** The threads that work on `rows` rows of these policies; none beside this one for large models. */
  #helpersFor(policies: readonly LocalPolicy[], rows: number): readonly WorkerEngine[] {
    const { threads = defaultEngine.threads, provider = defaultEngine.provider } = this.#options;
    const shared = policies.every((p) => p.weights.length <= sharedWeights);
    if (threads === 1 || provider !== "cpu" || !shared) return [];
    const count = Math.min(threads, Math.floor(rows / fewestRows)) - 1;
    this.#helpers ??= Array.from(
      { length: threads - 1 },
      () => new WorkerEngine({ ...this.#options, threads: 1 }),
    );
    return this.#helpers.slice(0, Math.max(0, count));
  }

  #sessionsFor(policy: LocalPolicy): Sessions {
    return policy.weights.length <= sharedWeights ? this.#single : this.#wide;
  }

  #passes(policy: LocalPolicy, { steering = false } = {}): ForwardPasses {
    return new ForwardPasses(this.#sessionsFor(policy), policy, (tokens) => {
      const flops = this.#count(policy, tokens, 2);
      if (steering) this.#steeringFlops += flops;
    });
  }

  async sample(student: Policy, request: SampleRequest): Promise<Completion[]> {
    const policy = localOf(student);
    const expert = request.steering && localOf(request.steering.expert);
    const { prompts, stopToken, stopTokens = [], temperature = 1, random } = request;
    const policies = expert === undefined ? [policy] : [policy, expert];
    const V = policy.shape.vocabulary;
    for (const { shape } of policies)
      if (shape.vocabulary !== V)
        throw new RangeError(
          `sample: vocabularies of ${V} and ${shape.vocabulary} tokens cannot be mixed`,
        );
    const seeds = request.seeds ?? prompts.map(() => random.uint32());
    if (seeds.length !== prompts.length)
      throw new RangeError(`sample: ${seeds.length} seeds for ${prompts.length} prompts`);
    if (prompts.length === 0) return [];
    const helpers = this.#helpersFor(policies, prompts.length);
    const shares = equalShares(prompts.length, helpers.length + 1);
    const maxRows = Math.ceil((request.maxRows ?? 256) / shares.length);
    const elsewhere = helpers.map((helper, i) => {
      const { start, end } = shares[i + 1]!;
      return helper.sample(policy, {
        ...request,
        maxRows,
        prompts: prompts.slice(start, end),
        seeds: seeds.slice(start, end),
      });
    });
    const { end } = shares[0]!;
    const passes = [this.#passes(policy)];
    if (expert !== undefined) passes.push(this.#passes(expert, { steering: true }));
    const here = decodeRows(passes, prompts.slice(0, end), {
      ...request,
      temperature,
      stopTokens: stopToken === undefined ? stopTokens : [...stopTokens, stopToken],
      seeds: seeds.slice(0, end),
      maxRows,
    });
    return (await Promise.all([here, ...elsewhere])).flat();
  }

  /** Decoding of requests that come and go, at most `maxRows` at once. */
  decoder(policy: Policy, maxRows: number): ContinuousDecoder {
    return new ContinuousDecoder(this.#passes(localOf(policy)), maxRows);
  }

  async logprobs(of: Policy, sequences: readonly ScoredSequence[]): Promise<Float32Array> {
    const policy = localOf(of);
    const helpers = this.#helpersFor([policy], sequences.length);
    const shares = equalShares(sequences.length, helpers.length + 1);
    const parts = await Promise.all(
      shares.map(({ start, end }, i) =>
        (i === 0 ? this.#passes(policy) : helpers[i - 1]!.scorer(policy)).logprobs(
          sequences.slice(start, end),
        ),
      ),
    );
    if (parts.length === 1) return parts[0]!;
    const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  async embed(policy: Policy, requests: readonly EmbeddingRequest[]): Promise<Float32Array[]> {
    return this.#passes(localOf(policy)).embed(requests);
  }

  /** The gradient of the loss over `sequences`, in micro-batches, on this thread alone. */
  async gradient(
    policy: LocalPolicy,
    sequences: readonly TrainingSequence[],
    options: Pick<TrainOptions, "clipLow" | "clipHigh" | "signal">,
  ): Promise<Gradient> {
    const pieces = trainingPieces(policy.shape, sequences, { ...this.#options, parts: 1 });
    return this.#gradient(policy, sequences, pieces, options);
  }

  async #gradient(
    policy: LocalPolicy,
    sequences: readonly TrainingSequence[],
    pieces: readonly (readonly number[])[],
    options: Pick<TrainOptions, "clipLow" | "clipHigh" | "signal">,
  ): Promise<Gradient> {
    const large = trainableWeights(policy).length > sharedWeights;
    const sessions = large ? this.#frugal : this.#sessionsFor(policy);
    const gradient = await batchGradient(sessions, policy, sequences, pieces, options);
    this.#count(policy, gradient.tokens, 6);
    return gradient;
  }

  async trainStep(
    before: Policy,
    state: OptimizerState,
    sequences: readonly TrainingSequence[],
    options: TrainOptions,
  ): Promise<LocalTrainResult> {
    checkVersion(before, state);
    if (sequences.length === 0) throw new RangeError("trainStep: no sequences");
    const [policy, optimizer] = [localOf(before), localOptimizer(state)];
    const gradient = await this.#sharedGradient(policy, sequences, options);
    const { loss } = gradient;
    const gradientNorm = norm(gradient.sum);
    // Second moments are float32: a gradient whose square they cannot hold is not finite either.
    const finite = Number.isFinite(loss) && Number.isFinite(Math.fround(gradientNorm ** 2));
    const updated = finite
      ? adamStep(policy, optimizer, gradient.sum, gradientNorm, options)
      : { policy, optimizer };
    return {
      ...updated,
      loss,
      gradientNorm,
      entropy: mean(gradient.entropy),
      logprobMismatch: mismatch(sequences, gradient.logprobs),
      clipFraction: clippedShare(sequences, gradient.logprobs, options),
      finite,
    };
  }

  /** The gradient over all `sequences`, each thread taking its share of the micro-batches. */
  async #sharedGradient(
    policy: LocalPolicy,
    sequences: readonly TrainingSequence[],
    options: TrainOptions,
  ): Promise<Gradient> {
    const helpers = this.#helpersFor([policy], sequences.length);
    const parts = helpers.length + 1;
    const pieces = trainingPieces(policy.shape, sequences, { ...this.#options, parts });
    if (parts === 1) return this.#gradient(policy, sequences, pieces, options);
    // The longest pieces come first: dealt out in turn, the shares cost about the same.
    const shares = Array.from({ length: parts }, (_, p) =>
      pieces.filter((__, i) => i % parts === p),
    );
    const indices = shares.map((share) => share.flat());
    const results = await Promise.all(
      shares.map((share, p) => {
        const own = indices[p]!.map((i) => sequences[i]!);
        let at = 0;
        const local = share.map((piece) => piece.map(() => at++));
        return p === 0
          ? this.#gradient(policy, own, local, options)
          : helpers[p - 1]!.gradient(policy, own, options);
      }),
    );
    return merged(sequences, indices, results);
  }
}

/** The gradients of parts of a batch as that of the whole; `indices[p]` are the sequences of part p. */
function merged(
  sequences: readonly TrainingSequence[],
  indices: readonly (readonly number[])[],
  parts: readonly Gradient[],
): Gradient {
  let M = 0;
  const starts = sequences.map(({ targets }) => (M += targets.length) - targets.length);
  const logprobs = new Float32Array(M);
  const entropy = new Float32Array(M);
  const { sum } = parts[0]!;
  parts.forEach((part, p) => {
    if (p > 0) addTo(sum, part.sum);
    let at = 0;
    for (const i of indices[p]!) {
      const end = at + sequences[i]!.targets.length;
      logprobs.set(part.logprobs.subarray(at, end), starts[i]);
      entropy.set(part.entropy.subarray(at, end), starts[i]);
      at = end;
    }
  });
  return {
    sum,
    loss: parts.reduce((total, part) => total + part.loss, 0),
    logprobs,
    entropy,
    tokens: parts.reduce((total, part) => total + part.tokens, 0),
  };
}

/** Mean |log pi(trainer) - log pi(sampler)| over policy targets; 0 without any. */
function mismatch(sequences: readonly TrainingSequence[], logprobs: Float32Array): number {
  let [at, count, total] = [0, 0, 0];
  for (const { targets } of sequences)
    for (const { component, logprob } of targets) {
      const difference = Math.abs(logprobs[at++]! - logprob);
      if (component !== "policy") continue;
      count++;
      total += difference;
    }
  return count === 0 ? 0 : total / count;
}

/** The share of policy targets that PPO's clip leaves without a gradient. */
function clippedShare(
  sequences: readonly TrainingSequence[],
  logprobs: Float32Array,
  { clipLow = defaultClip.low, clipHigh = defaultClip.high }: TrainOptions,
): number {
  let [at, count, clipped] = [0, 0, 0];
  for (const { targets } of sequences)
    for (const { component, coefficient, logprob } of targets) {
      const ratio = Math.exp(logprobs[at++]! - logprob);
      if (component !== "policy") continue;
      count++;
      if (coefficient > 0 ? ratio > 1 + clipHigh : coefficient < 0 && ratio < 1 - clipLow)
        clipped++;
    }
  return count === 0 ? 0 : clipped / count;
}

/** [0, count) cut into `parts` spans whose sizes differ by one at most. */
function equalShares(count: number, parts: number): { start: number; end: number }[] {
  return Array.from({ length: parts }, (_, p) => ({
    start: Math.floor((p * count) / parts),
    end: Math.floor(((p + 1) * count) / parts),
  }));
}

const mean = (values: ArrayLike<number>): number => {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return values.length === 0 ? 0 : total / values.length;
};
