/** How alike the mistakes of two models are: the measures of overlap that need no play. */
import type { Rollout } from "../play/play.js";
import { UNRECOGNISED } from "./corpus/mistake.js";

/** Shares of errors by signature; they sum to 1, or to 0 without errors. */
export type SignatureShares = Readonly<Record<string, number>>;

/** Shares by signature of the wrong rollouts, most frequent first. */
export function signatureShares(rollouts: readonly Rollout[]): SignatureShares {
  const counts = new Map<string, number>();
  let wrong = 0;
  for (const { verdict, failure } of rollouts) {
    if (verdict.correct || failure !== undefined) continue;
    const name = verdict.signature ?? UNRECOGNISED;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    wrong++;
  }
  return Object.fromEntries(
    [...counts].sort((a, b) => b[1] - a[1]).map(([name, n]) => [name, n / wrong]),
  );
}

/** C, in [0, 1]: share of the student's errors whose signature is among `known`. Unrecognised errors are never covered. */
export function coverage(student: SignatureShares, known: ReadonlySet<string>): number {
  return Object.entries(student).reduce(
    (total, [name, share]) => total + (name !== UNRECOGNISED && known.has(name) ? share : 0),
    0,
  );
}

/** O, in [0, 1]: 1 - the total variation distance of two distributions over signatures; what nobody recognises never overlaps. */
export function totalVariationOverlap(weak: SignatureShares, student: SignatureShares): number {
  return Object.entries(student).reduce(
    (total, [name, share]) =>
      total + (name === UNRECOGNISED ? 0 : Math.min(share, weak[name] ?? 0)),
    0,
  );
}

/**
 * kappa_err, at most 1: agreement of two models' wrong answers beyond chance, over tasks on which
 * both are wrong; u = 1 / (|O| - 1) with |O| possible answers (0 where unbounded). Undefined without
 * such a task, or where only two answers are possible: agreement then means nothing.
 */
export function errorAgreement(
  pairs: readonly (readonly [a: string, b: string])[],
  possibleAnswers: number = Infinity,
): number | undefined {
  if (pairs.length === 0 || possibleAnswers <= 2) return undefined;
  const chance = 1 / (possibleAnswers - 1);
  const agreement = pairs.filter(([a, b]) => a === b).length / pairs.length;
  return (agreement - chance) / (1 - chance);
}
