/** What the student meets again: known mistakes at a task, and how often they are still made. */
import type { Database } from "./database.js";
import { UNRECOGNISED, parseReplications, readMistake } from "./mistake.js";
import { EXPOSURE_WINDOW, isOutgrown } from "./quality.js";
import { replay } from "./verdicts.js";
import type { Store } from "./store.js";
import { USABLE } from "./traces.js";

/** A mistake that was made at a task before. */
export interface KnownMistake {
  readonly id: number;
  /** Observation and action of the first wrong step. */
  readonly state: string;
  readonly wrongStep: string;
  /** Wrong answers it led to at this task. */
  readonly answers: ReadonlySet<string>;
}

/** The mistakes known at a task, by id; quarantined and human-invalid ones are left out. */
function knownAt(database: Database, domain: string, taskId: string): KnownMistake[] {
  const rows = database.all<{ id: number; state: string; wrongStep: string; answer: string }>(
    `SELECT mistake.id, mistake.state, wrong_step AS wrongStep, answer.answer
     FROM answer JOIN mistake ON mistake.id = answer.mistake
     WHERE answer.domain = ? AND answer.task = ? AND ${USABLE} ORDER BY mistake.id, answer.answer`,
    domain,
    taskId,
  );
  const known = new Map<number, KnownMistake & { readonly answers: Set<string> }>();
  for (const { answer, ...row } of rows) {
    const entry = known.get(row.id) ?? { ...row, answers: new Set<string>() };
    if (answer !== "") entry.answers.add(answer);
    known.set(row.id, entry);
  }
  return [...known.values()];
}

/** How often known mistakes of one signature were repeated at the last visits. */
export interface ReplicationRate {
  /** Visits, of the last 16 to each mistake. */
  readonly exposures: number;
  /** Share that repeated it, in [0, 1]. */
  readonly rate: number;
}

/** Replication rates by signature, for those met again at least once. */
function replicationRates(database: Database, domain: string): Map<string, ReplicationRate> {
  const rows = database.all<{ signature: string; replications: string }>(
    `SELECT signature, replications FROM mistake
     WHERE domain = ? AND replications <> '' AND ${USABLE} ORDER BY signature, id`,
    domain,
  );
  const counts = new Map<string, { exposures: number; replicated: number }>();
  for (const { signature, replications } of rows) {
    const outcomes = parseReplications(replications);
    const count = counts.get(signature) ?? { exposures: 0, replicated: 0 };
    count.exposures += outcomes.length;
    count.replicated += outcomes.filter(Boolean).length;
    counts.set(signature, count);
  }
  return new Map(
    [...counts].map(([signature, { exposures, replicated }]) => [
      signature,
      { exposures, rate: replicated / exposures },
    ]),
  );
}

/** By task: the largest replication rate among the signatures of its known mistakes. */
function replicationByTask(database: Database, domain: string): Map<string, number> {
  const rates = replicationRates(database, domain);
  const rows = database.all<{ task: string; signature: string }>(
    `SELECT DISTINCT answer.task, mistake.signature FROM answer JOIN mistake ON mistake.id = answer.mistake
     WHERE answer.domain = ? AND mistake.signature <> ? AND ${USABLE}`,
    domain,
    UNRECOGNISED,
  );
  const byTask = new Map<string, number>();
  for (const { task, signature } of rows)
    byTask.set(task, Math.max(byTask.get(task) ?? 0, rates.get(signature)?.rate ?? 0));
  return byTask;
}

/** What a corpus knows of mistakes that the student met again. */
export class CorpusExposures {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The mistakes known at a task, for the student that meets it again. */
  knownAt(domain: string, taskId: string): KnownMistake[] {
    return knownAt(this.#store.database, domain, taskId);
  }

  /**
   * Records that the student faced a mistake again, and whether it made it. Less than 2% of 16
   * exposures replicated retires it; one replication reopens it.
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`.
   */
  record(id: number, replicated: boolean, step: number): void {
    this.#store.change((database, cells) => {
      const row = readMistake(database, id);
      const replications = (row.replications + (replicated ? "1" : "0")).slice(-EXPOSURE_WINDOW);
      database.run(
        "UPDATE mistake SET exposures = exposures + 1, replications = ?, last_exposure = ?, retired = ? WHERE id = ?",
        replications,
        step,
        isOutgrown(parseReplications(replications)) ? 1 : 0,
        id,
      );
      replay(database, cells, id);
    });
  }

  /** How often the mistakes of each signature were repeated when the student met them again. */
  rates(domain: string): Map<string, ReplicationRate> {
    return replicationRates(this.#store.database, domain);
  }

  /** By task: the largest replication rate among the signatures of its known mistakes. */
  ratesByTask(domain: string): Map<string, number> {
    return replicationByTask(this.#store.database, domain);
  }
}
