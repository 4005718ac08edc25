/** Which tasks a step plays: uniformly, by how much there is to learn from them, or by cells. */
import { z } from "zod";
import type { Environment, Split, Task } from "../environments/environment.js";
import { amount, count, share, type Options } from "../util/options.js";
import type { Random } from "../util/random.js";

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

/** The keys `curriculum.*`. */
export const curriculumSchema = z.strictObject({
  mode: z
    .enum(["uniform", "learnability", "bandit"])
    .default("uniform")
    .describe("How the tasks of a step are chosen."),
  uniform: share.default(0.1).describe("Share of tasks drawn uniformly in the other modes."),
  replication: amount
    .default(0.3)
    .describe("Weight of how often a task's known mistakes are repeated, beside p (1 - p)."),
  replay: share
    .default(0)
    .describe("Share of a step's tasks taken from the corpus, by the quality of their mistakes."),
  parkAfter: count.default(8).describe("Visits in a row without success that park a task."),
});

/** Settings of a {@link Curriculum}. */
export type CurriculumOptions = Options<typeof curriculumSchema>;

export const defaultCurriculum: CurriculumOptions = curriculumSchema.parse({});

/** One visit to a task. */
export interface Visit {
  /** On-policy attempts, and how many of them were right. */
  readonly attempts: number;
  readonly right: number;
  /** Mean |A| over the group. */
  readonly advantage: number;
}

/** What a checkpoint saves of a {@link Curriculum}. */
export interface CurriculumState {
  /** By task: visits in a row that left it unsolved. */
  readonly stuck: Readonly<Record<string, number>>;
  /** By task: right and all on-policy attempts, older visits counting half as much each. */
  readonly outcomes: Readonly<Record<string, readonly [right: number, attempts: number]>>;
  /** By level: recent success rate and mean |A|. */
  readonly levels: Readonly<Record<string, { readonly rate: number; readonly advantage: number }>>;
}

/** Share of the past that a task's counts keep at each visit. */
const outcomeDecay = 0.5;

/** Attempts' worth of its level's success rate that a task's own rate is shrunk by. */
const priorAttempts = 4;

/** Success rate of a level before any visit. */
const unknownRate = 0.5;

/** Step of the moving averages over a level. */
const levelRate = 0.1;

/** Temperature of the softmax over levels. */
const banditTemperature = 0.1;

/** Chooses the tasks of each step. Tasks that stay stuck are parked in every mode. */
export class Curriculum {
  readonly #pool: readonly Task[];
  readonly #options: CurriculumOptions;
  readonly #stuck: Map<string, number>;
  readonly #outcomes: Map<string, readonly [number, number]>;
  readonly #levels: Map<string, { readonly rate: number; readonly advantage: number }>;

  /** `saved` restores what a checkpoint holds. */
  constructor(
    pool: readonly Task[],
    saved: Partial<CurriculumState> = {},
    options: CurriculumOptions = defaultCurriculum,
  ) {
    this.#pool = pool;
    this.#options = options;
    this.#stuck = new Map(Object.entries(saved.stuck ?? {}));
    this.#outcomes = new Map(Object.entries(saved.outcomes ?? {}));
    this.#levels = new Map(Object.entries(saved.levels ?? {}));
  }

  get state(): CurriculumState {
    return {
      stuck: Object.fromEntries(this.#stuck),
      outcomes: Object.fromEntries(this.#outcomes),
      levels: Object.fromEntries(this.#levels),
    };
  }

  /** For each task whose last visit left it unsolved, how many visits in a row did. */
  get stuck(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#stuck);
  }

  /** Tasks that no longer come up: unsolved at each of the last `parkAfter` visits. */
  get parked(): number {
    return this.#pool.filter((task) => this.#isParked(task)).length;
  }

  /**
   * `count` distinct tasks, those of `first` among them; all of the pool when there are fewer.
   * `replicationRate` says how often a task's known mistakes are repeated, in [0, 1].
   *
   *     uniform       every open task alike
   *     learnability  weight p (1 - p) + replication * rate, p the task's shrunk success rate
   *                   (LILO: p (1 - p); replay of replicated mistakes is this method's own)
   *     bandit        a level by softmax of its mean |A| (SEC, arXiv:2505.14970), a task uniformly
   */
  next(
    count: number,
    random: Random,
    {
      first = [],
      replicationRate = () => 0,
    }: {
      readonly first?: readonly Task[];
      readonly replicationRate?: (task: Task) => number;
    } = {},
  ): Task[] {
    const open = this.#pool.filter((task) => !this.#isParked(task));
    const from = open.length < count ? this.#pool : open;
    const chosen = new Map<string, Task>(first.slice(0, count).map((task) => [task.id, task]));
    const most = Math.min(count, new Set([...chosen.keys(), ...from.map((t) => t.id)]).size);
    const { mode, uniform, replication } = this.#options;
    const draw = {
      uniform: () => from[random.below(from.length)]!,
      learnability: () => {
        weights ??= from.map((t) => this.learnability(t) + replication * replicationRate(t));
        return from[random.weighted(weights)]!;
      },
      bandit: () => {
        levels ??= [...new Set(from.map((t) => t.level))];
        weights ??= softmax(levels.map((level) => this.#levels.get(level)?.advantage ?? 1));
        const level = levels[random.weighted(weights)]!;
        return random.pick(from.filter((t) => t.level === level));
      },
    };
    let weights: number[] | undefined;
    let levels: string[] | undefined;
    let repeats = 0;
    while (chosen.size < most) {
      // Where a level or the likely tasks have run out, what is left is drawn uniformly.
      const plain = mode === "uniform" || repeats > 64 || random.uniform() < uniform;
      const task = plain ? draw.uniform() : draw[mode]();
      repeats = chosen.has(task.id) ? repeats + 1 : 0;
      chosen.set(task.id, task);
    }
    return [...chosen.values()];
  }

  /**
   * Success rate of a task, shrunk to its level's recent mean m (1/2 before any visit):
   * p = (right + 4 m) / (attempts + 4), in (0, 1).
   */
  successRate(task: Pick<Task, "id" | "level">): number {
    const [right, attempts] = this.#outcomes.get(task.id) ?? [0, 0];
    const mean = this.#levels.get(task.level)?.rate ?? unknownRate;
    return (right + priorAttempts * mean) / (attempts + priorAttempts);
  }

  /** p (1 - p) of a task, in [0, 1/4]. */
  learnability(task: Pick<Task, "id" | "level">): number {
    const p = this.successRate(task);
    return p * (1 - p);
  }

  /** Records whether any attempt at a task succeeded, and what its on-policy attempts showed. */
  record(task: Task, solved: boolean, visit?: Visit): void {
    if (solved) this.#stuck.delete(task.id);
    else this.#stuck.set(task.id, (this.#stuck.get(task.id) ?? 0) + 1);
    if (visit === undefined || visit.attempts === 0) return;
    const [right, attempts] = this.#outcomes.get(task.id) ?? [0, 0];
    this.#outcomes.set(task.id, [
      outcomeDecay * right + visit.right,
      outcomeDecay * attempts + visit.attempts,
    ]);
    const share = visit.right / visit.attempts;
    const known = this.#levels.get(task.level) ?? {
      rate: unknownRate, // the first visit's own, 0 or 1, would leave nothing to learn anywhere
      advantage: visit.advantage,
    };
    this.#levels.set(task.level, {
      rate: known.rate + levelRate * (share - known.rate),
      advantage: known.advantage + levelRate * (visit.advantage - known.advantage),
    });
  }

  #isParked(task: Task): boolean {
    return (this.#stuck.get(task.id) ?? 0) >= this.#options.parkAfter;
  }
}

function softmax(values: readonly number[]): number[] {
  const highest = Math.max(...values);
  return values.map((value) => Math.exp((value - highest) / banditTemperature));
}
