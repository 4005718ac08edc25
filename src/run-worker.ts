/** One run in a process of its own: see run-process.ts. */
import { ErrataError } from "./error.js";
import { prepare } from "./prepare.js";
import type { WorkerMessage, WorkerOrder } from "./run-process.js";
import { lastCheckpoint, Run } from "./run.js";
import { train } from "./train.js";

const stopping = new AbortController();
let run: Run | undefined;
let abandoned = false;

const tell = (message: WorkerMessage): void => {
  if (process.connected) process.send?.(message);
};

async function work({ config, folder }: Extract<WorkerOrder, { type: "train" }>): Promise<void> {
  const setup = await prepare(config, { signal: stopping.signal });
  const resumes = lastCheckpoint(folder) !== undefined;
  const active = resumes ? await Run.resume(folder, setup) : await Run.create(folder, setup);
  run = active;
  active.onLine = (line) => tell({ type: "line", line, admitted: active.corpus.stats().admitted });
  try {
    await train(active, setup, stopping.signal);
  } catch (error) {
    if (!abandoned) await active.abandon().catch(() => undefined); // the fault matters more
    throw error;
  }
  active.close();
  tell({ type: "done", finished: active.finished });
}

/** Drops the step in progress; what training still does is cut off by the end of the process. */
async function abandon(): Promise<void> {
  abandoned = true;
  await run?.abandon();
  run?.close();
  tell({ type: "done", finished: run?.finished ?? false });
  process.disconnect();
  process.exit(0);
}

function fail(error: unknown): void {
  const known = error instanceof ErrataError ? error : undefined;
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  tell({ type: "failed", message, stack, code: known?.code, hint: known?.hint });
  process.exitCode = 1;
}

process.on("message", (order: WorkerOrder) => {
  if (order.type === "stop") stopping.abort(new Error("interrupted"));
  else if (order.type === "abandon") abandon().catch(fail);
  else
    work(order)
      .catch((error: unknown) => {
        if (abandoned) return;
        if (run === undefined && stopping.signal.aborted) tell({ type: "done", finished: false });
        else fail(error);
      })
      .finally(() => {
        if (!abandoned && process.connected) process.disconnect();
      });
});
// The terminal sends Ctrl-C to the whole group; the parent decides what it means.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => stopping.abort(new Error("terminated")));
process.on("disconnect", () => stopping.abort(new Error("the parent has ended")));
