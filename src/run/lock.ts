/**
 * One process at a time trains a run: a second one would replace the corpus under the first.
 *
 *     lock.db   an empty SQLite file whose write lock the operating system holds for a process: it ends
 *               with the process, however that ends, and holds between containers on one machine
 *     lock      whose it is, for people and programs; without meaning once `lock.db` is free
 */
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { loadSqlite } from "../mistakes/corpus/database.js";
import { ErrataError } from "../util/error.js";

/** Who holds a run. */
const holderSchema = z.object({ process: z.int(), host: z.string(), since: z.string() });
type Holder = z.infer<typeof holderSchema>;

/** Locks of this process. SQLite keeps others out; the same process is kept out here. */
const held = new Set<string>();

/** What SQLite says of a file that another process has locked, and of one that is none of its own. */
const [busy, notDatabase] = [5, 26];

/**
 * Takes the run in `folder` for this process; returns how to give it back.
 * @throws ErrataError `RUN_BUSY` while another process holds it, `RUN_LOCK` where nothing can be locked.
 */
export function lockRun(folder: string): () => void {
  const release = acquire(folder);
  if (release === undefined) {
    const { process: id, host } = holderOf(folder) ?? { process: "another", host: "this machine" };
    throw new ErrataError(`process ${id} on ${host} is working on the run in ${folder}`, {
      code: "RUN_BUSY",
      hint: "wait for it, or stop it",
    });
  }
  const note = resolve(folder, "lock");
  const holder: Holder = {
    process: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
  };
  writeFileSync(note, `${JSON.stringify(holder)}\n`);
  return () => {
    if (!held.has(fileOf(folder))) return;
    rmSync(note, { force: true });
    release();
  };
}

/** The process that works on the run in `folder`, or undefined where none does. */
export function lockHolder(folder: string): number | undefined {
  if (held.has(fileOf(folder))) return process.pid;
  return existsSync(fileOf(folder)) && isHeld(fileOf(folder))
    ? holderOf(folder)?.process
    : undefined;
}

/** Whether another process has the lock: asked by reading, which takes nothing from whoever wants it. */
function isHeld(file: string): boolean {
  const { DatabaseSync } = loadSqlite();
  const database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
  try {
    database.exec("SELECT count(*) FROM sqlite_master");
    return false;
  } catch (cause) {
    return codeOf(cause) === busy;
  } finally {
    database.close();
  }
}

const fileOf = (folder: string): string => resolve(folder, "lock.db");

/** Takes the lock; undefined while another has it. */
function acquire(folder: string): (() => void) | undefined {
  const file = fileOf(folder);
  if (held.has(file)) return undefined;
  const { DatabaseSync } = loadSqlite();
  let database;
  try {
    // What is written there by mistake is nobody's lock: a locked file says that it is busy, not what it is.
    if (existsSync(file) && statSync(file).size > 0 && isForeign(file)) truncateSync(file);
    // Long enough to outlast whoever only asks, which reads the file for a moment.
    database = new DatabaseSync(file, { readOnly: false, timeout: 200 });
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    database?.close();
    if (codeOf(cause) === busy) return undefined;
    throw new ErrataError(`${dirname(file)} cannot be locked: ${(cause as Error).message}`, {
      code: "RUN_LOCK",
      hint: "check that the folder can be written and lies on a disk of this machine",
      cause,
    });
  }
  const connection = database;
  held.add(file);
  return () => {
    if (held.delete(file)) connection.close();
  };
}

/** Whether a file is no SQLite database, and nobody has locked it. */
function isForeign(file: string): boolean {
  const { DatabaseSync } = loadSqlite();
  const database = new DatabaseSync(file, { readOnly: false, timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
    return false;
  } catch (cause) {
    return codeOf(cause) === notDatabase;
  } finally {
    database.close();
  }
}

/** The primary result code: https://www.sqlite.org/rescode.html */
const codeOf = (cause: unknown): number => ((cause as { errcode?: number }).errcode ?? 0) & 0xff;

function holderOf(folder: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(resolve(folder, "lock"), "utf8")));
  } catch {
    return undefined; // between taking the lock and saying so, or spoilt
  }
}
