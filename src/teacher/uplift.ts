/**
 * What a teacher gains that changes no attempt. A pulled token shows in later attempts alone, so fresh
 * ones are made, now and then, at tasks it was asked about and at like tasks it was not.
 */
import type { Task } from "../environments/environment.js";
import type { Sampler } from "../play/explore.js";
import { accuracy, type Group } from "../play/play.js";
import type { Random } from "../util/random.js";

/** Tasks whose next attempts will show what pulls gained; plain JSON. */
export interface WatchedTasks {
  /** Asked about, with the student's accuracy at the time. */
  readonly asked: readonly { readonly task: string; readonly before: number }[];
  /** As needy, and not asked about: the budget allowed no more. */
  readonly passed: readonly string[];
}

/** Before the first pull, and after each measurement. */
export const nothingWatched: WatchedTasks = { asked: [], passed: [] };

/** Tasks of each kind that are attempted again: the latest. */
const mostTasks = 16;

/** `watched` and the groups of one more step, each task once and under its latest visit. */
export function watch(
  watched: WatchedTasks,
  asked: readonly Group[],
  passed: readonly Group[],
): WatchedTasks {
  const ids = new Set([...asked, ...passed].map((g) => g.task.id));
  const own = ({ rollouts }: Group): number => accuracy(rollouts.filter((r) => !r.offPolicy));
  return {
    asked: [
      ...watched.asked.filter(({ task }) => !ids.has(task)),
      ...asked.map((group) => ({ task: group.task.id, before: own(group) })),
    ].slice(-mostTasks),
    passed: [
      ...watched.passed.filter((task) => !ids.has(task)),
      ...passed.map((g) => g.task.id),
    ].slice(-mostTasks),
  };
}

/**
 * One gain for each watched task that was asked about, in [-1, 1]: accuracy of fresh attempts at it
 * minus that at a task that was not,
 *
 *     gain_i = acc(asked_i) - acc(passed_j),  j = i mod the number of the latter
 *
 * so that what training gained anyway is nobody's merit. Without such tasks it is minus the accuracy
 * before, which flatters the teacher by what training gained and by regression to the mean: a teacher
 * without gain even so has none.
 */
export async function pulledGains(
  { asked, passed }: WatchedTasks,
  options: {
    readonly tasks: ReadonlyMap<string, Task>;
    readonly attempts: number;
    readonly sample: Sampler;
    readonly random: Random;
  },
): Promise<{ readonly gains: readonly number[]; readonly rollouts: number }> {
  const { tasks, attempts, sample, random } = options;
  const known = asked.filter(({ task }) => tasks.has(task));
  const others = passed.filter((task) => tasks.has(task));
  const ids = [...known.map(({ task }) => task), ...others];
  const groups = await sample(
    ids.map((id) => tasks.get(id)!),
    attempts,
    random,
  );
  const after = groups.map((g) => accuracy(g.rollouts));
  const compared = after.slice(known.length);
  const gains = known.map(({ before }, i) => {
    const other = compared.length === 0 ? before : compared[i % compared.length]!;
    return after[i]! - other;
  });
  return { gains, rollouts: ids.length * attempts };
}
