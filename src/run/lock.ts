/** One process at a time trains a run: a second one would replace the corpus under the first. */
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { ErrataError } from "../util/error.js";

/** Lock files of this process: after a restart, another run's old process id may be our own. */
const held = new Set<string>();

/**
 * Takes the run in `folder` for this process, also from one that has died; returns how to give it
 * back.
 * @throws ErrataError `RUN_BUSY` while another process holds it.
 */
export function lockRun(folder: string): () => void {
  const file = resolve(folder, "lock");
  while (!taken(file)) {
    const holder = Number(readIfThere(file) ?? "");
    if (held.has(file) || (holder !== process.pid && isAlive(holder)))
      throw new ErrataError(`process ${holder} is working on the run in ${folder}`, {
        code: "RUN_BUSY",
        hint: `wait for it or stop it; if process ${holder} is something else, delete ${file}`,
      });
    removeStale(file, holder);
  }
  held.add(file);
  return () => {
    if (held.delete(file)) rmSync(file, { force: true });
  };
}

/** The process that works on the run in `folder`, or undefined where none does. */
export function lockHolder(folder: string): number | undefined {
  const holder = Number(readIfThere(resolve(folder, "lock")) ?? "");
  return isAlive(holder) ? holder : undefined;
}

/** Makes the lock, with this process's id in it from the moment it is there; false where there is one. */
function taken(file: string): boolean {
  const own = ownName(file);
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw cause;
  } finally {
    rmSync(own, { force: true });
  }
}

/** Takes away the lock of a process that has died; puts it back where another has taken it over meanwhile. */
function removeStale(file: string, holder: number): void {
  const own = ownName(file);
  try {
    renameSync(file, own);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return;
    throw cause;
  }
  if (Number(readIfThere(own) ?? "") !== holder && !existsSync(file)) renameSync(own, file);
  else rmSync(own, { force: true });
}

const ownName = (file: string): string => `${file}.${process.pid}`;

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
}
