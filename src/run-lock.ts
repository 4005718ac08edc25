/** One process at a time trains a run: a second one would replace the corpus under the first. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { ErrataError } from "./error.js";

/** Lock files of this process: after a restart, another run's old process id may be our own. */
const held = new Set<string>();

/**
 * Takes the run in `folder` for this process, also from one that has died; returns how to give it
 * back.
 * @throws ErrataError `RUN_BUSY` while another process holds it.
 */
export function lockRun(folder: string): () => void {
  const file = resolve(folder, "lock");
  const own = String(process.pid);
  for (;;) {
    try {
      writeFileSync(file, own, { flag: "wx" });
      held.add(file);
      return () => {
        if (held.delete(file)) rmSync(file, { force: true });
      };
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    }
    const holder = Number(readFileSync(file, "utf8"));
    if (held.has(file) || (holder !== process.pid && isAlive(holder)))
      throw new ErrataError(`process ${holder} is working on the run in ${folder}`, {
        code: "RUN_BUSY",
        hint: `wait for it or stop it; if process ${holder} is something else, delete ${file}`,
      });
    rmSync(file, { force: true });
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
