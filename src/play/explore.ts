/** How stuck groups are explored: the second half of a group whose first half was all wrong. */
import type { Engine, Policy } from "../engine/engine.js";
import type { Environment, Task } from "../environments/environment.js";
import { steersByExpert, type ExploreOptions } from "./forms.js";
import { PolicyModel } from "../models/model.js";
import { stopsOf, type Tokenizer } from "../models/tokenizer.js";
import { NegativeHintModel } from "./negative-hint.js";
import { accuracy, type Group, inGroups, play, repeat, type Rollout } from "./play.js";
import type { Random } from "../util/random.js";
import { leastLikely, preferNewAnswers } from "./rejection.js";

/** What the play of groups depends on. */
export interface PlayOptions {
  /** Attempts at one task. */
  readonly groupSize: number;
  readonly explore: Omit<ExploreOptions, "steerBy">;
}

/** What plays: an engine, where, in which tokens, and how. */
export interface Player {
  readonly engine: Engine;
  readonly environment: Environment;
  readonly tokenizer: Tokenizer;
  readonly config: PlayOptions;
}

/** What stuck groups are led away from. Asked about a task only once it is to be explored. */
export interface GroupSteering {
  /** The error expert to sample away from, if any; tasks of one expert are played together. */
  readonly expertFor: (task: Task) => Policy | undefined;
  /** What an expert is called in a run's record. */
  readonly nameOf?: (expert: Policy) => string;
  /** How sampling away from an expert differs from `explore.*`. */
  readonly formOf?: (expert: Policy) => Partial<Omit<ExploreOptions, "steerBy">>;
  /** What others answered wrong at a task: named by a negative hint. */
  readonly wrongAnswersOf: (task: Task) => readonly string[];
}

/** The student sampling from itself, or away from an error expert. */
export function studentModel(
  { engine, environment, tokenizer, config }: Player,
  policy: Policy,
  expert?: Policy,
): PolicyModel {
  const { form, alpha, kappa, mask, floor } = config.explore;
  const flattening = kappa === undefined ? {} : { kappa };
  const mixes = expert !== undefined && (form === "repulsive" || form === "contrastive");
  return new PolicyModel({
    engine,
    policy,
    tokenizer,
    maxActionSymbols: environment.maxActionSymbols,
    ...(mixes
      ? {
          steering: { expert, form, alpha, ...flattening, mask, floor, exempt: stopsOf(tokenizer) },
        }
      : {}),
  });
}

/** Attempts every task `attempts` times; a group for each, in order. */
export type Sampler = (
  tasks: readonly Task[],
  attempts: number,
  random: Random,
) => Promise<Group[]>;

/** How second halves are played: by the student alone or, as `explore.form` says, away from `expert`. */
export function sampler(player: Player, policy: Policy, expert?: Policy): Sampler {
  const { engine, environment, config } = player;
  const model = studentModel(player, policy, expert);
  const draw =
    (offPolicy: boolean): Sampler =>
    async (tasks, attempts, random) =>
      inGroups(
        await play(environment, model, repeat(tasks, attempts), random, { offPolicy }),
        attempts,
      );
  if (expert === undefined || config.explore.form !== "rejection")
    return draw(expert !== undefined);
  return async (tasks, attempts, random) => {
    const drawn = await draw(false)(tasks, 2 * attempts, random);
    return Promise.all(
      drawn.map(async ({ task, rollouts }) => ({
        task,
        rollouts: await leastLikely(rollouts, expert, engine, attempts),
      })),
    );
  };
}

/** One step's groups and what exploration did. */
export interface Explored {
  readonly groups: readonly Group[];
  /** Groups whose first half was all wrong. */
  readonly stuck: number;
  /** Of those, with a right rollout in the second half. */
  readonly rescued: number;
  /** Of the stuck, steered by an expert; and of those, rescued. */
  readonly steered: number;
  readonly rescuedSteered: number;
}

/**
 * Plays every task `groupSize` times: a share 1 - `explore.fraction` on-policy (half, by default), and the
 * rest on-policy too where any of the first succeeded. Where none did, the rest explores as `explore.form` says, led
 * away from what `steering` names.
 */
export async function playGroups({
  player,
  policy,
  tasks,
  steering,
  random,
}: {
  readonly player: Player;
  readonly policy: Policy;
  readonly tasks: readonly Task[];
  readonly steering: GroupSteering;
  readonly random: Random;
}): Promise<Explored> {
  const { environment, config } = player;
  const { form, when } = config.explore;
  const { onPolicy, exploring } = groupParts(config);
  const student = studentModel(player, policy);
  const first = inGroups(
    await play(environment, student, repeat(tasks, onPolicy), random),
    onPolicy,
  );
  const isStuck = first.map((g) => accuracy(g.rollouts) === 0);
  const experts = tasks.map((task, i) =>
    steersByExpert(form) && (isStuck[i] || when === "always")
      ? steering.expertFor(task)
      : undefined,
  );
  const second = new Map<Task, readonly Rollout[]>();
  if (form === "new-answers" || form === "negative-hint")
    for (const group of first.filter((_, i) => isStuck[i]))
      second.set(
        group.task,
        await withoutExpert(
          player,
          policy,
          group,
          form,
          steering.wrongAnswersOf(group.task),
          random,
        ),
      );
  for (const expert of new Set(experts)) {
    const chosen = tasks.filter((task, i) => experts[i] === expert && !second.has(task));
    for (const { task, rollouts } of await sampler(
      formed(player, steering, expert),
      policy,
      expert,
    )(chosen, exploring, random))
      second.set(
        task,
        expert === undefined || steering.nameOf === undefined
          ? rollouts
          : rollouts.map((rollout) => ({ ...rollout, steeredBy: steering.nameOf!(expert) })),
      );
  }
  const count = (holds: (i: number) => boolean): number => tasks.filter((_, i) => holds(i)).length;
  const rescued = (i: number): boolean => isStuck[i]! && accuracy(second.get(tasks[i]!)!) > 0;
  const isSteered = (i: number): boolean => isStuck[i]! && experts[i] !== undefined;
  return {
    groups: first.map(({ task, rollouts }) => ({
      task,
      rollouts: [...rollouts, ...second.get(task)!],
    })),
    stuck: count((i) => isStuck[i]!),
    rescued: count(rescued),
    steered: count(isSteered),
    rescuedSteered: count((i) => isSteered(i) && rescued(i)),
  };
}

/** `player` with the form that an expert steers by. */
function formed(player: Player, { formOf }: GroupSteering, expert: Policy | undefined): Player {
  if (expert === undefined || formOf === undefined) return player;
  const { config } = player;
  return { ...player, config: { ...config, explore: { ...config.explore, ...formOf(expert) } } };
}

/** Attempts of a group's first part, and of the second, which explores where the first is all wrong; each at least one. */
export function groupParts({
  groupSize,
  explore: { fraction },
}: {
  readonly groupSize: number;
  readonly explore: { readonly fraction: number };
}): { readonly onPolicy: number; readonly exploring: number } {
  const exploring = Math.min(groupSize - 1, Math.max(1, Math.round(fraction * groupSize)));
  return { onPolicy: groupSize - exploring, exploring };
}

/** A stuck group's second half, explored without an expert. */
async function withoutExpert(
  player: Player,
  policy: Policy,
  { task, rollouts }: Group,
  form: "new-answers" | "negative-hint",
  others: readonly string[],
  random: Random,
): Promise<Rollout[]> {
  const { engine, environment, tokenizer, config } = player;
  const { exploring } = groupParts(config);
  const student = studentModel(player, policy);
  if (form === "negative-hint") {
    const wrong = [...new Set([...others, ...rollouts.map((r) => r.steps.at(-1)?.action ?? "")])];
    const model = new NegativeHintModel({ student, engine, policy, tokenizer, wrong });
    return play(environment, model, repeat([task], exploring), random, { offPolicy: true });
  }
  const seen = new Set(rollouts.map((r) => r.verdict.answer));
  const drawn = await play(environment, student, repeat([task], 2 * exploring), random);
  return preferNewAnswers(drawn, seen, exploring);
}
