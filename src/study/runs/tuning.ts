/** Each arm at its own best learning rate. */
import { restrictedMean } from "../../util/statistics/survival.js";
import { meanAccuracy, stepsTo, type ArmRun } from "./measure.js";

/** The rate chosen for an arm, and what every rate tried came to. */
export interface TunedRate {
  readonly arm: string;
  readonly learningRate: number;
  readonly tried: readonly {
    readonly learningRate: number;
    /** Restricted mean steps to the target. */
    readonly steps: number;
    /** Mean accuracy over the learning curve. */
    readonly accuracy: number;
  }[];
}

/**
 * The rate with the fewest restricted mean steps to the target over its tuning runs; where they tie
 * (no run arrived), the highest mean accuracy; then the smaller rate.
 * @throws RangeError on no runs.
 */
export function bestRate(
  runs: readonly ArmRun[],
  target: number,
  cap: number,
): Omit<TunedRate, "arm"> {
  if (runs.length === 0) throw new RangeError("bestRate: no runs");
  const tried = [...new Set(runs.map((r) => r.learningRate))]
    .sort((a, b) => a - b)
    .map((learningRate) => {
      const own = runs.filter((r) => r.learningRate === learningRate);
      return {
        learningRate,
        steps: restrictedMean(
          own.map((r) => stepsTo(r, target, cap)),
          cap,
        ),
        accuracy: own.reduce((n, r) => n + (r.diverged ? 0 : meanAccuracy(r)), 0) / own.length,
      };
    });
  const best = tried.reduce((a, b) =>
    b.steps < a.steps || (b.steps === a.steps && b.accuracy > a.accuracy) ? b : a,
  );
  return { learningRate: best.learningRate, tried };
}
