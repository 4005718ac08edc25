/** Runs in processes of their own, so that several train at once and none waits for another. */
import { fork } from "node:child_process";
import type { Config } from "./config.js";
import { LocalEngine } from "./engine/local.js";
import { ErrataError } from "./error.js";
import type { MetricsLine } from "./metrics.js";
import { presetModel, presetFor, rightSolutions, type PrepareOptions } from "./prepare.js";

/** What the parent tells a worker. */
export type WorkerOrder =
  | { readonly type: "train"; readonly config: Config; readonly folder: string }
  /** Finish the step, save, end. */
  | { readonly type: "stop" }
  /** Drop the step, save, end. */
  | { readonly type: "abandon" };

interface Fault {
  readonly message: string;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
  readonly stack?: string | undefined;
}

/** What a worker tells its parent. */
export type WorkerMessage =
  | { readonly type: "line"; readonly line: MetricsLine; readonly admitted: number }
  | { readonly type: "done"; readonly finished: boolean }
  | ({ readonly type: "failed" } & Fault);

/** How runs in other processes are asked to end. */
export interface Interrupts {
  /** Aborting it lets them finish their step, save and end. */
  readonly signal?: AbortSignal;
  /** Aborting it makes them drop their step, save and end. */
  readonly hurry?: AbortSignal;
}

/** One run, where it lives, and who is told. */
export interface RunProcessOptions extends Interrupts {
  readonly config: Config;
  /** The run's folder. A run that is already there is resumed. */
  readonly folder: string;
  /** Told of every line of the run's metrics, and of the mistakes admitted so far. */
  readonly onLine?: (line: MetricsLine, admitted: number) => void;
}

/**
 * Trains a run in a process of its own; whether it finished.
 * @throws ErrataError what the run threw, or `RUN_PROCESS` when its process ended without a word.
 */
export async function trainInProcess(options: RunProcessOptions): Promise<boolean> {
  const { config, folder, signal, hurry, onLine } = options;
  const worker = fork(new URL("run-worker.js", import.meta.url), {
    execArgv: [],
    stdio: ["ignore", 2, 2, "ipc"], // stdout is for the parent's JSON
  });
  const tell = (order: WorkerOrder): void => {
    if (worker.connected) worker.send(order);
  };
  const stop = (): void => tell({ type: "stop" });
  const abandon = (): void => tell({ type: "abandon" });
  signal?.addEventListener("abort", stop);
  hurry?.addEventListener("abort", abandon);
  tell({ type: "train", config, folder });
  if (signal?.aborted === true) stop();
  try {
    return await new Promise<boolean>((resolve, reject) => {
      let finished: boolean | undefined;
      let fault: Fault | undefined;
      worker.on("message", (message: WorkerMessage) => {
        if (message.type === "line") onLine?.(message.line, message.admitted);
        else if (message.type === "done") finished = message.finished;
        else fault = message;
      });
      worker.on("error", reject);
      worker.on("close", (status, killedBy) => {
        if (fault === undefined && finished !== undefined) return resolve(finished);
        const end = { message: `its process ended with ${killedBy ?? `status ${status}`}` };
        reject(errorOf(folder, fault ?? end));
      });
    });
  } finally {
    signal?.removeEventListener("abort", stop);
    hurry?.removeEventListener("abort", abandon);
  }
}

function errorOf(folder: string, { message, code, hint, stack }: Fault): ErrataError {
  const error = new ErrataError(`training ${folder}: ${message}`, {
    code: code ?? "RUN_PROCESS",
    hint: hint ?? "add --resume to carry on from the last checkpoint",
  });
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Trains the base models that `configs` need and that are not at hand, each once. */
export async function prepareModels(
  configs: readonly Config[],
  options: Pick<PrepareOptions, "signal" | "onProgress"> = {},
): Promise<void> {
  const engine = new LocalEngine();
  for (const config of configs) {
    const preset = await presetFor(config);
    const wanted = new Set(config.partners.names ?? Object.keys(preset.partners));
    if (config.student.checkpoint === undefined)
      await presetModel(preset, "student", preset.student, engine, options);
    if (config.teacher.source === "right-solutions")
      await presetModel(preset, "teacher", rightSolutions(preset), engine, options);
    for (const [name, recipe] of Object.entries(preset.partners))
      if (wanted.has(name)) await presetModel(preset, name, recipe, engine, options);
  }
  options.signal?.throwIfAborted();
}
