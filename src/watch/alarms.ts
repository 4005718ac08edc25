/** Alarms: what usually means that learning has gone wrong, long before the accuracy says so. */

import { z } from "zod";
import { share, type Options } from "../util/options.js";

/** The keys `alarms.*`. */
export const alarmsSchema = z.strictObject({
  entropy: share
    .default(0.1)
    .describe("Share of the first ten steps' entropy below which an alarm rings."),
  length: z
    .number()
    .gt(1)
    .default(2)
    .describe("Multiple of the first ten steps' mean length above which an alarm rings."),
  sameAnswer: share
    .default(0.5)
    .describe(
      "Share of the right answers to unlike tasks that one answer makes up where an alarm rings.",
    ),
});

/** When an alarm rings. */
export type AlarmOptions = Options<typeof alarmsSchema>;

export const defaultAlarms: AlarmOptions = alarmsSchema.parse({});

export type Alarm =
  | "entropyCollapse"
  | "lengthBlowUp"
  | "verifierExploit"
  | "notFinite"
  | "noGradient";

/** What a step showed. */
export interface Observed {
  /** Nats per trained token; absent when nothing was trained. */
  readonly entropy?: number;
  /** Mean tokens of a rollout. */
  readonly length: number;
  /** Share of right rollouts. */
  readonly accuracy: number;
  /** Share of visits to known mistakes that repeated them; absent without such visits. */
  readonly replication?: number;
  /** Right answers, as pairs of task and canonical answer. */
  readonly right: readonly (readonly [taskId: string, answer: string])[];
  readonly finite: boolean;
  /** Whether any group had a gradient: right and wrong attempts, or a charge. */
  readonly taught: boolean;
}

/** Averages over the first steps, and moving averages since. */
export interface AlarmState {
  readonly steps: number;
  readonly reference: { readonly entropy: number; readonly length: number; readonly same: number };
  readonly accuracy: number;
  readonly replication: number;
  /** Steps in a row without a gradient; absent in checkpoints of earlier versions. */
  readonly idle?: number;
}

/** Steps in a row without a gradient after which there is an alarm. */
const mostIdle = 10;

/** Steps that the reference is averaged over. */
const referenceSteps = 10;

/** A step's accuracy above the moving average by this much is a jump. */
const jump = 0.3;

/** Fewest tasks with a right answer before answers are compared. */
const fewestTasks = 4;

/**
 * Watches a run's steps. Deterministic: what a checkpoint saved carries on alike.
 *
 * - `entropyCollapse`: entropy below `entropy` times the mean of the first ten steps;
 * - `lengthBlowUp`: length above `length` times theirs;
 * - `verifierExploit`: accuracy jumps by .3 over its moving average while the length changes by more
 *   than `length` times either way, or while known mistakes are repeated more, not less; or one
 *   answer makes up `sameAnswer` of the right answers to unlike tasks and twice the share of the
 *   first steps;
 * - `notFinite`: the update was skipped;
 * - `noGradient`: ten steps in a row, and every one after, in which no group had a gradient.
 */
export class Alarms {
  readonly #options: AlarmOptions;
  #state: AlarmState;

  constructor(options: AlarmOptions = defaultAlarms, saved?: AlarmState) {
    this.#options = options;
    this.#state = saved ?? {
      steps: 0,
      reference: { entropy: 0, length: 0, same: 0 },
      accuracy: 0,
      replication: 0,
      idle: 0,
    };
  }

  get state(): AlarmState {
    return this.#state;
  }

  /** The alarms that a step rings. */
  observe(seen: Observed): Alarm[] {
    const { steps, reference, accuracy, replication } = this.#state;
    const idle = seen.taught ? 0 : (this.#state.idle ?? 0) + 1;
    const same = sameAnswerShare(seen.right);
    const alarms: Alarm[] = seen.finite ? [] : ["notFinite"];
    if (idle >= mostIdle) alarms.push("noGradient");
    if (steps >= referenceSteps) {
      const { entropy, length, sameAnswer } = this.#options;
      const longer = seen.length > length * reference.length;
      const shorter = seen.length < reference.length / length;
      if (seen.entropy !== undefined && seen.entropy < entropy * reference.entropy)
        alarms.push("entropyCollapse");
      if (longer) alarms.push("lengthBlowUp");
      const repeats = seen.replication !== undefined && seen.replication > replication + 0.1;
      const jumped = seen.accuracy > accuracy + jump;
      if (
        (jumped && (longer || shorter || repeats)) ||
        same >= Math.max(sameAnswer, 2 * reference.same)
      )
        alarms.push("verifierExploit");
    }
    const mean = (old: number, value: number): number => old + (value - old) / (steps + 1);
    const moving = (old: number, value: number): number =>
      steps < referenceSteps ? mean(old, value) : old + 0.1 * (value - old);
    this.#state = {
      steps: steps + 1,
      reference:
        steps >= referenceSteps
          ? reference
          : {
              entropy: mean(reference.entropy, seen.entropy ?? reference.entropy),
              length: mean(reference.length, seen.length),
              same: Math.max(reference.same, same),
            },
      accuracy: moving(accuracy, seen.accuracy),
      replication: moving(replication, seen.replication ?? replication),
      idle,
    };
    return alarms;
  }
}

/** Share of tasks with a right answer whose right answer is the most common one; 0 with fewer than four such tasks. */
export function sameAnswerShare(right: Observed["right"]): number {
  const tasks = new Map<string, Set<string>>();
  for (const [task, answer] of right) {
    if (answer === "") continue;
    tasks.set(answer, (tasks.get(answer) ?? new Set()).add(task));
  }
  const all = new Set([...tasks.values()].flatMap((ids) => [...ids])).size;
  if (all < fewestTasks) return 0;
  const most = Math.max(...[...tasks.values()].map((ids) => ids.size));
  return most === 1 ? 0 : most / all;
}
