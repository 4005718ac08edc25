/** The dashboard's server: on loopback unless it is told otherwise. */
import type { Server } from "node:http";
import { serve } from "@hono/node-server";
import { ErrataError } from "../../util/error.js";
import { createApp } from "./app.js";
import { readAssets, type Assets } from "./assets.js";
import { isLoopback, newToken } from "./guard.js";

export interface DashboardOptions {
  /** Runs by the names they are shown under, the latest first. */
  readonly runs: () => ReadonlyMap<string, string>;
  /** Default 4180; 0 takes any free one. */
  readonly port?: number;
  /** Address to bind to. Default 127.0.0.1. */
  readonly host?: string;
  /** The folder below which studies lie. Default `.`. */
  readonly root?: string;
  readonly assets?: Assets;
}

/** A server that runs. */
export interface Dashboard {
  /** What to open: it carries the token, behind a `#`, which browsers do not send. */
  readonly url: string;
  /** The same without the token. */
  readonly origin: string;
  readonly token: string;
  close(): Promise<void>;
}

/** The usual port. */
export const defaultPort = 4180;

/** A client must send its headers, and then its body, within so many milliseconds. */
const headersTimeout = 5_000;
const requestTimeout = 10_000;
const mostConnections = 128;
const mostHeaderBytes = 8 * 1024;

/**
 * Starts the server.
 * @throws ErrataError `UI_PORT` where the port is taken or the address is not this machine's,
 *   `UI_NOT_BUILT` without the page.
 */
export async function startDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { runs, port = defaultPort, host = "127.0.0.1", root = "." } = options;
  const token = newToken();
  let listening = port;
  const app = createApp({
    runs,
    root,
    host,
    token,
    port: () => listening,
    assets: options.assets ?? readAssets(),
  });
  const server = await new Promise<Server>((resolve, reject) => {
    const started = serve(
      {
        fetch: app.fetch,
        port,
        hostname: host,
        serverOptions: { maxHeaderSize: mostHeaderBytes, connectionsCheckingInterval: 1000 },
      },
      (info) => {
        listening = info.port;
        resolve(started);
      },
    ) as Server;
    started.headersTimeout = headersTimeout;
    started.requestTimeout = requestTimeout;
    started.maxConnections = mostConnections;
    started.once("error", (cause: NodeJS.ErrnoException) => reject(portError(cause, host, port)));
  });
  const shown = isLoopback(host) ? host : host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const origin = `http://${shown.includes(":") ? `[${shown}]` : shown}:${listening}`;
  return {
    origin,
    url: `${origin}/#token=${token}`,
    token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          app.close();
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function portError(cause: NodeJS.ErrnoException, host: string, port: number): ErrataError {
  const taken = cause.code === "EADDRINUSE";
  return new ErrataError(
    taken
      ? `port ${port} on ${host} is taken`
      : `the dashboard cannot listen on ${host}:${port}: ${cause.message}`,
    {
      code: "UI_PORT",
      hint: taken
        ? "choose another: errata ui --port 0 takes any free one"
        : "choose another --host or --port",
      cause,
    },
  );
}
