import type { Environment, Task } from "../environments/environment.js";
import type { Model } from "../models/model.js";
import { accuracy, inGroups, play, repeat } from "./play.js";
import type { Random } from "../util/random.js";
import { meanOf } from "../util/statistics/sums.js";

/** Sampled accuracy on `tasks`, one attempt each at the model's temperature, in [0, 1]. */
export async function evaluate(
  environment: Environment,
  model: Model,
  tasks: readonly Task[],
  random: Random,
): Promise<number> {
  return accuracy(await play(environment, model, tasks, random));
}

/** What `attempts` samples of each task show. */
export interface Sampled {
  /** Mean accuracy, in [0, 1]. */
  readonly accuracy: number;
  /** Share of tasks with at least one success: pass@attempts. */
  readonly passAtAll: number;
  /** Expected share of groups of `groupSize` without a success, by the unbiased estimator. */
  readonly stuck: number;
  /** Successes of each task, in order. */
  readonly successes: readonly number[];
}

/**
 * Accuracy, pass@n and the share of stuck groups from n attempts at each task.
 *
 * With c successes of n, a random group of G is all wrong with probability C(n-c, G) / C(n, G)
 * (the pass@k estimator, arXiv:2107.03374).
 */
export async function sampleTasks(
  environment: Environment,
  model: Model,
  tasks: readonly Task[],
  options: { readonly attempts: number; readonly groupSize: number; readonly random: Random },
): Promise<Sampled> {
  const { attempts, groupSize, random } = options;
  const repeated = repeat(tasks, attempts);
  const groups = inGroups(await play(environment, model, repeated, random), attempts);
  const successes = groups.map((g) => g.rollouts.filter((r) => r.verdict.correct).length);
  return {
    accuracy: meanOf(successes) / attempts,
    passAtAll: meanOf(successes.map((c) => Number(c > 0))),
    stuck: meanOf(successes.map((c) => allWrong(attempts, c, groupSize))),
    successes,
  };
}

/** C(n-c, k) / C(n, k), for k of at most n. */
export function allWrong(n: number, c: number, k: number): number {
  let probability = 1;
  for (let i = 0; i < k; i++) probability *= Math.max(0, n - c - i) / (n - i);
  return probability;
}
