/** One run in a process of its own: see run-process.ts. */
import { gate } from "../assess/gate.js";
import { prepare } from "./prepare.js";
import {
  faultOf,
  type RunEnd,
  type RunProgress,
  type WorkerMessage,
  type WorkerOrder,
} from "./process.js";
import { Forecasting, readForecast } from "./forecasting.js";
import { Run } from "../run/run.js";
import { holdsCheckpoint } from "../run/recover.js";
import { train } from "../loop/train.js";

const stopping = new AbortController();
const halting = new AbortController();
let run: Run | undefined;
let costs: { readonly forecasting: Forecasting; readonly steps: number } | undefined;
let abandoned = false;

const tell = (message: WorkerMessage): void => {
  if (process.connected) process.send!(message, () => undefined); // gone meanwhile: "disconnect" tells
};

/** Ends the process once its last word is on its way. */
function leave(status: number, message: WorkerMessage): void {
  const exit = (): never => process.exit(status);
  if (process.connected) process.send!(message, exit);
  else exit();
}

async function work(order: Extract<WorkerOrder, { type: "train" }>): Promise<void> {
  const { config, folder, resume, gateTasks } = order;
  const { signal } = stopping;
  const setup = await prepare(config, {
    signal,
    halt: halting.signal,
    onProgress: (progress) => tell({ type: "build", progress }),
  });
  signal.throwIfAborted();
  const resumes = resume !== false && holdsCheckpoint(folder);
  let measured;
  if (gateTasks !== undefined && !resumes) {
    tell({ type: "gate", report: undefined });
    measured = await gate(setup, { tasks: gateTasks });
    tell({ type: "gate", report: measured });
    signal.throwIfAborted();
  }
  const active = resumes ? await Run.resume(folder, setup) : await Run.create(folder, setup);
  run = active;
  const { recoveries } = active;
  tell({ type: "begun", step: active.state.step, progress: progressOf(active), recoveries });
  if (measured !== undefined) active.notice({ gate: measured }, "gate");
  const forecasting = new Forecasting(active, setup);
  costs = { forecasting, steps: config.steps };
  active.onLine = (line) => {
    tell({ type: "line", line, progress: progressOf(active) });
    const forecast = "rollout/accuracy" in line ? forecasting.step() : undefined;
    if (forecast !== undefined) tell({ type: "forecast", forecast });
  };
  try {
    await train(active, setup, signal);
  } catch (error) {
    if (!abandoned) await active.abandon().catch(() => undefined); // the fault matters more
    throw error;
  }
  active.close();
}

function progressOf({ corpus, ledger }: Run): RunProgress {
  const { admitted, merged } = corpus.stats();
  return { admitted, merged, tokens: ledger.spent().tokens };
}

function endOf(active: Run | undefined): RunEnd {
  return {
    step: active?.state.step,
    finished: active?.finished ?? false,
    exceeded: active?.overBudget,
    ...(active === undefined || costs === undefined
      ? {}
      : {
          forecast: readForecast(active.folder, costs.steps),
          taken: costs.forecasting.truth,
        }),
  };
}

/** Drops the step in progress; what training still does is cut off by the end of the process. */
async function abandon(): Promise<void> {
  abandoned = true;
  halting.abort(new Error("abandoned")); // a checkpoint is written in many turns: it would wait for a graph in each
  await run?.abandon();
  run?.close();
  leave(0, { type: "done", end: endOf(run) });
}

const fail = (error: unknown): void => leave(1, { type: "failed", fault: faultOf(error) });

process.on("message", (order: WorkerOrder) => {
  if (order.type === "stop") stopping.abort(new Error("interrupted"));
  else if (order.type === "abandon") abandon().catch(fail);
  else
    work(order).then(
      () => {
        if (!abandoned) leave(0, { type: "done", end: endOf(run) });
      },
      (error: unknown) => {
        if (abandoned) return;
        if (run !== undefined || !stopping.signal.aborted) fail(error);
        else leave(0, { type: "done", end: endOf(undefined) });
      },
    );
});
// The terminal sends Ctrl-C to the whole group; the parent decides what it means.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => stopping.abort(new Error("terminated")));
process.on("uncaughtException", fail);
// Nobody is left to tell, and somebody may want to resume the run.
process.on("disconnect", () => void abandon().catch(fail));
