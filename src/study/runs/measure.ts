/** What one run of one arm showed, read back from its folder. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { costRoles, trainingFlops, type Cost, type CostRole } from "../../watch/ledger.js";
import { readRun, stuckGroups } from "../../run/record.js";
import { readSeconds } from "../../run/seconds.js";
import type { Survival } from "../../util/statistics/survival.js";
import type { Ability, AbilityChange } from "./ability.js";

/** One evaluation: step, held-out accuracy in [0, 1], FLOPs so far of training and of the student alone. */
export type CurvePoint = readonly [
  step: number,
  accuracy: number,
  flops: number,
  studentFlops: number,
];

/** One run of one arm. */
export interface ArmRun {
  readonly arm: string;
  readonly seed: number;
  readonly learningRate: number;
  readonly curve: readonly CurvePoint[];
  /** Stuck groups, those rescued; of the stuck, those an expert steered, and of those, rescued. */
  readonly stuck: number;
  readonly rescued: number;
  readonly steered: number;
  readonly rescuedSteered: number;
  readonly cost: Readonly<Record<CostRole, Cost>>;
  /** Wall-clock seconds by role; they differ from run to run. Empty where none were kept. */
  readonly seconds: Readonly<Partial<Record<CostRole, number>>>;
  /** Share of prompt visits in which a teacher took part, in [0, 1], over the whole run. */
  readonly teacherShare: number;
  /** The same up to and including each step after the teacher's first call. */
  readonly teacherShares: readonly (readonly [step: number, share: number])[];
  /** The run stopped early because its updates were not finite. */
  readonly diverged: boolean;
  /** What the student can do before and after, where a claim is about it. */
  readonly ability?: AbilityChange;
}

const divergedFile = "diverged.json";

/** Notes that a run cannot be carried on: its updates were not finite. */
export function markDiverged(folder: string, message: string): void {
  writeFileSync(join(folder, divergedFile), `${JSON.stringify({ message })}\n`);
}

/** Whether nothing is left to be trained in a run's folder. */
export function isOver(folder: string): boolean {
  if (existsSync(join(folder, divergedFile))) return true;
  return (
    existsSync(join(folder, "config.json")) && hasCheckpoint(folder) && readRun(folder).finished
  );
}

function hasCheckpoint(folder: string): boolean {
  try {
    readRun(folder);
    return true;
  } catch {
    return false;
  }
}

/** Reads a run that is over. A diverged one keeps the curve it had. */
export function measureRun(folder: string, arm: string): ArmRun {
  const { config, lines, cost, teacherShare } = readRun(folder);
  const { groups, rescued, steered, rescuedSteered } = stuckGroups(lines);
  const none: Cost = { flops: 0, rollouts: 0, tokens: 0 };
  const complete = Object.fromEntries(
    costRoles.map((role) => [role, { ...none, ...cost[role] }]),
  ) as Record<CostRole, Cost>;
  return {
    arm,
    seed: config.seed,
    learningRate: config.learningRate,
    curve: lines.flatMap((line): CurvePoint[] =>
      "eval/accuracy" in line
        ? [
            [
              line.step,
              line["eval/accuracy"],
              line["eval/flops"] ?? 0,
              line["eval/studentFlops"] ?? 0,
            ],
          ]
        : [],
    ),
    stuck: groups,
    rescued,
    steered,
    rescuedSteered,
    cost: complete,
    seconds: readSeconds(folder),
    teacherShare,
    teacherShares: lines.flatMap((line): [number, number][] =>
      "teacher/share" in line && line["teacher/share"] !== undefined
        ? [[line.step, line["teacher/share"]]]
        : [],
    ),
    diverged: existsSync(join(folder, divergedFile)),
  };
}

/** Steps to an accuracy, censored at `cap`: a diverged run never arrives. */
export function stepsTo(run: Pick<ArmRun, "curve">, target: number, cap: number): Survival {
  const hit = run.curve.find(([, accuracy]) => accuracy >= target);
  return hit === undefined ? { time: cap, reached: false } : { time: hit[0], reached: true };
}

/** Training FLOPs to an accuracy, censored at those of the whole run. */
export function flopsTo(run: Pick<ArmRun, "curve" | "cost">, target: number): Survival {
  const hit = run.curve.find(([, accuracy]) => accuracy >= target);
  return hit === undefined
    ? { time: trainingFlops(run.cost), reached: false }
    : { time: hit[2], reached: true };
}

/** Accuracy at a step: the last evaluated at or before it; 0 once a run has diverged. */
export function accuracyAt(
  { curve, diverged }: Pick<ArmRun, "curve" | "diverged">,
  step: number,
): number {
  const last = curve.at(-1)?.[0] ?? 0;
  if (diverged && step > last) return 0;
  return curve.findLast(([at]) => at <= step)?.[1] ?? 0;
}

/** An ability after training, NaN where it was not measured; 0 once a run has diverged. */
export function abilityAfter(
  { ability, diverged }: Pick<ArmRun, "ability" | "diverged">,
  key: keyof Ability,
): number {
  const value = ability?.after[key] ?? Number.NaN;
  return diverged && !Number.isNaN(value) ? 0 : value;
}

/** An ability before training, NaN where it was not measured. */
export function abilityBefore({ ability }: Pick<ArmRun, "ability">, key: keyof Ability): number {
  return ability?.before[key] ?? Number.NaN;
}

/** Mean accuracy over evaluations: a score that is defined where no target is reached. */
export function meanAccuracy({ curve }: Pick<ArmRun, "curve">): number {
  return curve.reduce((n, [, accuracy]) => n + accuracy, 0) / Math.max(1, curve.length);
}

/**
 * f: the share of prompt visits with a teacher before the target was reached, in [0, 1]; of the whole run where it
 * was not. A teacher asked where groups are stuck is asked early, so this is more than the whole run's.
 */
export function teacherShareTo(
  run: Pick<ArmRun, "curve" | "teacherShares">,
  target: number,
): number {
  const { time } = stepsTo(run, target, Infinity);
  return run.teacherShares.findLast(([step]) => step < time)?.[1] ?? 0;
}

/**
 * w: what is not the student's, of training FLOPs up to the target, relative to the student's. What
 * is spent before the first step counts in full, however early the target is reached. A teacher
 * is left out, in proportion to the steps: its cost is k.
 */
export function overhead(run: Pick<ArmRun, "curve" | "cost">, target: number): number {
  const hit = run.curve.find(([, accuracy]) => accuracy >= target) ?? run.curve.at(-1);
  const [step = 0, , flops = 0, student = 0] = hit ?? [];
  const steps = run.curve.at(-1)?.[0] ?? 0;
  const teacher = steps === 0 ? 0 : (run.cost.teacher.flops * step) / steps;
  return student === 0 ? 0 : Math.max(0, flops - teacher - student) / student;
}
