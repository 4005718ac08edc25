/**
 * Runs in processes of their own. ONNX Runtime computes a graph on the thread that asks for it, so whoever
 * draws progress, or takes Ctrl-C leaves training to another process; and what ends that
 * process, a full memory for one, is told instead of being shared.
 */
import { fork } from "node:child_process";
import type { Config } from "../config/config.js";
import { memoryEnvironment } from "../engine/memory.js";
import { ErrataError } from "../util/error.js";
import { withoutSecrets } from "../util/secrets.js";
import { fileFault } from "../util/file-fault.js";
import { isFullDisk } from "../util/full-disk.js";
import type { GateReport } from "../assess/gate.js";
import type { Forecast } from "../watch/forecast.js";
import type { Exceeded } from "../watch/ledger.js";
import type { MetricsLine } from "../watch/metrics.js";
import type { Tracking } from "../watch/trackers/track.js";
import type { Truth } from "./forecasting.js";
import type { BuildProgress } from "../students/models.js";

/** What the parent tells a worker. */
export type WorkerOrder =
  | {
      readonly type: "train";
      readonly config: Config;
      readonly folder: string;
      readonly resume: boolean | undefined;
      readonly gateTasks: number | undefined;
    }
  /** Finish the step, save, end. */
  | { readonly type: "stop" }
  /** Drop the step, save, end. */
  | { readonly type: "abandon" };

/** An error on its way to another process. */
export interface Fault {
  readonly message: string;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
  readonly stack?: string | undefined;
  readonly cause?: Fault | undefined;
}

/** What a run did so far, beside its metrics. */
export interface RunProgress {
  /** Mistakes admitted, and those merged into known ones. */
  readonly admitted: number;
  readonly merged: number;
  /** Tokens generated, scored or trained on by all roles. */
  readonly tokens: number;
}

/** How a run ended. */
export interface RunEnd {
  /** Steps done and saved; undefined where it was interrupted before it began: there is nothing to resume. */
  readonly step: number | undefined;
  /** Whether all configured steps are done. */
  readonly finished: boolean;
  /** The limit of its budget that stopped it. */
  readonly exceeded?: Exceeded | undefined;
  /** What the run was forecast to take, in this sitting or an earlier one, and what it has taken. */
  readonly forecast?: Forecast | undefined;
  readonly taken?: Truth;
}

/** What a worker tells its parent. */
export type WorkerMessage =
  | { readonly type: "build"; readonly progress: BuildProgress }
  | { readonly type: "gate"; readonly report: GateReport | undefined }
  | {
      readonly type: "begun";
      readonly step: number;
      readonly progress: RunProgress;
      readonly recoveries: readonly string[];
    }
  | { readonly type: "line"; readonly line: MetricsLine; readonly progress: RunProgress }
  | { readonly type: "forecast"; readonly forecast: Forecast }
  | { readonly type: "done"; readonly end: RunEnd }
  | { readonly type: "failed"; readonly fault: Fault };

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
  readonly folder: string;
  /** Whether the folder holds a run to carry on. By default it does where there is a checkpoint. */
  readonly resume?: boolean;
  /** Measure the gate on so many validation tasks first. By default it is not measured. */
  readonly gateTasks?: number;
  /** Told of the training of base models. */
  readonly onBuild?: (progress: BuildProgress) => void;
  /** Told when the gate is about to be measured, and of what was measured. */
  readonly onGate?: (report: GateReport | undefined) => void;
  /** Told when training begins, after `step` steps of earlier sittings, and what damage was recovered from. */
  readonly onBegin?: (step: number, progress: RunProgress, recoveries: readonly string[]) => void;
  /** Told of every line of the run's metrics. */
  readonly onLine?: (line: MetricsLine, progress: RunProgress) => void;
  /** Told after the first steps what the whole run will take. */
  readonly onForecast?: (forecast: Forecast) => void;
  /** Told when a tracker cannot be reached; training goes on. */
  readonly onTrouble?: (message: string) => void;
}

/**
 * Trains a run in a process of its own, which ends with this one.
 * @throws ErrataError what the run threw; or `RUN_PROCESS` when its process was killed, ran out of memory or
 *   met with anything else unforeseen: the last checkpoint is whole and can be resumed.
 */
export async function trainInProcess(options: RunProcessOptions): Promise<RunEnd> {
  const { config, folder, resume, gateTasks, signal, hurry, onTrouble = () => undefined } = options;
  // In this process, which has nothing to compute: whoever trains never waits for a tracker.
  const { Tracking } = config.track.length === 0 ? {} : await import("../watch/trackers/track.js");
  Tracking?.check(folder);
  let tracking: Tracking | undefined;
  const worker = fork(new URL("worker.js", import.meta.url), {
    execArgv: [],
    env: memoryEnvironment(process.env),
    serialization: "advanced", // as they are, infinities too
    stdio: ["ignore", 2, 2, "ipc"], // stdout is for the parent's JSON
  });
  const tell = (order: WorkerOrder): void => {
    if (worker.connected) worker.send(order, () => undefined); // gone meanwhile: "close" tells
  };
  const stop = (): void => tell({ type: "stop" });
  const abandon = (): void => tell({ type: "abandon" });
  const kill = (): void => void worker.kill("SIGKILL");
  process.once("exit", kill);
  signal?.addEventListener("abort", stop);
  hurry?.addEventListener("abort", abandon);
  tell({ type: "train", config, folder, resume, gateTasks });
  if (signal?.aborted === true) stop();
  try {
    return await new Promise<RunEnd>((resolve, reject) => {
      let end: RunEnd | undefined;
      let fault: Fault | undefined;
      let begun = false;
      worker.on("message", (message: WorkerMessage) => {
        if (message.type === "begun") begun = true;
        if (message.type === "done") ({ end } = message);
        else if (message.type === "failed") ({ fault } = message);
        else {
          if (message.type === "begun" && Tracking !== undefined)
            tracking = new Tracking({ folder, names: config.track, config, onTrouble });
          if (message.type === "line") tracking?.wake();
          show(message, options);
        }
      });
      worker.on("error", reject);
      worker.on("close", (status, killedBy) => {
        if (fault !== undefined) reject(errorOf(folder, fault, resume === true));
        else if (end !== undefined) resolve(end);
        // Asked to end with its parent, as by a service manager, before it could listen.
        else if (!begun && (killedBy === "SIGTERM" || killedBy === "SIGINT"))
          resolve({ step: undefined, finished: false });
        else reject(deathOf(folder, killedBy ?? status));
      });
    });
  } finally {
    await tracking?.close();
    process.off("exit", kill);
    signal?.removeEventListener("abort", stop);
    hurry?.removeEventListener("abort", abandon);
  }
}

function show(
  message: Exclude<WorkerMessage, { type: "done" | "failed" }>,
  { onBuild, onGate, onBegin, onForecast, onLine }: RunProcessOptions,
): void {
  if (message.type === "build") onBuild?.(message.progress);
  else if (message.type === "gate") onGate?.(message.report);
  else if (message.type === "begun") onBegin?.(message.step, message.progress, message.recoveries);
  else if (message.type === "forecast") onForecast?.(message.forecast);
  else onLine?.(message.line, message.progress);
}

const resumeHint = "add --resume to carry on from the last checkpoint";

/** Of an error that nothing is known about, in a run that was resumed already. */
const reportHint =
  "the last checkpoint is kept; log.jsonl in the run's folder says what came before";

/** An error as what can be sent to another process. */
export function faultOf(error: unknown): Fault {
  const safe = withoutSecrets(error);
  const { message, stack, cause } = safe instanceof Error ? safe : new Error(String(safe));
  if (isFullDisk(error))
    return {
      message: `the disk is full: ${message}`,
      code: "DISK_FULL",
      hint: "free some space, then carry on with --resume: the last checkpoint is whole",
      stack,
    };
  const file = fileFault(error);
  if (file !== undefined) return { message: file.message, code: file.code, hint: file.hint, stack };
  const { code, hint } = error instanceof ErrataError ? error : {};
  return { message, stack, code, hint, ...(cause === undefined ? {} : { cause: faultOf(cause) }) };
}

function errorOf(
  folder: string,
  { message, code, hint, stack, cause }: Fault,
  resumed: boolean,
): ErrataError {
  const error = new ErrataError(code === undefined ? `training ${folder}: ${message}` : message, {
    code: code ?? "RUN_PROCESS",
    hint: hint ?? (resumed ? reportHint : resumeHint),
    cause: cause === undefined ? undefined : errorOf(folder, cause, resumed),
  });
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Status and signal by which V8 and the operating system end a process whose memory is full. */
const outOfMemory: readonly unknown[] = [134, "SIGABRT", "SIGKILL"];

function deathOf(folder: string, by: NodeJS.Signals | number | null): ErrataError {
  const how = typeof by === "string" ? `was ended by ${by}` : `ended with status ${by}`;
  const memory = outOfMemory.includes(by)
    ? "; where memory ran out, lower engine.microBatchBytes, tasksPerStep or groupSize"
    : "";
  return new ErrataError(`training ${folder}: its process ${how}`, {
    code: "RUN_PROCESS",
    hint: `${resumeHint}${memory}`,
  });
}
