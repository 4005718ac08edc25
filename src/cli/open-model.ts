/** What `export`, `serve` and `chat` take: a run by name or folder, or a checkpoint. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isHubId } from "../models/hub-id.js";
import type { Taken } from "../take/source.js";
import { ErrataError } from "../util/error.js";
import { findRun } from "./runs.js";

/**
 * The model called `where`: a run before a checkpoint, a folder before a hub id.
 * @throws ErrataError `RUN_MISSING`, or those of `takeRun` and `takeCheckpoint`.
 */
export async function openModel(where: string): Promise<Taken> {
  const { takeCheckpoint, takeRun } = await import("../take/source.js");
  const holds = (file: string): boolean => existsSync(join(where, file));
  const run = holds("metrics.jsonl");
  if (!run && (holds("config.json") || holds("adapter_config.json"))) return takeCheckpoint(where);
  try {
    return await takeRun(findRun(where));
  } catch (error) {
    if (!(error instanceof ErrataError) || error.code !== "RUN_MISSING" || run) throw error;
    // A folder that is there is a checkpoint with something missing: which, its own reader says.
    if (isHubId(where) || existsSync(where)) return takeCheckpoint(where);
    throw error;
  }
}
