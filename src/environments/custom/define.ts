/** Bring your own domain. */
import { ErrataError } from "../../util/error.js";
import type { Random } from "../../util/random.js";
import type { Environment, Split, StepVerdict, Task, Trajectory, Verdict } from "../environment.js";

/**
 * A verdict of which `firstError` may be left out, or say no more than the step. Only attempts with one
 * are learned from as mistakes. Of a wrong attempt of a single action it is that action, by default; and
 * what is left out of it is: all of the action, evidence `test`, confidence 1, the `signature` as family.
 */
export type DefinedVerdict = Omit<Verdict, "firstError"> & {
  readonly firstError?: Pick<StepVerdict, "step"> & Partial<StepVerdict>;
};

/** What has to be written to define an environment; the rest has defaults. */
export type EnvironmentDefinition<S> = Pick<
  Environment<S>,
  "name" | "start" | "step" | "procedures"
> & {
  judge(trajectory: Trajectory<S>): DefinedVerdict | Promise<DefinedVerdict>;
} & Partial<
    Pick<
      Environment<S>,
      | "lexicon"
      | "levels"
      | "maxSteps"
      | "maxActionSymbols"
      | "maxObservationSymbols"
      | "draw"
      | "tasks"
      | "identify"
      | "choices"
      | "corrupt"
      | "describe"
      | "restate"
      | "tricks"
    >
  >;

/** The defaults: one level, one action, up to 512 symbols of it and 2,048 of an observation. */
const DEFAULTS = {
  levels: ["all"],
  maxSteps: 1,
  maxActionSymbols: 512,
  maxObservationSymbols: 2048,
} as const;

/**
 * An environment from its parts. Beside a name, `start`, `step`, `judge` and the procedure `correct`
 * it needs `draw`, `tasks` or both: without `draw`, tasks are drawn from the list. Without `corrupt`,
 * `errata env check` cannot try whether wrong answers are refused, and says so by a count of 0.
 * @throws ErrataError `ENVIRONMENT_DEFINITION`, naming the part that is missing or of the wrong kind.
 */
export function defineEnvironment<S>(definition: EnvironmentDefinition<S>): Environment<S> {
  const { name } = definition;
  if (typeof name !== "string" || !/^[\w-]+$/.test(name))
    throw fault(`its name is ${JSON.stringify(name)}`, "use letters, digits, - and _");
  for (const part of ["start", "step", "judge"] as const)
    if (typeof definition[part] !== "function")
      throw fault(`${name} has no function "${part}"`, `define ${part}`);
  if (typeof definition.procedures?.correct !== "function")
    throw fault(
      `${name} has no procedure "correct"`,
      "define procedures: { correct: (state) => ... }, which solves every task",
    );
  const defined = { ...DEFAULTS, ...definition };
  if (defined.levels.length === 0) throw fault(`${name} has no levels`, "leave levels out for one");
  for (const limit of ["maxSteps", "maxActionSymbols", "maxObservationSymbols"] as const)
    if (!Number.isInteger(defined[limit]) || defined[limit] < 1)
      throw fault(`${limit} of ${name} is ${defined[limit]}`, "use a whole number of at least 1");
  const { tasks, draw = tasks && drawFrom(name, defined.levels, tasks) } = defined;
  if (draw === undefined)
    throw fault(`${name} has neither "draw" nor "tasks"`, "define where tasks come from");
  const judge = async (trajectory: Trajectory<S>): Promise<Verdict> =>
    completed(await definition.judge(trajectory), trajectory);
  return { corrupt: () => undefined, ...defined, draw, judge };
}

/** Fills in what a {@link DefinedVerdict} may leave out. */
function completed<S>(verdict: DefinedVerdict, { steps }: Trajectory<S>): Verdict {
  const { firstError: given, ...rest } = verdict;
  const error = given ?? (!verdict.correct && steps.length === 1 ? { step: 0 } : undefined);
  if (error === undefined) return rest;
  const firstError = {
    span: { start: 0, end: steps[error.step]?.action.length ?? 0 },
    evidence: "test",
    confidence: 1,
    family: verdict.signature ?? "wrong-answer",
    detail: "",
    ...error,
  } as const;
  return { ...rest, firstError };
}

/** Draws from a list of tasks, uniformly. */
function drawFrom(
  name: string,
  levels: readonly string[],
  tasks: (split: Split) => readonly Task[],
): Environment["draw"] {
  return ({ split, level, random }: { split: Split; level: string; random: Random }): Task => {
    if (!levels.includes(level))
      throw new ErrataError(`${name} has no level "${level}"`, {
        code: "ENVIRONMENT_LEVEL",
        hint: `use one of ${levels.join(", ")}`,
      });
    const there = tasks(split).filter((task) => task.level === level);
    if (there.length > 0) return random.pick(there);
    throw new ErrataError(`${name} has no ${split} tasks of level "${level}"`, {
      code: "ENVIRONMENT_LEVEL",
      hint: "give some tasks this split, or use another",
    });
  };
}

function fault(what: string, hint: string): ErrataError {
  return new ErrataError(`this is no environment: ${what}`, {
    code: "ENVIRONMENT_DEFINITION",
    hint,
  });
}
