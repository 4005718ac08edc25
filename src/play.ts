/** Play: models attempt tasks, the environment judges. One broken rollout is data; its siblings go on. */
import type { Environment, Step, Task, Turn, Verdict } from "./environments/environment.js";
import type { Random } from "./random.js";
import type { Action, Model } from "./models/model.js";

/** One attempt at one task. */
export interface Rollout {
  readonly task: Task;
  /** The tokens and log-probs of each action, in order. */
  readonly actions: readonly Action[];
  readonly steps: readonly Step<unknown>[];
  readonly verdict: Verdict;
  /** Sampled from a mixture instead of from the policy that learns. */
  readonly offPolicy: boolean;
  /** Set when the environment threw: the rollout counts as wrong and teaches nothing. */
  readonly failure?: string;
}

/** The attempts at one task that are compared with each other. */
export interface Group {
  readonly task: Task;
  readonly rollouts: readonly Rollout[];
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

/**
 * Plays one episode per entry of `tasks` (repeat a task for several attempts), all at once: each
 * round asks the model for one action for every episode still open.
 */
export async function play(
  environment: Environment,
  model: Model,
  tasks: readonly Task[],
  random: Random,
  options: { readonly offPolicy?: boolean } = {},
): Promise<Rollout[]> {
  const episodes = tasks.map((task): Episode => {
    const episode = { task, actions: [], steps: [] };
    try {
      return { ...episode, turn: environment.start(task) };
    } catch (cause) {
      return { ...episode, turn: over, failure: String(cause) };
    }
  });
  for (;;) {
    const open = episodes.filter(
      (e) => e.failure === undefined && !e.turn.terminated && !e.turn.truncated,
    );
    if (open.length === 0) break;
    const actions = await model.act(
      open.map((e) => e.turn),
      random,
    );
    for (const [i, episode] of open.entries()) {
      const action = actions[i]!;
      episode.actions.push(action);
      const { state, observation } = episode.turn;
      episode.steps.push({ state, observation, action: action.text });
      try {
        episode.turn = await environment.step(state, action.text);
      } catch (cause) {
        episode.failure = String(cause);
      }
    }
  }
  const rollouts: Rollout[] = [];
  for (const { task, actions, steps, turn, failure } of episodes) {
    let verdict = broken;
    let fault = failure;
    if (fault === undefined) {
      try {
        verdict = await environment.judge({ task, steps, end: turn });
      } catch (cause) {
        fault = String(cause);
      }
    }
    rollouts.push({
      task,
      actions,
      steps,
      verdict,
      offPolicy: options.offPolicy ?? false,
      ...(fault === undefined ? {} : { failure: fault }),
    });
  }
  return rollouts;
}

/** Share of correct rollouts; 0 for none. */
export function accuracy(rollouts: readonly Rollout[]): number {
  return rollouts.length === 0
    ? 0
    : rollouts.filter((r) => r.verdict.correct).length / rollouts.length;
}

/** Cuts rollouts into groups of `size` consecutive ones of the same task. */
export function inGroups(rollouts: readonly Rollout[], size: number): Group[] {
  const groups: Group[] = [];
  for (let i = 0; i < rollouts.length; i += size)
    groups.push({ task: rollouts[i]!.task, rollouts: rollouts.slice(i, i + size) });
  return groups;
}
