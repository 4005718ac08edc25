import type { Evidence } from "../environments/environment.js";
import { ErrataError } from "../error.js";
import type { Cells } from "./cells.js";
import type { Database } from "./database.js";
import { readMistake } from "./mistake.js";
import { isTrusted } from "./quality.js";
import {
  replayStatus,
  type CorpusEvent,
  type MistakeStatus,
  type ReviewVerdict,
} from "./verdict.js";

/** A verdict to record. */
export interface Review {
  readonly mistakeId: number;
  readonly by: string;
  readonly verdict: ReviewVerdict;
  readonly note?: string;
}

/** Status of a mistake nobody has judged. */
export function automaticStatus(
  evidence: Evidence,
  confidence: number,
  retired: boolean,
): MistakeStatus {
  if (retired) return "retired";
  return isTrusted(evidence, confidence) ? "accepted" : "candidate";
}

/** Appends a verdict; `Corpus.recordVerdict` says how. Runs inside a transaction. */
export function recordVerdict(
  database: Database,
  cells: Cells,
  { mistakeId, by, verdict, note }: Review,
): number {
  readMistake(database, mistakeId);
  const { lastInsertRowid } = database.run(
    "INSERT INTO event (mistake, kind, author, verdict, note) VALUES (?, 'verdict', ?, ?, ?)",
    mistakeId,
    by,
    verdict,
    note ?? null,
  );
  replay(database, cells, mistakeId);
  return Number(lastInsertRowid);
}

/** Appends a revocation; `Corpus.revokeVerdict` says how. Runs inside a transaction. */
export function revokeVerdict(database: Database, cells: Cells, eventId: number): void {
  const event = database.get<{ mistake: number }>(
    "SELECT mistake FROM event WHERE id = ? AND kind = 'verdict'",
    eventId,
  );
  if (event === undefined) {
    throw new ErrataError(`the corpus has no verdict ${eventId}`, {
      code: "CORPUS_UNKNOWN_EVENT",
      hint: "errata corpus show <mistake> lists the verdicts on a mistake",
    });
  }
  if (database.get("SELECT 1 FROM event WHERE revokes = ?", eventId) !== undefined) return;
  database.run(
    "INSERT INTO event (mistake, kind, revokes) VALUES (?, 'revoke', ?)",
    event.mistake,
    eventId,
  );
  replay(database, cells, event.mistake);
}

/** A mistake's events, oldest first. */
export function readEvents(database: Database, mistakeId: number): CorpusEvent[] {
  const rows = database.all<{
    id: number;
    kind: "verdict" | "revoke";
    author: string;
    verdict: ReviewVerdict;
    note: string | null;
    revokes: number;
  }>(
    "SELECT id, kind, author, verdict, note, revokes FROM event WHERE mistake = ? ORDER BY id",
    mistakeId,
  );
  return rows.map(({ id, kind, author, verdict, note, revokes }) =>
    kind === "revoke"
      ? { id, kind, mistakeId, revokes }
      : { id, kind, mistakeId, by: author, verdict, ...(note === null ? {} : { note }) },
  );
}

/** Derives a mistake's status anew, from its label, its exposures and all its events. */
export function replay(database: Database, cells: Cells, id: number): void {
  const row = readMistake(database, id);
  const automatic = automaticStatus(row.evidence, row.confidence, row.retired === 1);
  const status = replayStatus(automatic, readEvents(database, id));
  if (status === row.status) return;
  database.run("UPDATE mistake SET status = ? WHERE id = ?", status, id);
  if (status === "human-invalid" || row.status === "human-invalid")
    cells.forget(row.domain, row.level);
}
