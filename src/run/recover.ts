/** Runs that were cut short or damaged: from where they can go on. */
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ErrataError } from "../util/error.js";
import { checkpoints, readState, type SavedState } from "./checkpoint.js";
import { damageTo } from "./checksums.js";
import { secondsFile } from "./seconds.js";

/** Whether a folder holds a checkpoint, be it damaged. */
export function holdsCheckpoint(folder: string): boolean {
  return checkpoints(folder).length > 0;
}

/** What is wrong with a checkpoint, or with the log that it counts; undefined where all is as it was written. */
export async function damageToCheckpoint(checkpoint: string): Promise<string | undefined> {
  let saved: SavedState;
  try {
    saved = readState(checkpoint);
  } catch (error) {
    if (error instanceof ErrataError) return error.message;
    throw error;
  }
  const log = join(dirname(dirname(checkpoint)), "metrics.jsonl");
  if (saved.files === undefined) {
    const size = existsSync(log) ? statSync(log).size : 0;
    return size < saved.metricsBytes
      ? `${log} has ${size} bytes of ${saved.metricsBytes}`
      : undefined;
  }
  for (const [name, expected] of Object.entries(saved.files)) {
    const damage = await damageTo(join(checkpoint, name), expected);
    if (damage !== undefined) return damage;
  }
  return damageTo(log, { bytes: saved.metricsBytes, sha256: saved.metricsSha256! });
}

/**
 * The path of a file of a checkpoint, found to be as it was written.
 * @throws ErrataError `FILE_DAMAGED` where it is not.
 */
export async function wholeFile(checkpoint: string, name: string): Promise<string> {
  const expected = readState(checkpoint).files?.[name];
  const path = join(checkpoint, name);
  const damage = expected === undefined ? undefined : await damageTo(path, expected);
  if (damage === undefined) return path;
  throw new ErrataError(damage, {
    code: "FILE_DAMAGED",
    hint: "errata train --resume goes back to the checkpoint before",
  });
}

/** A run's last checkpoint that is as it was written, and what is wrong with later ones. */
export interface SoundCheckpoint {
  readonly checkpoint: string;
  readonly damaged: readonly { readonly checkpoint: string; readonly damage: string }[];
}

/**
 * Goes back from the last checkpoint to one without damage; undefined where there is none at all.
 * @throws ErrataError `RUN_DAMAGED` where every one is damaged.
 */
export async function lastSoundCheckpoint(folder: string): Promise<SoundCheckpoint | undefined> {
  const damaged: { checkpoint: string; damage: string }[] = [];
  for (const name of checkpoints(folder).toReversed()) {
    const checkpoint = join(folder, "checkpoints", name);
    const damage = await damageToCheckpoint(checkpoint);
    if (damage === undefined) return { checkpoint, damaged };
    damaged.push({ checkpoint, damage });
  }
  if (damaged.length === 0) return undefined;
  throw new ErrataError(
    `no checkpoint of ${folder} is whole:\n${damaged.map((d) => `  ${d.damage}`).join("\n")}`,
    {
      code: "RUN_DAMAGED",
      hint: "put the file back from a copy, or begin again under another --name",
    },
  );
}

/** Takes a damaged checkpoint out of the way; it stays in the folder for whoever wants to look. */
export function setAside(checkpoint: string): string {
  const aside = `${checkpoint.replace(/\.old$/, "")}.damaged`;
  rmSync(aside, { recursive: true, force: true });
  renameSync(checkpoint, aside);
  return aside;
}

/** What a run's folder holds before the first checkpoint, beside `inbox/` and `reviews.jsonl`, which are the user's. */
const ownNames: readonly string[] = [
  "arrivals.jsonl",
  "checkpoints",
  "config.json",
  "corpus.db",
  "corpus.db-journal",
  "corpus.db-shm",
  "corpus.db-wal",
  "lock",
  "lock.db",
  "log.jsonl",
  "metrics.jsonl",
  "rollouts",
  secondsFile,
];

/** Whether a folder holds no more than a run that ended before its first checkpoint. */
export function isUnbegun(folder: string): boolean {
  const foreign = (name: string): boolean => !ownNames.includes(name.replace(/\.partial$/, ""));
  return !holdsCheckpoint(folder) && !readdirSync(folder).some(foreign);
}

/** Clears what a run left that ended before its first checkpoint: nothing of it can be carried on. */
export function clearUnbegun(folder: string): void {
  if (!existsSync(join(folder, "config.json"))) return;
  for (const name of ownNames)
    if (!name.startsWith("lock")) rmSync(join(folder, name), { recursive: true, force: true });
}
