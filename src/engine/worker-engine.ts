/** An engine in a thread of its own: the thread that asks it goes on meanwhile. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ErrataError } from "../util/error.js";
import type {
  Completion,
  EmbeddingRequest,
  Engine,
  OptimizerState,
  Policy,
  SampleRequest,
  TrainingSequence,
  TrainOptions,
} from "./engine.js";
import type { Gradient } from "./gradient.js";
import { LocalPolicies } from "./local-policies.js";
import { checkVersion, localOf, localOptimizer, type LocalTrainResult } from "./local-policy.js";
import type { LocalEngineOptions } from "./options.js";
import type { ScoredSequence } from "./passes.js";
import {
  readPolicy,
  sharePolicy,
  type EngineAnswer,
  type EngineCall,
  type SharedVector,
} from "./worker-protocol.js";

type Call = Omit<Extract<EngineCall, { type: "call" }>, "type" | "call" | "policy" | "expert">;

interface Pending {
  readonly resolve: (answer: EngineAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A `LocalEngine` in a worker thread, started by the first call and ended by `close`.
 *
 * Weights and moments cross once: a vector is known to the thread until nothing here refers to it.
 * When the thread dies, calls in flight fail with `ENGINE_WORKER`; the next call starts another, so
 * that what was saved can be resumed. An aborted call fails at once, and the thread drops its work
 * between two tokens or micro-batches.
 */
export class WorkerEngine extends LocalPolicies implements Engine {
  readonly #options: LocalEngineOptions;
  #worker: Worker | undefined;
  #calls = 0;
  readonly #pending = new Map<number, Pending>();
  #ids = new WeakMap<Float32Array, number>();
  #lastId = 0;
  #forgotten: number[] = [];
  readonly #registry = new FinalizationRegistry<{ worker: Worker; id: number }>((entry) => {
    if (entry.worker === this.#worker) this.#forgotten.push(entry.id);
  });
  #flops = 0;
  #steeringFlops = 0;
  #tokens = 0;

  constructor(options: LocalEngineOptions = {}) {
    super();
    this.#options = options;
  }

  get flops(): number {
    return this.#flops;
  }

  get steeringFlops(): number {
    return this.#steeringFlops;
  }

  get tokens(): number {
    return this.#tokens;
  }

  async sample(policy: Policy, request: SampleRequest): Promise<Completion[]> {
    const { random, signal, steering, ...rest } = request;
    const seeds = request.seeds ?? request.prompts.map(() => random.uint32());
    let steered: object = {};
    if (steering !== undefined) {
      const { expert: _, ...settings } = steering;
      steered = { steering: settings };
    }
    const { value } = await this.#call(
      policy,
      { method: "sample", request: { ...rest, seeds, ...steered } },
      { signal, expert: steering?.expert },
    );
    return value as Completion[];
  }

  async logprobs(policy: Policy, sequences: readonly ScoredSequence[]): Promise<Float32Array> {
    const { value } = await this.#call(policy, { method: "logprobs", request: sequences });
    return value as Float32Array;
  }

  async embed(policy: Policy, requests: readonly EmbeddingRequest[]): Promise<Float32Array[]> {
    const { value } = await this.#call(policy, { method: "embed", request: requests });
    return value as Float32Array[];
  }

  /** The gradient of the loss over `sequences`: see `LocalEngine`. */
  async gradient(
    policy: Policy,
    sequences: readonly TrainingSequence[],
    { signal, ...options }: Pick<TrainOptions, "clipLow" | "clipHigh" | "signal">,
  ): Promise<Gradient> {
    const call = { method: "gradient" as const, request: sequences, options };
    const { value } = await this.#call(policy, call, { signal });
    return value as Gradient;
  }

  async trainStep(
    before: Policy,
    state: OptimizerState,
    sequences: readonly TrainingSequence[],
    { signal, ...options }: TrainOptions,
  ): Promise<LocalTrainResult> {
    checkVersion(before, state);
    const policy = localOf(before);
    const { steps, version, first, second } = localOptimizer(state);
    const worker = this.#started();
    const answer = await this.#call(
      policy,
      {
        method: "trainStep",
        request: sequences,
        options,
        optimizer: {
          steps,
          version,
          first: this.#share(worker, first),
          second: this.#share(worker, second),
        },
      },
      { signal },
    );
    const sent = new Map(
      [policy.weights, policy.adapter?.weights, first, second].flatMap((v) => {
        const id = v && this.#ids.get(v);
        return v === undefined || id === undefined ? [] : [[id, v] as const];
      }),
    );
    const read = ({ id, data }: SharedVector): Float32Array => {
      if (data === undefined) return sent.get(id)!;
      this.#remember(worker, data, id);
      return data;
    };
    const optimizer = answer.optimizer!;
    return {
      ...(answer.value as Omit<LocalTrainResult, "policy" | "optimizer">),
      policy: readPolicy(answer.policy!, read),
      optimizer: {
        steps: optimizer.steps,
        version: optimizer.version,
        first: read(optimizer.first),
        second: read(optimizer.second),
      },
    };
  }

  /** Ends the thread; calls in flight fail. */
  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #remember(worker: Worker, vector: Float32Array, id: number): void {
    this.#ids.set(vector, id);
    this.#registry.register(vector, { worker, id });
  }

  #share(worker: Worker, vector: Float32Array): SharedVector {
    const id = this.#ids.get(vector);
    if (id !== undefined) return { id };
    this.#lastId++;
    this.#remember(worker, vector, this.#lastId);
    // A view would be sent with the whole buffer behind it.
    const whole = vector.byteLength === vector.buffer.byteLength;
    return { id: this.#lastId, data: whole ? vector : vector.slice() };
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = startWorker(this.#options);
    worker.unref();
    this.#worker = worker;
    this.#ids = new WeakMap();
    this.#forgotten = [];
    let cause: unknown;
    worker.on("message", (answer: EngineAnswer) => this.#settle(answer));
    worker.on("error", (error) => {
      cause = error;
    });
    worker.on("exit", (status) => this.#ended(worker, status, cause));
    return worker;
  }

  #settle(answer: EngineAnswer): void {
    const { call, flops, steeringFlops, tokens, fault } = answer;
    this.#flops += flops;
    this.#steeringFlops += steeringFlops;
    this.#tokens += tokens;
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    if (this.#pending.size === 0) this.#worker?.unref();
    if (fault === undefined) pending?.resolve(answer);
    else pending?.reject(errorOf(fault));
  }

  #ended(worker: Worker, status: number, cause: unknown): void {
    if (this.#worker === worker) this.#worker = undefined;
    const reason = cause instanceof Error ? cause.message : `status ${status}`;
    const error = new ErrataError(`the engine's thread ended: ${reason}`, {
      code: "ENGINE_WORKER",
      hint: "a run can be resumed from its last checkpoint; out of memory, lower engine.microBatchTokens",
      cause,
    });
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  async #call(
    policy: Policy,
    what: Call,
    { signal, expert }: { signal?: AbortSignal | undefined; expert?: Policy | undefined } = {},
  ): Promise<EngineAnswer> {
    signal?.throwIfAborted();
    const worker = this.#started();
    const call = ++this.#calls;
    const share = (vector: Float32Array): SharedVector => this.#share(worker, vector);
    const tell = (message: EngineCall): void => worker.postMessage(message);
    if (this.#forgotten.length > 0) tell({ type: "forget", ids: this.#forgotten.splice(0) });
    worker.ref();
    const abort = (): void => {
      this.#pending.get(call)?.reject(signal!.reason as Error);
      tell({ type: "abort", call });
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await new Promise<EngineAnswer>((resolve, reject) => {
        this.#pending.set(call, { resolve, reject });
        tell({
          ...what,
          type: "call",
          call,
          policy: sharePolicy(localOf(policy), share),
          ...(expert && { expert: sharePolicy(localOf(expert), share) }),
        });
      });
    } catch (error) {
      // What could not be sent (a function, say) is never answered.
      if ((error as Error).name === "DataCloneError") this.#pending.delete(call);
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** `logprobs` of one policy. */
  scorer(policy: Policy): {
    logprobs(sequences: readonly ScoredSequence[]): Promise<Float32Array>;
  } {
    return { logprobs: (sequences) => this.logprobs(policy, sequences) };
  }
}

/** The error that the thread's engine threw. */
function errorOf({ name, message, stack, code, hint }: NonNullable<EngineAnswer["fault"]>): Error {
  const error =
    code !== undefined
      ? new ErrataError(message, { code, hint: hint ?? "" })
      : name === "RangeError"
        ? new RangeError(message)
        : new Error(message);
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** The thread: from compiled files, or in tests and benchmarks from the sources, which jiti compiles. */
function startWorker(workerData: LocalEngineOptions): Worker {
  const here = import.meta.url;
  if (!here.endsWith(".ts")) return new Worker(new URL("engine-worker.js", here), { workerData });
  const source = fileURLToPath(new URL("engine-worker.ts", here));
  const jiti = createRequire(here).resolve("jiti");
  const code = `require(${JSON.stringify(jiti)}).createJiti(${JSON.stringify(source)}).import(${JSON.stringify(source)})`;
  return new Worker(code, { eval: true, workerData });
}
