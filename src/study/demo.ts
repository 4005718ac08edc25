/**
 * The demonstration: the same student trained twice, with the method and by plain GRPO, from the
 * same weights, on the same tasks, with as many rollouts and the same seed.
 *
 * Each arm is an ordinary run in a process of its own, below the folder as {@link armFolder} says;
 * everything reported is read back from those folders.
 */
import { join } from "node:path";
import type { Config, ConfigInput } from "../config/config.js";
import { grpo } from "../config/defaults.js";
import { mergeConfig } from "../config/merge.js";
import { parseConfig } from "../config/parse.js";
import { trainingFlops, type Cost, type CostRole } from "../watch/ledger.js";
import type { MetricsLine } from "../watch/metrics.js";
import type { PrepareOptions } from "../students/models.js";
import { presetNamed } from "../students/presets/presets.js";
import { prepareModels } from "../launch/prepare-models.js";
import { trainInProcess, type Interrupts, type RunProgress } from "../launch/process.js";
import {
  learningCurve,
  readCorpus,
  readRun,
  stuckGroups,
  type StuckGroups,
} from "../run/record.js";
import { stepsToTarget, wilsonInterval, type Interval } from "../util/statistics/intervals.js";

/** The two students: `errata` learns with the method, `grpo` without. */
export const demoArms = ["errata", "grpo"] as const;
/** One of the two students. */
export type DemoArm = (typeof demoArms)[number];

/**
 * What is shown where no preset is named: a student that gets one sum in a hundred right. It was chosen
 * because the method works there; `docs/results.md` has presets on which it gains nothing.
 */
export const shownByDefault: ConfigInput = {
  preset: "arithmetic-cold",
  steps: 30,
  explore: { steerBy: "past-self" },
  partners: { names: [] },
};

/** The run of an arm below the folder of its demonstration: `student` or `grpo`. */
export function armFolder(folder: string, arm: DemoArm): string {
  return join(folder, arm === "errata" ? "student" : arm);
}

/** The configurations of both arms from the method's; they differ in what {@link grpo} says alone. */
export function demoConfigs(input: ConfigInput): Readonly<Record<DemoArm, Config>> {
  const { preset } = parseConfig(input);
  const common = mergeConfig(mergeConfig(presetNamed(preset).config, input), {
    engine: { threads: 1 },
  });
  return { errata: parseConfig(common), grpo: parseConfig(mergeConfig(common, grpo)) };
}

/** What a demonstration trains, where, and who is told. */
export interface DemoOptions extends Interrupts {
  readonly configs: Readonly<Record<DemoArm, Config>>;
  /** Holds both run folders; runs that are already there are resumed. */
  readonly folder: string;
  readonly onBuild?: PrepareOptions["onProgress"];
  /** Told of every line of both runs' metrics. */
  readonly onLine?: (arm: DemoArm, line: MetricsLine, progress: RunProgress) => void;
}

/**
 * Prepares the base models, then trains both arms at once. Whether both finished: false when
 * `signal` or `hurry` was aborted.
 * @throws ErrataError as `trainInProcess`; the other arm has then been stopped and saved.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { configs, folder, signal, hurry, onBuild, onLine } = options;
  await prepareModels([configs.errata], {
    ...(signal === undefined ? {} : { signal }),
    ...(onBuild === undefined ? {} : { onProgress: onBuild }),
  });
  // A fault in one arm stops the other, which is saved before the fault is told.
  const fault = new AbortController();
  const stop = signal === undefined ? fault.signal : AbortSignal.any([signal, fault.signal]);
  const outcomes = await Promise.allSettled(
    demoArms.map(async (arm) => {
      try {
        const { finished } = await trainInProcess({
          config: configs[arm],
          folder: armFolder(folder, arm),
          signal: stop,
          ...(hurry === undefined ? {} : { hurry }),
          onLine: (line, progress) => onLine?.(arm, line, progress),
        });
        return finished;
      } catch (error) {
        fault.abort();
        throw error;
      }
    }),
  );
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  return outcomes.every((o) => o.status === "fulfilled" && o.value);
}

/** How one arm learned. Accuracies are held-out, in [0, 1]; null where there is none yet. */
export interface DemoCurve {
  readonly before: number | null;
  readonly after: number | null;
  /** First evaluated step at or above 50% accuracy, or null when none was. */
  readonly stepsTo50: number | null;
  readonly stepsTo80: number | null;
}

/** What a demonstration showed. */
export interface DemoReport {
  /** The environment. */
  readonly domain: string;
  readonly preset: string;
  /** Whether the student's error was put there on purpose. */
  readonly kind: "injected" | "natural";
  readonly seed: number;
  /** Steps configured. */
  readonly steps: number;
  /** Held-out tasks behind every accuracy. */
  readonly evaluationTasks: number;
  /** Training rollouts of each arm. */
  readonly rollouts: number;
  readonly student: DemoCurve;
  readonly grpo: DemoCurve;
  /**
   * Stuck groups: those whose first half was all wrong. A stuck group is rescued when its second
   * half holds a right rollout. Shares compare better than counts: the two runs meet different
   * numbers of stuck groups, and after the first steps they are different students.
   */
  readonly stuck: StuckGroups & {
    /** Rescued in the run of plain GRPO, of `stuckGrpo.groups`, by more on-policy rollouts. */
    readonly rescuedOnPolicy: number;
  };
  readonly stuckGrpo: { readonly groups: number; readonly rescued: number };
  readonly corpus: {
    readonly admitted: number;
    readonly merged: number;
    /** Still kept: those admitted, but for what made room where the corpus was full. */
    readonly mistakes: number;
    /** The mistakes kept by their signature, most first; `unrecognised` has no expert. */
    readonly signatures: Readonly<
      Record<string, { readonly mistakes: number; readonly merged: number }>
    >;
  };
  /** Of training: play, learning, experts and probes, without the evaluations that draw the curve. */
  readonly flops: { readonly student: number; readonly grpo: number };
  readonly cost: Readonly<Record<"student" | "grpo", Readonly<Record<CostRole, Cost>>>>;
  /** The folder that holds both runs. */
  readonly run: string;
}

/** Reads the report of a demonstration from its run folders, as of their last checkpoints. */
export function demoReport(folder: string): DemoReport {
  const student = readRun(armFolder(folder, "errata"));
  const plain = readRun(armFolder(folder, "grpo"));
  const { config } = student;
  const preset = presetNamed(config.preset);
  const domain = preset.environment().name;
  const { groups, rescued } = stuckGroups(plain.lines);
  const { admitted, merged, mistakes, bySignature, mergedBySignature } = readCorpus(student);
  return {
    domain,
    preset: preset.name,
    kind: preset.kind,
    seed: config.seed,
    steps: config.steps,
    evaluationTasks: config.evaluationTasks,
    rollouts: student.cost.student.rollouts,
    student: curve(student.lines),
    grpo: curve(plain.lines),
    stuck: { ...stuckGroups(student.lines), rescuedOnPolicy: rescued },
    stuckGrpo: { groups, rescued },
    corpus: {
      admitted,
      merged,
      mistakes,
      signatures: Object.fromEntries(
        Object.entries(bySignature)
          .toSorted((a, b) => b[1] - a[1])
          .map(([name, kept]) => [name, { mistakes: kept, merged: mergedBySignature[name]! }]),
      ),
    },
    flops: { student: trainingFlops(student.cost), grpo: trainingFlops(plain.cost) },
    cost: { student: student.cost, grpo: plain.cost },
    run: folder,
  };
}

function curve(lines: readonly MetricsLine[]): DemoCurve {
  const points = learningCurve(lines);
  const stepsTo = (target: number): number | null => {
    const { steps, reached } = stepsToTarget(points, target, Infinity);
    return reached ? steps : null;
  };
  return {
    before: points[0]?.[1] ?? null,
    after: points.length > 1 ? points.at(-1)![1] : null,
    stepsTo50: stepsTo(0.5),
    stepsTo80: stepsTo(0.8),
  };
}

/**
 * What came out, in one sentence: both accuracies, whether they can be told apart at all (95% Wilson
 * intervals that do not overlap), and what Errata's training cost beside plain GRPO's.
 */
export function demoSentence(
  report: Pick<DemoReport, "student" | "grpo" | "flops" | "steps" | "evaluationTasks">,
): string {
  const { student, grpo: plain, flops, steps, evaluationTasks: tasks } = report;
  const cost = `at ${(flops.student / flops.grpo).toFixed(1)} times its computing`;
  if (student.after === null || plain.after === null)
    return `Nothing was measured after training: neither run reached its last evaluation.`;
  const percent = (accuracy: number): string => `${Math.round(100 * accuracy)}%`;
  const interval = (accuracy: number): Interval =>
    wilsonInterval(Math.round(accuracy * tasks), tasks);
  const [own, other] = [interval(student.after), interval(plain.after)];
  const ends = `After ${steps} steps Errata's student solves ${percent(student.after)} of new tasks and plain GRPO's ${percent(plain.after)}`;
  if (own.low > other.high) return `${ends}, ${cost}.`;
  if (own.high < other.low) return `${ends}: here plain GRPO is better, and Errata came ${cost}.`;
  return `${ends}: no difference that this many tasks could show, ${cost}.`;
}
