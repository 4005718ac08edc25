/** What commands that measure a configuration without training share. */
import type { Command } from "commander";
import type { Config, ConfigInput } from "../config/config.js";
import { wholeNumber } from "./command.js";
import { resolveConfig } from "./config-file.js";

/** Which configuration is measured. */
export interface MeasuringOptions {
  readonly config?: string;
  readonly preset?: string;
  readonly seed?: number;
  readonly set?: readonly string[];
}

/** Adds the options that choose a configuration. */
export function withMeasuringOptions(command: Command): Command {
  return command
    .option(
      "-c, --config <file>",
      "configuration file (default: errata.config.ts, where there is one)",
    )
    .option("-p, --preset <name>", "domain and base models")
    .option("--seed <n>", "seed of the tasks and attempts", wholeNumber(0))
    .option("--set <key=value...>", "override any key of the configuration");
}

/** The configuration that the options choose. */
export function measuredConfig({
  config,
  preset,
  seed,
  set = [],
}: MeasuringOptions): Promise<Config> {
  const flags: ConfigInput = {
    ...(preset === undefined ? {} : { preset }),
    ...(seed === undefined ? {} : { seed }),
  };
  return resolveConfig({
    ...(config === undefined ? {} : { file: config }),
    flags,
    overrides: set,
  });
}
