import type { Evidence } from "../../environments/environment.js";

/** How much a mistake is worth keeping, `Q = Sys * Conf * Learn`, each in [0, 1]. */
export function quality(recurrence: number, confusability: number, learnability: number): number {
  return recurrence * confusability * learnability;
}

/**
 * Whether the student is still tempted, in [0, 1): `1 - exp(-relu(log q_b - log pi_c))`, with the
 * expert's log-probability of the wrong step and the student's of the right one.
 */
export function confusability(expertWrong: number, studentCorrect: number): number {
  return 1 - Math.exp(-Math.max(0, expertWrong - studentCorrect));
}

/** How much there is to learn at success rate `p` in [0, 1]: `4p(1 - p)`, in [0, 1]. */
export function learnability(successRate: number): number {
  return 4 * successRate * (1 - successRate);
}

const TRUSTED: ReadonlySet<Evidence> = new Set<Evidence>(["kernel", "oracle", "test"]);

/** Whether a label needs no second look: the word of a kernel, an oracle or a test, confidence >= 0.9. */
export function isTrusted(evidence: Evidence, confidence: number): boolean {
  return TRUSTED.has(evidence) && confidence >= 0.9;
}

/** Exposures remembered per mistake. */
export const EXPOSURE_WINDOW = 16;

/** A mistake is retired below this share of replications in a full window. */
export const RETIRE_BELOW = 0.02;

/**
 * Whether the student has outgrown a mistake: replicated in less than 2% of the last 16
 * exposures, none fewer. Replicating it again makes it active again.
 */
export function isOutgrown(replications: readonly boolean[]): boolean {
  const replicated = replications.filter(Boolean).length;
  return replications.length >= EXPOSURE_WINDOW && replicated < RETIRE_BELOW * replications.length;
}
