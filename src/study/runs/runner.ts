/** Runs a study: arms x seeds in worker processes, resumable at any point. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Config } from "../../config/config.js";
import { mergeConfig } from "../../config/merge.js";
import { parseConfig } from "../../config/parse.js";
import { ErrataError } from "../../util/error.js";
import type { MetricsLine } from "../../watch/metrics.js";
import type { PrepareOptions } from "../../students/models.js";
import { prepareModels } from "../../launch/prepare-models.js";
import { trainInProcess, type Interrupts } from "../../launch/process.js";
import { lastCheckpoint } from "../../run/checkpoint.js";
import { lockRun } from "../../run/lock.js";
import { measureAbility } from "./ability.js";
import { isOver, markDiverged, measureRun, type ArmRun } from "./measure.js";
import { hashOf, type Protocol, type ProtocolArm } from "../design/protocol.js";
import { armsWithAbilities } from "../design/study.js";
import { bestRate, type TunedRate } from "./tuning.js";

/** One run of a study. */
export interface Job {
  readonly label: string;
  readonly arm: string;
  readonly config: Config;
  readonly folder: string;
}

/** What the runner tells whoever watches. */
export interface RunnerEvents {
  readonly onBuild?: PrepareOptions["onProgress"];
  /** `done` of `total` runs are over; more may be known later, when rates have been chosen. */
  readonly onPlan?: (done: number, total: number) => void;
  readonly onLine?: (job: Job, line: MetricsLine) => void;
  readonly onRun?: (job: Job, run: ArmRun) => void;
  /** `done` of `total` trained students have been asked what they can do. */
  readonly onAbility?: (done: number, total: number) => void;
}

/** How a study is run. */
export interface RunnerOptions extends Interrupts, RunnerEvents {
  /** Where all runs of all studies are kept, so that studies share what they have in common. */
  readonly runs: string;
  /** Runs trained at once. */
  readonly workers: number;
}

/** Every run of a study, and the rates chosen. */
export interface StudyRuns {
  readonly rates: readonly TunedRate[];
  readonly runs: readonly ArmRun[];
}

/**
 * Tunes each arm's learning rate, then trains every arm on every reported seed; undefined when
 * interrupted. What is over is not run again; what was begun carries on from its last checkpoint,
 * to the same bytes. A run whose updates are not finite is a result, not a fault.
 * @throws ErrataError as `trainInProcess`; the other runs have then been stopped and saved.
 */
export async function runStudy(
  protocol: Protocol,
  options: RunnerOptions,
): Promise<StudyRuns | undefined> {
  const { arms, seeds, tuning } = protocol;
  await prepareModels(
    arms.map((a) => a.config),
    {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.onBuild === undefined ? {} : { onProgress: options.onBuild }),
    },
  );
  const reported = arms.length * seeds.length;
  const trials = tuning === null ? [] : arms.flatMap((arm) => trialJobs(arm, protocol, options));
  const tried = await runJobs(trials, reported, options);
  if (tried === undefined) return undefined;
  const rates = arms.map((arm): TunedRate => {
    const own = tried.filter((r) => r.arm === arm.name);
    const { learningRate, steps: cap } = arm.config;
    return own.length === 0
      ? { arm: arm.name, learningRate, tried: [] }
      : { arm: arm.name, ...bestRate(own, protocol.target, cap) };
  });
  const jobs = seeds.flatMap((seed) =>
    arms.map((arm, i) =>
      jobOf(arm, protocol, options, { seed, learningRate: rates[i]!.learningRate }),
    ),
  );
  const runs = await runJobs(jobs, 0, options, trials.length);
  if (runs === undefined) return undefined;
  const able = await withAbilities(protocol, jobs, runs, options);
  return able === undefined ? undefined : { rates, runs: able };
}

/** The runs, those that claims ask it of with what their students can do; undefined when interrupted. */
async function withAbilities(
  { claims, abilityTasks }: Protocol,
  jobs: readonly Job[],
  runs: readonly ArmRun[],
  { signal, onAbility }: RunnerOptions,
): Promise<ArmRun[] | undefined> {
  if (abilityTasks === undefined) return [...runs];
  const arms = armsWithAbilities(claims);
  const total = jobs.filter((job) => arms.has(job.arm)).length;
  let done = 0;
  const able: ArmRun[] = [];
  for (const [i, run] of runs.entries()) {
    if (!arms.has(run.arm)) {
      able.push(run);
      continue;
    }
    if (signal?.aborted === true) return undefined;
    onAbility?.(done++, total);
    able.push({ ...run, ability: await measureAbility(jobs[i]!.folder, abilityTasks) });
  }
  return able;
}

function trialJobs(arm: ProtocolArm, protocol: Protocol, options: RunnerOptions): Job[] {
  const { rates, seeds } = protocol.tuning!;
  return rates.flatMap((learningRate) =>
    seeds.map((seed) =>
      jobOf(arm, protocol, options, { seed, learningRate, evaluationSplit: "validation" }),
    ),
  );
}

function jobOf(
  arm: ProtocolArm,
  { program, models }: Protocol,
  { runs }: RunnerOptions,
  changes: Partial<Config> & Pick<Config, "seed">,
): Job {
  const config = parseConfig(mergeConfig(arm.config, changes));
  const key = hashOf({ program, models, config });
  const tuned = config.evaluationSplit === "validation";
  return {
    label: `${arm.name} seed ${config.seed}${tuned ? ` rate ${config.learningRate}` : ""}`,
    arm: arm.name,
    config,
    folder: join(runs, `${config.preset}-${key}`),
  };
}

/** Results in the order of `jobs`, whatever order they finished in; undefined when interrupted. */
async function runJobs(
  jobs: readonly Job[],
  later: number,
  options: RunnerOptions,
  before: number = 0,
): Promise<ArmRun[] | undefined> {
  const { workers, signal, onPlan, onRun } = options;
  const fault = new AbortController();
  const stop = signal === undefined ? fault.signal : AbortSignal.any([signal, fault.signal]);
  // Arms that come to the same configuration share one run.
  const waiting = [
    ...new Map(jobs.filter((j) => !isOver(j.folder)).map((j) => [j.folder, j])).values(),
  ];
  let over = before + jobs.length - waiting.length;
  const total = before + jobs.length + later;
  onPlan?.(over, total);
  const work = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
      if (stop.aborted || !(await trainJob(job, stop, options))) return;
      onPlan?.(++over, total);
      onRun?.(job, measureRun(job.folder, job.arm));
    }
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: Math.min(workers, waiting.length) }, () =>
      work().catch((error: unknown) => {
        fault.abort(); // the others finish their step and are saved before the fault is told
        throw error;
      }),
    ),
  );
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  if (jobs.some((job) => !isOver(job.folder))) return undefined;
  return jobs.map((job) => measureRun(job.folder, job.arm));
}

/** Milliseconds between attempts at a run that another process still holds, and attempts. */
const [retryAfter, mostRetries] = [500, 240];

/**
 * Whether the run is over. After a kill, workers of the killed study drop their step and save: a
 * run that is still theirs is waited for, and a folder that was left before its first checkpoint is
 * started again.
 */
async function trainJob(job: Job, signal: AbortSignal, options: RunnerOptions): Promise<boolean> {
  const { config, folder } = job;
  const { hurry, onLine } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      const { finished } = await trainInProcess({
        config,
        folder,
        signal,
        ...(hurry === undefined ? {} : { hurry }),
        onLine: (line) => onLine?.(job, line),
      });
      return finished;
    } catch (error) {
      const code = error instanceof ErrataError ? error.code : undefined;
      if (code === "TRAINING_NOT_FINITE") {
        markDiverged(folder, (error as ErrataError).message);
        return true;
      }
      const held = code === "RUN_BUSY" || code === "RUN_EXISTS";
      if (!held || signal.aborted || attempt === mostRetries) throw error;
      await setTimeout(retryAfter);
      if (code === "RUN_EXISTS") removeUnbegun(folder);
    }
  }
}

/** Removes a run that was killed before its first checkpoint, unless a process works on it. */
function removeUnbegun(folder: string): void {
  if (!existsSync(folder) || lastCheckpoint(folder) !== undefined) return;
  let unlock: () => void;
  try {
    unlock = lockRun(folder);
  } catch (error) {
    if (error instanceof ErrataError && error.code === "RUN_BUSY") return;
    throw error;
  }
  if (lastCheckpoint(folder) === undefined) rmSync(folder, { recursive: true, force: true });
  unlock();
}

/** Writes which of the shared runs a study is made of. */
export function saveIndex(folder: string, runs: StudyRuns): void {
  mkdirSync(folder, { recursive: true });
  const lines = runs.runs.map((run) => JSON.stringify(run));
  writeFileSync(join(folder, "runs.jsonl"), `${lines.join("\n")}\n`);
  writeFileSync(join(folder, "rates.json"), `${JSON.stringify(runs.rates, null, 2)}\n`);
}
