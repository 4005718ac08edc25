/** Which task a record is about, and in which split: as the environment has it, whatever the record says. */
import { ErrataError } from "../util/error.js";
import type { Environment, Split, Task } from "./environment.js";

/** Every split. */
export const splits: readonly Split[] = ["train", "validation", "test"];

const listed = new WeakMap<Environment, ReadonlyMap<string, Task>>();

/**
 * The environment's own task that a record is about: by its data where the environment can tell (id and
 * split then follow from them), else by its id in the environment's list, with the list's data and split. A
 * held-out task that a record calls `train` stays held out, and a question with an answer of the record's
 * own is not believed. Where tasks are neither told nor listed it is as the record says.
 * @throws ErrataError `ENVIRONMENT_TASK` on a task that is not in the list, and what
 *   `environment.identify` throws on data that are no task.
 */
export function identified(environment: Environment, task: Task): Task {
  if (environment.identify !== undefined) return { ...task, ...environment.identify(task) };
  if (environment.tasks === undefined) return task;
  const own = tasksOf(environment).get(task.id);
  if (own !== undefined) return own;
  throw new ErrataError(`${environment.name} has no task ${JSON.stringify(task.id)}`, {
    code: "ENVIRONMENT_TASK",
    hint: "name a task by the id under which the environment lists it",
  });
}

function tasksOf(environment: Environment): ReadonlyMap<string, Task> {
  const known =
    listed.get(environment) ??
    new Map(
      splits.flatMap((split) =>
        (environment.tasks?.(split) ?? []).map((task) => [task.id, task] as const),
      ),
    );
  listed.set(environment, known);
  return known;
}
