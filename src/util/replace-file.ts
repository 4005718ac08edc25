/** Files that are there whole or not at all. */
import { renameSync, writeFileSync } from "node:fs";

/** Writes a file beside `path` and puts it in its place: a kill leaves the old one or the new one. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.partial`, text);
  renameSync(`${path}.partial`, path);
}
