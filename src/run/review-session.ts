/** Reviewing a run's mistakes from outside it: what waits, and verdicts that the run takes at its next refit. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyReviews, reviewIdentity, type ReviewLine } from "../mistakes/review-lines.js";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { standingVerdicts, type ReviewVerdict } from "../mistakes/corpus/standing.js";
import { ErrataError } from "../util/error.js";
import { appliedReviewBytes, reviewsName } from "./inbox.js";

interface Verdict {
  readonly verdict: ReviewVerdict;
  readonly note?: string;
  readonly fix?: string;
}

/** A verdict, or `undo` of one's own last on this mistake. */
export type Judgement = Verdict | { readonly undo: true };

/**
 * A corpus as reviewers see it: verdicts included that the run has not taken yet.
 *
 * The corpus of a run belongs to the process that trains it. Verdicts are appended to the run's
 * `reviews.jsonl` instead, which it takes at its next refit, so that the run can be repeated exactly;
 * here they are applied to a copy. A corpus file of no run is changed itself.
 */
export class ReviewSession {
  readonly corpus: Corpus;
  /** Verdicts that the run has yet to take; 0 for a corpus of no run. */
  readonly pending: number;
  readonly #log: string | undefined;
  readonly #scratch: string | undefined;

  private constructor(
    corpus: Corpus,
    pending: number,
    log: string | undefined,
    scratch: string | undefined,
  ) {
    this.corpus = corpus;
    this.pending = pending;
    this.#log = log;
    this.#scratch = scratch;
  }

  /**
   * Opens the corpus of the run in `folder`, as of its last finished step.
   * @throws ErrataError `CORPUS_OPEN`.
   */
  static ofRun(folder: string): ReviewSession {
    const scratch = mkdtempSync(join(tmpdir(), "errata-review-"));
    const log = join(folder, reviewsName);
    // The bytes taken are read first: a step that ends in between only makes a verdict apply twice.
    const taken = appliedReviewBytes(folder);
    const source = Corpus.open(join(folder, "corpus.db"), { readOnly: true });
    const copy = join(scratch, "corpus.db");
    try {
      source.snapshot(copy);
    } finally {
      source.close();
    }
    const corpus = Corpus.open(copy);
    const lines = existsSync(log) ? readFileSync(log).subarray(taken).toString("utf8") : "";
    return new ReviewSession(corpus, applyReviews(corpus, lines).verdicts, log, scratch);
  }

  /** @throws ErrataError `CORPUS_OPEN` when there is no such file. */
  static ofFile(path: string): ReviewSession {
    if (!existsSync(path))
      throw new ErrataError(`there is no corpus ${path}`, {
        code: "CORPUS_OPEN",
        hint: "give the path of an existing corpus.db",
      });
    return new ReviewSession(Corpus.open(path), 0, undefined, undefined);
  }

  /**
   * Records a judgement, at once visible here; the run takes it at its next refit. One that stands
   * already is not recorded again, so that whoever does not know whether it was may say it again.
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`, `REVIEW_NOTHING` when there is nothing to undo.
   */
  judge(mistake: number, by: string, judgement: Judgement): void {
    if ("verdict" in judgement && this.#stands(mistake, by, judgement)) return;
    const line: ReviewLine = {
      mistake,
      identity: reviewIdentity(this.corpus.show(mistake)),
      by,
      ...judgement,
    };
    const text = `${JSON.stringify(line)}\n`;
    if (applyReviews(this.corpus, text).verdicts === 0)
      throw new ErrataError(`${by} has no verdict on mistake ${mistake} to undo`, {
        code: "REVIEW_NOTHING",
        hint: "errata corpus review stats lists the verdicts so far",
      });
    if (this.#log !== undefined) appendFileSync(this.#log, text);
  }

  #stands(mistake: number, by: string, { verdict, note, fix }: Verdict): boolean {
    const { events } = this.corpus.show(mistake);
    const own = standingVerdicts(events).find((event) => event.by === by);
    return own !== undefined && own.verdict === verdict && own.note === note && own.fix === fix;
  }

  close(): void {
    this.corpus.close();
    if (this.#scratch !== undefined) rmSync(this.#scratch, { recursive: true, force: true });
  }
}
