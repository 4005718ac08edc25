/** Do the mistakes of a weak model foretell those of a stronger one? */
import type { Corpus } from "../corpus/corpus.js";
import { UNRECOGNISED } from "../corpus/mistake.js";
import type { RecordedOutcome } from "../corpus/outcomes.js";
import { ErrataError } from "../../util/error.js";
import { nearest } from "../../util/spelling.js";
import { wilsonInterval, type Interval } from "../../util/statistics/intervals.js";
import { sourceOf } from "./report.js";

/** A share of a number of tasks, with its 95% Wilson interval. */
export interface Share {
  /** Several attempts at one task count as shares of it, so this need not be whole. */
  readonly count: number;
  readonly of: number;
  /** `null` of none. */
  readonly share: number | null;
  readonly interval: Interval | null;
}

/** Two models on the tasks of one domain that both attempted. */
export interface MistakeAgreement {
  readonly domain: string;
  readonly weak: string;
  readonly strong: string;
  readonly tasks: number;
  readonly weakFails: Share;
  readonly strongFails: Share;
  /** P(strong fails | weak fails). */
  readonly givenWeakFails: Share;
  /** P(strong fails | weak passes). */
  readonly givenWeakPasses: Share;
  /** Among tasks that both fail: equal answers, all of them. */
  readonly sameAnswer: Share;
  /** Among tasks that both fail with outputs that can be compared: some output is the same. */
  readonly sameOutput: Share;
  /** Among tasks that both fail: the same systematic error was recognised. */
  readonly sameSignature: Share;
}

/**
 * How far the mistakes of two models agree in every domain where both have outcomes.
 *
 * With w_t and s_t the shares of wrong attempts of the weak and the strong model at task t,
 *
 *     P(strong fails | weak fails) = sum_t w_t s_t / sum_t w_t
 *     P(strong fails | weak passes) = sum_t (1 - w_t) s_t / sum_t (1 - w_t)
 *
 * which are plain counts where each task was attempted once. The two differ already where some tasks
 * are harder than others; that wrong outputs are identical says more, unless a test is ambiguous.
 * @throws ErrataError `IMPORT_MODEL` where a model has no outcomes, or the two share no domain.
 */
export function mistakeAgreement(corpus: Corpus, weak: string, strong: string): MistakeAgreement[] {
  const sources = corpus.outcomes.sources();
  const domainsOf = (model: string): Set<string> => {
    const named = sources.filter((row) => row.source === sourceOf(model));
    if (named.length > 0) return new Set(named.map((row) => row.domain));
    const known = [...new Set(sources.map((row) => row.source.replace(/^weak:/, "")))];
    const guess = nearest(model, known);
    throw new ErrataError(`the corpus has no imported attempts of "${model}"`, {
      code: "IMPORT_MODEL",
      hint:
        known.length === 0
          ? "errata corpus import brings some in"
          : `${guess === undefined ? "" : `did you mean "${guess}"? `}known: ${known.join(", ")}`,
    });
  };
  const weakDomains = domainsOf(weak);
  const strongDomains = domainsOf(strong);
  const domains = [...weakDomains].filter((domain) => strongDomains.has(domain));
  if (domains.length === 0)
    throw new ErrataError(`"${weak}" and "${strong}" have attempted no domain in common`, {
      code: "IMPORT_MODEL",
      hint: "import attempts of both at the same tasks",
    });
  return domains.map((domain) =>
    compare(
      { domain, weak, strong },
      byTask(corpus.outcomes.of(domain, sourceOf(weak))),
      byTask(corpus.outcomes.of(domain, sourceOf(strong))),
    ),
  );
}

type ByTask = ReadonlyMap<string, readonly RecordedOutcome[]>;

function byTask(outcomes: readonly RecordedOutcome[]): ByTask {
  const groups = new Map<string, RecordedOutcome[]>();
  for (const outcome of outcomes)
    groups.set(outcome.taskId, [...(groups.get(outcome.taskId) ?? []), outcome]);
  return groups;
}

function compare(
  names: Pick<MistakeAgreement, "domain" | "weak" | "strong">,
  weak: ByTask,
  strong: ByTask,
): MistakeAgreement {
  const tally = {
    weakFails: counter(),
    strongFails: counter(),
    givenWeakFails: counter(),
    givenWeakPasses: counter(),
    sameAnswer: counter(),
    sameOutput: counter(),
    sameSignature: counter(),
  };
  let tasks = 0;
  for (const [task, weakOnes] of weak) {
    const strongOnes = strong.get(task);
    if (strongOnes === undefined) continue;
    tasks++;
    const weakWrong = weakOnes.filter((outcome) => !outcome.correct);
    const strongWrong = strongOnes.filter((outcome) => !outcome.correct);
    const w = weakWrong.length / weakOnes.length;
    const s = strongWrong.length / strongOnes.length;
    tally.weakFails.add(w, 1);
    tally.strongFails.add(s, 1);
    tally.givenWeakFails.add(w * s, w);
    tally.givenWeakPasses.add((1 - w) * s, 1 - w);
    const pairs = weakWrong.flatMap((a) => strongWrong.map((b) => [a, b] as const));
    const share = (same: (a: RecordedOutcome, b: RecordedOutcome) => boolean, of = pairs): number =>
      of.filter(([a, b]) => same(a, b)).length / of.length;
    if (pairs.length === 0) continue;
    tally.sameAnswer.add(
      share((a, b) => a.answer !== "" && a.answer === b.answer),
      1,
    );
    tally.sameSignature.add(
      share((a, b) => a.signature !== UNRECOGNISED && a.signature === b.signature),
      1,
    );
    const comparable = pairs.filter(([a, b]) => hasOutputs(a) && hasOutputs(b));
    if (comparable.length > 0) tally.sameOutput.add(share(someOutputSame, comparable), 1);
  }
  return {
    ...names,
    tasks,
    weakFails: tally.weakFails.share(),
    strongFails: tally.strongFails.share(),
    givenWeakFails: tally.givenWeakFails.share(),
    givenWeakPasses: tally.givenWeakPasses.share(),
    sameAnswer: tally.sameAnswer.share(),
    sameOutput: tally.sameOutput.share(),
    sameSignature: tally.sameSignature.share(),
  };
}

const hasOutputs = ({ wrongOutputs }: RecordedOutcome): boolean =>
  Object.keys(wrongOutputs).length > 0;

function someOutputSame(a: RecordedOutcome, b: RecordedOutcome): boolean {
  return Object.entries(a.wrongOutputs).some(([key, value]) => b.wrongOutputs[key] === value);
}

function counter(): { add(count: number, of: number): void; share(): Share } {
  let [count, of] = [0, 0];
  return {
    add(more: number, ofMore: number): void {
      count += more;
      of += ofMore;
    },
    share: () => ({
      count,
      of,
      share: of === 0 ? null : count / of,
      interval: of === 0 ? null : wilsonInterval(count, of),
    }),
  };
}
