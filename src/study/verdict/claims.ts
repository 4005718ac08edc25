/** What the runs say about each claim: an estimate, an interval, a verdict. */
import { impliedSaving } from "../../watch/ledger.js";
import { interaction, type Dosed } from "../../util/statistics/regression.js";
import { bootstrap, holm, type Estimate } from "../../util/statistics/intervals.js";
import {
  abilityAfter,
  abilityBefore,
  accuracyAt,
  flopsTo,
  stepsTo,
  type ArmRun,
} from "../runs/measure.js";
import type { Protocol } from "../design/protocol.js";
import { meanOver, pairs, savingTerms, stepRatio, type Draw, type Pair } from "./pairs.js";
import { isUntrained, type Claim } from "../design/study.js";

/** What became of a claim. */
export type Verdict = "supported" | "not supported" | "undecided";

/** A claim with its answer; every measure is such that more is better for the arm. */
export interface ClaimResult extends Claim {
  readonly estimate: number;
  /** 95% interval, bootstrap over seeds. */
  readonly low: number;
  readonly high: number;
  /** Two-sided p of no difference; of primary claims adjusted by Holm. */
  readonly p: number;
  readonly seeds: number;
  /** Runs that reach the target, the arm's and the baseline's, where their times are compared. */
  readonly arrived?: { readonly arm: number; readonly baseline: number };
  readonly verdict: Verdict;
}

/** Fewest seeds that decide a claim. */
export const fewestSeeds = 5;

/**
 * The verdict on a claim that a measure is at least `target` (0: that it is above 0):
 *
 *     supported      the interval lies above 0, p < 0.05 after adjustment, and the estimate is at
 *                    least the target
 *     not supported  the whole interval lies below the target; of steps, FLOPs and savings also where fewer
 *                    than half of the arm's runs reach the accuracy that half of the baseline's reach
 *     undecided      anything else; with fewer than {@link fewestSeeds} seeds; and where fewer than half of
 *                    the baseline's runs reach the accuracy, so that there is no ratio
 *
 * A target below 0 claims that nothing is lost but that margin, a test of non-inferiority: supported where
 * the interval lies above the margin, not supported where it lies below 0.
 */
export function verdictOf(
  { mean, low, high, p }: Estimate,
  target: number,
  seeds: number,
): Verdict {
  if (seeds < fewestSeeds || Number.isNaN(mean)) return "undecided";
  if (target < 0) {
    if (high < 0) return "not supported";
    return low >= target ? "supported" : "undecided";
  }
  if (low > 0 && p < 0.05 && mean >= target) return "supported";
  return high <= target ? "not supported" : "undecided";
}

/** Every claim of a protocol, primary ones adjusted for being several. */
export function judgeClaims(protocol: Protocol, runs: readonly ArmRun[]): ClaimResult[] {
  const estimates = protocol.claims.map((claim) => estimateOf(claim, protocol, runs));
  const primary = protocol.claims.flatMap((c, i) => (c.kind === "primary" ? [i] : []));
  const adjusted = new Map(
    holm(primary.map((i) => estimates[i]!.estimate.p)).map((p, j) => [primary[j]!, p]),
  );
  return protocol.claims.map((claim, i) => {
    const { estimate, seeds, arrived } = estimates[i]!;
    const final = { ...estimate, p: adjusted.get(i) ?? estimate.p };
    const { mean, low, high, p } = final;
    const verdict = neverArrives(arrived, seeds)
      ? "not supported"
      : verdictOf(final, claim.target, seeds);
    const measured = { ...claim, estimate: mean, low, high, p, seeds };
    return { ...measured, ...(arrived === undefined ? {} : { arrived }), verdict };
  });
}

function estimateOf(
  claim: Claim,
  protocol: Protocol,
  runs: readonly ArmRun[],
): { estimate: Estimate; seeds: number; arrived?: Arrived } {
  const paired = pairs(runs, claim.arm, isUntrained(claim) ? claim.arm : claim.baseline);
  const seeds = paired.length;
  const nothing = { mean: Number.NaN, low: Number.NaN, high: Number.NaN, p: 1 };
  if (seeds === 0) return { estimate: nothing, seeds };
  if (measuresTime(claim)) {
    const arrived = arrivals(paired, protocol.target);
    const isRatio = isHalf(arrived.arm, seeds) && isHalf(arrived.baseline, seeds);
    const estimate = isRatio ? bootstrap(seeds, statisticOf(claim, protocol, paired)) : nothing;
    return { estimate, seeds, arrived };
  }
  if (claim.measure === "interaction")
    return { estimate: interaction(dosedRows(claim, protocol, runs)), seeds };
  return { estimate: bootstrap(seeds, statisticOf(claim, protocol, paired)), seeds };
}

type Pairs = readonly Pair[];

const measuresTime = ({ measure }: Claim): boolean =>
  measure === "steps" || measure === "flops" || measure === "saving";

type Arrived = NonNullable<ClaimResult["arrived"]>;

function arrivals(paired: Pairs, target: number): Arrived {
  const count = (side: "own" | "other"): number =>
    paired.filter((pair) => stepsTo(pair[side], target, Infinity).reached).length;
  return { arm: count("own"), baseline: count("other") };
}

/** A ratio needs runs that arrive: with fewer than half of an arm's it says more of the cap than of the arm. */
const isHalf = (reached: number, of: number): boolean => 2 * reached >= of;

/** The arm does not reach what the baseline does: no ratio, but an answer. */
function neverArrives(arrived: Arrived | undefined, seeds: number): boolean {
  if (arrived === undefined || seeds < fewestSeeds) return false;
  return !isHalf(arrived.arm, seeds) && isHalf(arrived.baseline, seeds);
}

function statisticOf(
  { measure, arm, baseline }: Claim,
  { target, accuracyAt: at, teacherCost, arms }: Protocol,
  paired: Pairs,
): (draw: Draw) => number {
  const cap = arms.find((a) => a.name === arm)!.config.steps;
  switch (measure) {
    case "steps": {
      const ratio = stepRatio(paired, target, cap);
      return (draw) => 1 - ratio(draw);
    }
    case "flops": {
      const own = meanOver(paired, (pair) => flopsTo(pair.own, target).time);
      const other = meanOver(paired, (pair) => flopsTo(pair.other, target).time);
      return (draw) => 1 - own(draw) / other(draw);
    }
    case "accuracy":
      return meanOver(paired, ({ own, other }) => accuracyAt(own, at) - accuracyAt(other, at));
    case "saving": {
      const terms = savingTerms(paired, target, cap);
      return (draw) => impliedSaving({ ...terms(draw), teacherCost });
    }
    case "teacherShare":
      return meanOver(paired, ({ own }) => 1 - own.teacherShare);
    case "passAt64":
    case "inverted": {
      const untrained = isUntrained({ measure, baseline });
      return meanOver(
        paired,
        ({ own, other }) =>
          abilityAfter(own, measure) -
          (untrained ? abilityBefore(own, measure) : abilityAfter(other, measure)),
      );
    }
    case "interaction":
      throw new RangeError("statisticOf: an interaction is not a statistic of pairs");
  }
}

/** Every dosed arm with the method, the baseline without it at the same dose. */
function dosedRows(
  { baseline }: Claim,
  { arms, accuracyAt: at }: Protocol,
  runs: readonly ArmRun[],
): Dosed[] {
  return arms.flatMap(({ name, dose }) =>
    dose === undefined
      ? []
      : pairs(runs, name, baseline).flatMap(({ own, other }): Dosed[] => [
          { seed: own.seed, dose, method: true, value: accuracyAt(own, at) },
          { seed: own.seed, dose, method: false, value: accuracyAt(other, at) },
        ]),
  );
}
