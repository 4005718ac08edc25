/** Guards against a verifier that is wrong: answers that too many agree on are held back. */
import type { Cells } from "./cells.js";
import type { Database } from "./database.js";
import { readMistake } from "./mistake.js";
import { isTrusted } from "./quality.js";
import { replay } from "./verdicts.js";

/** Share of the student's attempts at a task that must give one "wrong" answer. */
export const SUSPECT_SHARE = 0.7;

/** Weak models that must give it too. */
export const SUSPECT_WEAK = 2;

/** A "wrong" answer that many agree on. */
export interface Suspicion {
  readonly domain: string;
  readonly taskId: string;
  readonly answer: string;
  /** Share of the student's attempts that gave it, in [0, 1]. */
  readonly share: number;
  /** `true` holds back trusted labels too: a second checker accepts the answer. */
  readonly trustedToo: boolean;
}

/** Whether enough agree that an answer called wrong may be right. */
export function isSuspect(
  database: Database,
  { domain, taskId, answer, share }: Suspicion,
): boolean {
  if (answer === "" || share < SUSPECT_SHARE) return false;
  const { count } = database.get<{ count: number }>(
    `SELECT count(DISTINCT source) AS count FROM answer
     WHERE domain = ? AND task = ? AND answer = ? AND source LIKE 'weak:%'`,
    domain,
    taskId,
    answer,
  )!;
  return count >= SUSPECT_WEAK;
}

/**
 * Quarantines the mistakes that led to a suspect answer, and returns how many were not yet.
 *
 * The word of a kernel, an oracle or a test stands against any number of models (a strong systematic
 * error looks just like this), unless a second checker disagrees with it.
 */
export function quarantine(database: Database, cells: Cells, suspicion: Suspicion): number {
  if (!isSuspect(database, suspicion)) return 0;
  const rows = database.all<{ id: number }>(
    "SELECT DISTINCT mistake AS id FROM answer WHERE domain = ? AND task = ? AND answer = ? ORDER BY mistake",
    suspicion.domain,
    suspicion.taskId,
    suspicion.answer,
  );
  let held = 0;
  for (const { id } of rows) {
    const { evidence, confidence, suspected } = readMistake(database, id);
    if (suspected === 1 || (isTrusted(evidence, confidence) && !suspicion.trustedToo)) continue;
    database.run("UPDATE mistake SET suspected = 1 WHERE id = ?", id);
    replay(database, cells, id);
    held++;
  }
  return held;
}
