/** Servers that misbehave, met by every client: a value or an ErrataError comes of it, in time, and no key. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { ErrataError } from "../src/util/error.js";
import { Random } from "../src/util/random.js";
import { CLIENTS, type Client } from "./servers/clients.js";
import { KINDS, type Kind, keyOf } from "./servers/kinds.js";

/** Seconds that a busy machine may add. */
const SLACK = 15;
/** Attempts at once. */
const ABREAST = 12;

interface Failure {
  readonly client: string;
  readonly kind: string;
  readonly why: string;
}

/** Every kind on every client, or on one (`only`), or `tries` of them that the seed draws. */
export async function run({
  seed,
  only,
  tries,
}: {
  seed: number;
  only?: string;
  tries?: number;
}): Promise<{ tried: number; held: number; failed: Failure[] }> {
  const folder = mkdtempSync(join(tmpdir(), "errata-servers-"));
  const random = Random.from(seed, "servers");
  const pairs = CLIENTS.filter(({ name }) => only === undefined || name === only)
    .flatMap((client) => Object.entries(KINDS).map(([kind, play]) => ({ client, kind, play })))
    .map((pair) => ({ pair, order: random.uniform() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ pair }) => pair)
    .slice(0, tries);
  const failed: Failure[] = [];
  const stray = (error: unknown): void => {
    failed.push({ client: "any", kind: "any", why: `nobody caught: ${inspect(error)}` });
  };
  process.on("unhandledRejection", stray);
  process.on("uncaughtException", stray);
  const left = [...pairs];
  const worker = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      const why = await meet(one.client, one.play, mkdtempSync(join(folder, "one-")));
      if (why === undefined) continue;
      failed.push({ client: one.client.name, kind: one.kind, why });
      process.stderr.write(`${one.client.name}, ${one.kind}: ${why}\n`);
    }
  };
  try {
    await Promise.all(Array.from({ length: ABREAST }, worker));
  } finally {
    process.off("unhandledRejection", stray);
    process.off("uncaughtException", stray);
    rmSync(folder, { recursive: true, force: true });
  }
  return { tried: pairs.length, held: pairs.length - failed.length, failed };
}

/** What is wrong with how a client takes a server; undefined where nothing is. */
async function meet(client: Client, play: Kind, folder: string): Promise<string | undefined> {
  const key = `hf_${Array.from({ length: 4 }, () => Math.random().toString(36).slice(2, 8)).join("")}`;
  let stolen = false;
  const thief = await listening((request, response) => {
    stolen ||= keyOf(request) === key;
    response.end("{}");
  });
  const server = await listening((request, response) => {
    request.resume();
    const good = client.before?.(request);
    if (good !== undefined) {
      response.setHeader("content-type", "application/json").end(JSON.stringify(good));
    } else play({ request, response, elsewhere: urlOf(thief) });
  });
  writeFileSync(join(folder, "config.json"), "{}");
  const asked = client.ask({ url: urlOf(server), key, folder }).then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  const late = Symbol("late");
  const outcome = await Promise.race([asked, wait((client.within + SLACK) * 1000, late)]);
  for (const one of [server, thief]) {
    one.closeAllConnections();
    one.close();
  }
  if (outcome === late) return `nothing after ${client.within + SLACK} seconds`;
  if (stolen) return "another server was sent the key";
  if (inspect(outcome, { depth: 12, showHidden: true, maxStringLength: null }).includes(key))
    return "the key is in what came of it";
  const error = "error" in (outcome as object) ? (outcome as { error: unknown }).error : undefined;
  return error === undefined || error instanceof ErrataError
    ? undefined
    : `a raw error: ${inspect(error).slice(0, 400)}`;
}

async function listening(answer: RequestListener): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

const urlOf = (server: Server): string =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
