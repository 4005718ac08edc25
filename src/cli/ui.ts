/** `errata ui`: runs, their mistakes and their review in a browser. */
import type { Command } from "commander";
import { ErrataError } from "../util/error.js";
import { command, wholeNumber } from "./command.js";
import { findRun, listRuns, runName } from "./runs.js";
import { paint, Terminal } from "./terminal.js";

interface UiOptions {
  readonly port?: number;
  readonly host: string;
  readonly json?: boolean;
}

/** `errata ui`. */
export const uiCommand: Command = command(
  "ui",
  "look at runs and judge mistakes in a browser, live or afterwards",
  ["errata ui", "errata ui carry --port 5000"],
)
  .argument("[run...]", "names or folders of runs (default: all below runs/, new ones too)")
  .option("--port <n>", "port; 0 takes any free one (default: 4180)", wholeNumber(0))
  .option("--host <address>", "address to listen on, reached with the token alone", "127.0.0.1")
  .action(async (names: readonly string[], options: UiOptions) => {
    const terminal = new Terminal(options);
    const { url, closed } = await serveRuns(names, options);
    terminal.result({ url });
    terminal.print(`${paint.bold(url)}`);
    terminal.print(
      "The part behind # lets this page send verdicts: keep it to yourself. Ctrl-C ends it.",
    );
    await closed;
  });

/** Serves runs until Ctrl-C; all runs there are, also those that begin later, where none is named. */
async function serveRuns(
  names: readonly string[],
  { port, host }: Pick<UiOptions, "port" | "host">,
): Promise<{ readonly url: string; readonly closed: Promise<void> }> {
  const dashboard = await openDashboard(names, port, host);
  const closed = new Promise<void>((resolve) => {
    const stop = (): void => void dashboard.close().then(resolve);
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
  });
  return { url: dashboard.url, closed };
}

/**
 * Starts a dashboard of the named runs, or of all below runs/.
 * @throws ErrataError `RUN_MISSING`, `CONFIG_INVALID` on a port beyond 65535, `UI_PORT`, `UI_NOT_BUILT`.
 */
export async function openDashboard(
  names: readonly string[] = [],
  port?: number,
  host: string = "127.0.0.1",
): Promise<{ readonly url: string; close(): Promise<void> }> {
  if (port !== undefined && port > 65_535)
    throw new ErrataError(`there is no port ${port}`, {
      code: "CONFIG_INVALID",
      hint: "ports go up to 65535; 0 takes any free one",
    });
  const { startDashboard } = await import("../ui/server/listen.js");
  const named = new Map(names.map((name) => [runName(findRun(name)), findRun(name)]));
  return startDashboard({
    host,
    ...(port === undefined ? {} : { port }),
    runs: () => (named.size > 0 ? named : new Map(listRuns().map((f) => [runName(f), f]))),
  });
}
