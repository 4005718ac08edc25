/** Which error expert steers exploration at each level: an expert must prove uplift before it is used. */
import { z } from "zod";
import type { Task } from "../environments/environment.js";
import type { Sampler } from "../play/explore.js";
import { accuracy } from "../play/play.js";
import { count, countOrNone, type Options } from "../util/options.js";
import type { Random } from "../util/random.js";
import { lowerBound } from "../util/statistics/intervals.js";
import { meanOf } from "../util/statistics/sums.js";

/** The keys `probe.*`. */
export const probeSchema = z.strictObject({
  every: count
    .default(50)
    .describe("Training steps between probes, and between measurements of overlap."),
  tasks: count.default(64).describe("Training tasks of a probe."),
  attempts: count
    .default(4)
    .describe("Attempts of the student at each task of a probe, and with each expert."),
  lcb: z
    .enum(["t", "normal"])
    .default("t")
    .describe(
      "One-sided lower bound on an expert's uplift: Student's `t`, or mean - z standard errors (`normal`).",
    ),
  confidence: z
    .number()
    .gt(0.5)
    .lt(1)
    .default(0.8413)
    .describe("Confidence of that bound; .8413 is one standard error of many tasks."),
  independentSample: z
    .boolean()
    .default(true)
    .describe(
      "Measure uplift on fresh samples; false reuses those that chose the tasks, an ablation.",
    ),
  leaveOut: z
    .array(z.string())
    .default([])
    .describe("Signatures that get no expert, to see whether avoiding the others helps there."),
  overlapTasks: countOrNone
    .default(32)
    .describe("Validation tasks on which overlap is measured with every probe; 0 measures none."),
});

/** When experts are probed, and how they must prove themselves. */
export type ProbeOptions = Options<typeof probeSchema>;

export const defaultProbe: ProbeOptions = probeSchema.parse({});

/** What steering away from an expert gains in accuracy over on-policy samples, on tasks the student mostly fails. */
export interface Uplift {
  readonly signature: string;
  readonly mean: number;
  /** One-sided lower confidence bound over tasks. */
  readonly lower: number;
}

export interface Probe {
  /** Tasks found hard on the first sample. */
  readonly hard: number;
  /** Attempts compared: those that rejection drew and dropped are not among them. */
  readonly rollouts: number;
  /** Empty where there were too few hard tasks to measure any: nothing is known then. */
  readonly uplifts: readonly Uplift[];
  /** The expert with the highest positive lower bound; undefined is plain on-policy sampling. */
  readonly committed: string | undefined;
}

/** Fewest hard tasks on which an uplift is worth measuring. */
const fewestHardTasks = 4;

/**
 * Probe-and-commit: the student attempts every task `attempts` times to find the hard ones (at
 * most one success); on fresh samples of those, steering away from each expert is compared with the
 * student itself.
 *
 * Uplift must be measured on samples independent of those that chose the hard tasks: reusing
 * them rewards every expert for regression to the mean.
 */
export async function probe(
  student: Sampler,
  experts: ReadonlyMap<string, Sampler>,
  tasks: readonly Task[],
  attempts: number,
  random: Random,
  options: ProbeOptions = defaultProbe,
): Promise<Probe> {
  const first = await student(tasks, attempts, random);
  const failed = first.filter((g) => g.rollouts.filter((r) => r.verdict.correct).length <= 1);
  const hard = failed.map((g) => g.task);
  let rollouts = tasks.length * attempts;
  if (hard.length < fewestHardTasks || experts.size === 0)
    return { hard: hard.length, rollouts, uplifts: [], committed: undefined };
  const sample = async (draw: Sampler): Promise<number[]> => {
    rollouts += hard.length * attempts;
    return (await draw(hard, attempts, random)).map((g) => accuracy(g.rollouts));
  };
  const own = options.independentSample
    ? await sample(student)
    : failed.map((g) => accuracy(g.rollouts));
  const uplifts: Uplift[] = [];
  for (const [signature, steered] of experts) {
    const gains = (await sample(steered)).map((a, i) => a - own[i]!);
    const mean = meanOf(gains);
    uplifts.push({ signature, mean, lower: lowerBound(gains, options) });
  }
  const best = uplifts.reduce((a, b) => (b.lower > a.lower ? b : a));
  return {
    hard: hard.length,
    rollouts,
    uplifts,
    committed: best.lower > 0 ? best.signature : undefined,
  };
}
