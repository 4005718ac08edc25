/** How stuck groups are explored: the second half of a group whose first half was all wrong. */
import type { Config } from "../config/config.js";
import type { Engine, Policy } from "../engine/engine.js";
import type { Environment, Task } from "../environments/environment.js";
import type { Expert } from "../experts/expert.js";
import { steersByExpert } from "./forms.js";
import { PolicyModel } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { NegativeHintModel } from "./negative-hint.js";
import { accuracy, type Group, inGroups, play, repeat, type Rollout } from "./play.js";
import type { Random } from "../util/random.js";
import { leastLikely, preferNewAnswers } from "./rejection.js";

export interface Player {
  readonly engine: Engine;
  readonly environment: Environment;
  readonly tokenizer: Tokenizer;
  readonly config: Config;
}

/** The student sampling from itself, or away from an error expert. */
export function studentModel(
  { engine, environment, tokenizer, config }: Player,
  policy: Policy,
  expert?: Expert,
): PolicyModel {
  const { form, alpha, mask, floor } = config.explore;
  const mixes = expert !== undefined && (form === "repulsive" || form === "contrastive");
  return new PolicyModel({
    engine,
    policy,
    tokenizer,
    maxActionSymbols: environment.maxActionSymbols,
    ...(mixes
      ? { mixture: { expert: expert.policy, form, alpha, mask, floor, exempt: [tokenizer.stop] } }
      : {}),
  });
}

/** Attempts every task `attempts` times; a group for each, in order. */
export type Sampler = (
  tasks: readonly Task[],
  attempts: number,
  random: Random,
) => Promise<Group[]>;

/** How second halves are played: by the student alone or, as `explore.form` says, away from `arm`. */
export function sampler(player: Player, policy: Policy, arm?: Expert): Sampler {
  const { engine, environment, config } = player;
  const model = studentModel(player, policy, arm);
  const draw =
    (offPolicy: boolean): Sampler =>
    async (tasks, attempts, random) =>
      inGroups(
        await play(environment, model, repeat(tasks, attempts), random, { offPolicy }),
        attempts,
      );
  if (arm === undefined || config.explore.form !== "rejection") return draw(arm !== undefined);
  return async (tasks, attempts, random) => {
    const drawn = await draw(false)(tasks, 2 * attempts, random);
    return Promise.all(
      drawn.map(async ({ task, rollouts }) => ({
        task,
        rollouts: await leastLikely(rollouts, arm, engine, attempts),
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
 * rest on-policy too where any of the first succeeded. Where none did, the rest explores as `explore.form` says, away
 * from the expert that `expertFor` names, if any; a negative hint names what `othersWrong` says that others
 * got wrong at the task too.
 */
export async function playGroups(
  player: Player,
  policy: Policy,
  tasks: readonly Task[],
  expertFor: (task: Task) => Expert | undefined,
  random: Random,
  othersWrong: (task: Task) => readonly string[] = () => [],
): Promise<Explored> {
  const { environment, config } = player;
  const { form, when } = config.explore;
  const { onPolicy, exploring } = groupParts(config);
  const student = studentModel(player, policy);
  const first = inGroups(
    await play(environment, student, repeat(tasks, onPolicy), random),
    onPolicy,
  );
  const isStuck = first.map((g) => accuracy(g.rollouts) === 0);
  const steering = tasks.map((task, i) =>
    steersByExpert(form) && (isStuck[i] || when === "always") ? expertFor(task) : undefined,
  );
  const second = new Map<Task, readonly Rollout[]>();
  if (form === "new-answers" || form === "negative-hint")
    for (const group of first.filter((_, i) => isStuck[i]))
      second.set(
        group.task,
        await withoutExpert(player, policy, group, form, othersWrong(group.task), random),
      );
  for (const expert of new Set(steering)) {
    const chosen = tasks.filter((task, i) => steering[i] === expert && !second.has(task));
    for (const { task, rollouts } of await sampler(player, policy, expert)(
      chosen,
      exploring,
      random,
    ))
      second.set(task, rollouts);
  }
  const count = (holds: (i: number) => boolean): number => tasks.filter((_, i) => holds(i)).length;
  const rescued = (i: number): boolean => isStuck[i]! && accuracy(second.get(tasks[i]!)!) > 0;
  const isSteered = (i: number): boolean => isStuck[i]! && steering[i] !== undefined;
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
