/** What a study found, as one JSON value. */
import {
  impliedSaving,
  trainingFlops,
  type CostRole,
  type SavingTerms,
  costRoles,
} from "../../watch/ledger.js";
import { doseSlope } from "../../util/statistics/regression.js";
import { censoredMean, medianSurvival, type Censored } from "../../util/statistics/survival.js";
import {
  bootstrap,
  interquartileMean,
  meanInterval,
  type Interval,
} from "../../util/statistics/intervals.js";
import { judgeClaims, type ClaimResult } from "./claims.js";
import type { Ability } from "../runs/ability.js";
import { judgeFalsifiers, type FalsifierResult } from "./falsifiers.js";
import {
  abilityAfter,
  abilityBefore,
  accuracyAt,
  flopsTo,
  overhead,
  stepsTo,
  type ArmRun,
} from "../runs/measure.js";
import { hashOf, type Protocol } from "../design/protocol.js";
import { pairs, savingTerms } from "./pairs.js";
import type { Family } from "../design/study.js";
import type { TunedRate } from "../runs/tuning.js";
import { meanOf } from "../../util/statistics/sums.js";

/** One arm over its seeds; every interval is a 95% bootstrap over seeds. */
export interface ArmResult {
  readonly name: string;
  readonly family: Family;
  readonly seeds: number;
  readonly learningRate: number;
  /** Steps to 50% held-out accuracy. */
  readonly stepsTo50: Censored;
  /** Steps to 80%, or whatever the protocol's target is. */
  readonly stepsTo80: Censored;
  /** FLOPs of training to the same accuracy, all roles but evaluation; the cap is a whole run's. */
  readonly flopsTo80: Censored;
  /** Kaplan-Meier median; null where fewer than half arrived. */
  readonly medianSteps: number | null;
  readonly reached: number;
  /** At `accuracyAt` steps: at equal student compute. */
  readonly accuracy: Interval;
  readonly accuracyInterquartile: number;
  readonly finalAccuracy: Interval;
  /** Share of prompt visits with a teacher. */
  readonly teacherShare: number;
  /** Of training, all roles but evaluation, mean over seeds. */
  readonly flops: number;
  /** w: weak models, experts and probes relative to the student, in FLOPs up to the target. */
  readonly overhead: number;
  readonly flopsByRole: Readonly<Partial<Record<CostRole, number>>>;
  readonly tokensByRole: Readonly<Partial<Record<CostRole, number>>>;
  readonly rescuedSteered: number | null;
  readonly rescuedOnPolicy: number | null;
  readonly diverged: number;
  /** Held-out accuracy by training step, a seed each: what reports and pictures are drawn from. */
  readonly curves: readonly {
    readonly seed: number;
    readonly points: readonly (readonly [step: number, accuracy: number])[];
  }[];
  /** Means over seeds before and after training, where a claim is about them. */
  readonly ability: { readonly [K in keyof Ability]: Shift | null } | null;
}

/** An ability before training, and after it with its interval over seeds. */
export interface Shift {
  readonly before: number;
  readonly after: Interval;
}

/** The saving of one of our arms against a teacher-only one, at each teacher cost. */
export interface SavingCurve {
  readonly arm: string;
  readonly baseline: string;
  /** What it is made of, over all seeds. */
  readonly terms: Omit<SavingTerms, "teacherCost">;
  readonly points: readonly (Interval & { readonly teacherCost: number })[];
}

/** A study's result. */
export interface StudyResult {
  readonly study: string;
  readonly domain: string;
  /** The protocol's hash. */
  readonly protocol: string;
  readonly target: number;
  readonly accuracyAt: number;
  readonly steps: number;
  readonly seeds: readonly number[];
  readonly rates: readonly TunedRate[];
  readonly arms: readonly ArmResult[];
  readonly claims: readonly ClaimResult[];
  /** None where the study asks no falsifier. */
  readonly falsifiers: readonly FalsifierResult[];
  readonly savings: readonly SavingCurve[];
  /** k: at which savings are claimed. */
  readonly teacherCost: number;
  /** Growth of accuracy from no overlap to full overlap, where overlap was varied. */
  readonly doseSlope: Interval | null;
}

/** Analyses a study's runs: a function of the protocol and the runs alone. */
export function resultOf(
  protocol: Protocol,
  runs: readonly ArmRun[],
  rates: readonly TunedRate[],
): StudyResult {
  const dosed = protocol.arms.flatMap(({ name, dose }) =>
    dose === undefined
      ? []
      : runs
          .filter((r) => r.arm === name)
          .map((r) => ({ seed: r.seed, dose, value: accuracyAt(r, protocol.accuracyAt) })),
  );
  const claims = judgeClaims(protocol, runs);
  return {
    study: protocol.study,
    domain: protocol.domain,
    protocol: hashOf(protocol),
    target: protocol.target,
    accuracyAt: protocol.accuracyAt,
    steps: protocol.arms[0]!.config.steps,
    seeds: protocol.seeds,
    rates,
    arms: protocol.arms.map(({ name }) => armResult(name, protocol, runs)),
    claims,
    falsifiers: judgeFalsifiers(claims),
    savings: savings(protocol, runs),
    teacherCost: protocol.teacherCost,
    doseSlope: dosed.length === 0 ? null : intervalOf(doseSlope(dosed)),
  };
}

const intervalOf = ({ mean, low, high }: Interval): Interval => ({ mean, low, high });

function armResult(name: string, protocol: Protocol, runs: readonly ArmRun[]): ArmResult {
  const { target, arms, accuracyAt: at } = protocol;
  const { config, family } = arms.find((a) => a.name === name)!;
  const own = runs.filter((r) => r.arm === name).toSorted((a, b) => a.seed - b.seed);
  const survivals = own.map((r) => stepsTo(r, target, config.steps));
  const total = (key: "stuck" | "rescued" | "steered" | "rescuedSteered"): number =>
    own.reduce((n, r) => n + r[key], 0);
  const onPolicy = total("stuck") - total("steered");
  const byRole = (key: "flops" | "tokens"): Partial<Record<CostRole, number>> =>
    Object.fromEntries(
      costRoles
        .map((role) => [role, meanOf(own.map((r) => r.cost[role][key]))] as const)
        .filter(([, value]) => value > 0),
    );
  return {
    name,
    family,
    seeds: own.length,
    learningRate: own[0]!.learningRate,
    stepsTo50: censoredMean(
      own.map((r) => stepsTo(r, 0.5, config.steps)),
      config.steps,
    ),
    stepsTo80: censoredMean(survivals, config.steps),
    flopsTo80: flopsToTarget(own, target),
    medianSteps: medianSurvival(survivals) ?? null,
    reached: survivals.filter((s) => s.reached).length,
    accuracy: meanInterval(own.map((r) => accuracyAt(r, at))),
    accuracyInterquartile: interquartileMean(own.map((r) => accuracyAt(r, at))),
    finalAccuracy: meanInterval(own.map((r) => accuracyAt(r, config.steps))),
    teacherShare: meanOf(own.map((r) => r.teacherShare)),
    flops: meanOf(own.map((r) => trainingFlops(r.cost))),
    overhead: meanOf(own.map((r) => overhead(r, target))),
    flopsByRole: byRole("flops"),
    tokensByRole: byRole("tokens"),
    rescuedSteered: total("steered") === 0 ? null : total("rescuedSteered") / total("steered"),
    rescuedOnPolicy:
      onPolicy === 0 ? null : (total("rescued") - total("rescuedSteered")) / onPolicy,
    diverged: own.filter((r) => r.diverged).length,
    curves: own.map(({ seed, curve }) => ({
      seed,
      points: curve.map(([step, accuracy]) => [step, accuracy] as const),
    })),
    ability: own.every((r) => r.ability !== undefined)
      ? {
          passAt1: shift(own, "passAt1"),
          passAt64: shift(own, "passAt64"),
          inverted: shift(own, "inverted"),
        }
      : null,
  };
}

/** FLOPs are censored at those of each run's own end, so the mean is over runs as they are. */
function flopsToTarget(runs: readonly ArmRun[], target: number): Censored {
  const times = runs.map((r) => flopsTo(r, target));
  return {
    ...meanInterval(times.map(({ time }) => time)),
    reached: times.filter(({ reached }) => reached).length,
    of: times.length,
    cap: meanOf(runs.map((r) => trainingFlops(r.cost))),
  };
}

function shift(runs: readonly ArmRun[], key: keyof Ability): Shift | null {
  const before = meanOf(runs.map((r) => abilityBefore(r, key)));
  if (Number.isNaN(before)) return null;
  return { before, after: meanInterval(runs.map((r) => abilityAfter(r, key))) };
}

/** Teacher costs k at which savings are shown. */
export const teacherCosts: readonly number[] = [
  0.1, 0.25, 0.5, 0.75, 1, 1.1, 1.5, 2, 3, 4, 6, 8, 12, 16,
];

function savings(protocol: Protocol, runs: readonly ArmRun[]): SavingCurve[] {
  const { arms, target } = protocol;
  const teacherOnly = arms.filter((a) => a.family === "teacher-only");
  return arms
    .filter((a) => a.family === "errata")
    .flatMap((own) => teacherOnly.map(({ name }) => ({ own, name })))
    .flatMap(({ own, name }) => {
      const cap = own.config.steps;
      const paired = pairs(runs, own.name, name);
      if (paired.length === 0) return [];
      const terms = savingTerms(paired, target, cap);
      const points = teacherCosts.map((teacherCost) => {
        const estimate = bootstrap(paired.length, (draw) =>
          impliedSaving({ ...terms(draw), teacherCost }),
        );
        return { teacherCost, ...intervalOf(estimate) };
      });
      return [{ arm: own.name, baseline: name, terms: terms([...paired.keys()]), points }];
    });
}
