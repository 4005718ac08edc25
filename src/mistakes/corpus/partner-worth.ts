/** Which weak models are worth asking: those whose mistakes cover the student's current ones. */
import type { Database } from "./database.js";
import { fromBlob } from "./encoding.js";
import { USABLE } from "./traces.js";
import { sumOf } from "../../util/statistics/sums.js";

/** Student's mistakes that coverage is measured on: the latest. */
const recentErrors = 256;

/** One weak model's part in covering the student's errors. */
export interface PartnerWorth {
  readonly source: string;
  /** Marginal coverage over the models before it, per unit of cost, in [0, 1] at cost 1. */
  readonly gain: number;
  /** Chance-corrected agreement with the kept model most like it, in [-1, 1]; 0 without tasks in common. */
  readonly redundancy: number;
  /** Adds nothing to what a kept model gives: it rests. */
  readonly redundant: boolean;
  /** Share of the collection budget, at least the floor unless redundant; they sum to 1. */
  readonly share: number;
}

/** Options of {@link worthShares}; defaults in brackets. */
export interface WorthOptions {
  /** Agreement above which a model that adds nothing is redundant (0.9). */
  readonly redundancy: number;
  /** Temperature of the softmax over gains (0.1). */
  readonly temperature?: number;
  /** Least share of a model that is not redundant (0.05). */
  readonly floor?: number;
}

/** Gain below which a model adds nothing. */
const nothing = 0.01;

/**
 * Shares of a collection budget by marginal facility-location coverage of errors e:
 *
 *     gain_k = sum_e [max(cov(e), sim(e, k)) - cov(e)] / (|E| cost_k),   share ~ softmax(gain / .1)
 *
 * taken greedily: the model of greatest gain first, then that which adds most to it, and so on
 * (the facility-location function is submodular). `similarity[k][e]` in [0, 1]; without errors all
 * shares are equal.
 */
export function worthShares(
  models: readonly {
    readonly source: string;
    readonly cost: number;
    readonly similarity: readonly number[];
  }[],
  agreement: (a: string, b: string) => number,
  options: WorthOptions,
): PartnerWorth[] {
  const { redundancy: bound, temperature = 0.1, floor = 0.05 } = options;
  const errors = models[0]?.similarity.length ?? 0;
  const covered = new Array<number>(errors).fill(0);
  const gainOf = ({ similarity, cost }: (typeof models)[number]): number =>
    errors === 0
      ? 0
      : similarity.reduce((sum, s, e) => sum + Math.max(covered[e]!, s) - covered[e]!, 0) /
        errors /
        cost;
  const left = [...models];
  const taken: { source: string; gain: number; redundancy: number; redundant: boolean }[] = [];
  while (left.length > 0) {
    const best = left.reduce((a, b) => (gainOf(b) > gainOf(a) ? b : a));
    left.splice(left.indexOf(best), 1);
    const gain = gainOf(best);
    const kept = taken.filter((t) => !t.redundant);
    const redundancy = Math.max(0, ...kept.map((t) => agreement(t.source, best.source)));
    const redundant = errors > 0 && redundancy > bound && gain < nothing;
    if (!redundant)
      for (const [e, s] of best.similarity.entries()) covered[e] = Math.max(covered[e]!, s);
    taken.push({ source: best.source, gain, redundancy, redundant });
  }
  const active = taken.filter((t) => !t.redundant);
  const weights = active.map((t) => Math.exp((t.gain - active[0]!.gain) / temperature));
  const total = sumOf(weights);
  const least = Math.min(floor, 1 / Math.max(1, active.length));
  const bySource = new Map(
    active.map((t, i) => [t.source, least + (1 - least * active.length) * (weights[i]! / total)]),
  );
  return taken.map((t) => ({ ...t, share: bySource.get(t.source) ?? 0 }));
}

/** For each source, the greatest cosine of each of the student's latest mistakes with one of that source's, in [0, 1]. */
export function similarities(
  database: Database,
  domain: string,
  sources: readonly string[],
): Map<string, number[]> {
  const by = (source: string, limit: number): { level: string; vector: Float32Array }[] =>
    database
      .all<{ level: string; embedding: Uint8Array }>(
        `SELECT level, embedding FROM mistake WHERE domain = ? AND ${USABLE} AND EXISTS
           (SELECT 1 FROM mistake_source WHERE mistake_source.mistake = mistake.id AND mistake_source.source = ?)
         ORDER BY last_step DESC, id DESC LIMIT ?`,
        domain,
        source,
        limit,
      )
      .map((row) => ({ level: row.level, vector: fromBlob(row.embedding) }));
  const errors = by("student", recentErrors);
  return new Map(
    sources.map((source) => {
      const own = by(source, 2 * recentErrors);
      return [
        source,
        errors.map(({ level, vector }) =>
          own.reduce(
            (most, mistake) =>
              mistake.level === level ? Math.max(most, dot(mistake.vector, vector)) : most,
            0,
          ),
        ),
      ];
    }),
  );
}

/** The most frequent wrong answer of a source at each task it was wrong on. */
export function modalAnswers(
  database: Database,
  domain: string,
  source: string,
): Map<string, string> {
  const rows = database.all<{ task: string; answer: string }>(
    `SELECT answer.task, answer.answer FROM answer JOIN mistake ON mistake.id = answer.mistake
     WHERE answer.domain = ? AND answer.source = ? AND answer.answer <> '' AND ${USABLE}
     GROUP BY answer.task, answer.answer ORDER BY sum(answer.count), answer.answer DESC`,
    domain,
    source,
  );
  return new Map(rows.map(({ task, answer }) => [task, answer])); // the last, most frequent, stays
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return Math.min(1, Math.max(0, sum));
}
