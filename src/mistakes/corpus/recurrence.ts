/**
 * Evidence beyond chance, in [0, 1]: what is left of `evidence` once coincidences are taken out.
 *
 *     rho = [(e - u) / (1 - u)]_+,   u = 1 / (|O| - 1)
 *
 * `u` is the chance that two wrong answers coincide when `possibleAnswers` = |O| answers exist,
 * one of them right. Two possible answers leave one wrong one: u = 1 and rho = 0, no claim.
 * Without a bound (the default) u = 0 and rho = e.
 */
export function chanceCorrected(evidence: number, possibleAnswers: number = Infinity): number {
  if (possibleAnswers <= 2) return 0;
  const chance = 1 / (possibleAnswers - 1);
  return Math.min(1, Math.max(0, (evidence - chance) / (1 - chance)));
}

/**
 * How systematic a wrong answer is, in [0, 1]: the share of the *other* wrong attempts at the
 * same task that gave it too, corrected for chance.
 *
 *     Sys = chanceCorrected((sameAnswers - 1) / (wrongAttempts - 1))
 *
 * `sameAnswers` counts the attempt itself. A single wrong attempt shows nothing: 0.
 */
export function systematicity(
  sameAnswers: number,
  wrongAttempts: number,
  possibleAnswers: number = Infinity,
): number {
  if (wrongAttempts <= 1) return 0;
  return chanceCorrected((sameAnswers - 1) / (wrongAttempts - 1), possibleAnswers);
}

/** How often one wrong attempt's answer came up among the wrong attempts at its task. */
export interface Recurrence {
  /** Attempts with this answer, itself included. */
  readonly sameAnswers: number;
  /** {@link systematicity}, in [0, 1]. */
  readonly recurrence: number;
}

/**
 * Recurrence of each wrong answer to one task, in the order given. An empty answer repeats nothing:
 * two attempts that answered nothing do not agree.
 */
export function recurrences(
  wrongAnswers: readonly string[],
  possibleAnswers: number = Infinity,
): Recurrence[] {
  const counts = new Map<string, number>();
  for (const answer of wrongAnswers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  return wrongAnswers.map((answer) => {
    const sameAnswers = answer === "" ? 1 : counts.get(answer)!;
    return {
      sameAnswers,
      recurrence: systematicity(sameAnswers, wrongAnswers.length, possibleAnswers),
    };
  });
}
