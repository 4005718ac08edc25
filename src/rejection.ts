/** Negative hints without a model that can read them: new answers first. */
import type { Rollout } from "./play.js";

/**
 * Of twice as many attempts as are wanted, those with answers that no earlier attempt gave, then
 * the others, in the order they were drawn; `count` of them. Correctness is never looked at.
 *
 * Stands for LTE's hint "do not answer ..." (arXiv:2510.26109), which a model that was never taught
 * instructions cannot read: the ideal effect of such a hint, at the price of the extra attempts.
 */
export function preferNewAnswers(
  attempts: readonly Rollout[],
  seen: ReadonlySet<string>,
  count: number,
): Rollout[] {
  const isNew = (r: Rollout): boolean => !seen.has(r.verdict.answer);
  return [...attempts.filter(isNew), ...attempts.filter((r) => !isNew(r))].slice(0, count);
}
