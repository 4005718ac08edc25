/** Server-sent events: tells a page that the files of a run have changed. */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { RunReader } from "./run-reader.js";

/** Between two looks at the files, in milliseconds. */
const every = 700;
/** A sign of life after so many looks without a change: proxies and browsers drop silent connections. */
const silentLooks = 20;
/** A client that takes nothing for so long is dropped, in milliseconds. */
const patience = 10_000;
/** Pages that can watch at once. */
export const mostWatchers = 32;

let watchers = 0;

/** Whether one more page can watch. */
export function mayWatch(): boolean {
  return watchers < mostWatchers;
}

/** Sends the event `change` whenever the run's files do; the first at once. */
export function watch(context: Context, run: RunReader): Response {
  return streamSSE(context, async (stream) => {
    watchers++;
    try {
      let told = "";
      let silent = 0;
      while (!stream.aborted && !stream.closed) {
        const change = JSON.stringify(run.change());
        const due = change !== told || ++silent >= silentLooks;
        if (due) {
          const sent = stream.writeSSE({
            event: change === told ? "alive" : "change",
            data: change,
          });
          if (!(await within(sent, patience))) break;
          told = change;
          silent = 0;
        }
        await stream.sleep(every);
      }
    } finally {
      watchers--;
    }
  });
}

/** Whether work is done in time. */
async function within(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, milliseconds, false);
  });
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
