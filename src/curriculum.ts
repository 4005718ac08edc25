import type { Environment, Split, Task } from "./environments/environment.js";
import { Random, type RandomState } from "./random.js";

/**
 * `count` distinct tasks of a split, spread evenly over `levels`. Fewer when the split runs out:
 * drawing stops after 20 repeats in a row.
 */
export function drawTasks(
  environment: Environment,
  options: { readonly split: Split; readonly levels: readonly string[]; readonly count: number; readonly random: Random },
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

/** Saved by a checkpoint. */
export interface CurriculumState {
  readonly random: RandomState;
  readonly stuck: Readonly<Record<string, number>>;
}

/** A task on which every attempt failed this often in a row is parked. */
const parkAfter = 8;

/** Chooses the tasks of each step: uniform over the pool, tasks that stay stuck parked. */
export class Curriculum {
  readonly #pool: readonly Task[];
  readonly #stuck: Map<string, number>;
  #random: Random;

  constructor(pool: readonly Task[], random: Random, saved?: CurriculumState) {
    this.#pool = pool;
    this.#random = saved === undefined ? random : Random.restore(saved.random);
    this.#stuck = new Map(Object.entries(saved?.stuck ?? {}));
  }

  get state(): CurriculumState {
    return { random: this.#random.state, stuck: Object.fromEntries(this.#stuck) };
  }

  /** Number of parked tasks. */
  get parked(): number {
    return [...this.#stuck.values()].filter((n) => n >= parkAfter).length;
  }

  /** `count` tasks, distinct where the pool allows. */
  next(count: number): Task[] {
    const open = this.#pool.filter((t) => (this.#stuck.get(t.id) ?? 0) < parkAfter);
    const from = open.length === 0 ? this.#pool : open;
    const chosen = new Map<number, Task>();
    while (chosen.size < Math.min(count, from.length)) {
      const i = this.#random.below(from.length);
      chosen.set(i, from[i]!);
    }
    return [...chosen.values()];
  }

  /** Counts how often in a row every attempt at a task failed. */
  record(task: Task, solved: boolean): void {
    if (solved) this.#stuck.delete(task.id);
    else this.#stuck.set(task.id, (this.#stuck.get(task.id) ?? 0) + 1);
  }
}
