/** The cheapest test of any environment: a right answer is accepted, a corrupted one refused. */
import { setImmediate } from "node:timers/promises";
import { ErrataError } from "../util/error.js";
import { lexiconTokenizer } from "../models/tokenizer.js";
import { Random } from "../util/random.js";
import {
  evidences,
  type Environment,
  type Split,
  type Task,
  type Trajectory,
  type Verdict,
} from "../environments/environment.js";
import { playActions, playProcedure } from "../environments/play-procedure.js";

export interface CheckOptions {
  /**
   * How many tasks to draw, spread evenly over levels and splits. Of a data set, that many different
   * ones at random, or all there are.
   */
  readonly tasks: number;
  readonly seed: number;
  /** Only this level. Default: every level the environment lists. */
  readonly level?: string;
  readonly signal?: AbortSignal;
}

/** One thing an environment did that its interface forbids. */
export interface CheckFailure {
  readonly task: string;
  /** How a person knows the task: its place in a file, its question. */
  readonly shown: string;
  readonly fault:
    | "reference-refused"
    | "form-refused"
    | "corruption-accepted"
    | "trick-accepted"
    | "repeated"
    | "contract"
    | "threw";
  readonly detail: string;
  /** Other tasks of which the same was to be said. */
  readonly more: number;
}

/** An environment is sound when nothing failed: all counts match and `failures` is empty. */
export interface CheckResult {
  readonly env: string;
  /** Tasks checked: fewer than asked for where a data set has no more. */
  readonly tasks: number;
  /** Attempts of `correct` judged right: must equal `tasks`. */
  readonly referenceAccepted: number;
  /** Solved attempts that could be made wrong on purpose. */
  readonly corrupted: number;
  /** Those of them judged wrong: must equal `corrupted`. */
  readonly corruptedRejected: number;
  /** Those of `corrupted` without a letter or a digit: they try little of a verifier. */
  readonly corruptedBlank: number;
  /** Other ways in which right answers were said, and those of them judged right: must be equal. */
  readonly restated: number;
  readonly restatedAccepted: number;
  /** Attempts that tried to trick the judge, and those of them judged wrong: must be equal. */
  readonly tricks: number;
  readonly tricksRefused: number;
  /** Wrong attempts whose verdict says where they first went wrong. */
  readonly located: number;
  /** Those whose verdict does not: no mistake is learned from them. */
  readonly unlocated: number;
  /** Attempts played and judged, per second of wall-clock time. */
  readonly verdictsPerSecond: number;
  /** The first ten that differ. */
  readonly failures: readonly CheckFailure[];
}

const SPLITS: readonly Split[] = ["train", "validation", "test"];

/** How many failures are kept. */
const FAILURES = 10;

/** Tasks of each level on which every procedure is played. */
const PROCEDURE_TASKS = 6;

/** Tasks on which every way of saying the answer, and every trick, is tried. */
const FORM_TASKS = 20;

/** Tasks between two looks at the event loop, so that a signal can arrive. */
const TASKS_PER_TURN = 64;

/**
 * Checks an environment against its own word.
 *
 * On every task `correct` must be accepted and its corruption refused; on the first few every other way
 * of saying the answer must be accepted, every trick be refused, and every other procedure is played and
 * judged too. A question of one action must not be asked in two splits. All attempts are held to the interface:
 * observations and actions within the lexicon (where there is one) and the limits, first errors
 * within the attempt, tasks of the split and level asked for.
 * @throws ErrataError `ENVIRONMENT_LEVEL` on an unknown or empty level, and what the environment says where
 *   it cannot judge even a first attempt, as without Coq or Lean; the signal's reason when aborted.
 */
export async function checkEnvironment<S>(
  environment: Environment<S>,
  { tasks, seed, level, signal }: CheckOptions,
): Promise<CheckResult> {
  const drawing = Random.from(seed, "check-tasks");
  const acting = Random.from(seed, "check-actions");
  const levels = level === undefined ? environment.levels : [level];
  const tokenizer = environment.lexicon === undefined ? undefined : lexiconTokenizer(environment);
  const listed = listTasks(environment, levels, drawing);
  const total = Math.min(tasks, listed?.length ?? Infinity);
  const mistaken = Object.keys(environment.procedures).filter((name) => name !== "correct");

  const failures: (CheckFailure & { more: number })[] = [];
  let referenceAccepted = 0;
  let corrupted = 0;
  let corruptedRejected = 0;
  let corruptedBlank = 0;
  const said = { restated: 0, restatedAccepted: 0, tricks: 0, tricksRefused: 0 };
  let located = 0;
  let unlocated = 0;
  let verdicts = 0;
  let seconds = 0;

  for (const [task, other] of repeated(environment))
    fail(task, "repeated", `asked in ${task.split} and, as ${shownAs(other)}, in ${other.split}`);

  for (let i = 0; i < total; i++) {
    if (i % TASKS_PER_TURN === 0) await setImmediate();
    signal?.throwIfAborted();
    const round = Math.floor(i / levels.length);
    const item = listed?.[i];
    const split = item?.split ?? SPLITS[round % SPLITS.length]!;
    const wanted = item?.task.level ?? levels[i % levels.length]!;
    const task = item?.task ?? environment.draw({ split, level: wanted, random: drawing });
    if (task.split !== split || task.level !== wanted || task.domain !== environment.name) {
      fail(task, "contract", `asked ${wanted} of ${split}, drew ${task.level} of ${task.split}`);
    }
    const started = performance.now();
    try {
      await checkTask(task, i < FORM_TASKS);
      if (round < PROCEDURE_TASKS) {
        for (const name of mistaken) {
          await judged(await playProcedure(environment, task, name, acting), name);
        }
      }
    } catch (cause) {
      if (verdicts === 0 && cause instanceof ErrataError) throw cause;
      fail(task, "threw", cause instanceof Error ? cause.message : String(cause));
    }
    seconds += (performance.now() - started) / 1000;
  }

  return {
    env: environment.name,
    tasks: total,
    referenceAccepted,
    corrupted,
    corruptedRejected,
    corruptedBlank,
    ...said,
    located,
    unlocated,
    verdictsPerSecond: seconds > 0 ? verdicts / seconds : 0,
    failures,
  };

  async function checkTask(task: Task, forms: boolean): Promise<void> {
    const reference = await playProcedure(environment, task, "correct", acting);
    const verdict = await judged(reference, "correct");
    if (!verdict.correct) {
      fail(task, "reference-refused", `${quote(actionsOf(reference))}: ${describe(verdict)}`);
      return;
    }
    referenceAccepted++;
    if (forms) await checkForms(task, actionsOf(reference));
    const wrong = environment.corrupt(task, actionsOf(reference), acting);
    if (wrong === undefined) return;
    corrupted++;
    if (!wrong.some((action) => /[\p{L}\p{N}]/u.test(action))) corruptedBlank++;
    if ((await judged(await playActions(environment, task, wrong), "corrupt")).correct) {
      fail(task, "corruption-accepted", quote(wrong));
    } else {
      corruptedRejected++;
    }
  }

  async function checkForms(task: Task, actions: readonly string[]): Promise<void> {
    for (const [form, other] of Object.entries(environment.restate?.(task, actions) ?? {})) {
      said.restated++;
      const verdict = await judged(await playActions(environment, task, other), form);
      if (verdict.correct) said.restatedAccepted++;
      else fail(task, "form-refused", `${form}, ${quote(other)}: ${describe(verdict)}`);
    }
    for (const [kind, trick] of Object.entries(environment.tricks?.(task, actions) ?? {})) {
      said.tricks++;
      const verdict = await judged(await playActions(environment, task, trick), kind);
      if (verdict.correct) fail(task, "trick-accepted", `${kind}: ${quote(trick)}`);
      else said.tricksRefused++;
    }
  }

  function shownAs(task: Task): string {
    if (environment.describe !== undefined) return environment.describe(task);
    const { observation } = environment.start(task);
    const words = observation.trim().replaceAll(/\s+/g, " ");
    const asked = words.length > SHOWN ? `${words.slice(0, SHOWN)}...` : words;
    // An id that is a hash says nothing to anybody.
    return /^[0-9a-f]{12,}$/.test(task.id) ? quote(asked) : `${task.id} (${quote(asked)})`;
  }

  async function judged(trajectory: Trajectory<S>, source: string): Promise<Verdict> {
    const verdict = await environment.judge(trajectory);
    verdicts++;
    if (verdict.firstError !== undefined) located++;
    else if (!verdict.correct) unlocated++;
    const breach = breachOf(trajectory, verdict);
    if (breach !== undefined) fail(trajectory.task, "contract", `${source}: ${breach}`);
    return verdict;
  }

  function breachOf({ steps, end }: Trajectory<S>, verdict: Verdict): string | undefined {
    const { maxSteps, maxActionSymbols, maxObservationSymbols } = environment;
    if (steps.length > maxSteps) return `${steps.length} actions, at most ${maxSteps} allowed`;
    for (const { observation, action } of steps) {
      const breach =
        outside("observation", observation, maxObservationSymbols) ??
        outside("action", action, maxActionSymbols);
      if (breach !== undefined) return breach;
    }
    if (end.terminated && end.observation !== "") return "an observation after the end";
    if (verdict.correct !== (verdict.stop === "solved")) return `correct, but ${verdict.stop}`;
    const error = verdict.firstError;
    if (error === undefined) return undefined;
    if (verdict.correct) return "a right attempt with a first error";
    const action = steps[error.step]?.action;
    if (action === undefined) return `first error at step ${error.step} of ${steps.length}`;
    if (!evidences.includes(error.evidence))
      return `first error by evidence ${quote(error.evidence)}`;
    if (!(error.confidence >= 0 && error.confidence <= 1))
      return `first error of confidence ${error.confidence}`;
    for (const part of ["family", "detail"] as const)
      if (typeof error[part] !== "string") return `first error of ${part} ${quote(error[part])}`;
    const { start, end: stop } = error.span;
    if (start >= 0 && start <= stop && stop <= action.length) return undefined;
    return `first error at characters ${start} to ${stop} of ${action.length}`;
  }

  function outside(what: string, text: string, most: number): string | undefined {
    if (tokenizer === undefined) return undefined;
    let length: number;
    try {
      length = tokenizer.encode(text).length;
    } catch (error) {
      return `${what} ${quote(text)}: ${error instanceof Error ? error.message : String(error)}`;
    }
    return length > most ? `${what} of ${length} symbols, at most ${most} allowed` : undefined;
  }

  function fail(task: Task, fault: CheckFailure["fault"], detail: string): void {
    const same = failures.find((each) => each.fault === fault && each.detail === detail);
    if (same !== undefined) same.more++;
    else if (failures.length < FAILURES)
      failures.push({ task: task.id, shown: shownAs(task), fault, detail, more: 0 });
  }
}

/** Characters of a question by which a task is shown. */
const SHOWN = 60;

/** Tasks of one action whose question is asked in another split too, with the task that asks it there. */
function* repeated<S>(environment: Environment<S>): Generator<readonly [Task, Task]> {
  if (environment.tasks === undefined || environment.maxSteps !== 1) return;
  const seen = new Map<string, Task>();
  for (const split of SPLITS)
    for (const task of environment.tasks(split)) {
      const question = environment.start(task).observation.trim().replaceAll(/\s+/g, " ");
      const other = seen.get(question);
      if (other === undefined) seen.set(question, task);
      else if (other.split !== task.split) yield [task, other];
    }
}

/**
 * All tasks of a data set at these levels with the split they are listed under, shuffled; undefined
 * where tasks can only be drawn.
 */
function listTasks(
  environment: Pick<Environment, "name" | "levels" | "tasks">,
  levels: readonly string[],
  random: Random,
): { split: Split; task: Task }[] | undefined {
  if (environment.tasks === undefined) return undefined;
  const all = SPLITS.flatMap((split) => environment.tasks!(split).map((task) => ({ split, task })));
  const wanted = all.filter(({ task }) => levels.includes(task.level));
  if (wanted.length > 0) return random.shuffle(wanted);
  throw new ErrataError(`${environment.name} has no tasks of level ${levels.join(", ")}`, {
    code: "ENVIRONMENT_LEVEL",
    hint: `its levels are ${environment.levels.join(", ")}`,
  });
}

const actionsOf = <S>({ steps }: Trajectory<S>): string[] => steps.map(({ action }) => action);

const quote = (value: unknown): string => JSON.stringify(value);

const describe = ({ stop, firstError }: Verdict): string =>
  firstError === undefined ? stop : `${stop}, ${firstError.detail}`;
