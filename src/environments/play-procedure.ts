/** Scripted attempts: a procedure, or a given list of actions, played through an environment. */
import { ErrataError } from "../util/error.js";
import type { Random } from "../util/random.js";
import type {
  Environment,
  Finish,
  Procedure,
  Step,
  Task,
  Trajectory,
  Turn,
} from "./environment.js";

/**
 * Plays a procedure, or one of the environment's by name, to the end of a task.
 *
 * Ends after `environment.maxSteps` actions, with `truncated` set. Suspends only where the
 * environment does.
 * @throws ErrataError `ENVIRONMENT_PROCEDURE` on an unknown name.
 */
export async function playProcedure<S>(
  environment: Environment<S>,
  task: Task,
  procedure: string | Procedure<S>,
  random: Random,
): Promise<Trajectory<S>> {
  const act = typeof procedure === "string" ? procedureNamed(environment, procedure) : procedure;
  return play(environment, task, environment.maxSteps, (state) => act(state, random));
}

/**
 * Plays a list of actions. Actions left over when the episode ends are ignored; when they run out
 * first, the trajectory ends with `truncated` set.
 */
export async function playActions<S>(
  environment: Environment<S>,
  task: Task,
  actions: readonly string[],
): Promise<Trajectory<S>> {
  return play(environment, task, actions.length, (_state, step) => actions[step]!);
}

async function play<S>(
  environment: Environment<S>,
  task: Task,
  limit: number,
  act: (state: S, step: number) => string,
): Promise<Trajectory<S>> {
  const steps: Step<S>[] = [];
  let turn: Turn<S> = environment.start(task);
  while (!turn.terminated && !turn.truncated) {
    if (steps.length === limit) return { task, steps, end: { ...turn, truncated: true } };
    const action = act(turn.state, steps.length);
    steps.push(stepAt(turn, action));
    const next = environment.step(turn.state, action);
    turn = next instanceof Promise ? await next : next;
  }
  return { task, steps, end: turn };
}

/** The step that `action` takes at a turn: what was seen, what was done, and how that ended. */
export function stepAt<S>(
  { state, observation, messages }: Turn<S>,
  action: string,
  finish?: Finish,
): Step<S> {
  const seen = { state, observation, ...(messages === undefined ? {} : { messages }) };
  return { ...seen, action, ...(finish === undefined ? {} : { finish }) };
}

function procedureNamed<S>(environment: Environment<S>, name: string): Procedure<S> {
  const procedure = Object.hasOwn(environment.procedures, name)
    ? environment.procedures[name]
    : undefined;
  if (procedure === undefined) {
    throw new ErrataError(`${environment.name} has no procedure "${name}"`, {
      code: "ENVIRONMENT_PROCEDURE",
      hint: `use one of ${Object.keys(environment.procedures).join(", ")}`,
    });
  }
  return procedure;
}
