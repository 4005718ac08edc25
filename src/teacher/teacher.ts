/**
 * Teachers: optional, rationed, soft. A teacher solves a task; what the student gets of it is a
 * hint, a trace in its group, or a pull of its own first wrong step (guide.ts).
 */
import type { Policy } from "../engine/engine.js";
import type { Environment, Task } from "../environments/environment.js";
import { playProcedure } from "../environments/play-procedure.js";
import type { Model } from "../models/model.js";
import { play } from "../play/play.js";
import type { Bill } from "../util/bill.js";
import { Random } from "../util/random.js";

/** One attempt of a teacher, right or wrong. */
export interface Demonstration {
  readonly actions: readonly string[];
  /** Tokens a remote teacher wrote and read; 0 where nothing is paid for by the token. */
  readonly tokens: number;
}

export interface Teacher {
  readonly name: string;
  /** One attempt at each task; undefined where it made none. */
  demonstrate(
    tasks: readonly Task[],
    random: Random,
  ): Promise<readonly (Demonstration | undefined)[]>;
  /** What it is paid for in this sitting, where it is asked behind a URL. */
  readonly bill?: () => Bill | undefined;
  /** Its weights at a task, where it runs in the engine with the student's tokenizer: for `kl`. */
  readonly policyFor?: (task: Task) => Policy;
}

/**
 * The environment's own solver. With an `accuracy` below 1 that share of tasks, chosen by the
 * task's id, is solved right and the rest by a wrong procedure: an imperfect teacher.
 */
export function solverTeacher(environment: Environment, accuracy: number = 1): Teacher {
  const wrong = Object.keys(environment.procedures).filter((name) => name !== "correct");
  return {
    name: accuracy === 1 ? "solver" : `solver (${Math.round(accuracy * 100)}% right)`,
    demonstrate: (tasks, random) =>
      Promise.all(
        tasks.map(async (task) => {
          const procedure = lotOf(task, accuracy, wrong) ?? "correct";
          const { steps } = await playProcedure(environment, task, procedure, random);
          return { actions: steps.map((s) => s.action), tokens: 0 };
        }),
      ),
  };
}

/** Undefined for the share `accuracy` of tasks, chosen by the task's id; for the rest, one of `wrong`. */
function lotOf<T>(task: Task, accuracy: number, wrong: readonly T[]): T | undefined {
  const lot = Random.from(0, `teacher:${task.id}`);
  return wrong.length === 0 || lot.uniform() < accuracy ? undefined : lot.pick(wrong);
}

/**
 * `right` at the share `accuracy` of tasks, one of `wrong` at the rest: the tasks at which
 * {@link solverTeacher} of that accuracy errs, so that imperfect teachers of all forms err alike.
 */
export function imperfectTeacher(
  right: Teacher,
  wrong: readonly Teacher[],
  accuracy: number,
): Teacher {
  const at = (task: Task): Teacher => lotOf(task, accuracy, wrong) ?? right;
  const weights = (task: Task): Policy => at(task).policyFor!(task);
  const local = [right, ...wrong].every((teacher) => teacher.policyFor !== undefined);
  return {
    name: `${right.name} (${Math.round(accuracy * 100)}% right)`,
    demonstrate: async (tasks, random) => {
      const shown = new Map<Task, Demonstration | undefined>();
      // One after another: they draw from the same generator.
      for (const teacher of [right, ...wrong]) {
        const own = tasks.filter((task) => at(task) === teacher);
        const made = await teacher.demonstrate(own, random);
        for (const [i, task] of own.entries()) shown.set(task, made[i]);
      }
      return tasks.map((task) => shown.get(task));
    },
    ...(local ? { policyFor: weights } : {}),
  };
}

/** A model as a teacher: a local policy, or one behind a URL. */
export function modelTeacher(
  environment: Environment,
  name: string,
  model: Model,
  policy?: Policy,
): Teacher {
  return {
    name,
    bill: () => model.bill,
    ...(policy === undefined ? {} : { policyFor: () => policy }),
    demonstrate: async (tasks, random) => {
      const rollouts = await play(environment, model, tasks, random);
      return rollouts.map(({ failure, actions }) =>
        failure === undefined
          ? {
              actions: actions.map((a) => a.text),
              tokens: actions.reduce((n, a) => n + (a.paidTokens ?? 0), 0),
            }
          : undefined,
      );
    },
  };
}
