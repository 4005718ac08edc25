/** Files that appear whole or not at all. */
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isAlive } from "../../util/is-alive.js";

/** Writes `path` by `write`: a temporary file beside it takes its name once all is on disk. */
export async function writeWhole(
  path: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await removeLeft(path);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = await open(temporary, "w");
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
}

/** Milliseconds without a change after which a file of a process that is not of this machine counts as left. */
const abandoned = 600_000;

/** Removes what processes that were killed have left of `path`: files as large as what they wrote. */
async function removeLeft(path: string): Promise<void> {
  const [start, end] = [`.${basename(path)}.`, ".tmp"];
  for (const name of await readdir(dirname(path))) {
    const pid = name.startsWith(start) && name.endsWith(end) ? name.slice(start.length, -4) : "";
    if (!/^\d+$/.test(pid) || isAlive(Number(pid))) continue;
    const left = join(dirname(path), name);
    const changed = await stat(left).catch(() => undefined);
    if (changed !== undefined && Date.now() - changed.mtimeMs > abandoned)
      await rm(left, { force: true });
  }
}

/** Appends all of `bytes`, however many there are. */
export async function appendAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, Math.min(bytes.length - done, 2 ** 30))).bytesWritten;
}
