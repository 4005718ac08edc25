/** What a saving over teacher-only training is made of, over runs that share seeds. */
import type { SavingTerms } from "../ledger.js";
import { overhead, stepsTo, teacherShareTo, type ArmRun } from "./measure.js";

/** Runs of two arms with the same seed. */
export interface Pair {
  readonly own: ArmRun;
  readonly other: ArmRun;
}

/** Runs of two arms that share a seed, in the order of seeds. */
export function pairs(runs: readonly ArmRun[], arm: string, baseline: string): Pair[] {
  const others = new Map(runs.filter((r) => r.arm === baseline).map((r) => [r.seed, r]));
  return runs
    .filter((r) => r.arm === arm)
    .toSorted((a, b) => a.seed - b.seed)
    .flatMap((own) => {
      const other = others.get(own.seed);
      return other === undefined ? [] : [{ own, other }];
    });
}

/** Mean over pairs; NaN over none. */
export function meanOver(drawn: readonly Pair[], of: (pair: Pair) => number): number {
  return drawn.reduce((n, pair) => n + of(pair), 0) / drawn.length;
}

/**
 * Mean steps to the target, relative to the other arm's. Runs are censored at the cap alone, where the
 * restricted mean is the mean of capped times.
 */
export function stepRatio(drawn: readonly Pair[], target: number, cap: number): number {
  return (
    meanOver(drawn, ({ own }) => stepsTo(own, target, cap).time) /
    meanOver(drawn, ({ other }) => stepsTo(other, target, cap).time)
  );
}

/** s, f and w, all three up to the target (see `impliedSaving`): means over seeds. */
export function savingTerms(
  drawn: readonly Pair[],
  target: number,
  cap: number,
): Omit<SavingTerms, "teacherCost"> {
  return {
    steps: stepRatio(drawn, target, cap),
    teacherShare: meanOver(drawn, ({ own }) => teacherShareTo(own, target)),
    overhead: meanOver(drawn, ({ own }) => overhead(own, target)),
  };
}
