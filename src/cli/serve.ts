import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { ErrataError } from "../util/error.js";
import { command, wholeNumber } from "./command.js";
import { openModel } from "./open-model.js";
import { Terminal } from "./terminal.js";

interface ServeCommandOptions {
  readonly port: number;
  readonly host: string;
  readonly keyVariable?: string;
  readonly threads?: number;
  readonly rows: number;
  readonly pending: number;
  readonly json?: boolean;
}

/** `errata serve`. */
export const serveCommand: Command = command(
  "serve",
  "answer the OpenAI API with a run's student or a checkpoint",
  [
    "errata serve gsm8k-seed0-1",
    "errata serve my-model --port 9000",
    "ERRATA_KEY=... errata serve my-model --key-variable ERRATA_KEY",
  ],
)
  .argument("<run>", "name or folder of a run; or a checkpoint: a folder or a hub id")
  .option("--port <n>", "port; 0 takes a free one", wholeNumber(0), 8000)
  .option(
    "--host <address>",
    "address to bind to; beyond this machine only with a key",
    "127.0.0.1",
  )
  .option(
    "--key-variable <name>",
    "environment variable with the keys to ask for, separated by commas",
  )
  .option("--threads <n>", "processor threads (default: all)", wholeNumber(1))
  .option("--rows <n>", "choices decoded at once", wholeNumber(1), 8)
  .option(
    "--pending <n>",
    "choices decoded or waiting; beyond, requests are refused (429)",
    wholeNumber(1),
    64,
  )
  .action(serveAction);

async function serveAction(where: string, options: ServeCommandOptions): Promise<void> {
  const terminal = new Terminal(options);
  const { port, host, rows, pending } = options;
  const keys = keysIn(options.keyVariable);
  const [{ serveModel }, taken] = await Promise.all([
    import("../serve/server.js"),
    openModel(where),
  ]);
  const server = await serveModel(taken, {
    port,
    host,
    keys,
    threads: options.threads ?? availableParallelism(),
    maxRows: rows,
    maxPending: pending,
    onFault: (error) =>
      terminal.note(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  });
  terminal.print(`${taken.name}: ${server.url}; Ctrl-C ends it`);
  terminal.result({ model: taken.name, url: server.url });
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  await server.close();
}

/** @throws ErrataError `SERVE_KEY` where the variable is not set. */
function keysIn(variable: string | undefined): string[] {
  if (variable === undefined) return [];
  const keys = (process.env[variable] ?? "").split(",").filter((key) => key !== "");
  if (keys.length > 0) return keys;
  throw new ErrataError(`the environment variable ${variable} holds no key`, {
    code: "SERVE_KEY",
    hint: `set it: ${variable}=$(openssl rand -hex 16)`,
  });
}
