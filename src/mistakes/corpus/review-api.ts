/** What people say of the mistakes, and what that says of the machine. */
import { calibration, type CalibrationBand } from "./discrimination.js";
import { reviewQueue, reviewReport, type QueueEntry, type ReviewReport } from "./queue.js";
import type { Annotation } from "./annotators.js";
import { annotations, recordVerdict, revokeVerdict, type Review } from "./verdicts.js";
import type { Store } from "./store.js";
import type { ReviewVerdict } from "./standing.js";

/** The reviews of a corpus: verdicts are events, and can be revoked. */
export class CorpusReviews {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Appends a reviewer's verdict and returns its event id. `invalid` takes the mistake out of
   * experts, answers and neighbours; it still absorbs exact repeats, so revoking restores them all.
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`.
   */
  record(review: Review): number {
    return this.#store.change((database, cells) => recordVerdict(database, cells, review));
  }

  /**
   * Appends the revocation of a verdict: the mistake is what it would be without it.
   * @throws ErrataError `CORPUS_UNKNOWN_EVENT` when there is no such verdict.
   */
  revoke(eventId: number): void {
    this.#store.change((database, cells) => revokeVerdict(database, cells, eventId));
  }

  /** Mistakes that wait for a verdict, the most worth a look first. */
  queue(options: { readonly by?: string; readonly limit: number }): QueueEntry[] {
    return reviewQueue(this.#store.database, options);
  }

  /** Every reviewer's standing verdict on every mistake. */
  annotations(): readonly Annotation<ReviewVerdict>[] {
    return annotations(this.#store.database);
  }

  /** What reviewers' verdicts say of each other and of what the machine accepts. */
  report(): ReviewReport {
    return reviewReport(this.#store.database);
  }

  /** Quality against people's word, by band of quality. */
  calibration(): CalibrationBand[] {
    return calibration(this.#store.database);
  }
}
