/** What a whole run will take, from its first steps: ranges, which the end of the run is held against. */
import { z } from "zod";
import type { Bill } from "../util/bill.js";
import { sumOf } from "../util/statistics/sums.js";
import { money, type Prices } from "./prices.js";
import { costRoles, type Cost, type CostRole } from "./roles.js";

/** What a run had taken when a step ended, since its first. */
export interface Taken {
  readonly costs: Readonly<Record<CostRole, Cost>>;
  readonly seconds: Readonly<Record<CostRole, number>>;
  /** Of models behind URLs. */
  readonly bills: readonly Bill[];
  /** Seconds of the processor, of all threads. */
  readonly processor: number;
  /** The most memory that the process had so far, in bytes. */
  readonly memory: number;
}

/** When what happens that does not happen in every step: what a configuration says of it. */
export interface Plan {
  readonly steps: number;
  readonly heldOut: number;
  readonly evaluateEvery: number;
  readonly probeEvery: number;
  readonly refitEvery: number;
  readonly partnersEvery: number;
  /** Most attempts of weak partners after a step, all together; 0 where none plays. */
  readonly partnerAttempts: number;
  /** Most attempts of a teacher in the whole run; 0 without one. */
  readonly teacherAttempts: number;
  /** Its name, where it is behind a URL. */
  readonly teacherModel?: string;
  readonly prices: Prices;
  readonly provider: string;
}

/** From `low` to `high`, both included. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** What is forecast, and what a run has really taken. */
export const quantities = ["seconds", "memory", "tokens", "flops", "money"] as const;
export type Quantity = (typeof quantities)[number];

/** What a whole run will take. */
export type Forecast = Readonly<Record<Quantity, Range>> & {
  /** Steps that it was made after, and those of the whole run. */
  readonly after: number;
  readonly steps: number;
};

const range = z.object({ low: z.number(), high: z.number() });

/** Reads a {@link Forecast}. */
export const forecastSchema: z.ZodType<Forecast> = z.object({
  after: z.int(),
  steps: z.int(),
  seconds: range,
  memory: range,
  tokens: range,
  flops: range,
  money: range,
});

/** Fewest steps of a run that has a forecast. */
export const fewestSteps = 4;

/** Seconds of work after which a process has warmed up. */
const warm = 3;

/** Whether these first steps of a run make a forecast: two or three, and where they are fast, up to a quarter of all. */
export function isEnough(taken: readonly Pick<Taken, "seconds">[], steps: number): boolean {
  const count = taken.length;
  if (steps < fewestSteps || count < (steps < 8 ? 2 : 3)) return false;
  return count >= steps / 4 || sumOf(Object.values(taken.at(-1)!.seconds)) >= warm;
}

/*
 * How a step's cost changes while a run goes on, as multiples of the first steps': attempts get shorter or
 * longer, groups without a gradient teach nothing, refits start from the old weights.
 */
const perStep: Range = { low: 0.4, high: 1.35 };
const perEvaluation: Range = { low: 0.75, high: 1.5 };
const perProbe: Range = { low: 0.1, high: 1.3 };
const perRefit: Range = { low: 0, high: 0.6 };
const perVisit: Range = { low: 0, high: 1 };
/** Of seconds still to come: the first steps also warm up, and the machine may have more to do besides. */
const machine: Range = { low: 0.6, high: 1.3 };
/** Of memory: what is kept grows, a later step may need more. */
const moreMemory = { factor: 1.4, bytes: 64e6 };

/**
 * What a whole run will take, from what it had taken after each of its first steps (the first of them has
 * everything in it that is done once, or now and then). For each role, what was taken, plus for each
 * step, evaluation, probe, refit and round of partners still to come its share of what the first ones
 * took, times the range above. Of seconds that were taken beside other work, the low end counts the processor's alone.
 */
export function forecast(taken: readonly Taken[], plan: Plan): Forecast {
  const last = taken.at(-1)!;
  const whole = (of: Measure, role: CostRole): Range => {
    const so = of(role, last);
    return plus({ low: so, high: so }, toCome(role, of, taken, plan));
  };
  const total = (of: Measure): Range =>
    costRoles.map((role) => whole(of, role)).reduce((sum, range) => plus(sum, range));
  const tokens: Measure = (role, at) => at.costs[role].tokens;
  const clock = total((role, at) => at.seconds[role]);
  const spent = sumOf(Object.values(last.seconds));
  const alone = Math.min(1, last.processor / Math.max(spent, 1e-9));
  const seconds = {
    low: spent + (clock.low - spent) * alone * machine.low,
    high: spent + (clock.high - spent) * machine.high,
  };
  const priced = (end: "low" | "high"): number =>
    money(
      byRole((role) => ({ tokens: whole(tokens, role)[end] })),
      plan.prices,
      {
        bills: bills(taken, plan, end, whole(tokens, "teacher")[end]),
        seconds: seconds[end],
        provider: plan.provider,
      },
    );
  return {
    after: taken.length,
    steps: plan.steps,
    seconds,
    memory: { low: last.memory, high: last.memory * moreMemory.factor + moreMemory.bytes },
    tokens: total(tokens),
    flops: total((role, at) => at.costs[role].flops),
    money: { low: priced("low"), high: priced("high") },
  };
}

/** What a role had taken of something. */
type Measure = (role: CostRole, at: Taken) => number;

/** What one role will take in the steps to come. */
function toCome(role: CostRole, measure: Measure, taken: readonly Taken[], plan: Plan): Range {
  const of = (at: Taken): number => measure(role, at);
  const [first, last] = [taken[0]!, taken.at(-1)!];
  const done = taken.length;
  const left = plan.steps - done;
  const events = (every: number): number => times(every, done, plan);
  const usual = (of(last) - of(first)) / (done - 1);
  const once = Math.max(0, of(first) - usual);
  const rollouts = first.costs[role].rollouts;
  if (role === "evaluation") {
    // The last one comes after the last step. Overlap is measured with probes, the rest with evaluations.
    const share = rollouts === 0 ? 1 : Math.min(1, plan.heldOut / rollouts);
    const within = Math.ceil(done / plan.evaluateEvery) - 1;
    const one = within > 0 ? (of(last) - of(first)) / within : of(first) * share;
    const each = scaled(perEvaluation, one * (events(plan.evaluateEvery) + 1));
    return plus(each, scaled(perProbe, of(first) * (1 - share) * events(plan.probeEvery)));
  }
  if (role === "probe") return scaled(perProbe, of(first) * events(plan.probeEvery));
  const each = scaled(perStep, usual * left);
  if (role === "expert") return plus(each, scaled(perRefit, once * events(plan.refitEvery)));
  if (role === "weak" || role === "embedding") {
    const round = roundShare(first, plan) * of(first);
    const rounds = scaled(perVisit, round * events(plan.partnersEvery));
    return { low: Math.min(each.low, rounds.low), high: Math.max(2 * each.high, rounds.high) };
  }
  if (role === "teacher") {
    // Where it has not been asked yet, its attempts are taken to be as long as two of the student's.
    const { rollouts: asked } = last.costs.teacher;
    const attempt =
      asked > 0
        ? of(last) / asked
        : (2 * measure("student", last)) / Math.max(1, last.costs.student.rollouts);
    return { low: 0, high: Math.max(each.high, attempt * plan.teacherAttempts) };
  }
  return role === "student" ? each : { low: 0, high: 2 * each.high };
}

/**
 * What models behind URLs will have been paid for: at least what they were; at most twice as much a step as in the first
 * ones, and for each round of partners its share of what they were paid before the first; a teacher that was not asked
 * yet, what it may write.
 */
function bills(
  taken: readonly Taken[],
  plan: Plan,
  end: "low" | "high",
  teacherTokens: number,
): readonly Bill[] {
  const [first, last] = [taken[0]!, taken.at(-1)!];
  if (end === "low") return last.bills;
  const before = new Map(first.bills.map((bill) => [bill.model, bill]));
  const steps = (2 * (plan.steps - taken.length)) / (taken.length - 1);
  const rounds = roundShare(first, plan) * times(plan.partnersEvery, taken.length, plan);
  const known = last.bills.map(({ model, read, written }) => {
    const then = before.get(model) ?? { read: 0, written: 0 };
    const grown = (now: number, was: number): number => now + (now - was) * steps + was * rounds;
    return { model, read: grown(read, then.read), written: grown(written, then.written) };
  });
  const { teacherModel } = plan;
  if (teacherModel === undefined || known.some(({ model }) => model === teacherModel)) return known;
  return [...known, { model: teacherModel, read: 0, written: teacherTokens }];
}

/** A round of partners as a share of all that they played until the first step ended. */
function roundShare({ costs: { weak } }: Taken, { partnerAttempts }: Plan): number {
  return weak.rollouts === 0 ? 0 : Math.min(1, partnerAttempts / weak.rollouts);
}

/** Times that something happens every so many steps, after the first `done`. */
function times(every: number, done: number, { steps }: Plan): number {
  return Math.ceil(steps / every) - Math.ceil(done / every);
}

const scaled = ({ low, high }: Range, by: number): Range => ({ low: low * by, high: high * by });
const plus = (a: Range, b: Range): Range => ({ low: a.low + b.low, high: a.high + b.high });

function byRole<T>(value: (role: CostRole) => T): Record<CostRole, T> {
  return Object.fromEntries(costRoles.map((role) => [role, value(role)])) as Record<CostRole, T>;
}
