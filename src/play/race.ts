/** Which source steers, found out in training: sources take turns at random on stuck groups, and what rescues wins. */
import type { RaceMetrics } from "../watch/metrics.js";
import type { Random } from "../util/random.js";
import { differenceInterval, type Interval } from "../util/statistics/intervals.js";

/** Stuck groups that a source was assigned to, and how many of them it rescued. */
export interface Trials {
  readonly groups: number;
  readonly rescued: number;
}

/** Sampling on, without any steering: always in the race, as what the others have to beat. */
export const noSource = "none";

export interface Race {
  /** By source: those still in the race, and `none`. */
  readonly trials: Readonly<Record<string, Trials>>;
  /** Times that the worse half dropped out; 0 where absent. */
  readonly halvings?: number;
  /** The winner, once there is one; `none` where no source was better. */
  readonly chosen?: string;
}

/** Fewest trials that a source can win with. */
const fewestTrials = 8;

/** Trials of every source after which the worse half drops out, and as many more until it does again. */
const roundTrials = 16;

/** Trials of the last source after which it has won or steering is off. */
const mostTrials = 128;

/** A race of `sources` against sampling on; without any, that has won. */
export function newRace(sources: readonly string[]): Race {
  const trials = Object.fromEntries([noSource, ...sources].map((name) => [name, untried]));
  return sources.length === 0 ? { trials, chosen: noSource } : { trials };
}

/** Who steers the next stuck group: the winner or, before there is one, any source with equal chances. */
export function nextSource({ trials, chosen }: Race, random: Random): string {
  return chosen ?? random.pick(Object.keys(trials));
}

/**
 * The race after more trials, compared by
 *
 *     uplift per FLOP = (share rescued - share that sampling on rescues) / cost
 *
 * The best source wins as soon as the 95% interval of its uplift lies above 0, and that of its lead over every other
 * source too; or when it is the last (racing, Maron & Moore 1993). The worse half drops out whenever all had 16 more trials and
 * some group was rescued (successive halving, arXiv:1502.07943). Steering is off where the last source's interval lies
 * below 0, or still holds 0 after 128 trials, or nothing was ever rescued in as many.
 * @param costs FLOPs of an attempt that the source steers, as a multiple of one that nothing steers.
 */
export function afterTrials(
  race: Race,
  seen: readonly { readonly source: string; readonly rescued: boolean }[],
  costs: Readonly<Record<string, number>>,
): Race {
  if (race.chosen !== undefined) return race;
  const trials = { ...race.trials };
  for (const { source, rescued } of seen) {
    const { groups, rescued: before } = trials[source] ?? untried;
    trials[source] = { groups: groups + 1, rescued: before + Number(rescued) };
  }
  const { halvings = 0 } = race;
  const now: Race = { ...race, trials };
  const all = Object.values(trials);
  const reached = (least: number): boolean => all.every(({ groups }) => groups >= least);
  if (all.some(({ groups }) => groups === 0)) return now;
  const worth = (name: string): number =>
    (rate(trials[name]!) - rate(trials[noSource]!)) / (costs[name] ?? 1);
  const [best, ...others] = Object.keys(trials)
    .filter((name) => name !== noSource)
    .toSorted((a, b) => worth(b) - worth(a));
  if (best === undefined) return { ...now, chosen: noSource };
  const uplift = leadOf(trials, best, noSource);
  const ahead = others.every((other) => leadOf(trials, best, other).low > 0);
  if (trials[best]!.groups >= fewestTrials && uplift.low > 0 && ahead)
    return { ...now, chosen: best };
  if (all.every(({ rescued }) => rescued === 0))
    return reached(mostTrials) ? { ...now, chosen: noSource } : now;
  if (others.length === 0)
    return (reached(roundTrials) && uplift.high < 0) || reached(mostTrials)
      ? { ...now, chosen: noSource }
      : now;
  if (!reached(roundTrials * (halvings + 1))) return now;
  const dropped = new Set(others.slice(Math.ceil((others.length + 1) / 2) - 1));
  const left = Object.entries(trials).filter(([name]) => !dropped.has(name));
  return { trials: Object.fromEntries(left), halvings: halvings + 1 };
}

/** The race that a line of a run's metrics tells of. */
export function raceOf(line: RaceMetrics): Race {
  const rescued = line["race/rescued"];
  const trials = Object.fromEntries(
    Object.entries(line["race/groups"]).map(([name, groups]) => [
      name,
      { groups, rescued: rescued[name] ?? 0 },
    ]),
  );
  const chosen = line["race/chosen"];
  return chosen === null ? { trials } : { trials, chosen };
}

/** The race in words, for people: who won and why; undefined while it goes on. */
export function verdictOf({ trials, chosen }: Race): string | undefined {
  if (chosen === undefined) return undefined;
  const told = (name: string): string =>
    `${trials[name]!.rescued} of ${trials[name]!.groups} stuck groups`;
  const [last] = Object.keys(trials).filter((name) => name !== noSource);
  if (last === undefined) return "nothing steers: there is no source to steer by";
  return chosen === noSource
    ? `nothing steers from now on: ${last} rescued ${told(last)}, sampling on ${told(noSource)}`
    : `${chosen} steers from now on: it rescued ${told(chosen)}, sampling on ${told(noSource)}`;
}

const untried: Trials = { groups: 0, rescued: 0 };

const rate = ({ groups, rescued }: Trials): number => rescued / groups;

const leadOf = (trials: Race["trials"], name: string, other: string): Interval =>
  differenceInterval(
    [trials[name]!.rescued, trials[name]!.groups],
    [trials[other]!.rescued, trials[other]!.groups],
  );
