/** Which task a record is about, and in which split: as the environment has it, whatever the record says. */
import type { Environment, Split, Task } from "./environment.js";

/** Every split. */
export const splits: readonly Split[] = ["train", "validation", "test"];

const listed = new WeakMap<Environment, ReadonlyMap<string, Split>>();

/**
 * The task with the id and the split that are the environment's own: by its data where the environment can
 * tell, by its id where it lists its tasks. A held-out task that a record calls `train` stays held out. What
 * neither knows is as the record says.
 * @throws what `environment.identify` throws on data that are no task.
 */
export function identified(environment: Environment, task: Task): Task {
  if (environment.identify !== undefined) return { ...task, ...environment.identify(task) };
  const split = splitsOf(environment).get(task.id);
  return split === undefined ? task : { ...task, split };
}

function splitsOf(environment: Environment): ReadonlyMap<string, Split> {
  const known =
    listed.get(environment) ??
    new Map(
      splits.flatMap((split) =>
        (environment.tasks?.(split) ?? []).map(({ id }) => [id, split] as const),
      ),
    );
  listed.set(environment, known);
  return known;
}
