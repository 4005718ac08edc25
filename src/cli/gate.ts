import type { Command } from "commander";
import type { ConfigInput } from "../config/config.js";
import { command, wholeNumber } from "./command.js";
import { resolveConfig } from "./config-file.js";
import { exitCodes } from "./exit-codes.js";
import { showBuild } from "./progress.js";
import { paint, Terminal } from "./terminal.js";

interface GateOptions {
  readonly config?: string;
  readonly preset?: string;
  readonly tasks: number;
  readonly seed?: number;
  readonly set?: readonly string[];
  readonly json?: boolean;
}

/** `errata gate`. */
export const gateCommand: Command = command(
  "gate",
  "measure, before any training, whether learning from weak models' mistakes can help",
  ["errata gate --preset arithmetic --tasks 200"],
)
  .option(
    "-c, --config <file>",
    "configuration file (default: errata.config.ts, where there is one)",
  )
  .option("-p, --preset <name>", "domain and base models")
  .option("--tasks <n>", "validation tasks", wholeNumber(1), 500)
  .option("--seed <n>", "seed of the tasks and attempts", wholeNumber(0))
  .option("--set <key=value...>", "override any key of the configuration")
  .addHelpText(
    "after",
    "\nExits with 0 when the gate passes, with 1 when it fails, and with 0 and a warning on stderr when it is\nundecided: an interval crosses a bound, which more --tasks can settle.\n",
  )
  .action(gateAction);

async function gateAction(options: GateOptions): Promise<void> {
  const terminal = new Terminal(options);
  const flags: ConfigInput = {
    ...(options.preset === undefined ? {} : { preset: options.preset }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  };
  const config = await resolveConfig({
    ...(options.config === undefined ? {} : { file: options.config }),
    flags,
    overrides: options.set ?? [],
  });
  const [{ prepare }, { gate, gateLines, gateWarning }] = await Promise.all([
    import("../launch/prepare.js"),
    import("../assess/gate.js"),
  ]);
  const setup = await prepare(config, { onProgress: showBuild(terminal) });
  terminal.status(`measuring the gate on ${options.tasks} tasks`);
  const measured = await gate(setup, { tasks: options.tasks });
  terminal.status("");
  if (terminal.json) terminal.result(measured);
  else {
    terminal.print(`${measured.preset}: ${measured.tasks} validation tasks`);
    for (const line of gateLines(measured))
      terminal.print(`  ${line.startsWith("FAIL") ? paint.red(line) : line}`);
    const errors = Object.entries(measured.signatures).map(
      ([name, part]) => `${name} ${part.toFixed(2)}`,
    );
    if (errors.length > 0) terminal.print(`  the student's errors: ${errors.join(", ")}`);
  }
  if (measured.outcome === "undecided") terminal.note(paint.yellow(gateWarning(measured)!));
  if (measured.outcome === "fail") process.exitCode = exitCodes.failed;
}
