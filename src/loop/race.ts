/** Who steers, where that is found out in training: the past self and every weak partner race on stuck groups. */
import { parameterCount } from "../engine/shape.js";
import type { Policy } from "../engine/engine.js";
import type { Task } from "../environments/environment.js";
import { groupParts, type Explored, type GroupSteering } from "../play/explore.js";
import { contrastForm, partnerSource, steersByExpert } from "../play/forms.js";
import { accuracy } from "../play/play.js";
import { afterTrials, newRace, nextSource, verdictOf, type Race } from "../play/race.js";
import type { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";

const pastSelf = "past-self";

/** Whether it is found out in training who steers. */
export function races({ config: { explore, ablate } }: Pick<Setup, "config">): boolean {
  return explore.steerBy === "auto" && steersByExpert(explore.form) && ablate.expert === "fitted";
}

/** Steering by a source drawn for each group, and which that was. */
export interface RacingSources extends GroupSteering {
  readonly assigned: ReadonlyMap<Task, string>;
}

/** Whether a step's steering is one of sources that race. */
export const isRacing = (steering: GroupSteering): steering is RacingSources =>
  "assigned" in steering;

/** One step's steering: the winner's or, before there is one, that of sources drawn at random. */
export function racingSources(run: Run, setup: Setup, random: Random): RacingSources {
  const { form } = setup.config.explore;
  const sources = sourcesOf(run, setup);
  const race = run.state.race ?? newRace([...sources.keys()]);
  const assigned = new Map<Task, string>();
  const names = new Map([...sources].map(([name, policy]) => [policy, name]));
  return {
    assigned,
    expertFor: (task) => {
      const source = nextSource(race, random);
      assigned.set(task, source);
      return sources.get(source);
    },
    nameOf: (policy) => names.get(policy)!,
    // Of a past self that equals the student contrast alone leaves nothing: it flattens.
    formOf: (policy) => (policy === setup.base || form === "rejection" ? {} : contrastForm),
    wrongAnswersOf: () => [],
  };
}

/** Counts what a step's sources rescued; tells once who has won. */
export function recordRace(
  run: Run,
  setup: Setup,
  { groups }: Explored,
  { assigned }: RacingSources,
): void {
  const sources = sourcesOf(run, setup);
  const before: Race = run.state.race ?? newRace([...sources.keys()]);
  if (before.chosen !== undefined) return;
  const { onPolicy } = groupParts(setup.config);
  const seen = groups.flatMap(({ task, rollouts }) => {
    const source = assigned.get(task);
    if (source === undefined || accuracy(rollouts.slice(0, onPolicy)) > 0) return [];
    return [{ source, rescued: accuracy(rollouts.slice(onPolicy)) > 0 }];
  });
  const weights = parameterCount(run.state.student.shape);
  const costs = Object.fromEntries(
    [...sources].map(([name, { shape }]) => [name, 1 + parameterCount(shape) / weights]),
  );
  const race = afterTrials(before, seen, costs);
  run.setRace(race);
  const of = (key: "groups" | "rescued"): Record<string, number> =>
    Object.fromEntries(Object.entries(race.trials).map(([name, trials]) => [name, trials[key]]));
  run.log({
    step: run.state.step,
    "race/groups": of("groups"),
    "race/rescued": of("rescued"),
    "race/chosen": race.chosen ?? null,
  });
  const verdict = verdictOf(race);
  if (verdict !== undefined) run.notice({ chosen: race.chosen }, verdict);
}

/** Whoever may steer as it is, by name: a source without a policy samples on. */
function sourcesOf({ partners }: Run, { base }: Setup): ReadonlyMap<string, Policy> {
  const sources = new Map<string, Policy>([[pastSelf, base]]);
  for (const name of partners.names) {
    const policy = partners.policy(name);
    if (policy !== undefined) sources.set(partnerSource(name), policy);
  }
  return sources;
}
