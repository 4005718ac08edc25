/**
 * The JavaScript sandbox: QuickJS compiled to WebAssembly, inside threads that can be killed.
 *
 * A program sees the language and nothing else: no host objects, no timers, no modules, no network.
 * The interpreter counts its memory and is asked to stop at the deadline; where it does not (a long
 * native loop between two polls), the thread is terminated and replaced, and what other threads run
 * is unharmed.
 */
import { Worker } from "node:worker_threads";
import { ErrataError } from "../../../util/error.js";

/** What one program may use. */
export interface Limits {
  /** For loading it and all its calls together. The thread is killed {@link GRACE} later. */
  readonly milliseconds: number;
  readonly memoryBytes: number;
  readonly stackBytes: number;
  /** Of one call's result, as JSON. */
  readonly outputCharacters: number;
}

/** 1 s, 32 MiB, 256 KiB of stack, 10,000 characters a result. */
export const DEFAULT_LIMITS: Limits = {
  milliseconds: 1000,
  memoryBytes: 32 * 2 ** 20,
  stackBytes: 256 * 2 ** 10,
  outputCharacters: 10_000,
};

/** Milliseconds between a program's deadline and the end of its thread. */
export const GRACE = 500;

/** A call of a function that the program defines, with arguments as a JSON array. */
export interface OwnCall {
  readonly entry: string;
  readonly args: string;
}

/**
 * What is run apart from the program, in an interpreter of its own: a test suite that calls
 * `console.assert`, or a verifier, a function that is called with a JSON array. Names that a suite uses and
 * nobody else defines are the program's; a verifier that evaluates code evaluates it as the program's.
 */
export type JudgeCall =
  | {
      readonly suite: string;
      /** The function of the program that the suite calls. */
      readonly entry?: string;
      /** What the suite uses beside the program, and the program must not redefine. */
      readonly helpers?: string;
    }
  | { readonly verifier: string; readonly args: string };

/** One thing to run once the program is loaded. A {@link JudgeCall} is the only one of its job. */
export type Call = OwnCall | JudgeCall;

/**
 * What came of a call. `output` is JSON; `undefined`, functions, bigints and numbers that JSON
 * cannot hold are written as texts that begin with a NUL, where the program is called directly. A suite's output is
 * `{asserted, failed}`: how many assertions were reached, and the first 100 that did not hold.
 */
export type CallResult =
  | { readonly outcome: "returned"; readonly output: string }
  | { readonly outcome: "threw"; readonly error: string; readonly message: string }
  | { readonly outcome: "timeout" | "memory" | "output" };

export interface SandboxJob {
  readonly id: number;
  readonly source: string;
  readonly calls: readonly Call[];
  readonly limits: Limits;
}

export interface SandboxReply {
  readonly id: number;
  readonly results: CallResult[];
  /** The interpreter itself failed; the thread is to be replaced. */
  readonly broken?: string;
}

export interface JavaScriptSandboxOptions {
  /** Threads at most; each starts when it is first needed. Default 2. */
  readonly threads?: number;
  readonly limits?: Partial<Limits>;
}

interface Waiting {
  readonly job: SandboxJob;
  readonly resolve: (results: readonly CallResult[]) => void;
  readonly reject: (error: Error) => void;
}

/** A thread of the pool. */
interface Seat {
  readonly worker: Worker;
  ready: boolean;
  running?: Waiting;
  timer?: NodeJS.Timeout;
  programs: number;
}

/** Programs after which a thread is replaced: WebAssembly memory grows and never shrinks. */
const PROGRAMS_PER_THREAD = 20_000;

/** Milliseconds that a new thread may take until it is ready for its first program. */
const START_UP = 60_000;

/** A pool of killable threads that run untrusted JavaScript. An idle pool keeps no process alive. */
export class JavaScriptSandbox {
  readonly #threads: number;
  readonly #limits: Limits;
  readonly #seats: Seat[] = [];
  readonly #queue: Waiting[] = [];
  #jobs = 0;

  constructor({ threads = 2, limits = {} }: JavaScriptSandboxOptions = {}) {
    this.#threads = threads;
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /**
   * Runs a program and then each call, in a context of its own; one result a call. Never throws on
   * what the program does.
   * @throws ErrataError `SANDBOX_THREAD` when no thread can be started.
   */
  run(
    source: string,
    calls: readonly Call[],
    limits: Partial<Limits> = {},
  ): Promise<readonly CallResult[]> {
    const job = { id: this.#jobs++, source, calls, limits: { ...this.#limits, ...limits } };
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, resolve, reject });
      this.#dispatch();
    });
  }

  /** Ends every thread. Programs still running end as timeouts. */
  async close(): Promise<void> {
    const seats = this.#seats.splice(0);
    await Promise.all(seats.map((seat) => this.#end(seat)));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      let seat = this.#seats.find(({ running }) => running === undefined);
      if (seat === undefined) {
        if (this.#seats.length >= this.#threads) return;
        seat = this.#open();
      }
      this.#start(seat, this.#queue.shift()!);
    }
  }

  #open(): Seat {
    const seat: Seat = { worker: newWorker(), ready: false, programs: 0 };
    seat.worker.unref();
    seat.worker.on("message", (message: SandboxReply | "ready") => {
      if (message === "ready") this.#begin(seat);
      else this.#answered(seat, message);
    });
    seat.worker.on("error", (error: Error) => this.#lost(seat, error));
    seat.worker.on("exit", () => this.#lost(seat, undefined));
    this.#seats.push(seat);
    return seat;
  }

  #start(seat: Seat, waiting: Waiting): void {
    seat.running = waiting;
    seat.worker.ref();
    if (seat.ready) this.#begin(seat);
    else seat.timer = setTimeout(() => this.#lost(seat, new Error("it did not start")), START_UP);
  }

  /** Gives a thread that is ready its program, and starts the clock. */
  #begin(seat: Seat): void {
    seat.ready = true;
    clearTimeout(seat.timer);
    if (seat.running === undefined) return;
    const { job } = seat.running;
    seat.programs++;
    seat.timer = setTimeout(() => {
      this.#remove(seat);
      void this.#end(seat);
      this.#dispatch();
    }, job.limits.milliseconds + GRACE);
    seat.worker.postMessage(job);
  }

  #answered(seat: Seat, { id, results, broken }: SandboxReply): void {
    const { running } = seat;
    if (running?.job.id !== id) return;
    clearTimeout(seat.timer);
    delete seat.running;
    seat.worker.unref();
    if (broken !== undefined || seat.programs >= PROGRAMS_PER_THREAD || isSpent(results)) {
      this.#remove(seat);
      void seat.worker.terminate();
    }
    running.resolve(broken === undefined ? results : allOf(running.job, "memory"));
    this.#dispatch();
  }

  /** A thread that ended by itself: what it ran is out of memory; a thread that never ran is a fault. */
  #lost(seat: Seat, error: Error | undefined): void {
    this.#remove(seat);
    const { running } = seat;
    if (running === undefined) return;
    clearTimeout(seat.timer);
    delete seat.running;
    void seat.worker.terminate();
    if (error !== undefined && !("code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY")) {
      running.reject(
        new ErrataError(`the sandbox's thread failed: ${error.message}`, {
          code: "SANDBOX_THREAD",
          hint: "reinstall the package: its QuickJS module could not be loaded",
          cause: error,
        }),
      );
    } else running.resolve(allOf(running.job, "memory"));
    this.#dispatch();
  }

  #remove(seat: Seat): void {
    const at = this.#seats.indexOf(seat);
    if (at >= 0) this.#seats.splice(at, 1);
  }

  async #end(seat: Seat): Promise<void> {
    clearTimeout(seat.timer);
    const { running } = seat;
    delete seat.running;
    running?.resolve(allOf(running.job, "timeout"));
    await seat.worker.terminate();
  }
}

const allOf = ({ calls }: SandboxJob, outcome: "timeout" | "memory"): CallResult[] =>
  calls.map(() => ({ outcome }));

const isSpent = (results: readonly CallResult[]): boolean =>
  results.some(({ outcome }) => outcome === "memory");

/** From sources (tests, benchmarks) the thread needs a loader for TypeScript; a build needs none. */
function newWorker(): Worker {
  const compiled = import.meta.url.endsWith(".js");
  const file = new URL(compiled ? "quickjs-worker.js" : "quickjs-worker.ts", import.meta.url);
  return new Worker(file, {
    execArgv: compiled ? [] : ["--import", "jiti/register"],
    env: {},
    stdin: false,
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
}

let shared: JavaScriptSandbox | undefined;

/** The sandbox that environments share. */
export function javaScriptSandbox(): JavaScriptSandbox {
  shared ??= new JavaScriptSandbox();
  return shared;
}
