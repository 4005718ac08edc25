import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import {
  applyOverrides,
  mergeConfig,
  parseConfig,
  type Config,
  type ConfigInput,
} from "../config.js";
import { ErrataError } from "../error.js";
import type { MetricsLine } from "../metrics.js";
import { presetNamed } from "../prepare.js";
import { armsNamed, studyTable, summarise, type Arm, type ArmRun } from "../study.js";
import { command, wholeNumber } from "./command.js";
import { requireSameConfig } from "./config-file.js";
import { exitCodes } from "./exit-codes.js";
import { Interrupt } from "./interrupt.js";
import { showBuild } from "./progress.js";
import { claimRunFolder, newRunFolder, runConfig, runName, runsFolder } from "./runs.js";
import { duration, paint, share, Terminal } from "./terminal.js";

interface StudyFlags {
  readonly arms?: readonly string[];
  readonly seeds: number;
  readonly firstSeed: number;
  readonly steps?: number;
  readonly name?: string;
  readonly set?: readonly string[];
  readonly workers: number;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** `errata study`. */
export const studyCommand: Command = command(
  "study",
  "train arms that differ in one thing over several seeds, and compare them with plain GRPO",
  [
    "errata study arithmetic --seeds 5",
    "errata study proof-forks --arms grpo,matching,self --seeds 10 --json",
    "errata study arithmetic --seeds 5 --name study-arithmetic-1 --resume",
  ],
)
  .argument("<preset>", "domain and base models")
  .option("--arms <names>", "only these arms, separated by commas (default: all)", names)
  .option("--seeds <n>", "how many seeds", wholeNumber(1), 5)
  .option("--first-seed <n>", "the first of them", wholeNumber(0), 0)
  .option("--steps <n>", "training steps of every run", wholeNumber(1))
  .option("-n, --name <name>", "folder below runs/ (default: study-<preset>-<n>)")
  .option("--set <key=value...>", "override any key of every arm's configuration")
  .option("--workers <n>", "runs trained at once", wholeNumber(1), availableParallelism())
  .option("--resume", "carry on a study of this --name: finished runs are kept")
  .addHelpText(
    "after",
    "\nNo configuration file is read: an arm is the preset, its own settings and --set.\n",
  )
  .action(study);

/** One run of the study. */
interface Job {
  readonly arm: Arm;
  readonly seed: number;
  readonly folder: string;
  readonly config: Config;
}

function names(text: string): string[] {
  const list = text.split(",").map((name) => name.trim());
  if (list.includes("")) throw new InvalidArgumentError("It must be names separated by commas.");
  return list;
}

async function study(presetName: string, flags: StudyFlags): Promise<void> {
  const terminal = new Terminal(flags);
  const { prepareModels, trainInProcess } = await import("../run-process.js");
  const preset = presetNamed(presetName);
  const arms = armsNamed(preset, flags.arms);
  const configOf = configs(presetName, flags);
  const folder = studyFolder(presetName, flags);
  const jobs = Array.from({ length: flags.seeds }, (_, i) => flags.firstSeed + i).flatMap((seed) =>
    arms.map((arm): Job => {
      const own = join(folder, `${arm.name}-seed${seed}`);
      const config = configOf(arm, seed);
      if (existsSync(join(own, "config.json"))) requireSameConfig(own, runConfig(own), config);
      return { arm, seed, folder: own, config };
    }),
  );

  const interrupt = new Interrupt(terminal);
  const fault = new AbortController();
  const hurry = new AbortController();
  const stop = AbortSignal.any([interrupt.signal, fault.signal]);
  const started = performance.now();
  try {
    await prepareModels(
      arms.map((arm) => configOf(arm, flags.firstSeed)),
      { signal: interrupt.signal, onProgress: showBuild(terminal) },
    );
    const progress = new StudyProgress(terminal, jobs.length);
    const byJob = new Map<Job, ArmRun>();
    const waiting = [...jobs];
    const worker = async (): Promise<void> => {
      for (let job = waiting.shift(); job !== undefined && !stop.aborted; job = waiting.shift()) {
        const { arm, seed, config } = job;
        const label = `${arm.name} seed ${seed}`;
        const onLine = (line: MetricsLine): void => progress.step(label, line, config.steps);
        const finished = await trainInProcess({
          ...job,
          signal: stop,
          hurry: hurry.signal,
          onLine,
        });
        if (!finished) return;
        const run = await armRun(job);
        byJob.set(job, run);
        progress.finished(label, run);
      }
    };
    const training = Promise.allSettled(
      Array.from({ length: Math.min(flags.workers, jobs.length) }, () =>
        worker().catch((error: unknown) => {
          fault.abort(); // the others finish their step and are saved before the fault is told
          throw error;
        }),
      ),
    );
    interrupt.set("finishing the step of every run, then saving", async () => {
      hurry.abort();
      await training;
      interrupted(terminal, folder, presetName, flags);
    });
    for (const outcome of await training) if (outcome.status === "rejected") throw outcome.reason;
    terminal.status("");
    if (interrupt.aborted && byJob.size < jobs.length) {
      interrupted(terminal, folder, presetName, flags);
      return;
    }
    const runs = jobs.map((job) => byJob.get(job)!); // not in the order they finished in
    const summaries = summarise(runs, jobs[0]!.config.steps);
    const seconds = (performance.now() - started) / 1000;
    if (terminal.json) {
      const { kind } = preset;
      terminal.result({
        preset: presetName,
        kind,
        seeds: flags.seeds,
        steps: jobs[0]!.config.steps,
        seconds,
        summaries,
        runs,
        run: folder,
      });
      return;
    }
    terminal.print();
    terminal.print(
      `${presetName} (${preset.kind} error), ${flags.seeds} seeds, ${jobs[0]!.config.steps} steps, ${duration(seconds)}`,
    );
    terminal.print(studyTable(summaries));
    terminal.print(
      "Steps that were not reached count as all steps; intervals are bootstrap 95% over seeds.",
    );
    for (const arm of arms) terminal.print(paint.dim(`${arm.name}: ${arm.description}`));
    terminal.print(`${folder} holds every run.`);
  } catch (error) {
    if (!interrupt.aborted || jobs.some((job) => existsSync(job.folder))) throw error;
    terminal.note("interrupted before training began: there is nothing to resume");
    terminal.result({ run: null, interrupted: true });
    process.exitCode = exitCodes.interrupted;
  } finally {
    terminal.status("");
    interrupt.stop();
  }
}

/** Defaults < preset < arm < flags < `--set`; rollouts are not kept unless asked for. */
function configs(
  preset: string,
  { steps, set = [] }: StudyFlags,
): (arm: Arm, seed: number) => Config {
  const flags: ConfigInput = steps === undefined ? {} : { steps };
  const common = mergeConfig(presetNamed(preset).config, { preset, keepRollouts: false });
  return (arm, seed) => {
    const input = mergeConfig(mergeConfig(common, arm.config), { ...flags, seed });
    return parseConfig(applyOverrides(input, set), "the configuration");
  };
}

function studyFolder(preset: string, { name, resume }: StudyFlags): string {
  if (resume !== true)
    return name === undefined ? claimRunFolder(`study-${preset}`) : newRunFolder(name);
  const folder = join(runsFolder, name ?? "");
  if (name !== undefined && existsSync(folder)) return folder;
  throw new ErrataError(
    name === undefined ? "--resume needs --name here" : `there is no study ${folder}`,
    {
      code: "RUN_MISSING",
      hint: "name the folder below runs/ that holds the study",
    },
  );
}

async function armRun({ arm, seed, folder }: Job): Promise<ArmRun> {
  const { learningCurve, readRun, stuckGroups } = await import("../run-record.js");
  const { lines, cost } = readRun(folder);
  const { groups, rescued, steered, rescuedSteered } = stuckGroups(lines);
  const flops = Object.entries(cost).reduce(
    (n, [role, c]) => n + (role === "evaluation" ? 0 : c.flops),
    0,
  );
  const curve = learningCurve(lines);
  return { arm: arm.name, seed, curve, stuck: groups, rescued, steered, rescuedSteered, flops };
}

/** One updating line for all runs, and a line for each that finishes. */
class StudyProgress {
  readonly #terminal: Terminal;
  readonly #runs: number;
  readonly #active = new Map<string, string>();
  #done = 0;

  constructor(terminal: Terminal, runs: number) {
    this.#terminal = terminal;
    this.#runs = runs;
  }

  step(label: string, line: MetricsLine, steps: number): void {
    this.#active.set(label, `${label} ${line.step + Number("rollout/accuracy" in line)}/${steps}`);
    this.#show();
  }

  finished(label: string, { curve }: ArmRun): void {
    this.#active.delete(label);
    this.#done++;
    this.#terminal.print(
      `${label}: held-out accuracy ${share(curve[0]?.[1])} -> ${share(curve.at(-1)?.[1])}, ${this.#done} of ${this.#runs} runs done`,
    );
    this.#show();
  }

  #show(): void {
    this.#terminal.status(
      [`${this.#done}/${this.#runs} runs`, ...this.#active.values()].join("  "),
    );
  }
}

function interrupted(terminal: Terminal, folder: string, preset: string, flags: StudyFlags): void {
  const { arms, seeds, firstSeed, steps, set = [] } = flags;
  const given = [
    ...(arms === undefined ? [] : ["--arms", arms.join(",")]),
    "--seeds",
    String(seeds),
    ...(firstSeed === 0 ? [] : ["--first-seed", String(firstSeed)]),
    ...(steps === undefined ? [] : ["--steps", String(steps)]),
    ...(set.length === 0
      ? []
      : ["--set", ...set.map((text) => (/^[\w.=-]+$/.test(text) ? text : `'${text}'`))]),
  ];
  const resume = `errata study ${preset} ${given.join(" ")} --name ${runName(folder)} --resume`;
  terminal.status("");
  if (terminal.json) terminal.result({ run: folder, interrupted: true, resume });
  else terminal.print(`interrupted and saved; carry on with: ${resume}`);
  process.exitCode = exitCodes.interrupted;
}
