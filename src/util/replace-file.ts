/** Files that are there whole or not at all. */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";

/** Writes a file beside `path` and puts it in its place: a kill leaves the old one or the new one. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.partial`, text);
  synchronise(`${path}.partial`);
  renameSync(`${path}.partial`, path);
}

/** Waits until what was written to a file is on disk; of a folder, the names in it. */
export function synchronise(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
