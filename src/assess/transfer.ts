/**
 * Transfer: what a trained student can do beyond the tasks it was trained on, and what it lost.
 *
 * - *length*: the preset's `transferLevels`, longer or harder than those trained on;
 * - *signatures*: tasks on which one mal-rule errs (its answer is wrong there), so that a run that
 *   left a signature out (`probe.leaveOut`) can be asked about exactly the tasks that expose it;
 * - *inverted*: tasks on which the injected bug gives the right answer. A student that learned to
 *   avoid the bug wherever it can, instead of where it is wrong, fails here: negative transfer.
 *
 * Leaving a whole domain out means nothing for students trained from scratch, which share neither
 * vocabulary nor weights between domains, and is not measured.
 */
import { drawTasks } from "../play/curriculum.js";
import type { Policy } from "../engine/engine.js";
import type { Environment, Split, Task } from "../environments/environment.js";
import { playProcedure } from "../environments/play-procedure.js";
import { studentModel, type Player } from "../play/explore.js";
import { play } from "../play/play.js";
import type { Preset } from "../students/presets/presets.js";
import { Random } from "../util/random.js";
import { wilsonInterval, type Interval } from "../util/statistics/intervals.js";

/** One set of tasks, before and after training. */
export interface TransferResult {
  readonly name: string;
  readonly kind: "trained" | "length" | "signature" | "inverted";
  readonly tasks: number;
  /** Accuracy before training, one attempt a task, with Wilson's 95% interval. */
  readonly before: Interval;
  readonly after: Interval;
}

/** Tasks drawn for every one that is wanted, at most, when only some qualify. */
const mostDraws = 40;

/**
 * Tasks of a split on which a procedure's answer is wrong (`errs`) or right. Fewer than `count` where
 * they are rare.
 */
export async function tasksWhere(
  environment: Environment,
  options: {
    readonly procedure: string;
    readonly errs: boolean;
    readonly split: Split;
    readonly levels: readonly string[];
    readonly count: number;
    readonly random: Random;
  },
): Promise<Task[]> {
  const { procedure, errs, split, levels, count, random } = options;
  const tasks = new Map<string, Task>();
  for (let i = 0; i < mostDraws * count && tasks.size < count; i++) {
    const task = environment.draw({ split, level: levels[i % levels.length]!, random });
    if (tasks.has(task.id)) continue;
    const played = await playProcedure(environment, task, procedure, random);
    const { correct } = await environment.judge(played);
    if (correct !== errs) tasks.set(task.id, task);
  }
  return [...tasks.values()];
}

/**
 * Measures transfer of `after` against `before` on `count` tasks of each set, of `split` (default
 * `validation`: choices are made on it). The same tasks for every run of a preset.
 */
export async function measureTransfer(
  player: Player,
  preset: Preset,
  policies: { readonly before: Policy; readonly after: Policy },
  options: { readonly count: number; readonly split?: Exclude<Split, "train"> },
): Promise<TransferResult[]> {
  const { environment } = player;
  const { count, split = "validation" } = options;
  const { levels, bug } = preset;
  const random = (purpose: string): Random => Random.from(0, `transfer:${split}:${purpose}`);
  const drawn = (of: readonly string[], purpose: string): Task[] =>
    drawTasks(environment, { split, levels: of, count, random: random(purpose) });
  const where = (procedure: string, errs: boolean): Promise<Task[]> =>
    tasksWhere(environment, {
      procedure,
      errs,
      split,
      levels,
      count,
      random: random(`${procedure}:${errs}`),
    });
  const sets: { name: string; kind: TransferResult["kind"]; tasks: Task[] }[] = [
    { name: levels.join(", "), kind: "trained", tasks: drawn(levels, "trained") },
  ];
  for (const level of preset.transferLevels ?? [])
    sets.push({ name: level, kind: "length", tasks: drawn([level], level) });
  const rules = Object.keys(environment.procedures).filter((p) => p !== "correct" && p !== "noise");
  for (const rule of rules)
    sets.push({ name: rule, kind: "signature", tasks: await where(rule, true) });
  if (bug !== undefined)
    sets.push({ name: `${bug} is right`, kind: "inverted", tasks: await where(bug, false) });
  const results: TransferResult[] = [];
  for (const { name, kind, tasks } of sets) {
    if (tasks.length === 0) continue;
    const measure = async (policy: Policy): Promise<Interval> => {
      const rollouts = await play(environment, studentModel(player, policy), tasks, random(name));
      return wilsonInterval(rollouts.filter((r) => r.verdict.correct).length, rollouts.length);
    };
    results.push({
      name,
      kind,
      tasks: tasks.length,
      before: await measure(policies.before),
      after: await measure(policies.after),
    });
  }
  return results;
}

/** Sets on which training surely made the student worse: the intervals before and after lie apart. */
export function losses(results: readonly TransferResult[]): TransferResult[] {
  return results.filter(({ before, after }) => after.high < before.low);
}
