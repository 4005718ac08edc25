import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { command, wholeNumber } from "./command.js";
import { measuredConfig, type MeasuringOptions, withMeasuringOptions } from "./measuring.js";
import { showBuild } from "./progress.js";
import { table, Terminal } from "./terminal.js";

interface RescueFlags extends MeasuringOptions {
  readonly tasks: number;
  readonly attempts: number;
  readonly json?: boolean;
}

/** `errata rescue`. */
export const rescueCommand: Command = withMeasuringOptions(
  command("rescue", "measure, without training, how many stuck tasks each error expert rescues", [
    "errata rescue --preset arithmetic",
    "errata rescue --preset proof --set explore.mask=0.05",
  ]),
)
  .option("--tasks <n>", "validation tasks", wholeNumber(1), 600)
  .option("--attempts <n>", "attempts that make a task stuck, and fresh ones", wholeNumber(1), 4)
  .action(rescue);

async function rescue(options: RescueFlags): Promise<void> {
  const terminal = new Terminal(options);
  const config = await measuredConfig(options);
  const [
    { prepare },
    { Run },
    { warmUp },
    { refitExperts },
    { measureRescue },
    { drawTasks },
    { Random },
  ] = await Promise.all([
    import("../launch/prepare.js"),
    import("../run/run.js"),
    import("../loop/collect.js"),
    import("../loop/steer.js"),
    import("../assess/rescue.js"),
    import("../play/curriculum.js"),
    import("../util/random.js"),
  ]);
  const setup = await prepare(config, { onProgress: showBuild(terminal) });
  const folder = mkdtempSync(join(tmpdir(), "errata-rescue-"));
  try {
    const run = await Run.create(join(folder, "run"), setup);
    run.beginStep();
    terminal.status("collecting the weak partners' mistakes");
    await warmUp(run, setup, Random.from(config.seed, "warm-up"));
    terminal.status("fitting error experts");
    await refitExperts(run, setup, Random.from(config.seed, "refit"));
    terminal.status("sampling stuck tasks");
    const { experts } = run.state;
    const tasks = drawTasks(setup.environment, {
      split: "validation",
      levels: setup.preset.levels,
      count: options.tasks,
      random: Random.from(config.seed, "rescue-tasks"),
    });
    const report = await measureRescue(setup, experts, { tasks, attempts: options.attempts });
    await run.abandon();
    run.close();
    terminal.status("");
    terminal.result(report);
    terminal.print(
      `${report.preset}: ${report.stuck} of ${report.tasks} validation tasks fail ${options.attempts} times`,
    );
    const interval = (x: { mean: number; low: number; high: number } | undefined): string =>
      x === undefined ? "-" : `${x.mean.toFixed(2)} [${x.low.toFixed(2)}, ${x.high.toFixed(2)}]`;
    const rows = report.arms.map((a) => [
      a.arm,
      interval(a.rescued),
      interval(a.accuracy),
      interval(a.ratio),
    ]);
    for (const line of table([["sampling", "rescued", "accuracy", "rescued / on-policy"], ...rows]))
      terminal.print(`  ${line}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
