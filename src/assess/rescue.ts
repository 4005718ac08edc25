/**
 * What an explorer is worth on stuck tasks, measured apart from learning: the share of groups that
 * failed on a first sample and that a fresh sample rescues, by each expert and by more on-policy
 * samples.
 */
import type { Setup } from "../run/setup.js";
import type { Expert } from "../experts/expert.js";
import { sampler, type Sampler } from "../play/explore.js";
import type { Task } from "../environments/environment.js";
import { accuracy } from "../play/play.js";
import { Random } from "../util/random.js";
import { ratioInterval, meanInterval, type Interval } from "../util/statistics/intervals.js";

/** One way to sample stuck tasks again. */
export interface Rescue {
  /** `on-policy`, or the signature of the expert steered away from. */
  readonly arm: string;
  /** Share of stuck groups with a right rollout in the fresh sample. */
  readonly rescued: Interval;
  /** Accuracy of the fresh samples. */
  readonly accuracy: Interval;
  /** Rescued groups relative to on-policy's, paired by task; none where on-policy sampling rescues none. */
  readonly ratio: Interval | undefined;
}

export interface RescueReport {
  readonly preset: string;
  readonly tasks: number;
  /** Tasks that the first sample left unsolved. */
  readonly stuck: number;
  /** On-policy sampling first; none at all when no task is stuck. */
  readonly arms: readonly Rescue[];
}

/**
 * Every task is attempted `attempts` times by the base student; those never solved are attempted
 * as often again by each arm.
 */
export async function measureRescue(
  setup: Setup,
  experts: ReadonlyMap<string, Expert>,
  options: { readonly tasks: readonly Task[]; readonly attempts: number },
): Promise<RescueReport> {
  const { base, config } = setup;
  const { tasks, attempts } = options;
  const random = Random.from(config.seed, "rescue");
  const sample = async (arm: Sampler, list: readonly Task[]): Promise<number[]> =>
    (await arm(list, attempts, random)).map((g) => accuracy(g.rollouts));
  const student = sampler(setup, base);
  const first = await sample(student, tasks);
  const stuck = tasks.filter((_, i) => first[i] === 0);
  const samplers = new Map<string, Sampler>([
    ["on-policy", student],
    ...[...experts].map(([name, expert]): [string, Sampler] => [
      name,
      sampler(setup, base, expert.policy),
    ]),
  ]);
  const arms: Rescue[] = [];
  const report = { preset: setup.preset.name, tasks: tasks.length, stuck: stuck.length, arms };
  if (stuck.length === 0) return report;
  let onPolicy: number[] | undefined;
  for (const [arm, draw] of samplers) {
    const accuracies = await sample(draw, stuck);
    const rescued = accuracies.map((a) => Number(a > 0));
    arms.push({
      arm,
      rescued: meanInterval(rescued),
      accuracy: meanInterval(accuracies),
      ratio: onPolicy?.includes(1) === true ? ratioInterval(rescued, onPolicy) : undefined,
    });
    onPolicy ??= rescued;
  }
  return report;
}
