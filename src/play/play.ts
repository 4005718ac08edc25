/** Play: models attempt tasks, the environment judges. One broken rollout is data; its siblings go on. */
import type { Environment, Step, Task, Turn, Verdict } from "../environments/environment.js";
import { stepAt } from "../environments/play-procedure.js";
import type { Random } from "../util/random.js";
import type { Action, Model } from "../models/model.js";

/** One attempt at one task. */
export interface Rollout {
  readonly task: Task;
  /** The tokens and log-probs of each action, in order. */
  readonly actions: readonly Action[];
  readonly steps: readonly Step<unknown>[];
  readonly verdict: Verdict;
  /** Steered: not sampled from the policy that learns. */
  readonly offPolicy: boolean;
  /** The expert whose mistake it was sampled away from. */
  readonly steeredBy?: string;
  /** A teacher took part: it gave the first steps, or the whole attempt. */
  readonly guided?: "hint" | "trace";
  /** Set when the environment threw: the rollout counts as wrong and teaches nothing. */
  readonly failure?: string;
}

/** The attempts at one task that are compared with each other. */
export interface Group {
  readonly task: Task;
  readonly rollouts: readonly Rollout[];
}

/** Where an episode begins when it does not begin at its task's start: a fork. */
export interface Fork {
  readonly task: Task;
  /** Actions already taken, by someone else: they are never trained on. */
  readonly steps: readonly Step<unknown>[];
  readonly turn: Turn<unknown>;
}

interface Episode {
  readonly task: Task;
  readonly actions: Action[];
  readonly steps: Step<unknown>[];
  turn: Turn<unknown>;
  failure?: string;
}

const over: Turn<unknown> = {
  state: undefined,
  observation: "",
  terminated: true,
  truncated: false,
};

const broken: Verdict = { correct: false, answer: "", stop: "rejected" };

/** Stands for an action that the model did not choose: no token of it is trained on. */
function givenAction(text: string): Action {
  return { text, prompt: [], completion: [], logprobs: [], behaviourLogprobs: [] };
}

/**
 * Plays one episode per entry of `tasks` (repeat a task for several attempts), all at once: each
 * round asks the model for one action for every episode still open. An entry that is a
 * {@link Fork} carries on from there.
 */
export async function play(
  environment: Environment,
  model: Model,
  tasks: readonly (Task | Fork)[],
  random: Random,
  options: { readonly offPolicy?: boolean } = {},
): Promise<Rollout[]> {
  const episodes = tasks.map((entry) => begin(environment, entry));
  for (;;) {
    const open = episodes.filter(
      (e) => e.failure === undefined && !e.turn.terminated && !e.turn.truncated,
    );
    if (open.length === 0) break;
    const actions = await model.act(
      open.map((e) => e.turn),
      random,
    );
    await Promise.all(open.map((episode, i) => advance(environment, episode, actions[i]!)));
  }
  return Promise.all(episodes.map((e) => finish(environment, e, options.offPolicy ?? false)));
}

function begin(environment: Environment, entry: Task | Fork): Episode {
  if ("turn" in entry)
    return {
      task: entry.task,
      actions: entry.steps.map(({ action }) => givenAction(action)),
      steps: [...entry.steps],
      turn: entry.turn,
    };
  const episode = { task: entry, actions: [], steps: [] };
  try {
    return { ...episode, turn: environment.start(entry) };
  } catch (cause) {
    return { ...episode, turn: over, failure: String(cause) };
  }
}

async function advance(environment: Environment, episode: Episode, action: Action): Promise<void> {
  const { turn } = episode;
  if (action.failure !== undefined) {
    episode.failure = action.failure;
    return;
  }
  episode.actions.push(action);
  episode.steps.push(stepAt(turn, action.text, action.finish));
  try {
    episode.turn = await environment.step(turn.state, action.text);
  } catch (cause) {
    episode.failure = String(cause);
  }
}

async function finish(
  environment: Environment,
  { task, actions, steps, turn, failure }: Episode,
  offPolicy: boolean,
): Promise<Rollout> {
  const rollout = { task, actions, steps, offPolicy };
  if (failure !== undefined) return { ...rollout, verdict: broken, failure };
  try {
    return { ...rollout, verdict: await environment.judge({ task, steps, end: turn }) };
  } catch (cause) {
    return { ...rollout, verdict: broken, failure: String(cause) };
  }
}

/**
 * Whether the student made an attempt with nobody's help: sampled from itself alone, and finished. One
 * that the environment failed on counts for nothing.
 */
export function isOwn(rollout: Rollout): boolean {
  return isOwnOrGuided(rollout) && rollout.guided === undefined;
}

/** As {@link isOwn}, but an attempt that the student finished from a teacher's first steps counts too. */
export function isOwnOrGuided({ offPolicy, failure }: Rollout): boolean {
  return !offPolicy && failure === undefined;
}

/** Share of correct rollouts; 0 for none. */
export function accuracy(rollouts: readonly Rollout[]): number {
  return rollouts.length === 0
    ? 0
    : rollouts.filter((r) => r.verdict.correct).length / rollouts.length;
}

/** Every entry `times` times in a row: attempts that {@link inGroups} puts together again. */
export function repeat<T>(entries: readonly T[], times: number): T[] {
  return entries.flatMap((entry) => new Array<T>(times).fill(entry));
}

/** Cuts rollouts into groups of `size` consecutive ones of the same task. */
export function inGroups(rollouts: readonly Rollout[], size: number): Group[] {
  const groups: Group[] = [];
  for (let i = 0; i < rollouts.length; i += size)
    groups.push({ task: rollouts[i]!.task, rollouts: rollouts.slice(i, i + size) });
  return groups;
}
