/** How stuck groups are explored: the second half of a group whose first half was all wrong. */
import type { Config } from "./config.js";
import type { Engine, Policy } from "./engine/engine.js";
import type { Environment, Task } from "./environments/environment.js";
import type { Expert } from "./expert.js";
import { steersByExpert } from "./exploration.js";
import { PolicyModel } from "./models/model.js";
import type { Tokenizer } from "./models/tokenizer.js";
import { NegativeHintModel } from "./negative-hint.js";
import { accuracy, inGroups, play, type Group, type Rollout } from "./play.js";
import type { Random } from "./random.js";
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
 * Plays every task `groupSize` times: half on-policy, and the other half on-policy too where any
 * of the first succeeded. Where none did, the second half explores as `explore.form` says, away
 * from the expert that `armFor` names, if any.
 */
export async function playGroups(
  player: Player,
  policy: Policy,
  tasks: readonly Task[],
  armFor: (task: Task) => Expert | undefined,
  random: Random,
): Promise<Explored> {
  const { environment, config } = player;
  const { form, gate } = config.explore;
  const half = config.groupSize / 2;
  const student = studentModel(player, policy);
  const first = inGroups(await play(environment, student, repeat(tasks, half), random), half);
  const isStuck = first.map((g) => accuracy(g.rollouts) === 0);
  const arms = tasks.map((task, i) =>
    steersByExpert(form) && (isStuck[i] || gate === "always") ? armFor(task) : undefined,
  );
  const second = new Map<Task, readonly Rollout[]>();
  if (form === "new-answers" || form === "negative-hint")
    for (const group of first.filter((_, i) => isStuck[i]))
      second.set(group.task, await withoutExpert(player, policy, group, form, random));
  for (const arm of new Set(arms)) {
    const chosen = tasks.filter((task, i) => arms[i] === arm && !second.has(task));
    for (const { task, rollouts } of await sampler(player, policy, arm)(chosen, half, random))
      second.set(task, rollouts);
  }
  const count = (holds: (i: number) => boolean): number => tasks.filter((_, i) => holds(i)).length;
  const rescued = (i: number): boolean => isStuck[i]! && accuracy(second.get(tasks[i]!)!) > 0;
  const isSteered = (i: number): boolean => isStuck[i]! && arms[i] !== undefined;
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

function repeat(tasks: readonly Task[], times: number): Task[] {
  return tasks.flatMap((task) => new Array<Task>(times).fill(task));
}

/** A stuck group's second half, explored without an expert. */
async function withoutExpert(
  player: Player,
  policy: Policy,
  { task, rollouts }: Group,
  form: "new-answers" | "negative-hint",
  random: Random,
): Promise<Rollout[]> {
  const { engine, environment, tokenizer, config } = player;
  const half = config.groupSize / 2;
  const student = studentModel(player, policy);
  if (form === "negative-hint") {
    const wrong = [...new Set(rollouts.map((r) => r.steps.at(-1)?.action ?? ""))];
    const model = new NegativeHintModel({ student, engine, policy, tokenizer, wrong });
    return play(environment, model, repeat([task], half), random, { offPolicy: true });
  }
  const seen = new Set(rollouts.map((r) => r.verdict.answer));
  const drawn = await play(environment, student, repeat([task], 2 * half), random);
  return preferNewAnswers(drawn, seen, half);
}
