/**
 * Teachers: optional, rationed, soft. A teacher solves a task; what the student gets of it is a
 * hint, a trace in its group, or a pull of its own first wrong step (guide.ts).
 */
import type { Policy } from "./engine/engine.js";
import type { Environment, Task } from "./environments/environment.js";
import { playProcedure } from "./environments/play-procedure.js";
import type { Model } from "./models/model.js";
import { play } from "./play.js";
import { Random } from "./random.js";

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
  /** Its weights, where it runs in the engine with the student's tokenizer: what `kl` needs. */
  readonly policy?: Policy;
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
          const lot = Random.from(0, `teacher:${task.id}`);
          const right = wrong.length === 0 || lot.uniform() < accuracy;
          const procedure = right ? "correct" : lot.pick(wrong);
          const { steps } = await playProcedure(environment, task, procedure, random);
          return { actions: steps.map((s) => s.action), tokens: 0 };
        }),
      ),
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
    ...(policy === undefined ? {} : { policy }),
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
