/** The server: a port, bound to this machine unless asked otherwise. */
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { LocalEngine } from "../engine/local.js";
import type { Taken } from "../take/source.js";
import { ErrataError } from "../util/error.js";
import { openAiApp } from "./app.js";
import { isLoopback } from "./guard.js";

export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Address to bind to. */
  readonly host: string;
  /** Bearer tokens; required where the address is not this machine's alone. */
  readonly keys: readonly string[];
  /** Processor threads. */
  readonly threads: number;
  /** Choices decoded at once. */
  readonly maxRows: number;
  /** Choices decoded or waiting. */
  readonly maxPending: number;
  readonly onFault?: (error: unknown) => void;
}

export interface RunningServer {
  /** Up to and including `/v1`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves `taken` until closed.
 * @throws ErrataError `SERVE_KEY` without a key on another address than loopback, `SERVE_PORT` where the
 * port cannot be taken.
 */
export async function serveModel(taken: Taken, options: ServeOptions): Promise<RunningServer> {
  const { host, port, keys, threads, maxRows, maxPending, onFault } = options;
  if (!isLoopback(host) && keys.length === 0)
    throw new ErrataError(`${host} can be reached from other machines, and no key is asked for`, {
      code: "SERVE_KEY",
      hint: "set a key and name its variable: ERRATA_KEY=... errata serve ... --key-variable ERRATA_KEY",
    });
  const engine = new LocalEngine({ threads });
  const app = openAiApp({
    taken,
    host,
    keys,
    decoder: engine.decoder(taken.policy, maxRows),
    maxPending,
    ...(onFault === undefined ? {} : { onFault }),
  });
  const server = serve({ fetch: app.fetch, port, hostname: host });
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", (cause) =>
      reject(
        new ErrataError(`${host}:${port} cannot be taken: ${cause.message}`, {
          code: "SERVE_PORT",
          hint: "name another one: --port 8001, or 0 for any that is free",
          cause,
        }),
      ),
    );
  });
  const { port: bound } = server.address() as AddressInfo;
  const named = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${named}:${bound}/v1`,
    close: async () => {
      if ("closeAllConnections" in server) server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await engine.close();
    },
  };
}
