/**
 * The adaptive error corpus: verified mistakes, each kept once and counted.
 *
 * A candidate unlike what its cell holds becomes an entry; one that resembles an entry adds to
 * its support, for recurrence is what tells a systematic error from noise. Whole attempts are kept
 * beside the entries, under their own signature, to train error experts on.
 *
 * Departures from the published parts: the novelty threshold (novelty search, Lehman & Stanley
 * 2011) is steered by a moving average of admissions, and replay by rank of quality instead of
 * TD error (Prioritized Level Replay, arXiv 2010.03934).
 */
import { ErrataError } from "../error.js";
import type { Random } from "../random.js";
import {
  admissionState,
  admit,
  checkShare,
  registerHeldOut,
  type AdmissionState,
} from "./admission.js";
import { Cells } from "./cells.js";
import { Database } from "./database.js";
import { modalAnswers, similarities } from "./coverage.js";
import {
  calibration,
  discrimination,
  type CalibrationBand,
  type Discrimination,
} from "./discrimination.js";
import { fitWhitening, type Whitening } from "./embedding.js";
import { fromBlob, toBlob } from "./encoding.js";
import {
  MISTAKE_COLUMNS,
  TRACE_COLUMNS,
  parseReplications,
  readMistake,
  toMistake,
  toTrace,
  type Admission,
  type Candidate,
  type Mistake,
  type MistakeDetail,
  type MistakeRow,
  type MistakeTrace,
  type TraceRow,
} from "./mistake.js";
import {
  knownAt,
  replicationByTask,
  replicationRates,
  type KnownMistake,
  type ReplicationRate,
} from "./exposure.js";
import { normalize } from "./novelty.js";
import {
  markPut,
  outcomeSources,
  readOutcomes,
  recordOutcome,
  taskOutcomes,
  type Known,
  type Outcome,
  type RecordedOutcome,
  type TaskOutcomes,
} from "./outcomes.js";
import { isSuspect, quarantine, type Suspicion } from "./poison.js";
import { EXPOSURE_WINDOW, isOutgrown, quality } from "./quality.js";
import { reviewQueue, reviewReport, type QueueEntry, type ReviewReport } from "./queue.js";
import { readEvents, recordVerdict, replay, revokeVerdict, type Review } from "./review.js";
import { drawReplay } from "./sampling.js";
import {
  USABLE,
  countAnswers,
  countTraces,
  readTraces,
  summariseSignatures,
  toRecord,
  type SignatureSummary,
  type TraceFilter,
} from "./traces.js";
import type { CorpusEvent, MistakeStatus } from "./verdict.js";

/** Settings of a {@link Corpus}. */
export interface CorpusOptions {
  /** Most entries kept. Default 4096. */
  readonly capacity?: number;
  /** Most attempts kept per entry. Default 16. */
  readonly tracesPerMistake?: number;
  /** `false` admits everything but exact duplicates: an ablation. Default true. */
  readonly novelty?: boolean;
  /** Opens for reading, leaving the file's bytes as they are. Default false. */
  readonly readOnly?: boolean;
}

/** The corpus in numbers: novelty threshold, moving admission rate, counts of candidates, and what is kept. */
export interface CorpusStats extends AdmissionState {
  readonly mistakes: number;
  readonly traces: number;
  /** Mistakes per signature. */
  readonly bySignature: Readonly<Record<string, number>>;
  /** Candidates per source. */
  readonly bySource: Readonly<Record<string, number>>;
  /** Mistakes per status. */
  readonly byStatus: Readonly<Record<string, number>>;
}

/** A known mistake and how close it is. */
export interface Neighbour {
  readonly mistake: Mistake;
  /** Cosine, in [-1, 1]. */
  readonly similarity: number;
}

/** A store of mistakes in one SQLite file, or in memory. */
export class Corpus {
  readonly capacity: number;
  readonly tracesPerMistake: number;
  /** Whether candidates merge by novelty, or only when they are exact repeats. */
  readonly novelty: boolean;
  readonly #database: Database;
  readonly #cells: Cells;

  private constructor(database: Database, options: CorpusOptions) {
    this.capacity = options.capacity ?? 4096;
    this.tracesPerMistake = options.tracesPerMistake ?? 16;
    this.novelty = options.novelty ?? true;
    this.#database = database;
    this.#cells = new Cells(database);
  }

  /**
   * Opens a corpus, or starts one; `:memory:` keeps it off the disk.
   * @throws ErrataError `CORPUS_OPTION`, `CORPUS_SQLITE`, `CORPUS_OPEN`, `CORPUS_NOT_A_DATABASE`,
   *   `CORPUS_SCHEMA`.
   */
  static open(path: string, options: CorpusOptions = {}): Corpus {
    for (const name of ["capacity", "tracesPerMistake"] as const) {
      const value = options[name] ?? 1;
      if (Number.isInteger(value) && value >= 1) continue;
      throw new ErrataError(`corpus.${name} must be a whole number of at least 1, got ${value}`, {
        code: "CORPUS_OPTION",
        hint: `set corpus.${name}`,
      });
    }
    return new Corpus(Database.open(path, { readOnly: options.readOnly ?? false }), options);
  }

  /**
   * Replaces the corpus at `path` by a copy of a snapshot and opens it.
   * @throws ErrataError `CORPUS_OPEN` when there is no such snapshot, and as {@link Corpus.open}.
   */
  static restore(snapshot: string, path: string, options: CorpusOptions = {}): Corpus {
    Database.restore(snapshot, path);
    return Corpus.open(path, options);
  }

  /**
   * Starts a transaction; a training step is one. It holds the write lock until it ends.
   * @throws ErrataError `CORPUS_TRANSACTION` when one is open.
   */
  begin(): void {
    this.#database.begin();
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when no transaction is open. */
  commit(): void {
    this.#database.commit();
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when no transaction is open. */
  rollback(): void {
    this.#database.rollback();
    this.#cells.clear();
  }

  /**
   * Writes a copy to `path`, whole or not at all. Equal content gives equal bytes, however often
   * the corpus was closed, rolled back or restored on the way (with one version of SQLite).
   * @throws ErrataError `CORPUS_TRANSACTION` inside a transaction.
   */
  snapshot(path: string): void {
    this.#database.snapshot(path);
  }

  /** Closes the file; an open transaction is rolled back. */
  close(): void {
    this.#cells.clear();
    this.#database.close();
  }

  /**
   * Bars tasks for good, keeping only a SHA-256 of each; returns how many mistakes that removed.
   * Attempts at them that are already in are deleted (their support stays counted).
   */
  registerHeldOut(domain: string, taskIds: Iterable<string>): number {
    return this.#write(() => registerHeldOut(this.#database, this.#cells, domain, taskIds));
  }

  /**
   * Puts a verified-wrong attempt before the corpus: it becomes an entry when its novelty exceeds
   * the threshold, else adds support to the nearest entry of its cell (domain, level). An exact
   * repeat (same domain, level, state and wrong step) always merges, and so does an answer that a
   * person has declared right: what was revoked does not come back under a new id.
   *
   * Anything but a training task is rejected and counted.
   * @throws ErrataError `CORPUS_NOT_WRONG` on a correct attempt, `CORPUS_CANDIDATE` on a number out
   *   of range, `CORPUS_DIMENSION` on an embedding unlike the others.
   */
  admit(candidate: Candidate): Admission {
    return this.#write(() => admit(this.#database, this.#cells, this, candidate));
  }

  /**
   * The known mistakes of a cell closest to an embedding `[D]`, closest first; quarantined and
   * human-invalid ones are left out.
   * @throws ErrataError `CORPUS_DIMENSION` on an embedding unlike the others.
   */
  nearest(query: {
    readonly domain: string;
    readonly level: string;
    readonly embedding: Float32Array;
    readonly limit: number;
  }): Neighbour[] {
    this.#cells.follow();
    const unit = normalize(query.embedding);
    const cell = this.#cells.get(query.domain, query.level, unit.length);
    const neighbours: Neighbour[] = [];
    for (const { id, similarity } of cell.ranked(unit)) {
      if (neighbours.length >= query.limit) break;
      const mistake = toMistake(readMistake(this.#database, id));
      if (mistake.status !== "quarantined") neighbours.push({ mistake, similarity });
    }
    return neighbours;
  }

  /**
   * Wrong answers seen for a task and how often, most frequent first. Empty answers, and those of
   * quarantined and human-invalid mistakes, are left out.
   */
  wrongAnswers(
    domain: string,
    taskId: string,
    { sources }: Pick<TraceFilter, "sources"> = {},
  ): Map<string, number> {
    return countAnswers(this.#database, domain, taskId, sources);
  }

  /**
   * Attempts to train one error expert on, newest first. Without a signature those of all
   * signatures come pooled: an ablation, for pooled experts do not work. Quarantined and
   * human-invalid mistakes give none.
   */
  tracesForExpert(
    domain: string,
    signature: string | undefined,
    options: TraceFilter & { readonly limit: number },
  ): MistakeTrace[] {
    return readTraces(this.#database, domain, signature, options);
  }

  /** How many attempts {@link Corpus.tracesForExpert} could give, per signature. */
  traceCount(domain: string, filter: TraceFilter = {}): Map<string, number> {
    return countTraces(this.#database, domain, filter);
  }

  /**
   * The systematic errors of a domain, most support first. Unrecognised attempts, and quarantined
   * and human-invalid mistakes, are left out.
   */
  signatures(domain: string): SignatureSummary[] {
    return summariseSignatures(this.#database, domain);
  }

  /**
   * Sets the factors of quality that need the student, each in [0, 1].
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`, `CORPUS_CANDIDATE` on a number out of range.
   */
  updateQuality(
    id: number,
    factors: { readonly confusability?: number; readonly learnability?: number },
  ): void {
    this.#write(() => {
      const row = readMistake(this.#database, id);
      const { confusability = row.confusability, learnability = row.learnability } = factors;
      checkShare("confusability", confusability);
      checkShare("learnability", learnability);
      this.#database.run(
        "UPDATE mistake SET confusability = ?, learnability = ?, quality = ? WHERE id = ?",
        confusability,
        learnability,
        quality(row.recurrence, confusability, learnability),
        id,
      );
    });
  }

  /**
   * Draws up to `count` different mistakes for the student to face again: by rank of quality and
   * by staleness, 2% of draws from retired ones.
   */
  sample(options: {
    readonly domain: string;
    readonly count: number;
    readonly step: number;
    readonly random: Random;
  }): Mistake[] {
    const rows = this.#database.all<{ id: number; quality: number; last: number; retired: number }>(
      `SELECT id, quality, coalesce(last_exposure, step) AS last, retired FROM mistake
       WHERE domain = ? AND ${USABLE} ORDER BY id`,
      options.domain,
    );
    const replayable = rows.map((row) => ({
      id: row.id,
      quality: row.quality,
      staleness: Math.max(0, options.step - row.last),
      retired: row.retired === 1,
    }));
    const drawn = drawReplay(replayable, options.count, options.random);
    return drawn.map((id) => toMistake(readMistake(this.#database, id)));
  }

  /**
   * Records that the student faced a mistake again, and whether it made it. Less than 2% of 16
   * exposures replicated retires it; one replication reopens it.
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`.
   */
  recordExposure(id: number, replicated: boolean, step: number): void {
    this.#write(() => {
      const row = readMistake(this.#database, id);
      const replications = (row.replications + (replicated ? "1" : "0")).slice(-EXPOSURE_WINDOW);
      this.#database.run(
        "UPDATE mistake SET exposures = exposures + 1, replications = ?, last_exposure = ?, retired = ? WHERE id = ?",
        replications,
        step,
        isOutgrown(parseReplications(replications)) ? 1 : 0,
        id,
      );
      replay(this.#database, this.#cells, id);
    });
  }

  /**
   * Appends a reviewer's verdict and returns its event id. `invalid` takes the mistake out of
   * experts, answers and neighbours; it still absorbs exact repeats, so revoking restores them all.
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`.
   */
  recordVerdict(review: Review): number {
    return this.#write(() => recordVerdict(this.#database, this.#cells, review));
  }

  /**
   * Appends the revocation of a verdict: the mistake is what it would be without it.
   * @throws ErrataError `CORPUS_UNKNOWN_EVENT` when there is no such verdict.
   */
  revokeVerdict(eventId: number): void {
    this.#write(() => revokeVerdict(this.#database, this.#cells, eventId));
  }

  /** Entries by id, one page of `limit` (default 100) at a time. */
  list(
    query: {
      readonly domain?: string;
      readonly signature?: string;
      readonly status?: MistakeStatus;
      readonly limit?: number;
      readonly offset?: number;
    } = {},
  ): Mistake[] {
    const columns = (["domain", "signature", "status"] as const).filter(
      (column) => query[column] !== undefined,
    );
    const where =
      columns.length === 0 ? "" : `WHERE ${columns.map((column) => `${column} = ?`).join(" AND ")}`;
    const rows = this.#database.all<MistakeRow>(
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
  show(id: number): MistakeDetail {
    const mistake = toMistake(readMistake(this.#database, id));
    const sources = this.#database.all<{ name: string; count: number }>(
      "SELECT source AS name, sum(count) AS count FROM mistake_source WHERE mistake = ? GROUP BY source ORDER BY source",
      id,
    );
    const traces = this.#database.all<TraceRow>(
      `SELECT ${TRACE_COLUMNS} FROM trace WHERE mistake = ? ORDER BY step DESC, id DESC`,
      id,
    );
    return {
      ...mistake,
      sources: toRecord(sources),
      traces: traces.map(toTrace),
      events: readEvents(this.#database, id),
    };
  }

  /** One entry, or undefined when there is none of this id. */
  find(id: number): Mistake | undefined {
    const row = this.#database.get<MistakeRow>(
      `SELECT ${MISTAKE_COLUMNS} FROM mistake WHERE id = ?`,
      id,
    );
    return row === undefined ? undefined : toMistake(row);
  }

  /** The corpus in numbers. */
  stats(): CorpusStats {
    const count = (table: "mistake" | "trace"): number =>
      this.#database.get<{ count: number }>(`SELECT count(*) AS count FROM ${table}`)!.count;
    const by = (column: "signature" | "status"): Record<string, number> =>
      toRecord(
        this.#database.all(
          `SELECT ${column} AS name, count(*) AS count FROM mistake GROUP BY 1 ORDER BY 1`,
        ),
      );
    const sources = this.#database.all<{ name: string; count: number }>(
      "SELECT source AS name, sum(count) AS count FROM mistake_source GROUP BY source ORDER BY source",
    );
    return {
      mistakes: count("mistake"),
      traces: count("trace"),
      ...admissionState(this.#database),
      bySignature: by("signature"),
      bySource: toRecord(sources),
      byStatus: by("status"),
    };
  }

  /** The whitening stored under `name` (for example `state`), or undefined before the first fit. */
  whitening(name: string): Whitening | undefined {
    const row = this.#database.get<{ value: Uint8Array }>(
      "SELECT value FROM meta WHERE key = ?",
      `whitening:${name}`,
    );
    if (row === undefined) return undefined;
    const values = fromBlob(row.value);
    return { mean: values.slice(0, values.length / 2), variance: values.slice(values.length / 2) };
  }

  /**
   * Fits a whitening on a batch `[N, D]` and stores it; from then on returns the stored one, for
   * embeddings are comparable only under one whitening.
   * @throws ErrataError `CORPUS_DIMENSION` on an empty batch or vectors of different lengths.
   */
  fitWhitening(name: string, vectors: readonly ArrayLike<number>[]): Whitening {
    return this.#write(() => {
      const stored = this.whitening(name);
      if (stored !== undefined) return stored;
      const { mean, variance } = fitWhitening(vectors);
      const value = toBlob(Float32Array.of(...mean, ...variance));
      this.#database.run("INSERT INTO meta (key, value) VALUES (?, ?)", `whitening:${name}`, value);
      return { mean, variance };
    });
  }

  /** The mistakes known at a task, for the student that meets it again. */
  knownAt(domain: string, taskId: string): KnownMistake[] {
    return knownAt(this.#database, domain, taskId);
  }

  /** How often the mistakes of each signature were repeated when the student met them again. */
  replicationRates(domain: string): Map<string, ReplicationRate> {
    return replicationRates(this.#database, domain);
  }

  /** By task: the largest replication rate among the signatures of its known mistakes. */
  replicationByTask(domain: string): Map<string, number> {
    return replicationByTask(this.#database, domain);
  }

  /**
   * Quarantines the mistakes behind a "wrong" answer that at least 70% of the student's attempts and
   * two weak models give, and returns how many. Trusted labels stand unless `trustedToo`.
   */
  quarantine(suspicion: Suspicion): number {
    return this.#write(() => quarantine(this.#database, this.#cells, suspicion));
  }

  /** Whether {@link Corpus.quarantine} would look at this answer. */
  isSuspect(suspicion: Suspicion): boolean {
    return isSuspect(this.#database, suspicion);
  }

  /** Signatures whose attempts a mistake holds: what an expert loses with it. */
  signaturesAt(id: number): string[] {
    return this.#database
      .all<{ signature: string }>(
        "SELECT DISTINCT signature FROM mistake_source WHERE mistake = ? ORDER BY signature",
        id,
      )
      .map((row) => row.signature);
  }

  /** How close each source comes to each of the student's latest mistakes, in [0, 1]. */
  similarities(domain: string, sources: readonly string[]): Map<string, number[]> {
    return similarities(this.#database, domain, sources);
  }

  /** The most frequent wrong answer of a source at each task it was wrong on. */
  modalAnswers(domain: string, source: string): Map<string, string> {
    return modalAnswers(this.#database, domain, source);
  }

  /** Mistakes that wait for a verdict, the most worth a look first. */
  reviewQueue(options: { readonly by?: string; readonly limit: number }): QueueEntry[] {
    return reviewQueue(this.#database, options);
  }

  /** What reviewers' verdicts say of each other and of what the machine accepts. */
  reviewReport(): ReviewReport {
    return reviewReport(this.#database);
  }

  /** How well quality tells mistakes of the known mal-rules `rules` from noise. */
  discrimination(domain: string, rules: readonly string[]): Discrimination {
    return discrimination(this.#database, domain, rules);
  }

  /** Quality against people's word, by band of quality. */
  calibration(): CalibrationBand[] {
    return calibration(this.#database);
  }

  /** Every verdict and revocation, oldest first. */
  events(): CorpusEvent[] {
    return readEvents(this.#database);
  }

  /**
   * Records what a model got right or wrong, for measuring overlap, unless it is there already.
   * Held-out tasks may be among them: nothing is trained on outcomes.
   */
  recordOutcome(outcome: Outcome): Known {
    return this.#write(() => recordOutcome(this.#database, outcome));
  }

  /** Remembers that the mistake of a recorded outcome was admitted or merged. */
  markPut(outcome: Outcome): void {
    this.#write(() => markPut(this.#database, outcome));
  }

  /** A source's outcomes in a domain, by task. */
  outcomes(domain: string, source: string): RecordedOutcome[] {
    return readOutcomes(this.#database, domain, source);
  }

  /** Sources with outcomes, by domain. */
  outcomeSources(): { domain: string; source: string; attempts: number; wrong: number }[] {
    return outcomeSources(this.#database);
  }

  /** The recorded attempts at a task, and how many were wrong with this answer. */
  taskOutcomes(domain: string, taskId: string, answer: string): TaskOutcomes {
    return taskOutcomes(this.#database, domain, taskId, answer);
  }

  /** Runs a change all or nothing; a failed one leaves no trace in memory either. */
  #write<T>(change: () => T): T {
    if (this.#database.readOnly) {
      throw new ErrataError(`the corpus ${this.#database.path} was opened for reading`, {
        code: "CORPUS_READ_ONLY",
        hint: "restore the snapshot into a run and change it there",
      });
    }
    try {
      return this.#database.atomically(() => {
        this.#cells.follow();
        return change();
      });
    } catch (error) {
      this.#cells.clear();
      throw error;
    }
  }
}
