/** Runs of two arms that share seeds, and means over them: step ratios, what a saving is made of. */
import type { SavingTerms } from "../../watch/ledger.js";
import { overhead, stepsTo, teacherShareTo, type ArmRun } from "../runs/measure.js";

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

/** Indices of pairs: all of them, or a bootstrap's resample. */
export type Draw = readonly number[];

/** The mean of a value over drawn pairs, the values taken once: a bootstrap asks ten thousand times. */
export function meanOver(
  paired: readonly Pair[],
  of: (pair: Pair) => number,
): (draw: Draw) => number {
  const values = paired.map(of);
  return (draw) => draw.reduce((n, i) => n + values[i]!, 0) / draw.length;
}

/**
 * Mean steps to the target, relative to the other arm's. Runs are censored at the cap alone, where the
 * restricted mean is the mean of capped times.
 */
export function stepRatio(
  paired: readonly Pair[],
  target: number,
  cap: number,
): (draw: Draw) => number {
  const own = meanOver(paired, (pair) => stepsTo(pair.own, target, cap).time);
  const other = meanOver(paired, (pair) => stepsTo(pair.other, target, cap).time);
  return (draw) => own(draw) / other(draw);
}

/** s, f and w, all three up to the target (see `impliedSaving`): means over seeds. */
export function savingTerms(
  paired: readonly Pair[],
  target: number,
  cap: number,
): (draw: Draw) => Omit<SavingTerms, "teacherCost"> {
  const steps = stepRatio(paired, target, cap);
  const teacherShare = meanOver(paired, ({ own }) => teacherShareTo(own, target));
  const weight = meanOver(paired, ({ own }) => overhead(own, target));
  return (draw) => ({
    steps: steps(draw),
    teacherShare: teacherShare(draw),
    overhead: weight(draw),
  });
}
