/** How stuck groups are explored: the second half of a group whose first half was all wrong. */
import type { Config } from "./config.js";
import type { Engine, Policy } from "./engine/engine.js";
import type { Environment, Task } from "./environments/environment.js";
import type { Expert } from "./expert.js";
import { PolicyModel } from "./models/model.js";
import type { Tokenizer } from "./models/tokenizer.js";
import { inGroups, play, type Group, type Rollout } from "./play.js";
import type { Random } from "./random.js";
import { preferNewAnswers } from "./rejection.js";

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
  return new PolicyModel({
    engine,
    policy,
    tokenizer,
    maxActionSymbols: environment.maxActionSymbols,
    ...(expert === undefined || form === "none" || form === "rejection"
      ? {}
      : {
          mixture: {
            expert: expert.policy,
            form,
            alpha,
            mask,
            floor,
            exempt: [tokenizer.stop],
          },
        }),
  });
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
 * of the first succeeded. Where none did, the second half samples away from the expert that
 * `armFor` names, if any.
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
  const repeated = (list: readonly Task[]): Task[] =>
    list.flatMap((task) => new Array<Task>(half).fill(task));
  const first = inGroups(await play(environment, student, repeated(tasks), random), half);
  const isStuck = first.map((g) => g.rollouts.every((r) => !r.verdict.correct));
  const arms = tasks.map((task, i) =>
    form !== "none" && form !== "rejection" && (isStuck[i] || gate === "always")
      ? armFor(task)
      : undefined,
  );
  const second = new Map<Task, readonly Rollout[]>();
  if (form === "rejection") {
    const stuck = first.filter((_, i) => isStuck[i]);
    const twice = stuck.flatMap(({ task }) => new Array<Task>(2 * half).fill(task));
    const drawn = inGroups(await play(environment, student, twice, random), 2 * half);
    for (const [i, { task, rollouts }] of drawn.entries()) {
      const seen = new Set(stuck[i]!.rollouts.map((r) => r.verdict.answer));
      second.set(task, preferNewAnswers(rollouts, seen, half));
    }
  }
  for (const arm of new Set(arms)) {
    const chosen = tasks.filter((task, i) => arms[i] === arm && !second.has(task));
    const model = arm === undefined ? student : studentModel(player, policy, arm);
    const offPolicy = arm !== undefined;
    const rollouts = await play(environment, model, repeated(chosen), random, { offPolicy });
    for (const group of inGroups(rollouts, half)) second.set(group.task, group.rollouts);
  }
  const count = (holds: (i: number) => boolean): number => tasks.filter((_, i) => holds(i)).length;
  const rescued = (i: number): boolean =>
    isStuck[i]! && second.get(tasks[i]!)!.some((r) => r.verdict.correct);
  const steered = (i: number): boolean => isStuck[i]! && arms[i] !== undefined;
  return {
    groups: first.map(({ task, rollouts }) => ({
      task,
      rollouts: [...rollouts, ...second.get(task)!],
    })),
    stuck: count((i) => isStuck[i]!),
    rescued: count(rescued),
    steered: count(steered),
    rescuedSteered: count((i) => steered(i) && rescued(i)),
  };
}
