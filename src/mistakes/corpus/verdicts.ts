import type { Evidence } from "../../environments/environment.js";
import { ErrataError } from "../../util/error.js";
import { dawidSkene, type Annotation, type Consensus } from "./annotators.js";
import type { Cells } from "./cells.js";
import type { Database } from "./database.js";
import { readMistake } from "./mistake.js";
import { isTrusted } from "./quality.js";
import {
  replayStatus,
  reviewVerdicts,
  standingVerdicts,
  type CorpusEvent,
  type MistakeStatus,
  type ReviewVerdict,
} from "./standing.js";

/** A verdict to record. */
export interface Review {
  readonly mistakeId: number;
  readonly by: string;
  readonly verdict: ReviewVerdict;
  readonly note?: string;
  /** The right step as the reviewer writes it; it stands for the known one while the verdict does. */
  readonly fix?: string;
}

/** Probability above which reviewers who disagree are taken to have decided. */
const decided = 0.8;

/** Status of a mistake nobody has judged. `suspected`: quarantined by the guard against poison. */
export function automaticStatus(
  evidence: Evidence,
  confidence: number,
  retired: boolean,
  suspected: boolean = false,
): MistakeStatus {
  if (suspected) return "quarantined";
  if (retired) return "retired";
  return isTrusted(evidence, confidence) ? "accepted" : "candidate";
}

/** Appends a verdict; `Corpus.recordVerdict` says how. Runs inside a transaction. */
export function recordVerdict(
  database: Database,
  cells: Cells,
  { mistakeId, by, verdict, note, fix }: Review,
): number {
  readMistake(database, mistakeId);
  const { lastInsertRowid } = database.run(
    "INSERT INTO event (mistake, kind, author, verdict, note, fix) VALUES (?, 'verdict', ?, ?, ?, ?)",
    mistakeId,
    by,
    verdict,
    note ?? null,
    fix ?? null,
  );
  replayJudged(database, cells, mistakeId);
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
  replayJudged(database, cells, event.mistake);
}

interface EventRow {
  readonly id: number;
  readonly mistake: number;
  readonly kind: "verdict" | "revoke";
  readonly author: string;
  readonly verdict: ReviewVerdict;
  readonly note: string | null;
  readonly fix: string | null;
  readonly revokes: number;
}

function toEvent(row: EventRow): CorpusEvent {
  const { id, kind, mistake: mistakeId, author, verdict, note, fix, revokes } = row;
  if (kind === "revoke") return { id, kind, mistakeId, revokes };
  return {
    id,
    kind,
    mistakeId,
    by: author,
    verdict,
    ...(note === null ? {} : { note }),
    ...(fix === null ? {} : { fix }),
  };
}

/** Events of one mistake, or of all, oldest first. */
export function readEvents(database: Database, mistakeId?: number): CorpusEvent[] {
  return database
    .all<EventRow>(
      `SELECT id, mistake, kind, author, verdict, note, fix, revokes FROM event
       WHERE ?1 IS NULL OR mistake = ?1 ORDER BY id`,
      mistakeId ?? null,
    )
    .map(toEvent);
}

/** Verdicts that stand on all mistakes, one a reviewer and mistake. */
export function annotations(database: Database): Annotation<ReviewVerdict>[] {
  const byMistake = new Map<number, CorpusEvent[]>();
  for (const event of readEvents(database))
    byMistake.set(event.mistakeId, [...(byMistake.get(event.mistakeId) ?? []), event]);
  return [...byMistake].flatMap(([item, events]) =>
    standingVerdicts(events).map(({ by, verdict }) => ({ item, by, label: verdict })),
  );
}

/** All reviewers' verdicts put together (Dawid & Skene); undefined with fewer than two reviewers. */
export function consensus(database: Database): Consensus<ReviewVerdict> | undefined {
  const all = annotations(database);
  return new Set(all.map((a) => a.by)).size < 2 ? undefined : dawidSkene(all, reviewVerdicts);
}

/** Derives a mistake's status anew, from its label, its exposures and all its events. */
export function replay(database: Database, cells: Cells, id: number): void {
  const events = readEvents(database, id);
  const contested = new Set(standingVerdicts(events).map((e) => e.verdict)).size > 1;
  apply(database, cells, id, events, contested ? consensus(database) : undefined);
}

/** As {@link replay}, and so for every mistake that reviewers disagree on: they are judged by all verdicts together. */
function replayJudged(database: Database, cells: Cells, id: number): void {
  const together = consensus(database);
  const others = database.all<{ id: number }>(
    `SELECT mistake AS id FROM event WHERE kind = 'verdict' AND mistake <> ?
     GROUP BY mistake HAVING count(DISTINCT author) > 1 ORDER BY mistake`,
    id,
  );
  for (const each of [{ id }, ...others])
    apply(database, cells, each.id, readEvents(database, each.id), together);
}

function apply(
  database: Database,
  cells: Cells,
  id: number,
  events: readonly CorpusEvent[],
  together: Consensus<ReviewVerdict> | undefined,
): void {
  const row = readMistake(database, id);
  const automatic = automaticStatus(
    row.evidence,
    row.confidence,
    row.retired === 1,
    row.suspected === 1,
  );
  const chances = together?.items.get(id);
  const agreed = reviewVerdicts.find((verdict) => (chances?.[verdict] ?? 0) >= decided);
  const status = replayStatus(automatic, events, agreed);
  const fix = standingVerdicts(events).findLast((event) => event.fix !== undefined)?.fix ?? null;
  if (status === row.status && fix === row.fixedStep) return;
  database.run("UPDATE mistake SET status = ?, fixed_step = ? WHERE id = ?", status, fix, id);
  if ((status === "human-invalid") !== (row.status === "human-invalid"))
    cells.forget(row.domain, row.level);
}
