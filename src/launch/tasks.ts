/** The tasks of a run. */
import { drawTasks } from "../play/curriculum.js";
import type { Setup } from "../run/setup.js";
import type { Task } from "../environments/environment.js";
import { Random } from "../util/random.js";

/** The training and held-out tasks of a run: functions of the configuration alone. */
export function runTasks({
  environment,
  preset,
  config,
}: Pick<Setup, "environment" | "preset" | "config">): {
  pool: Task[];
  heldOut: Task[];
} {
  const { levels } = preset;
  return {
    pool: drawTasks(environment, {
      split: "train",
      levels,
      count: config.pool,
      random: Random.from(config.seed, "pool"),
    }),
    heldOut: drawTasks(environment, {
      split: config.evaluationSplit,
      levels,
      count: config.evaluationTasks,
      random: Random.from(0, "held-out"),
    }),
  };
}
