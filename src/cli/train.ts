import type { Command } from "commander";
import {
  applyOverrides,
  mergeConfig,
  parseConfig,
  type Config,
  type ConfigInput,
} from "../config.js";
import { ErrataError } from "../error.js";
import type { GateReport } from "../gate.js";
import type { MetricsLine } from "../metrics.js";
import type { Run } from "../run.js";
import { learningCurve, readRun } from "../run-record.js";
import type { Setup } from "../setup.js";
import { command, wholeNumber } from "./command.js";
import { requireSameConfig, resolveConfig } from "./config-file.js";
import { estimateCost } from "./estimate.js";
import { exitCodes } from "./exit-codes.js";
import { Interrupt } from "./interrupt.js";
import { showBuild, TrainingProgress } from "./progress.js";
import { claimRunFolder, findRun, newRunFolder, runConfig, runName } from "./runs.js";
import { count, duration, magnitude, paint, share, table, Terminal } from "./terminal.js";

interface TrainOptions {
  readonly config?: string;
  readonly preset?: string;
  readonly name?: string;
  readonly seed?: number;
  readonly steps?: number;
  readonly set?: readonly string[];
  readonly resume?: boolean;
  readonly dryRun?: boolean;
  readonly gate: boolean;
  readonly json?: boolean;
}

/** Validation tasks of the gate before a run: enough to warn, not to decide. */
const gateTasks = 64;

/** `errata train`. */
export const trainCommand: Command = command(
  "train",
  "train a student, or carry on a run that stopped",
  [
    "errata train --preset arithmetic --steps 100",
    "errata train --name carry --set reward.penalty=0 explore.form=none",
    "errata train --name carry --resume",
  ],
)
  .option(
    "-c, --config <file>",
    "configuration file (default: errata.config.ts, where there is one)",
  )
  .option("-p, --preset <name>", "domain and base models")
  .option("-n, --name <run>", "folder below runs/ (default: <preset>-seed<seed>-<n>)")
  .option("--seed <n>", "seed of everything random", wholeNumber(0))
  .option("--steps <n>", "training steps", wholeNumber(1))
  .option("--set <key=value...>", "override any key, for example expert.steps=100")
  .option("--resume", "carry on from the run's last checkpoint, with the run's own configuration")
  .option("--dry-run", "print the configuration and an estimate of the cost, and stop")
  .option("--no-gate", "do not measure first whether the method can help")
  .action(trainAction);

async function trainAction(options: TrainOptions): Promise<void> {
  const terminal = new Terminal(options);
  const resumed = options.resume === true ? findRun(options.name) : undefined;
  const config =
    resumed === undefined ? await newConfig(options) : await unchangedConfig(resumed, options);
  if (options.dryRun === true) return dryRun(terminal, config);
  const named =
    resumed === undefined && options.name !== undefined ? newRunFolder(options.name) : undefined;

  const interrupt = new Interrupt(terminal);
  let run: Run | undefined;
  try {
    // Loaded here, so that --help and a wrong flag are answered at once.
    const [{ prepare }, { Run: Runs }, { train }] = await Promise.all([
      import("../prepare.js"),
      import("../run.js"),
      import("../train.js"),
    ]);
    const setup = await prepare(config, {
      signal: interrupt.signal,
      onProgress: showBuild(terminal),
    });
    const measured =
      resumed === undefined && options.gate ? await warnByGate(terminal, setup) : undefined;
    interrupt.signal.throwIfAborted();

    const folder = resumed ?? named ?? claimRunFolder(`${config.preset}-seed${config.seed}`);
    run =
      resumed === undefined ? await Runs.create(folder, setup) : await Runs.resume(folder, setup);
    const active = run;
    const from = run.state.step;
    const accuracies = showTraining(terminal, run, config);
    const started = performance.now();
    let reported = false;
    const finish = (): void => {
      if (reported) return;
      reported = true;
      const seconds = (performance.now() - started) / 1000;
      report(terminal, active, { config, from, seconds, accuracies, measured });
      if (!active.finished && active.overBudget === undefined)
        process.exitCode = exitCodes.interrupted;
    };
    interrupt.set("finishing the step, then saving", () => active.abandon().then(finish));
    if (measured !== undefined) run.notice({ gate: measured }, "gate");
    terminal.print(
      `${paint.bold(folder)}: ${resumed === undefined ? "started" : `resumed at step ${from}`}`,
    );
    try {
      await train(run, setup, interrupt.signal);
    } catch (error) {
      await run.abandon().catch(() => undefined); // what failed matters more than that it cannot be saved
      if (!(error instanceof ErrataError && error.code === "RUN_ABANDONED")) throw error;
    }
    finish();
  } catch (error) {
    if (run !== undefined || !interrupt.aborted) throw error;
    terminal.note("interrupted before the run began: there is nothing to resume");
    terminal.result({ run: null, interrupted: true });
    process.exitCode = exitCodes.interrupted;
  } finally {
    terminal.status("");
    interrupt.stop();
    run?.close();
  }
}

function flagsOf({ preset, seed, steps }: TrainOptions): ConfigInput {
  return {
    ...(preset === undefined ? {} : { preset }),
    ...(seed === undefined ? {} : { seed }),
    ...(steps === undefined ? {} : { steps }),
  };
}

function newConfig(options: TrainOptions): Promise<Config> {
  return resolveConfig({
    ...(options.config === undefined ? {} : { file: options.config }),
    flags: flagsOf(options),
    overrides: options.set ?? [],
  });
}

/** The run's own configuration, unless the flags ask for another. */
async function unchangedConfig(folder: string, options: TrainOptions): Promise<Config> {
  const saved = runConfig(folder);
  const asked =
    options.config === undefined
      ? parseConfig(
          applyOverrides(mergeConfig(saved, flagsOf(options)), options.set ?? []),
          "the configuration",
        )
      : await newConfig(options);
  requireSameConfig(folder, saved, asked);
  return saved;
}

async function dryRun(terminal: Terminal, config: Config): Promise<void> {
  const estimate = await estimateCost(config);
  if (terminal.json) {
    terminal.result({ config, estimate });
    return;
  }
  terminal.print(JSON.stringify(config, null, 2));
  const total = estimate.reduce((sum, e) => sum + e.flops, 0);
  terminal.print("\nRoughly, where every rollout teaches and no two prompts are equal:");
  const rows = estimate.map((e) => [
    e.work,
    count(e.rollouts),
    count(e.tokens),
    magnitude(e.flops),
  ]);
  for (const line of table([
    ["", "rollouts", "tokens", "FLOPs"],
    ...rows,
    ["total", "", "", magnitude(total)],
  ]))
    terminal.print(`  ${line}`);
}

/** Says so when the gate fails; the run goes on all the same. */
async function warnByGate(terminal: Terminal, setup: Setup): Promise<GateReport> {
  const { gate, gateLines } = await import("../gate.js");
  terminal.status(`measuring the gate on ${gateTasks} tasks`);
  const measured = await gate(setup, { tasks: gateTasks });
  terminal.status("");
  if (!measured.passed) {
    terminal.note(paint.yellow(`warning: the gate fails on ${measured.tasks} validation tasks`));
    for (const line of gateLines(measured)) terminal.note(`  ${line}`);
  }
  return measured;
}

/** Shows a run's progress; the accuracies it returns grow with each evaluation. */
function showTraining(terminal: Terminal, run: Run, config: Config): number[] {
  const accuracies = learningCurve(readRun(run.folder).lines)
    .slice(0, 1)
    .map(([, accuracy]) => accuracy);
  const progress = new TrainingProgress(config.steps, config.tasksPerStep);
  run.onLine = (line: MetricsLine) => {
    if ("eval/accuracy" in line) accuracies.push(line["eval/accuracy"]);
    const evaluated = progress.add(line, run.corpus.stats().admitted);
    terminal.status(progress.line());
    if (evaluated && !terminal.live) terminal.print(progress.line());
  };
  return accuracies;
}

function report(
  terminal: Terminal,
  run: Run,
  outcome: {
    readonly config: Config;
    readonly from: number;
    readonly seconds: number;
    readonly accuracies: readonly number[];
    readonly measured: GateReport | undefined;
  },
): void {
  const { config, from, seconds, accuracies, measured } = outcome;
  const { step } = run.state;
  const { admitted, merged } = run.corpus.stats();
  const resume = `errata train --name ${runName(run.folder)} --resume`;
  terminal.status("");
  if (terminal.json) {
    terminal.result({
      run: run.folder,
      preset: config.preset,
      seed: config.seed,
      step,
      steps: config.steps,
      finished: run.finished,
      interrupted: !run.finished && run.overBudget === undefined,
      ...(run.finished || run.overBudget === undefined ? {} : { stopped: run.overBudget }),
      seconds,
      accuracy: { first: accuracies[0] ?? null, last: accuracies.at(-1) ?? null },
      corpus: { admitted, merged },
      cost: run.ledger.totals,
      ...(measured === undefined ? {} : { gate: measured }),
      ...(run.finished ? {} : { resume }),
    });
    return;
  }
  if (run.overBudget !== undefined && !run.finished) {
    const { limit, spent, budget } = run.overBudget;
    terminal.print(
      `stopped and saved at step ${step} of ${config.steps}: budget.${limit} is spent (${magnitude(spent)} of ${magnitude(budget)})`,
    );
    return;
  }
  if (!run.finished) {
    terminal.print(
      `interrupted and saved at step ${step} of ${config.steps}; carry on with: ${resume}`,
    );
    return;
  }
  if (step === from) {
    terminal.print(`${run.folder} was already finished`);
    return;
  }
  terminal.print(
    `held-out accuracy ${share(accuracies[0])} -> ${share(accuracies.at(-1))} on ${config.evaluationTasks} tasks, ` +
      `${step - from} steps in ${duration(seconds)}, ${count(admitted)} mistakes admitted, ${count(merged)} merged`,
  );
  terminal.print(`${run.folder}: metrics.jsonl, rollouts/, corpus.db, checkpoints/`);
}
