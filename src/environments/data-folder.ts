/** Where data sets that are not part of the package lie. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ErrataError } from "../util/error.js";

/** Folders that are looked into, in this order: `$ERRATA_DATA`, `data`, `../shared/data`. */
export function dataFolders(): readonly string[] {
  const named = process.env["ERRATA_DATA"];
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const folders = ["data", "../shared/data", join(root, "data"), join(root, "../shared/data")];
  return [...new Set([...(named === undefined ? [] : [named]), ...folders].map((f) => resolve(f)))];
}

/** The first of {@link dataFolders} that holds `path`, joined with it; undefined when none does. */
export function findData(path: string): string | undefined {
  return dataFolders()
    .map((folder) => join(folder, path))
    .find((file) => existsSync(file));
}

/**
 * The path of a data file or folder.
 * @throws ErrataError `ENVIRONMENT_DATA` where it is absent; the hint says where to get it.
 */
export function requireData(path: string, source: string): string {
  const found = findData(path);
  if (found !== undefined) return found;
  throw new ErrataError(`${path} is in none of ${dataFolders().join(", ")}`, {
    code: "ENVIRONMENT_DATA",
    hint: `get it from ${source}, put it at ${join("data", path)}, or set ERRATA_DATA to the folder that holds it`,
  });
}
