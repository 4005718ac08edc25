import { join, parse } from "node:path";
import type { Command } from "commander";
import type { Config, ConfigInput } from "../config/config.js";
import { usesOpenModelAlone } from "../config/defaults.js";
import { mergeConfig } from "../config/merge.js";
import { applyOverrides } from "../config/overrides.js";
import { parseConfig } from "../config/parse.js";
import { command, wholeNumber } from "./command.js";
import { carriedOn, requireSameConfig, resolveConfig, sourceOfKeys } from "./config-file.js";
import { Interrupt } from "./interrupt.js";
import { withPriceFile } from "./price-file.js";
import { showBuild } from "./progress.js";
import { claimRunFolder, findRun, newRunFolder, removeIfEmpty, runConfig } from "./runs.js";
import { Sitting } from "./sitting.js";
import { Terminal } from "./terminal.js";

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
  readonly measure: boolean;
  readonly ui?: boolean;
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
    "errata train --name carry --resume --steps 200",
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
  .option(
    "--resume",
    "carry on from the run's last checkpoint, with the run's own configuration; more --steps extend it, and budget, prices and track may be set anew",
  )
  .option("--dry-run", "print the configuration and what the run will take, and stop")
  .option("--no-measure", "with --dry-run: take no step to measure how fast this machine is")
  .option("--ui", "show the run in a browser while it trains")
  .option("--no-gate", "do not measure first whether the method can help")
  .action(trainAction);

async function trainAction(options: TrainOptions): Promise<void> {
  const terminal = new Terminal(options);
  const resumed = options.resume === true ? findRun(options.name) : undefined;
  const config =
    resumed === undefined ? await newConfig(options) : await unchangedConfig(resumed, options);
  if (options.dryRun === true) {
    const { dryRun } = await import("./dry-run.js");
    return dryRun(terminal, config, options.measure);
  }
  const named =
    resumed === undefined && options.name !== undefined ? newRunFolder(options.name) : undefined;
  const folder = resumed ?? named ?? claimRunFolder(`${subject(config)}-seed${config.seed}`);

  const interrupt = new Interrupt(terminal);
  const hurry = new AbortController();
  const sitting = new Sitting(terminal, folder, config);
  const dashboard =
    options.ui === true ? await (await import("./ui.js")).openDashboard([], 0) : undefined;
  if (dashboard !== undefined) terminal.note(dashboard.url);
  try {
    // Loaded here, so that --help and a wrong flag are answered at once.
    const { trainInProcess } = await import("../launch/process.js");
    const training = trainInProcess({
      config,
      folder,
      resume: resumed !== undefined,
      // The gate asks about weak partners; an environment of its own has none.
      ...(options.gate && !usesOpenModelAlone(config) ? { gateTasks } : {}),
      signal: interrupt.signal,
      hurry: hurry.signal,
      onBuild: showBuild(terminal),
      onGate: (measured) => void sitting.gate(measured, gateTasks),
      onBegin: (step, progress, recoveries) => {
        for (const recovery of recoveries) terminal.note(recovery);
        sitting.begin(step, progress, resumed !== undefined);
        interrupt.set("finishing the step, then saving", async () => {
          hurry.abort();
          await sitting.report(await training);
        });
      },
      onForecast: (made) => sitting.forecast(made),
      onLine: (line, progress) => sitting.line(line, progress),
      onTrouble: (message) => terminal.note(message),
    });
    await sitting.report(await training);
    if (config.track.includes("wandb"))
      terminal.note(`to Weights & Biases: wandb sync ${join(folder, "tensorboard")}`);
  } finally {
    terminal.status("");
    interrupt.stop();
    await dashboard?.close();
    if (resumed === undefined) removeIfEmpty(folder);
  }
}

/** What a run is about: its preset, or the environment that replaces it. */
function subject({ environment, preset }: Config): string {
  if (environment === undefined) return preset;
  return parse(environment.replace(/^([\w-]{2,}):.+$/, "$1")).name;
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

/** The run's own configuration, with more steps where the flags ask for them; nothing else may change. */
async function unchangedConfig(folder: string, options: TrainOptions): Promise<Config> {
  const saved = runConfig(folder);
  // Another file of prices takes the place of what the first one said.
  const filed = options.set?.some((override) => override.startsWith("prices.file=")) === true;
  const before = filed ? { ...saved, prices: {} } : saved;
  const asked =
    options.config === undefined
      ? parseConfig(
          withPriceFile(applyOverrides(mergeConfig(before, flagsOf(options)), options.set ?? [])),
          sourceOfKeys({ overrides: options.set ?? [] }),
        )
      : await newConfig(options);
  requireSameConfig(folder, saved, asked);
  return carriedOn(saved, asked);
}
