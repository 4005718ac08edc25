/** Which mistakes a person should look at first, and what their verdicts say about the machine's. */
import type { Database } from "./database.js";
import { MISTAKE_COLUMNS, toMistake, type Mistake, type MistakeRow } from "./mistake.js";
import { annotations, consensus } from "./verdicts.js";
import type { Consensus } from "./annotators.js";
import { wilsonInterval, type Interval } from "../../util/statistics/intervals.js";
import type { ReviewVerdict } from "./standing.js";

/** One in this many mistakes belongs to the audit sample: 5%. */
const auditOneIn = 20;

/** A mistake that waits for a verdict. */
export interface QueueEntry {
  readonly mistake: Mistake;
  /** impact * uncertainty * novelty. */
  readonly score: number;
  readonly impact: number;
  /** Entropy of the verdict, in bits. */
  readonly uncertainty: number;
  /** Drawn at random, whatever its score, to measure how often the machine accepts rightly. */
  readonly audit: boolean;
}

/** Binary entropy in bits, of a probability kept within [0.01, 0.99]. */
export function uncertainty(probability: number): number {
  const p = Math.min(0.99, Math.max(0.01, probability));
  return -(p * Math.log2(p) + (1 - p) * Math.log2(1 - p));
}

/**
 * Mistakes without a verdict of `by` (of anyone, when undefined), by
 *
 *     score = support * Q * (1 + exposures) * H(label) * (novelty + .05)
 *
 * H is the entropy of the label being right: the verifier's confidence, halved where the guard
 * against poison objects. Mistakes that are held back come first, then the audit sample, which is
 * every twentieth by a hash; the order is the same for all.
 */
export function reviewQueue(
  database: Database,
  options: { readonly by?: string; readonly limit: number },
): QueueEntry[] {
  const rows = database.all<MistakeRow & { identity: Uint8Array }>(
    `SELECT ${MISTAKE_COLUMNS}, mistake.identity FROM mistake ORDER BY mistake.id`,
  );
  const judged = new Set(
    annotations(database)
      .filter((a) => options.by === undefined || a.by === options.by)
      .map((a) => a.item),
  );
  const entries = rows
    .filter((row) => !judged.has(row.id))
    .map(({ identity, ...row }): QueueEntry => {
      const mistake = toMistake(row);
      const { support, quality, exposures, confidence, suspected, novelty } = mistake;
      const impact = support * Math.max(quality, 0.01) * (1 + exposures);
      const doubt = uncertainty(suspected ? confidence / 2 : confidence);
      return {
        mistake,
        score: impact * doubt * (novelty + 0.05),
        impact,
        uncertainty: doubt,
        audit: inAudit(identity),
      };
    });
  const rank = ({ mistake, audit }: QueueEntry): number =>
    mistake.status === "quarantined" ? 0 : audit ? 1 : 2;
  return entries
    .sort((a, b) => rank(a) - rank(b) || b.score - a.score || a.mistake.id - b.mistake.id)
    .slice(0, options.limit);
}

function inAudit(identity: Uint8Array): boolean {
  return ((identity[0]! << 8) | identity[1]!) % auditOneIn === 0;
}

/** What reviewers' verdicts say. */
export interface ReviewReport {
  readonly judged: number;
  /** Mistakes per verdict, each reviewer's last one counted. */
  readonly verdicts: Readonly<Partial<Record<ReviewVerdict, number>>>;
  /** Of the audit sample, mistakes judged so far, and the share of them that are real mistakes. */
  readonly audited: number;
  readonly precision: Interval | undefined;
  /** With two reviewers or more: each one's reliability. */
  readonly reliability: Readonly<Record<string, number>> | undefined;
  /** Mistakes on which reviewers disagree. */
  readonly contested: number;
}

/**
 * Precision of what the machine accepts without asking: of the random 5% that are audited, the
 * share called real mistakes (`valid`, or `wrong-step`: wrong, only elsewhere), with Wilson's 95%
 * interval. Reviewers who disagree count by their joint verdict.
 */
export function reviewReport(database: Database): ReviewReport {
  const all = annotations(database);
  const together: Consensus<ReviewVerdict> | undefined = consensus(database);
  const byItem = new Map<number, Set<ReviewVerdict>>();
  const verdicts: Partial<Record<ReviewVerdict, number>> = {};
  for (const { item, label } of all) {
    byItem.set(item, (byItem.get(item) ?? new Set()).add(label));
    verdicts[label] = (verdicts[label] ?? 0) + 1;
  }
  const accepted = database
    .all<{ id: number; identity: Uint8Array; suspected: number }>(
      "SELECT id, identity, suspected FROM mistake ORDER BY id",
    )
    .filter((row) => row.suspected === 0 && inAudit(row.identity) && byItem.has(row.id));
  const real = accepted.filter(({ id }) => {
    const labels = byItem.get(id)!;
    const chances = together?.items.get(id);
    if (labels.size === 1 || chances === undefined)
      return labels.has("valid") || labels.has("wrong-step");
    return chances.valid + chances["wrong-step"] > 0.5;
  }).length;
  return {
    judged: byItem.size,
    verdicts,
    audited: accepted.length,
    precision: accepted.length === 0 ? undefined : wilsonInterval(real, accepted.length),
    reliability: together === undefined ? undefined : Object.fromEntries(together.reliability),
    contested: [...byItem.values()].filter((labels) => labels.size > 1).length,
  };
}
