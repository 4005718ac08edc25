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
import { ErrataError } from "../../util/error.js";
import type { Random } from "../../util/random.js";
import { admit, checkShare, registerHeldOut } from "./admission.js";
import {
  corpusStats,
  findMistake,
  listMistakes,
  showMistake,
  type CorpusStats,
  type MistakeQuery,
} from "./browse.js";
import { modalAnswers, similarities } from "./partner-worth.js";
import { Database } from "./database.js";
import { discrimination, type Discrimination } from "./discrimination.js";
import type { Whitening } from "./embedding.js";
import { CorpusExposures } from "./exposure.js";
import {
  readMistake,
  toMistake,
  type Admission,
  type Candidate,
  type Mistake,
  type MistakeDetail,
  type MistakeTrace,
  type TraceStep,
} from "./mistake.js";
import { nearestMistakes, type Neighbour } from "./neighbours.js";
import { defaultCorpus, type MistakeOptions } from "./options.js";
import { CorpusOutcomes } from "./outcomes.js";
import { isSuspect, quarantine, type Suspicion } from "./poison.js";
import { quality } from "./quality.js";
import { CorpusReviews } from "./review-api.js";
import { drawReplay } from "./sampling.js";
import { Store } from "./store.js";
import {
  USABLE,
  countAnswers,
  countTraces,
  readSeen,
  readTraces,
  readTracesAt,
  summariseSignatures,
  type SignatureSummary,
  type TraceFilter,
} from "./traces.js";
import { readWhitening, storedWhitening } from "./whitening.js";

/** Settings of a {@link Corpus}. */
export interface CorpusOptions extends Partial<
  Pick<MistakeOptions, "capacity" | "tracesPerMistake" | "novelty">
> {
  /** Opens for reading, leaving the file's bytes as they are. Default false. */
  readonly readOnly?: boolean;
}

/** A store of mistakes in one SQLite file, or in memory. */
export class Corpus {
  readonly capacity: number;
  readonly tracesPerMistake: number;
  /** Whether candidates merge by novelty, or only when they are exact repeats. */
  readonly novelty: boolean;
  /** What people say of the mistakes. */
  readonly reviews: CorpusReviews;
  /** What models got right and wrong, for measuring overlap. */
  readonly outcomes: CorpusOutcomes;
  /** Mistakes that the student met again. */
  readonly exposures: CorpusExposures;
  readonly #store: Store;

  private constructor(store: Store, options: CorpusOptions) {
    this.capacity = options.capacity ?? defaultCorpus.capacity;
    this.tracesPerMistake = options.tracesPerMistake ?? defaultCorpus.tracesPerMistake;
    this.novelty = options.novelty ?? defaultCorpus.novelty;
    this.#store = store;
    this.reviews = new CorpusReviews(store);
    this.outcomes = new CorpusOutcomes(store);
    this.exposures = new CorpusExposures(store);
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
    return new Corpus(Store.open(path, options.readOnly ?? false), options);
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
    this.#store.begin();
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when no transaction is open. */
  commit(): void {
    this.#store.commit();
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when no transaction is open. */
  rollback(): void {
    this.#store.rollback();
  }

  /**
   * Writes a copy to `path`, whole or not at all. Equal content gives equal bytes, however often
   * the corpus was closed, rolled back or restored on the way (with one version of SQLite).
   * @throws ErrataError `CORPUS_TRANSACTION` inside a transaction.
   */
  snapshot(path: string): void {
    this.#store.database.snapshot(path);
  }

  /** Closes the file; an open transaction is rolled back. */
  close(): void {
    this.#store.close();
  }

  /**
   * Bars tasks for good, keeping only a SHA-256 of each; returns how many mistakes that removed.
   * Attempts at them that are already in are deleted (their support stays counted).
   */
  registerHeldOut(domain: string, taskIds: Iterable<string>): number {
    return this.#store.change((database, cells) =>
      registerHeldOut(database, cells, domain, taskIds),
    );
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
    return this.#store.change((database, cells) => admit(database, cells, this, candidate));
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
    return nearestMistakes(this.#store, query);
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
    return countAnswers(this.#store.database, domain, taskId, sources);
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
    return readTraces(this.#store.database, domain, signature, options);
  }

  /** Wrong attempts kept of one task by `sources`, what recurred most first. */
  tracesAt(domain: string, taskId: string, sources: readonly string[]): MistakeTrace[] {
    return readTracesAt(this.#store.database, domain, taskId, sources);
  }

  /** What was seen before a mistake's wrong step: its state and, where there was one, the conversation. */
  seenAt(mistake: Pick<Mistake, "id" | "state" | "wrongStep">): Omit<TraceStep, "action"> {
    return readSeen(this.#store.database, mistake);
  }

  /** How many attempts {@link Corpus.tracesForExpert} could give, per signature. */
  traceCount(domain: string, filter: TraceFilter = {}): Map<string, number> {
    return countTraces(this.#store.database, domain, filter);
  }

  /**
   * The systematic errors of a domain, most support first. Unrecognised attempts, and quarantined
   * and human-invalid mistakes, are left out.
   */
  signatures(domain: string): SignatureSummary[] {
    return summariseSignatures(this.#store.database, domain);
  }

  /**
   * Sets the factors of quality that need the student, each in [0, 1].
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`, `CORPUS_CANDIDATE` on a number out of range.
   */
  updateQuality(
    id: number,
    factors: { readonly confusability?: number; readonly learnability?: number },
  ): void {
    this.#store.change((database) => {
      const row = readMistake(database, id);
      const { confusability = row.confusability, learnability = row.learnability } = factors;
      checkShare("confusability", confusability);
      checkShare("learnability", learnability);
      database.run(
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
    const rows = this.#store.database.all<{
      id: number;
      quality: number;
      last: number;
      retired: number;
    }>(
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
    return drawn.map((id) => toMistake(readMistake(this.#store.database, id)));
  }

  /** Entries by id, one page of `limit` (default 100) at a time. */
  list(query: MistakeQuery = {}): Mistake[] {
    return listMistakes(this.#store.database, query);
  }

  /**
   * One entry with its sources, attempts and verdicts.
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`.
   */
  show(id: number): MistakeDetail {
    return showMistake(this.#store.database, id);
  }

  /** One entry, or undefined when there is none of this id. */
  find(id: number): Mistake | undefined {
    return findMistake(this.#store.database, id);
  }

  /** The corpus in numbers. */
  stats(): CorpusStats {
    return corpusStats(this.#store.database);
  }

  /** The whitening stored under `name` (for example `state`), or undefined before the first fit. */
  whitening(name: string): Whitening | undefined {
    return readWhitening(this.#store.database, name);
  }

  /**
   * Fits a whitening on a batch `[N, D]` and stores it; from then on returns the stored one, for
   * embeddings are comparable only under one whitening.
   * @throws ErrataError `CORPUS_DIMENSION` on an empty batch or vectors of different lengths.
   */
  fitWhitening(name: string, vectors: readonly ArrayLike<number>[]): Whitening {
    return this.#store.change((database) => storedWhitening(database, name, vectors));
  }

  /**
   * Quarantines the mistakes behind a "wrong" answer that at least 70% of the student's attempts and
   * two weak models give, and returns how many. Trusted labels stand unless `trustedToo`.
   */
  quarantine(suspicion: Suspicion): number {
    return this.#store.change((database, cells) => quarantine(database, cells, suspicion));
  }

  /** Whether {@link Corpus.quarantine} would look at this answer. */
  isSuspect(suspicion: Suspicion): boolean {
    return isSuspect(this.#store.database, suspicion);
  }

  /** Signatures whose attempts a mistake holds: what an expert loses with it. */
  signaturesAt(id: number): string[] {
    return this.#store.database
      .all<{ signature: string }>(
        "SELECT DISTINCT signature FROM mistake_source WHERE mistake = ? ORDER BY signature",
        id,
      )
      .map((row) => row.signature);
  }

  /** How close each source comes to each of the student's latest mistakes, in [0, 1]. */
  similarities(domain: string, sources: readonly string[]): Map<string, number[]> {
    return similarities(this.#store.database, domain, sources);
  }

  /** The most frequent wrong answer of a source at each task it was wrong on. */
  modalAnswers(domain: string, source: string): Map<string, string> {
    return modalAnswers(this.#store.database, domain, source);
  }

  /** How well quality tells mistakes of the known mal-rules `rules` from noise. */
  discrimination(domain: string, rules: readonly string[]): Discrimination {
    return discrimination(this.#store.database, domain, rules);
  }
}
