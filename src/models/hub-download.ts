/** One file from the hub: resumed where it was cut off, and checked. */
import { createHash, type Hash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { downloadFile, HubApiError, type ListFileEntry } from "@huggingface/hub";
import { ErrataError } from "../util/error.js";
import { isAlive } from "../util/is-alive.js";
import type { HubProgress } from "./hub.js";

/** A repository at a commit, as `@huggingface/hub` takes it. */
export interface HubLocation {
  readonly repo: { readonly type: "model"; readonly name: string };
  readonly revision: string;
  readonly hubUrl?: string;
  readonly accessToken?: string;
  readonly fetch: typeof fetch;
}

/** Times that a connection may break without a byte received between. */
const patience = 4;

/**
 * Downloads `entry` to `target`, which appears only when it is whole and has the hub's hash.
 * @throws ErrataError `HUB_CHECKSUM` when it has not, twice; or the last error of the network.
 */
export async function downloadVerified(
  entry: ListFileEntry,
  target: string,
  location: HubLocation,
  onProgress?: (progress: HubProgress) => void,
): Promise<void> {
  if (existsSync(target)) return;
  // A name of this process, so that two downloads never write to one file.
  const partial = `${target}.${process.pid}.partial`;
  await adoptPartial(target, partial);
  for (let attempt = 1; ; attempt++) {
    await receive(entry, partial, location, onProgress);
    if (await isWhole(entry, partial)) return rename(partial, target);
    await rm(partial, { force: true });
    // What was left of an earlier download may have been at fault: once more, from the start.
    if (attempt === 2)
      throw new ErrataError(
        `${location.repo.name}: ${entry.path} does not have the hash that the hub lists for it`,
        {
          code: "HUB_CHECKSUM",
          hint: "try again; if it persists, something between alters downloads",
        },
      );
  }
}

/** Takes over what a process that is gone has left of `target`. */
async function adoptPartial(target: string, partial: string): Promise<void> {
  const start = `${basename(target)}.`;
  for (const name of await readdir(dirname(target))) {
    const pid = Number(name.startsWith(start) && /\.(\d+)\.partial$/.exec(name)?.[1]);
    if (!pid || pid === process.pid || isAlive(pid)) continue;
    // Another process may take it first.
    await rename(join(dirname(target), name), partial).catch(() => undefined);
  }
}

async function receive(
  entry: ListFileEntry,
  partial: string,
  location: HubLocation,
  onProgress?: (progress: HubProgress) => void,
): Promise<void> {
  const { path, size } = entry;
  for (let failures = 0; ;) {
    let received = existsSync(partial) ? (await stat(partial)).size : 0;
    if (received > size) received = 0;
    if (received === 0) await writeFile(partial, "");
    if (received === size) return;
    const before = received;
    const counted = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        received += chunk.length;
        onProgress?.({ file: path, received, size });
        done(null, chunk);
      },
    });
    try {
      const blob = await downloadFile({ ...location, path, xet: false });
      if (blob === null) throw new Error(`${path} is listed, but missing`);
      const rest = Readable.fromWeb(blob.slice(before, size).stream());
      await pipeline(rest, counted, createWriteStream(partial, { flags: "a" }));
      if (received < size) throw new Error(`${path} ended after ${received} of ${size} bytes`);
    } catch (cause) {
      failures = received > before ? 0 : failures + 1;
      const status = cause instanceof HubApiError ? cause.statusCode : 500;
      const disk = cause instanceof Error && "syscall" in cause && "path" in cause;
      if (disk || failures === patience || (status < 500 && status !== 429)) throw cause;
      await delay(200 * 2 ** failures);
    }
  }
}

/** The hub lists SHA-256 for large files, and git's hash of a blob for small ones. */
async function isWhole({ size, oid, lfs }: ListFileEntry, path: string): Promise<boolean> {
  if ((await stat(path)).size !== size) return false;
  const hash: Hash =
    lfs === undefined ? createHash("sha1").update(`blob ${size}\0`) : createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex") === (lfs?.oid ?? oid);
}
