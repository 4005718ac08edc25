/** What experts and the reward take from the corpus. Quarantined and human-invalid mistakes give nothing. */
import type { Database, SqlValue } from "./database.js";
import {
  TRACE_COLUMNS,
  UNRECOGNISED,
  toTrace,
  type Mistake,
  type MistakeTrace,
  type TraceRow,
  type TraceStep,
} from "./mistake.js";

/** Which kept attempts count. */
export interface TraceFilter {
  /** At least this many attempts at the task gave the same answer, itself included. Default 1. */
  readonly minSameAnswers?: number;
  /** Only mistakes a person has confirmed. Default false. */
  readonly requireHuman?: boolean;
  /** Only attempts by these. Default all. */
  readonly sources?: readonly string[];
}

/** One systematic error in numbers. */
export interface SignatureSummary {
  readonly signature: string;
  readonly mistakes: number;
  /** Candidates seen, merged ones included. */
  readonly support: number;
  /** Attempts kept. */
  readonly traces: number;
  /** Candidates per source. */
  readonly sources: Readonly<Record<string, number>>;
}

/** SQL condition on a mistake that may have an effect. */
export const USABLE = "mistake.status NOT IN ('quarantined', 'human-invalid')";

/** Kept attempts, newest first, of one signature or of all. */
export function readTraces(
  database: Database,
  domain: string,
  signature: string | undefined,
  { limit, ...filter }: TraceFilter & { readonly limit: number },
): MistakeTrace[] {
  const where = traceClause(domain, filter);
  const rows = database.all<TraceRow>(
    `SELECT ${TRACE_COLUMNS} FROM trace JOIN mistake ON mistake.id = trace.mistake
     WHERE ${where.sql} ${signature === undefined ? "" : "AND trace.signature = ?"}
     ORDER BY trace.step DESC, trace.id DESC LIMIT ?`,
    ...where.parameters,
    ...(signature === undefined ? [] : [signature]),
    limit,
  );
  return rows.map(toTrace);
}

/** Kept attempts at one task by `sources`, what recurred most first. */
export function readTracesAt(
  database: Database,
  domain: string,
  taskId: string,
  sources: readonly string[],
): MistakeTrace[] {
  const where = traceClause(domain, { sources });
  const rows = database.all<TraceRow>(
    `SELECT ${TRACE_COLUMNS} FROM trace JOIN mistake ON mistake.id = trace.mistake
     WHERE ${where.sql} AND trace.task = ? ORDER BY trace.same_answers DESC, trace.id`,
    ...where.parameters,
    taskId,
  );
  return rows.map(toTrace);
}

/** What was seen before a mistake's wrong step: its state and, where a kept attempt holds it, the conversation. */
export function readSeen(
  database: Database,
  { id, state, wrongStep }: Pick<Mistake, "id" | "state" | "wrongStep">,
): Omit<TraceStep, "action"> {
  const rows = database.all<TraceRow>(
    `SELECT ${TRACE_COLUMNS} FROM trace WHERE mistake = ? ORDER BY id`,
    id,
  );
  const steps = rows.flatMap((row) => toTrace(row).trace);
  const { messages } = steps.find((s) => s.prompt === state && s.action === wrongStep) ?? {};
  return { prompt: state, ...(messages === undefined ? {} : { messages }) };
}

/** Number of kept attempts per signature. */
export function countTraces(
  database: Database,
  domain: string,
  filter: TraceFilter,
): Map<string, number> {
  const where = traceClause(domain, filter);
  const rows = database.all<{ signature: string; count: number }>(
    `SELECT trace.signature, count(*) AS count FROM trace JOIN mistake ON mistake.id = trace.mistake
     WHERE ${where.sql} GROUP BY trace.signature ORDER BY trace.signature`,
    ...where.parameters,
  );
  return new Map(rows.map((row) => [row.signature, row.count]));
}

/** The systematic errors of a domain, most support first, without the unrecognised. */
export function summariseSignatures(database: Database, domain: string): SignatureSummary[] {
  const counts = database.all<{ signature: string; name: string; count: number }>(
    `SELECT mistake_source.signature, mistake_source.source AS name, sum(count) AS count
     FROM mistake_source JOIN mistake ON mistake.id = mistake_source.mistake
     WHERE domain = ? AND mistake_source.signature <> ? AND ${USABLE}
     GROUP BY mistake_source.signature, mistake_source.source ORDER BY 1, 2`,
    domain,
    UNRECOGNISED,
  );
  const mistakes = database.all<{ signature: string; count: number }>(
    `SELECT mistake_source.signature, count(DISTINCT mistake_source.mistake) AS count
     FROM mistake_source JOIN mistake ON mistake.id = mistake_source.mistake
     WHERE domain = ? AND mistake_source.signature <> ? AND ${USABLE} GROUP BY mistake_source.signature`,
    domain,
    UNRECOGNISED,
  );
  const traces = countTraces(database, domain, {});
  return mistakes
    .map(({ signature, count }) => {
      const sources = counts.filter((row) => row.signature === signature);
      return {
        signature,
        mistakes: count,
        support: sources.reduce((sum, row) => sum + row.count, 0),
        traces: traces.get(signature) ?? 0,
        sources: toRecord(sources),
      };
    })
    .sort((a, b) => b.support - a.support || (a.signature < b.signature ? -1 : 1));
}

/** Wrong answers to a task and how often each was seen. */
export function countAnswers(
  database: Database,
  domain: string,
  taskId: string,
  sources: readonly string[] | undefined,
): Map<string, number> {
  const rows = database.all<{ answer: string; count: number }>(
    `SELECT answer.answer, sum(answer.count) AS count FROM answer JOIN mistake ON mistake.id = answer.mistake
     WHERE answer.domain = ? AND answer.task = ? AND answer.answer <> '' AND ${USABLE}
       AND ${sourceClause("answer", sources)}
     GROUP BY answer.answer ORDER BY count DESC, answer.answer`,
    domain,
    taskId,
    ...(sources ?? []),
  );
  return new Map(rows.map((row) => [row.answer, row.count]));
}

/** Named counts as an object. */
export function toRecord(
  rows: readonly { readonly name: string; readonly count: number }[],
): Record<string, number> {
  return Object.fromEntries(rows.map((row) => [row.name, row.count]));
}

function traceClause(domain: string, filter: TraceFilter): { sql: string; parameters: SqlValue[] } {
  const sql = [
    "trace.domain = ?",
    "trace.same_answers >= ?",
    filter.requireHuman === true ? "mistake.status = 'human-valid'" : USABLE,
    sourceClause("trace", filter.sources),
  ].join(" AND ");
  return { sql, parameters: [domain, filter.minSameAnswers ?? 1, ...(filter.sources ?? [])] };
}

function sourceClause(table: string, sources: readonly string[] | undefined): string {
  return sources === undefined
    ? "true"
    : `${table}.source IN (${sources.map(() => "?").join(", ")})`;
}
