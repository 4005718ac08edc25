import type { Environment, Split, Task } from "./environments/environment.js";
import type { Random } from "./random.js";

/**
 * `count` distinct tasks of a split, spread evenly over `levels`. Fewer when the split runs out:
 * drawing stops after 20 repeats in a row for each level.
 */
export function drawTasks(
  environment: Environment,
  options: {
    readonly split: Split;
    readonly levels: readonly string[];
    readonly count: number;
    readonly random: Random;
  },
): Task[] {
  const { split, levels, count, random } = options;
  const tasks = new Map<string, Task>();
  let repeats = 0;
  for (let i = 0; tasks.size < count && repeats < 20 * levels.length; i++) {
    const task = environment.draw({ split, level: levels[i % levels.length]!, random });
    repeats = tasks.has(task.id) ? repeats + 1 : 0;
    tasks.set(task.id, task);
  }
  return [...tasks.values()];
}

/** A task on which every attempt failed this often in a row is parked. */
const parkAfter = 8;

/** Chooses the tasks of each step: uniform over the pool, tasks that stay stuck parked. */
export class Curriculum {
  readonly #pool: readonly Task[];
  readonly #stuck: Map<string, number>;

  /** `stuck` restores what a checkpoint saved. */
  constructor(pool: readonly Task[], stuck: Readonly<Record<string, number>> = {}) {
    this.#pool = pool;
    this.#stuck = new Map(Object.entries(stuck));
  }

  /** For each task whose last visit left it unsolved, how many visits in a row did. */
  get stuck(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#stuck);
  }

  /** `count` distinct tasks; all of them when there are fewer. */
  next(count: number, random: Random): Task[] {
    const open = this.#pool.filter((t) => (this.#stuck.get(t.id) ?? 0) < parkAfter);
    const from = open.length < count ? this.#pool : open;
    const chosen = new Map<number, Task>();
    while (chosen.size < Math.min(count, from.length)) {
      const i = random.below(from.length);
      chosen.set(i, from[i]!);
    }
    return [...chosen.values()];
  }

  /** Records whether any attempt at a task succeeded. */
  record(task: Task, solved: boolean): void {
    if (solved) this.#stuck.delete(task.id);
    else this.#stuck.set(task.id, (this.#stuck.get(task.id) ?? 0) + 1);
  }
}
