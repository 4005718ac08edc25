/** The mistakes of one run, as of its last finished step: lists, cards and the map. */
import { join } from "node:path";
import { Database } from "../../mistakes/corpus/database.js";
import { showMistake } from "../../mistakes/corpus/browse.js";
import { readTracesAt } from "../../mistakes/corpus/traces.js";
import type { MistakeDetail, MistakeTrace } from "../../mistakes/corpus/mistake.js";
import { standingVerdicts } from "../../mistakes/corpus/standing.js";
import type { Attempt, MapEntry, MistakeCard, MistakePage, MistakeSummary } from "../api.js";
import { cardOf } from "./card.js";
import { hasCorpus } from "./run-files.js";

/** Which mistakes are listed; empty texts leave a column open. */
export interface MistakeFilter {
  readonly signature: string;
  readonly status: string;
  readonly source: string;
  readonly text: string;
  readonly sort: MistakeOrder;
  readonly offset: number;
  readonly limit: number;
}

/** Orders of a list, each with its SQL. */
const orders = {
  often: "support DESC, id",
  new: "step DESC, id DESC",
  met: "exposures DESC, id",
  quality: "quality DESC, id",
} as const;
export type MistakeOrder = keyof typeof orders;
/** Every {@link MistakeOrder}. */
export const mistakeOrders = Object.keys(orders) as readonly MistakeOrder[];

const summaryColumns = `id, level, task, signature, wrong_step AS wrongStep,
  coalesce(fixed_step, correct_step) AS correctStep, source, status, support, quality, exposures`;

/** Opens a run's corpus for one question; undefined where there is none yet. */
export function withCorpus<T>(folder: string, use: (database: Database) => T): T | undefined {
  if (!hasCorpus(folder)) return undefined;
  const database = Database.open(join(folder, "corpus.db"), { readOnly: true });
  try {
    return use(database);
  } finally {
    database.close();
  }
}

/** A page of mistakes. */
export function mistakePage(database: Database, filter: MistakeFilter): MistakePage {
  const conditions: string[] = [];
  const parameters: string[] = [];
  for (const column of ["signature", "status", "source"] as const)
    if (filter[column] !== "") {
      conditions.push(
        column === "source"
          ? "id IN (SELECT mistake FROM mistake_source WHERE source = ?)"
          : `${column} = ?`,
      );
      parameters.push(filter[column]);
    }
  if (filter.text !== "") {
    conditions.push("(instr(lower(task), ?) > 0 OR instr(lower(wrong_step), ?) > 0)");
    parameters.push(filter.text.toLowerCase(), filter.text.toLowerCase());
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const { total } = database.get<{ total: number }>(
    `SELECT count(*) AS total FROM mistake ${where}`,
    ...parameters,
  )!;
  const rows = database.all<MistakeSummary>(
    `SELECT ${summaryColumns} FROM mistake ${where} ORDER BY ${orders[filter.sort]} LIMIT ? OFFSET ?`,
    ...parameters,
    filter.limit,
    filter.offset,
  );
  return { total, rows };
}

/** Most attempts shown of one mistake. */
const mostAttempts = 5;

/**
 * One mistake as a card.
 * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`.
 */
export function mistakeCard(database: Database, id: number): MistakeCard {
  return toCard(showMistake(database, id));
}

/** A mistake with all that is known of it, in words. */
export function toCard(mistake: MistakeDetail): MistakeCard {
  const { taskId, correctStep, traces, events, sources, ...rest } = mistake;
  return {
    id: rest.id,
    level: rest.level,
    task: taskId,
    signature: rest.signature,
    wrongStep: rest.wrongStep,
    correctStep: correctStep ?? null,
    source: rest.source,
    status: rest.status,
    support: rest.support,
    quality: rest.quality,
    exposures: rest.exposures,
    domain: rest.domain,
    state: rest.state,
    answer: rest.answer,
    evidence: rest.evidence,
    confidence: rest.confidence,
    novelty: rest.novelty,
    suspected: rest.suspected,
    sources,
    attempts: traces
      // First those in which the step can be pointed at: a mistake gathers attempts at other tasks too.
      .toSorted((a, b) => Number(holds(b, mistake)) - Number(holds(a, mistake)))
      .slice(0, mostAttempts)
      .map((trace) => ({
        by: trace.source,
        count: trace.count,
        card: traceCard(rest.domain, trace, mistake),
      })),
    verdicts: standingVerdicts(events).map(({ by, verdict, note }) => ({
      by,
      verdict,
      ...(note === undefined ? {} : { note }),
    })),
  };
}

const holds = (
  { trace }: MistakeTrace,
  { state, wrongStep }: Pick<MistakeDetail, "state" | "wrongStep">,
): boolean => trace.some(({ prompt, action }) => prompt === state && action === wrongStep);

function traceCard(
  domain: string,
  { trace, taskId, answer }: MistakeTrace,
  at?: Pick<MistakeDetail, "state" | "wrongStep" | "correctStep">,
): Attempt["card"] {
  const wrongStep = trace.findIndex(
    ({ prompt, action }) => prompt === at?.state && action === at.wrongStep,
  );
  return cardOf({
    domain,
    task: taskId,
    actions: trace.map(({ action }) => action),
    prompt: trace[0]?.prompt,
    conversation: trace[0]?.messages === undefined ? undefined : trace.at(-1)?.messages,
    wrongStep: wrongStep === -1 ? undefined : wrongStep,
    expected: at?.correctStep,
    answer,
    correct: false,
  });
}

/** Attempts of weak partners at a task that the corpus keeps, what recurred most first. */
export function partnersAt(database: Database, task: string): Attempt[] {
  const domain = domainOf(database);
  const sources = database
    .all<{ source: string }>("SELECT DISTINCT source FROM mistake_source WHERE source <> 'student'")
    .map(({ source }) => source);
  if (domain === undefined || sources.length === 0) return [];
  return readTracesAt(database, domain, task, sources).map((trace): Attempt => {
    const { state, wrongStep, correctStep } = showMistake(database, trace.mistakeId);
    const at = { state, wrongStep, ...(correctStep === undefined ? {} : { correctStep }) };
    return {
      by: trace.source.replace(/^weak:/, ""),
      correct: false,
      answer: trace.answer,
      stop: "wrong",
      actions: trace.trace.map(({ action }) => action),
      signature: trace.signature,
      card: traceCard(domain, trace, at),
    };
  });
}

/** The environment that the mistakes are of. */
export function domainOf(database: Database): string | undefined {
  return database.get<{ domain: string }>("SELECT domain FROM mistake LIMIT 1")?.domain;
}

/** The kinds of mistakes, what was seen most first; without the course over training. */
export function mapEntries(database: Database): Omit<MapEntry, "share">[] {
  const bySource = new Map<string, Record<string, number>>();
  for (const { signature, source, count } of database.all<{
    signature: string;
    source: string;
    count: number;
  }>(
    `SELECT mistake.signature AS signature, mistake_source.source AS source, sum(mistake_source.count) AS count
     FROM mistake_source JOIN mistake ON mistake.id = mistake_source.mistake GROUP BY 1, 2 ORDER BY 3 DESC`,
  ))
    bySource.set(signature, { ...bySource.get(signature), [source]: count });
  return database
    .all<Omit<MapEntry, "share" | "bySource" | "example"> & { readonly example: number }>(
      `SELECT signature, count(*) AS mistakes, sum(support) AS support,
         sum(status = 'retired') AS retired, sum(status = 'quarantined') AS quarantined,
         sum(status LIKE 'human-%') AS judged,
         (SELECT id FROM mistake AS best WHERE best.signature = mistake.signature ORDER BY support DESC, id LIMIT 1) AS example
       FROM mistake GROUP BY signature ORDER BY support DESC`,
    )
    .map(({ example, ...entry }) => ({
      ...entry,
      bySource: bySource.get(entry.signature) ?? {},
      example:
        database.get<MistakeSummary>(
          `SELECT ${summaryColumns} FROM mistake WHERE id = ?`,
          example,
        ) ?? null,
    }));
}

/** Mistakes by status, and candidates by source. */
export function mapTotals(database: Database): {
  readonly statuses: Readonly<Record<string, number>>;
  readonly sources: Readonly<Record<string, number>>;
} {
  const record = (sql: string): Record<string, number> =>
    Object.fromEntries(
      database.all<{ name: string; count: number }>(sql).map(({ name, count }) => [name, count]),
    );
  return {
    statuses: record(
      "SELECT status AS name, count(*) AS count FROM mistake GROUP BY 1 ORDER BY 2 DESC",
    ),
    sources: record(
      "SELECT source AS name, sum(count) AS count FROM mistake_source GROUP BY 1 ORDER BY 2 DESC",
    ),
  };
}
