/** Seconds spent, by role: apart from the checkpoints, which hold nothing that differs from run to run. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJsonAs } from "../util/read-json.js";
import { replaceFile } from "../util/replace-file.js";
import { amount } from "../util/options.js";
import { costRoles, type CostRole } from "../watch/ledger.js";

type Seconds = Readonly<Partial<Record<CostRole, number>>>;

const secondsSchema = z.partialRecord(z.enum(costRoles), amount);

/** The file in a run's folder. */
export const secondsFile = "seconds.json";

export function writeSeconds(folder: string, seconds: Seconds): void {
  replaceFile(join(folder, secondsFile), `${JSON.stringify(seconds, null, 2)}\n`);
}

/** @throws ErrataError `FILE_DAMAGED`. */
export function readSeconds(folder: string): Seconds {
  const path = join(folder, secondsFile);
  if (!existsSync(path)) return {};
  const hint = `delete ${path}: only the seconds that the run has taken are lost, and budget.seconds counts anew`;
  return readJsonAs(path, secondsSchema, hint);
}
