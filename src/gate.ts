/**
 * The gate: is this student in the regime where learning from weak models' mistakes can help?
 *
 * It asks, on validation tasks and before any training, whether the ability is latent (some
 * attempts succeed), suppressed (most groups are stuck), held back by a *systematic* error (weak
 * mistakes recur and cover the student's own), and really there (the student tells the cases
 * apart). When it fails, the honest answer is that the method does not apply.
 */
import { recurrences } from "./corpus/recurrence.js";
import { drawTasks } from "./curriculum.js";
import { sampleTasks } from "./evaluate.js";
import { studentModel } from "./explore.js";
import { playPartners } from "./partner.js";
import { play, type Rollout } from "./play.js";
import { playProcedure } from "./environments/play-procedure.js";
import type { Task } from "./environments/environment.js";
import { Random } from "./random.js";
import type { Setup } from "./setup.js";

/** One measured value and the range it must lie in. */
export interface GateCheck {
  readonly name: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly passed: boolean;
  readonly meaning: string;
}

export interface GateReport {
  readonly preset: string;
  readonly tasks: number;
  readonly passed: boolean;
  readonly checks: readonly GateCheck[];
  /** Share of the student's errors on validation, by signature. */
  readonly signatures: Readonly<Record<string, number>>;
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
  const repeated = tasks.flatMap((t) => new Array<Task>(errorAttempts).fill(t));
  const own = await play(environment, student, repeated, random);
  const signatures = shares(own.filter((r) => !r.verdict.correct).map(signatureOf));
  const weak = await playPartners(setup, [...setup.partners.keys()], tasks, random);
  const weakGroups = weak.flatMap((p) => p.groups);
  const known = shares(
    weakGroups
      .flatMap((g) => g.rollouts)
      .filter((r) => !r.verdict.correct)
      .map(signatureOf),
  );
  const coverage = Object.entries(signatures)
    .filter(([name]) => name !== unrecognised && (known[name] ?? 0) > 0.02)
    .reduce((total, [, share]) => total + share, 0);
  const discrimination = await discriminates(setup, tasks, random);
  const check = (
    name: string,
    value: number,
    least: number,
    most: number,
    meaning: string,
  ): GateCheck => ({
    name,
    value,
    least,
    most,
    passed: value >= least && value <= most,
    meaning,
  });
  const injected = preset.kind === "injected";
  const checks = [
    check("startAccuracy", sampled.accuracy, 0.03, 0.15, "the ability shows, rarely"),
    check("stuckGroups", sampled.stuck, 0.5, 1, "most groups are all wrong"),
    check(`pass@${attempts}`, sampled.passAtAll, 0.5, 1, "the ability is latent on most tasks"),
    check(
      "recurrence",
      recurrenceOf(weakGroups.map((g) => g.rollouts)),
      0.3,
      1,
      "weak mistakes are systematic: the same first wrong step recurs",
    ),
    check(
      "coverage",
      coverage,
      0.5,
      1,
      "the student's errors are among those that weak models make",
    ),
    ...(discrimination === undefined
      ? []
      : [
          check(
            "discrimination",
            discrimination,
            injected ? 3 : 0,
            Infinity,
            "p(right choice | needed) / p(same choice | not needed)",
          ),
        ]),
  ];
  return {
    preset: preset.name,
    tasks: tasks.length,
    passed: checks.every((c) => c.passed),
    checks,
    signatures,
  };
}

const unrecognised = "unrecognised";

const signatureOf = (r: Rollout): string => r.verdict.signature ?? unrecognised;

function shares(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return Object.fromEntries(
    Object.entries(counts)
      .sort((a, b) => b[1] - a[1])
      .map(([name, n]) => [name, n / names.length]),
  );
}

/** Mean recurrence of the first wrong step (not of the whole answer) among a group's wrong attempts. */
function recurrenceOf(groups: readonly (readonly Rollout[])[]): number {
  const values = groups.flatMap((rollouts) =>
    recurrences(
      rollouts.flatMap(({ verdict, steps }) => {
        const at = verdict.firstError?.step;
        return verdict.correct || at === undefined
          ? []
          : [`${steps[at]!.observation} ${steps[at]!.action}`];
      }),
    ).map((r) => r.recurrence),
  );
  return values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
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
): Promise<number | undefined> {
  const { environment, preset, engine, base, tokenizer } = setup;
  const bug = preset.bug === undefined ? undefined : environment.procedures[preset.bug];
  if (bug === undefined || environment.choices === undefined) return undefined;
  const needed: { tokens: number[]; token: number }[] = [];
  const unneeded: { tokens: number[]; token: number }[] = [];
  for (const task of tasks) {
    const { steps } = await playProcedure(environment, task, "correct", random);
    for (const { state, observation, action } of steps) {
      const choices = environment.choices(state);
      if (!choices.includes(action)) continue;
      const proposed = bug(state, random);
      const tokens = tokenizer.encode(observation);
      if (choices.includes(proposed) && proposed !== action)
        needed.push({ tokens, token: tokenizer.encode(action)[0]! });
      else if (proposed === action)
        for (const other of choices.filter((c) => c !== action))
          unneeded.push({ tokens, token: tokenizer.encode(other)[0]! });
    }
  }
  const meanProbability = async (states: typeof needed): Promise<number> => {
    const logprobs = await engine.logprobs(
      base,
      states.map(({ tokens, token }) => ({
        tokens,
        targets: [{ position: tokens.length - 1, token }],
      })),
    );
    return logprobs.reduce((total, l) => total + Math.exp(l), 0) / logprobs.length;
  };
  if (needed.length === 0 || unneeded.length === 0) return undefined;
  return (await meanProbability(needed)) / (await meanProbability(unneeded));
}

/** The gate as lines of text. */
export function gateLines(report: GateReport): string[] {
  const width = Math.max(...report.checks.map((c) => c.name.length));
  const range = ({ least, most }: GateCheck): string =>
    most === Infinity || most === 1 ? `>= ${least}` : `${least} to ${most}`;
  return [
    ...report.checks.map(
      (c) =>
        `${c.passed ? "pass" : "FAIL"}  ${c.name.padEnd(width)}  ${c.value.toFixed(3)}  (${range(c)})  ${c.meaning}`,
    ),
    report.passed
      ? "The gate passes: learning from weak models' mistakes can help here."
      : "The gate fails: expect no gain over plain GRPO on this task set with these models.",
  ];
}
