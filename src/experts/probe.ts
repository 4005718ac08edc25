/** Which error expert steers exploration at each level: an expert must prove uplift before it is used. */
import type { Task } from "../environments/environment.js";
import type { Sampler } from "../play/explore.js";
import { accuracy } from "../play/play.js";
import type { Random } from "../util/random.js";
import { lowerBound } from "../util/statistics/intervals.js";

/** How an expert must prove itself. */
export interface ProbeOptions {
  /** Lower bound on the uplift by Student's t, or by the normal distribution. Default `t`. */
  readonly lcb: "t" | "normal";
  /** One-sided, in (0.5, 1). Default .8413: one standard error, where there are many tasks. */
  readonly confidence: number;
  /** `false` compares with the very sample that chose the hard tasks: an ablation. Default true. */
  readonly independentSample: boolean;
  /** Signatures that get no expert: leave one out to see whether avoiding the others helps it. Default none. */
  readonly leaveOut: readonly string[];
  /** Validation tasks on which overlap is measured with every probe; 0 measures none. Default 32. */
  readonly overlapTasks: number;
}

export const defaultProbe: ProbeOptions = {
  lcb: "t",
  confidence: 0.8413,
  independentSample: true,
  leaveOut: [],
  overlapTasks: 32,
};

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
 * most one success); on fresh samples of those, steering away from each
 * expert is compared with the student itself.
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
    const mean = gains.reduce((a, b) => a + b, 0) / gains.length;
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
