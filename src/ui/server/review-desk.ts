/** Reviewing in the page: what waits, what a verdict would change, verdicts to the run's `reviews.jsonl`. */
import { join } from "node:path";
import { reviewIdentity } from "../../mistakes/review-lines.js";
import type { Mistake, MistakeDetail } from "../../mistakes/corpus/mistake.js";
import { reviewVerdicts, type ReviewVerdict } from "../../mistakes/corpus/standing.js";
import { reviewsName } from "../../run/inbox.js";
import { ReviewSession } from "../../run/review-session.js";
import { ErrataError } from "../../util/error.js";
import { cohensKappa } from "../../util/statistics/kappa.js";
import type { Agreement, Effect, ReviewCard, ReviewQueue, ReviewRequest } from "../api.js";
import { toCard } from "./mistakes.js";
import { configOf, rawConfig, sizeOf, stateOf } from "./run-files.js";
import type { Metrics } from "./metrics.js";

/** How long a copy of a corpus that is being trained on is good enough to choose from, in milliseconds. */
const freshFor = 30_000;
/** Cards sent at once: the one looked at, and the next, so that no key waits. */
const cardsAhead = 3;

/** The reviews of one run. */
export class ReviewDesk {
  readonly #folder: string;
  readonly #metrics: Metrics;
  #session: ReviewSession | undefined;
  #openedAt = 0;
  #judged = 0;
  #stamp = "";

  constructor(folder: string, metrics: Metrics) {
    this.#folder = folder;
    this.#metrics = metrics;
  }

  /** What waits for `by`, leaving out what they skipped. */
  queue(by: string, skipped: ReadonlySet<number>): ReviewQueue {
    const session = this.#open();
    const { corpus } = session;
    const entries = corpus.reviews
      .queue({ by, limit: cardsAhead + skipped.size })
      .filter(({ mistake }) => !skipped.has(mistake.id))
      .slice(0, cardsAhead);
    const cards = entries.map(({ mistake, score, audit }): ReviewCard => {
      const detail = corpus.show(mistake.id);
      return {
        ...toCard(detail),
        score,
        audit,
        identity: reviewIdentity(detail),
        effects: reviewVerdicts.map((verdict) => this.#effect(session, detail, by, verdict)),
      };
    });
    const annotations = corpus.reviews.annotations();
    const reviewers: Record<string, number> = {};
    for (const { by: name } of annotations) reviewers[name] = (reviewers[name] ?? 0) + 1;
    const { judged, contested } = corpus.reviews.report();
    this.#metrics.refresh();
    return {
      queue: cards,
      waiting: corpus.stats().mistakes - (reviewers[by] ?? 0) - skipped.size,
      judged,
      contested,
      pending: session.pending + this.#judged,
      nextRefit: this.#nextRefit(),
      taken: this.#metrics.happenings.flatMap(({ step, text }) => {
        const verdicts = /(\d+) verdicts taken/.exec(text)?.[1];
        return verdicts === undefined ? [] : [{ step, verdicts: Number(verdicts) }];
      }),
      reviewers,
      agreement: agreements(annotations),
    };
  }

  /**
   * Records a verdict for the run to take at its next refit.
   * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`, `REVIEW_NOTHING`; `REVIEW_CHANGED` where the mistake
   *   is not the one that was seen.
   */
  judge(request: ReviewRequest): { readonly status: string; readonly pending: number } {
    const session = this.#open();
    const { mistake, identity, by } = request;
    if (reviewIdentity(session.corpus.show(mistake)) !== identity)
      throw new ErrataError(`mistake ${mistake} is not the one that was shown`, {
        code: "REVIEW_CHANGED",
        hint: "look at it again: the run was resumed meanwhile",
      });
    if ("undo" in request) session.judge(mistake, by, { undo: true });
    else
      session.judge(mistake, by, {
        verdict: request.verdict as ReviewVerdict,
        ...(request.note === undefined ? {} : { note: request.note }),
        ...(request.fix === undefined ? {} : { fix: request.fix }),
      });
    this.#judged++;
    this.#stamp = this.#filesStamp();
    return {
      status: session.corpus.show(mistake).status,
      pending: session.pending + this.#judged,
    };
  }

  close(): void {
    this.#session?.close();
    this.#session = undefined;
  }

  /** The session at hand, or a new one where another process wrote verdicts or took them. */
  #open(): ReviewSession {
    const stamp = this.#filesStamp();
    const old = stateOf(this.#folder) === "training" && Date.now() - this.#openedAt > freshFor;
    if (this.#session !== undefined && stamp === this.#stamp && !old) return this.#session;
    this.close();
    this.#session = ReviewSession.ofRun(this.#folder);
    this.#openedAt = Date.now();
    this.#judged = 0;
    this.#stamp = stamp;
    return this.#session;
  }

  #filesStamp(): string {
    const sizes = [reviewsName, "arrivals.jsonl"].map((name) => sizeOf(join(this.#folder, name)));
    return sizes.join(" ");
  }

  #nextRefit(): number | null {
    const { refitEvery, steps } = configOf(this.#folder);
    const done = this.#metrics.steps.length;
    const next = (Math.floor(done / refitEvery) + 1) * refitEvery;
    return next < steps ? next : null;
  }

  /** Tries the verdict on the copy and takes it back: others' verdicts count in what comes of it. */
  #effect(
    { corpus }: ReviewSession,
    before: MistakeDetail,
    by: string,
    verdict: ReviewVerdict,
  ): Effect {
    corpus.begin();
    let after: Mistake;
    try {
      corpus.reviews.record({ mistakeId: before.id, by, verdict });
      after = corpus.find(before.id)!;
    } finally {
      corpus.rollback();
    }
    const counts = corpus.traceCount(before.domain);
    const own = new Map<string, number>();
    for (const { signature } of before.traces) own.set(signature, (own.get(signature) ?? 0) + 1);
    const experts = corpus.signaturesAt(before.id).map((name) => ({
      name,
      here: own.get(name) ?? 0,
      all: counts.get(name) ?? 0,
    }));
    const { minimumTraces } = expertSettings(this.#folder);
    return {
      verdict,
      status: after.status,
      text: effectText(before, after, experts, minimumTraces),
    };
  }
}

function expertSettings(folder: string): { readonly minimumTraces: number } {
  const expert = rawConfig(folder)["expert"] as { minimumTraces?: number } | undefined;
  return { minimumTraces: expert?.minimumTraces ?? 1 };
}

const isUsable = ({ status }: Pick<Mistake, "status">): boolean =>
  status !== "quarantined" && status !== "human-invalid";

function effectText(
  before: Mistake,
  after: Mistake,
  experts: readonly { readonly name: string; readonly here: number; readonly all: number }[],
  minimumTraces: number,
): string {
  if (isUsable(before) && isUsable(after))
    return after.status === "human-valid"
      ? "Stays in use, now on a person's word: no guard holds it back."
      : "Nothing changes.";
  if (!isUsable(before) && !isUsable(after))
    return after.status === "human-invalid" ? "Stays out of use, for good." : "Stays held back.";
  if (isUsable(after)) {
    const gain = experts.map(({ name, here }) => `${here} to ${name}`).join(", ");
    return `Counts again: its attempts return (${gain}), and the student is charged for repeating it.`;
  }
  const loss = experts
    .filter(({ name }) => name !== "unrecognised")
    .map(({ name, here, all }) => {
      const left = Math.max(0, all - here);
      const fate = left < minimumTraces ? "is dropped" : "is fitted anew, from nothing";
      return `the expert ${name} loses ${here} of ${all} attempts and ${fate}`;
    })
    .join("; ");
  const held = after.status === "quarantined" ? "Held back until somebody decides" : "Out of use";
  return `${held}: ${loss === "" ? "no expert was fitted to it" : loss}; the student is no longer charged for it.`;
}

function agreements(
  annotations: readonly { readonly item: number; readonly by: string; readonly label: string }[],
): Agreement[] {
  const byPerson = new Map<string, Map<number, string>>();
  for (const { item, by, label } of annotations)
    byPerson.set(by, (byPerson.get(by) ?? new Map<number, string>()).set(item, label));
  const people = [...byPerson.keys()].sort();
  return people.flatMap((first, i) =>
    people.slice(i + 1).flatMap((second): Agreement[] => {
      const others = byPerson.get(second)!;
      const pairs = [...byPerson.get(first)!].flatMap(([item, label]): [string, string][] =>
        others.has(item) ? [[label, others.get(item)!]] : [],
      );
      if (pairs.length === 0) return [];
      return [
        {
          reviewers: [first, second],
          items: pairs.length,
          agree: pairs.filter(([a, b]) => a === b).length,
          kappa: cohensKappa(pairs) ?? null,
        },
      ];
    }),
  );
}
