/**
 * What models got right and wrong on the same tasks, right attempts included: what overlap between
 * models is measured on. Nothing is trained on it, so held-out tasks may be here.
 */
import type { Database } from "./database.js";
import { sha256 } from "./encoding.js";
import { UNRECOGNISED } from "./mistake.js";
import type { Store } from "./store.js";

/** One verified attempt of a model at a task. */
export interface Outcome {
  readonly domain: string;
  readonly taskId: string;
  /** Who made it, for example `weak:starcoder`. */
  readonly source: string;
  /** What was done: with `occurrence`, what tells attempts at one task apart. */
  readonly actions: readonly string[];
  /** How many equal attempts of the source at this task came before it in the same collection. */
  readonly occurrence: number;
  readonly correct: boolean;
  /** Canonical answer; empty when nothing was answered. */
  readonly answer: string;
  /** Canonical outputs where it was wrong (`Verdict.wrongOutputs`). */
  readonly wrongOutputs?: Readonly<Record<string, string>>;
  readonly signature?: string;
}

/** An {@link Outcome} as read back, without what was done. */
export type RecordedOutcome = Pick<Outcome, "taskId" | "correct" | "answer"> & {
  readonly wrongOutputs: Readonly<Record<string, string>>;
  readonly signature: string;
};

/** The attempts at one task by all sources, counted. */
export interface TaskOutcomes {
  readonly attempts: number;
  readonly wrong: number;
  /** Wrong attempts that gave the answer asked about; 0 for an empty answer. */
  readonly sameAnswer: number;
}

/** What was known of an outcome before it was recorded: nothing, itself, or also its mistake. */
export type Known = "new" | "recorded" | "put";

/** Records an outcome unless it is there already; says what was known before. */
function recordOutcome(database: Database, outcome: Outcome): Known {
  const { domain, taskId, source, occurrence, correct, answer } = outcome;
  const row = database.get<{ put: number }>(
    `SELECT put FROM outcome WHERE ${KEY}`,
    ...keyOf(outcome),
  );
  if (row !== undefined) return row.put === 1 ? "put" : "recorded";
  database.run(
    `INSERT INTO outcome (domain, task, source, digest, occurrence, correct, answer, outputs, signature)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    domain,
    taskId,
    source,
    digestOf(outcome),
    occurrence,
    correct ? 1 : 0,
    answer,
    JSON.stringify(outcome.wrongOutputs ?? {}),
    outcome.signature ?? UNRECOGNISED,
  );
  return "new";
}

/** Remembers that an outcome's mistake is in the corpus, so that it is not counted twice. */
function markPut(database: Database, outcome: Outcome): void {
  database.run(`UPDATE outcome SET put = 1 WHERE ${KEY}`, ...keyOf(outcome));
}

const KEY = "domain = ? AND task = ? AND source = ? AND digest = ? AND occurrence = ?";

function keyOf(outcome: Outcome): [string, string, string, Uint8Array, number] {
  const { domain, taskId, source, occurrence } = outcome;
  return [domain, taskId, source, digestOf(outcome), occurrence];
}

function digestOf({ actions }: Outcome): Uint8Array {
  return sha256(JSON.stringify(actions));
}

/** A source's outcomes in a domain, by task. */
function readOutcomes(database: Database, domain: string, source: string): RecordedOutcome[] {
  const rows = database.all<{
    taskId: string;
    correct: number;
    answer: string;
    outputs: string;
    signature: string;
  }>(
    `SELECT task AS taskId, correct, answer, outputs, signature FROM outcome
     WHERE domain = ? AND source = ? ORDER BY task, digest, occurrence`,
    domain,
    source,
  );
  return rows.map(({ taskId, correct, answer, outputs, signature }) => ({
    taskId,
    correct: correct === 1,
    answer,
    wrongOutputs: JSON.parse(outputs) as Record<string, string>,
    signature,
  }));
}

/** Which sources have outcomes, by domain: how many attempts, and how many of them wrong. */
function outcomeSources(
  database: Database,
): { domain: string; source: string; attempts: number; wrong: number }[] {
  return database.all(
    `SELECT domain, source, count(*) AS attempts, sum(1 - correct) AS wrong FROM outcome
     GROUP BY domain, source ORDER BY domain, source`,
  );
}

/** The attempts at a task, and how many gave `answer`. */
function taskOutcomes(
  database: Database,
  domain: string,
  taskId: string,
  answer: string,
): TaskOutcomes {
  const { attempts, wrong, sameAnswer } = database.get<TaskOutcomes>(
    `SELECT count(*) AS attempts, coalesce(sum(1 - correct), 0) AS wrong,
       coalesce(sum(correct = 0 AND answer <> '' AND answer = ?3), 0) AS sameAnswer
     FROM outcome WHERE domain = ?1 AND task = ?2`,
    domain,
    taskId,
    answer,
  )!;
  return { attempts, wrong, sameAnswer };
}

/** The outcomes of a corpus. Held-out tasks may be among them: nothing is trained on outcomes. */
export class CorpusOutcomes {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Records what a model got right or wrong, for measuring overlap, unless it is there already. */
  record(outcome: Outcome): Known {
    return this.#store.change((database) => recordOutcome(database, outcome));
  }

  /** Remembers that the mistake of a recorded outcome was admitted or merged. */
  markPut(outcome: Outcome): void {
    this.#store.change((database) => markPut(database, outcome));
  }

  /** A source's outcomes in a domain, by task. */
  of(domain: string, source: string): RecordedOutcome[] {
    return readOutcomes(this.#store.database, domain, source);
  }

  /** Sources with outcomes, by domain. */
  sources(): { domain: string; source: string; attempts: number; wrong: number }[] {
    return outcomeSources(this.#store.database);
  }

  /** The recorded attempts at a task, and how many were wrong with this answer. */
  atTask(domain: string, taskId: string, answer: string): TaskOutcomes {
    return taskOutcomes(this.#store.database, domain, taskId, answer);
  }
}
