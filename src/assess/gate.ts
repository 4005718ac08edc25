/**
 * The gate: is this student in the regime where learning from weak models' mistakes can help?
 *
 * It asks, on validation tasks and before any training, whether the ability is latent (some
 * attempts succeed), suppressed (most groups are stuck), held back by a *systematic* error (weak
 * mistakes recur and cover the student's own; without weak models, its own recur), and really there
 * (the student tells the cases apart). When it fails, the honest answer is that the method does not apply.
 */
import { UNRECOGNISED } from "../mistakes/corpus/mistake.js";
import { recurrences } from "../mistakes/corpus/recurrence.js";
import { coverage as coverageOf, signatureShares } from "../mistakes/agreement.js";
import { drawTasks } from "../play/curriculum.js";
import { allWrong, sampleTasks } from "../play/evaluate.js";
import { studentModel } from "../play/explore.js";
import { Partners, playPartners } from "../partners/partner.js";
import { clusteredMean, overlapLines, overlapOf, type OverlapReport } from "./overlap.js";
import { inGroups, play, repeat, type Rollout } from "../play/play.js";
import { playProcedure } from "../environments/play-procedure.js";
import type { Task } from "../environments/environment.js";
import { Random } from "../util/random.js";
import type { Setup } from "../run/setup.js";
import {
  bootstrap,
  meanInterval,
  wilsonInterval,
  type Interval,
} from "../util/statistics/intervals.js";

/** One measured value and the range it must lie in. */
export interface GateCheck {
  readonly name: string;
  readonly value: number;
  /** 95%, over tasks; the value itself where there is nothing to resample. */
  readonly interval: { readonly low: number; readonly high: number };
  readonly least: number;
  readonly most: number;
  /** Whether the value lies in the range. */
  readonly passed: boolean;
  /** `undecided`: the interval reaches across a bound, so more tasks could turn the answer. */
  readonly outcome: GateOutcome;
  readonly meaning: string;
}

export type GateOutcome = "pass" | "fail" | "undecided";

export interface GateReport {
  readonly preset: string;
  readonly tasks: number;
  /** Whether every value lies in its range, however wide the intervals: {@link GateReport.outcome} judges. */
  readonly passed: boolean;
  /** `fail` where any check surely fails, `undecided` where any is undecided, else `pass`. */
  readonly outcome: GateOutcome;
  readonly checks: readonly GateCheck[];
  /** Why the student's errors were not compared with the weak models': where they cannot be. */
  readonly coverageUnknown?: string;
  /** Share of the student's errors on validation, by signature. */
  readonly signatures: Readonly<Record<string, number>>;
  /** How much the student's errors are those of the weak partners. */
  readonly overlap: OverlapReport;
}

/** Attempts at each task: pass@64. */
const attempts = 64;

/** Attempts of the student whose wrong answers are classified. */
const errorAttempts = 8;

/** Measures the gate on `count` validation tasks. */
export async function gate(
  setup: Setup,
  options: { readonly tasks?: number } = {},
): Promise<GateReport> {
  const { environment, preset, config, base } = setup;
  const count = options.tasks ?? 500;
  const random = Random.from(config.seed, "gate");
  const tasks = drawTasks(environment, {
    split: "validation",
    levels: preset.levels,
    count,
    random,
  });
  const student = studentModel(setup, base);
  const sampled = await sampleTasks(environment, student, tasks, {
    attempts,
    groupSize: config.groupSize,
    random,
  });
  const repeated = repeat(tasks, errorAttempts);
  const own = inGroups(await play(environment, student, repeated, random), errorAttempts);
  const partners = new Partners(setup);
  const weak = await playPartners({ ...setup, partners }, partners.names, tasks, random);
  const weakGroups = weak.flatMap((p) => p.groups);
  const made = signatureShares(weakGroups.flatMap((g) => g.rollouts));
  const known = new Set(Object.keys(made).filter((name) => made[name]! > leastShare));
  const overlap = await overlapOf(setup, {
    own,
    partners,
    played: weak,
    experts: new Map(),
    known,
  });
  const alone = weak.length === 0;
  const coverageUnknown = alone
    ? "no weak model plays"
    : made[UNRECOGNISED] === 1
      ? "no mistake of a weak model has a signature"
      : undefined;
  const discrimination = await discriminates(setup, tasks, random);
  const { successes } = sampled;
  const stuck = successes.map((c) => allWrong(attempts, c, config.groupSize));
  const mistakes = alone ? own : weakGroups;
  const recurrence = clusteredMean(recurrencesOf(mistakes.map((g) => g.rollouts)));
  const injected = preset.kind === "injected";
  const checks = [
    check("startAccuracy", sampled.accuracy, 0.03, 0.15, "the ability shows, rarely", {
      interval: shareInterval(successes.map((c) => c / attempts)),
    }),
    check("stuckGroups", sampled.stuck, 0.5, 1, "most groups are all wrong", {
      interval: shareInterval(stuck),
    }),
    check(`pass@${attempts}`, sampled.passAtAll, 0.5, 1, "the ability is latent on most tasks", {
      interval: wilsonInterval(successes.filter((c) => c > 0).length, successes.length),
    }),
    check(
      "recurrence",
      recurrence?.mean ?? 0,
      0.3,
      1,
      `${alone ? "its own" : "weak"} mistakes are systematic: the same first wrong step recurs`,
      { interval: recurrence },
    ),
    ...(coverageUnknown === undefined
      ? [
          check(
            "coverage",
            coverageOf(overlap.errors, known),
            0.5,
            1,
            "the student's errors are among those that weak models make",
            { interval: overlap.coverage },
          ),
        ]
      : []),
    ...(discrimination === undefined
      ? []
      : [
          check(
            "discrimination",
            discrimination.value,
            injected ? 3 : 0,
            Infinity,
            "p(right choice | needed) / p(same choice | not needed)",
            discrimination,
          ),
        ]),
  ];
  return {
    preset: preset.name,
    tasks: tasks.length,
    passed: checks.every((c) => c.passed),
    outcome:
      (["fail", "undecided"] as const).find((o) => checks.some((c) => c.outcome === o)) ?? "pass",
    checks,
    ...(coverageUnknown === undefined ? {} : { coverageUnknown }),
    signatures: overlap.errors,
    overlap,
  };
}

/** Share of weak mistakes from which a signature counts as one that weak models make. */
const leastShare = 0.02;

function check(
  name: string,
  value: number,
  least: number,
  most: number,
  meaning: string,
  { interval: measured }: { readonly interval: Pick<Interval, "low" | "high"> | undefined },
): GateCheck {
  const { low, high } = measured ?? { low: value, high: value };
  const inside = low >= least && high <= most;
  const outside = high < least || low > most;
  return {
    name,
    value,
    interval: { low, high },
    least,
    most,
    passed: value >= least && value <= most,
    outcome: inside ? "pass" : outside ? "fail" : "undecided",
    meaning,
  };
}

/**
 * Of the mean of shares. Where all are equal a bootstrap has no width, however few they are: there Wilson's
 * interval over tasks, the widest that a mean of values in [0, 1] can need.
 */
export function shareInterval(values: readonly number[]): Interval | undefined {
  if (values.length === 0) return undefined;
  return values.every((value) => value === values[0])
    ? wilsonInterval(values[0]! * values.length, values.length)
    : meanInterval(values);
}

/** Recurrence of the first wrong step (not of the whole answer) among each group's wrong attempts. */
function recurrencesOf(groups: readonly (readonly Rollout[])[]): number[][] {
  return groups.map((rollouts) =>
    recurrences(
      rollouts.flatMap(({ verdict, steps }) => {
        const at = verdict.firstError?.step;
        return verdict.correct || at === undefined
          ? []
          : [`${steps[at]!.observation} ${steps[at]!.action}`];
      }),
    ).map((r) => r.recurrence),
  );
}

/**
 * p(right choice | the bug is wrong here) / p(that other choice | the bug is right here), over the
 * states of right solutions at which the environment names mutually exclusive choices. A student
 * that merely prefers one choice a little everywhere has a ratio near 1: nothing latent. Choices are
 * told apart by their first symbol.
 */
async function discriminates(
  setup: Setup,
  tasks: readonly Task[],
  random: Random,
): Promise<{ readonly value: number; readonly interval: Interval } | undefined> {
  const { environment, preset, engine, base, tokenizer } = setup;
  const bug = preset.bug === undefined ? undefined : environment.procedures[preset.bug];
  if (bug === undefined || environment.choices === undefined) return undefined;
  const needed: Choice[] = [];
  const unneeded: Choice[] = [];
  for (const [index, task] of tasks.entries()) {
    const { steps } = await playProcedure(environment, task, "correct", random);
    for (const { state, observation, action } of steps) {
      const choices = environment.choices(state);
      if (!choices.includes(action)) continue;
      const proposed = bug(state, random);
      const tokens = tokenizer.encode(observation);
      if (choices.includes(proposed) && proposed !== action)
        needed.push({ task: index, tokens, token: tokenizer.encode(action)[0]! });
      else if (proposed === action)
        for (const other of choices.filter((c) => c !== action))
          unneeded.push({ task: index, tokens, token: tokenizer.encode(other)[0]! });
    }
  }
  /** Sum of probabilities and count of choices, by task: what a bootstrap over tasks resamples. */
  const byTask = async (
    states: readonly Choice[],
  ): Promise<readonly (readonly [number, number])[]> => {
    const logprobs = await engine.logprobs(
      base,
      states.map(({ tokens, token }) => ({
        tokens,
        targets: [{ position: tokens.length - 1, token }],
      })),
    );
    const sums = tasks.map((): [number, number] => [0, 0]);
    for (const [i, { task }] of states.entries()) {
      sums[task]![0] += Math.exp(logprobs[i]!);
      sums[task]![1] += 1;
    }
    return sums;
  };
  if (needed.length === 0 || unneeded.length === 0) return undefined;
  const [right, other] = [await byTask(needed), await byTask(unneeded)];
  const mean = (sums: typeof right, indices: readonly number[]): number => {
    let [total, count] = [0, 0];
    for (const i of indices) {
      total += sums[i]![0];
      count += sums[i]![1];
    }
    return total / count;
  };
  const ratio = bootstrap(tasks.length, (indices) => mean(right, indices) / mean(other, indices));
  return { value: ratio.mean, interval: ratio };
}

/** A state at which an error can be made, and the token of one choice there. */
interface Choice {
  /** Index of its task. */
  readonly task: number;
  readonly tokens: readonly number[];
  readonly token: number;
}

const words: Readonly<Record<GateOutcome, string>> = {
  pass: "pass     ",
  fail: "FAIL     ",
  undecided: "undecided",
};

/** The gate as lines of text. */
export function gateLines(report: GateReport): string[] {
  const width = Math.max(...report.checks.map((c) => c.name.length));
  const range = ({ least, most }: GateCheck): string =>
    most === Infinity || most === 1 ? `>= ${least}` : `${least} to ${most}`;
  return [
    ...report.checks.map(
      (c) =>
        `${words[c.outcome]}  ${c.name.padEnd(width)}  ${c.value.toFixed(3)}  [${c.interval.low.toFixed(3)}, ${c.interval.high.toFixed(3)}]  needs ${range(c)}: ${c.meaning}${c.outcome === "undecided" ? " (the interval crosses a bound)" : ""}`,
    ),
    ...(report.coverageUnknown === undefined
      ? []
      : [`not asked  ${"coverage".padEnd(width)}  ${report.coverageUnknown}`]),
    ...(Object.keys(report.overlap.partners).length === 0 ? [] : overlapLines(report.overlap)),
    gateVerdicts[report.outcome](report),
  ];
}

const gateVerdicts: Readonly<Record<GateOutcome, (report: GateReport) => string>> = {
  pass: () => "The gate passes: learning from mistakes can help here.",
  fail: () => "The gate fails: expect no gain over plain GRPO on this task set with these models.",
  undecided: ({ checks, tasks, preset }) => {
    const open = checks
      .filter(({ outcome }) => outcome === "undecided")
      .map(({ name, value, interval: { low, high }, least, most }) => {
        const bound = low < least ? least : most;
        return `${name} is ${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}], across its bound ${bound}`;
      });
    return `The gate is undecided on ${tasks} tasks: ${open.join("; ")}. Measure on more tasks: errata gate --preset ${preset} --tasks ${Math.max(500, 2 * tasks)}`;
  },
};

/** What is to be said of a gate that does not pass: that it fails, or is undecided; undefined where it passes. */
export function gateWarning({ outcome, tasks }: GateReport): string | undefined {
  if (outcome === "pass") return undefined;
  return `warning: the gate ${outcome === "fail" ? "fails" : "is undecided"} on ${tasks} validation tasks`;
}
