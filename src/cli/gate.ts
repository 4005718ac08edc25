import type { Command } from "commander";
import { command, wholeNumber } from "./command.js";
import { exitCodes } from "./exit-codes.js";
import { measuredConfig, type MeasuringOptions, withMeasuringOptions } from "./measuring.js";
import { showBuild } from "./progress.js";
import { paint, Terminal } from "./terminal.js";

interface GateOptions extends MeasuringOptions {
  readonly tasks: number;
  readonly json?: boolean;
}

/** `errata gate`. */
export const gateCommand: Command = withMeasuringOptions(
  command(
    "gate",
    "measure, before any training, whether learning from weak models' mistakes can help",
    ["errata gate --preset arithmetic --tasks 200"],
  ),
)
  .option("--tasks <n>", "validation tasks", wholeNumber(1), 500)
  .addHelpText(
    "after",
    "\nExits with 0 when the gate passes, with 1 when it fails, and with 0 and a warning on stderr when it is\nundecided: an interval crosses a bound, which more --tasks can settle.\n",
  )
  .action(gateAction);

async function gateAction(options: GateOptions): Promise<void> {
  const terminal = new Terminal(options);
  const config = await measuredConfig(options);
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
