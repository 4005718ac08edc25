/** Looking into a corpus: entries by page, one with all that is known of it, and all of it in numbers. */
import { admissionState, type AdmissionState } from "./admission.js";
import type { Database } from "./database.js";
import {
  MISTAKE_COLUMNS,
  TRACE_COLUMNS,
  readMistake,
  toMistake,
  toTrace,
  type Mistake,
  type MistakeDetail,
  type MistakeRow,
  type TraceRow,
} from "./mistake.js";
import { readEvents } from "./verdicts.js";
import { toRecord } from "./traces.js";
import type { MistakeStatus } from "./standing.js";

/** The corpus in numbers: novelty threshold, recent admission rate, counts of candidates, and what is kept. */
export interface CorpusStats extends AdmissionState {
  readonly mistakes: number;
  readonly traces: number;
  /** Mistakes per signature, each under its own, whatever those of the attempts merged into it. */
  readonly bySignature: Readonly<Record<string, number>>;
  /** Candidates merged into the mistakes of each signature. */
  readonly mergedBySignature: Readonly<Record<string, number>>;
  /** Candidates per source. */
  readonly bySource: Readonly<Record<string, number>>;
  /** Mistakes per status. */
  readonly byStatus: Readonly<Record<string, number>>;
}

/** Which entries are listed. */
export interface MistakeQuery {
  readonly domain?: string;
  readonly signature?: string;
  readonly status?: MistakeStatus;
  /** Default 100. */
  readonly limit?: number;
  readonly offset?: number;
}

/** Entries by id, one page at a time. */
export function listMistakes(database: Database, query: MistakeQuery): Mistake[] {
  const columns = (["domain", "signature", "status"] as const).filter(
    (column) => query[column] !== undefined,
  );
  const where =
    columns.length === 0 ? "" : `WHERE ${columns.map((column) => `${column} = ?`).join(" AND ")}`;
  const rows = database.all<MistakeRow>(
    `SELECT ${MISTAKE_COLUMNS} FROM mistake ${where} ORDER BY id LIMIT ? OFFSET ?`,
    ...columns.map((column) => query[column]!),
    query.limit ?? 100,
    query.offset ?? 0,
  );
  return rows.map(toMistake);
}

/**
 * One entry with its sources, attempts and verdicts.
 * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`.
 */
export function showMistake(database: Database, id: number): MistakeDetail {
  const mistake = toMistake(readMistake(database, id));
  const sources = database.all<{ name: string; count: number }>(
    "SELECT source AS name, sum(count) AS count FROM mistake_source WHERE mistake = ? GROUP BY source ORDER BY source",
    id,
  );
  const traces = database.all<TraceRow>(
    `SELECT ${TRACE_COLUMNS} FROM trace WHERE mistake = ? ORDER BY step DESC, id DESC`,
    id,
  );
  return {
    ...mistake,
    sources: toRecord(sources),
    traces: traces.map(toTrace),
    events: readEvents(database, id),
  };
}

/** One entry, or undefined when there is none of this id. */
export function findMistake(database: Database, id: number): Mistake | undefined {
  const row = database.get<MistakeRow>(`SELECT ${MISTAKE_COLUMNS} FROM mistake WHERE id = ?`, id);
  return row === undefined ? undefined : toMistake(row);
}

/** The corpus in numbers. */
export function corpusStats(database: Database): CorpusStats {
  const count = (table: "mistake" | "trace"): number =>
    database.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)!.count;
  const by = (column: "signature" | "status", sum = "count(*)"): Record<string, number> =>
    toRecord(
      database.all(`SELECT ${column} AS name, ${sum} AS count FROM mistake GROUP BY 1 ORDER BY 1`),
    );
  const sources = database.all<{ name: string; count: number }>(
    "SELECT source AS name, sum(count) AS count FROM mistake_source GROUP BY source ORDER BY source",
  );
  return {
    mistakes: count("mistake"),
    traces: count("trace"),
    ...admissionState(database),
    bySignature: by("signature"),
    mergedBySignature: by("signature", "sum(support - 1)"),
    bySource: toRecord(sources),
    byStatus: by("status"),
  };
}
