/** The folders of runs: their names, and finding them again. */
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.js";
import { readConfig } from "../run/record.js";
import { isUnbegun } from "../run/recover.js";
import { nearest } from "../util/spelling.js";
import { ErrataError } from "../util/error.js";

/** Where runs are kept. */
export const runsFolder = "runs";

/**
 * The folder of a new run of this name.
 * @throws ErrataError `RUN_NAME` on a name that is not a plain path below `runs/`; `RUN_EXISTS`.
 */
export function newRunFolder(name: string): string {
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(name))
    throw new ErrataError(`"${name}" cannot name a run`, {
      code: "RUN_NAME",
      hint: "use letters, digits, dots, hyphens and underscores",
    });
  const folder = join(runsFolder, name);
  if (existsSync(folder) && !isUnbegun(folder))
    throw new ErrataError(`${folder} already exists`, {
      code: "RUN_EXISTS",
      hint: `add --resume to carry on where it stopped, or choose another --name`,
    });
  return folder;
}

/** Makes the first folder `<prefix>-<n>` that is free, n from 1. */
export function claimRunFolder(prefix: string): string {
  mkdirSync(runsFolder, { recursive: true });
  for (let n = 1; ; n++) {
    const folder = join(runsFolder, `${prefix}-${n}`);
    try {
      mkdirSync(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** Takes back what {@link claimRunFolder} made where no run began in it. */
export function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmdirSync(folder);
}

/** Folders that hold a run, the most recently changed first. */
export function listRuns(): string[] {
  if (!existsSync(runsFolder)) return [];
  const inside = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  const folders = inside(runsFolder);
  return [...folders, ...folders.flatMap(inside)]
    .filter(holdsRun)
    .toSorted((a, b) => changedAt(b) - changedAt(a));
}

/** When a run last wrote its log, in milliseconds since 1970; 0 where it has lost it. */
export function changedAt(folder: string): number {
  return statSync(join(folder, "metrics.jsonl"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whether a folder holds a run, be it damaged: what is missing is said by whoever reads it. */
function holdsRun(folder: string): boolean {
  const holds = (name: string): boolean => existsSync(join(folder, name));
  const some = ["config.json", "metrics.jsonl"].filter(holds).length;
  return some === 2 || (some === 1 && holds("checkpoints"));
}

/**
 * The folder of an existing run, from its name or its path; the latest run when undefined.
 * @throws ErrataError `RUN_MISSING`; the hint names what is there.
 */
export function findRun(nameOrFolder: string | undefined): string {
  const runs = listRuns();
  if (nameOrFolder === undefined) {
    if (runs[0] !== undefined) return runs[0];
    throw new ErrataError(`there are no runs in ${runsFolder}/`, {
      code: "RUN_MISSING",
      hint: "errata train starts one",
    });
  }
  for (const folder of [nameOrFolder, join(runsFolder, nameOrFolder)])
    if (holdsRun(folder)) return folder;
  const begun = join(runsFolder, nameOrFolder);
  if (existsSync(begun) && isUnbegun(begun))
    throw new ErrataError(`${begun} ended before anything was saved`, {
      code: "RUN_MISSING",
      hint: `errata train --name ${nameOrFolder}, without --resume, begins it again`,
    });
  const names = runs.map((folder) => folder.slice(runsFolder.length + 1));
  const within = names.filter((name) => name.startsWith(`${nameOrFolder}/`));
  const guess = within[0] ?? nearest(nameOrFolder, names);
  const known =
    names.length === 0 ? "there are none yet" : `known: ${names.slice(0, 10).join(", ")}`;
  throw new ErrataError(`there is no run "${nameOrFolder}"`, {
    code: "RUN_MISSING",
    hint: guess === undefined ? known : `did you mean "${guess}"? ${known}`,
  });
}

/** What `--name` takes to mean this folder. */
export function runName(folder: string): string {
  const prefix = join(runsFolder, "/");
  return folder.startsWith(prefix) ? folder.slice(prefix.length) : folder;
}

/**
 * The configuration a run was started with.
 * @throws ErrataError `CONFIG_INVALID` where the file does not fit this version.
 */
export function runConfig(folder: string): Config {
  return readConfig(folder);
}
