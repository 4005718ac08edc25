import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import { applyOverrides, type Config, type ConfigInput } from "../config/config.js";
import type { DemoArm, DemoReport } from "../study/demo.js";
import { ErrataError } from "../util/error.js";
import { costRoles } from "../watch/ledger.js";
import { command, wholeNumber } from "./command.js";
import { requireSameConfig } from "./config-file.js";
import { exitCodes } from "./exit-codes.js";
import { Interrupt } from "./interrupt.js";
import { showBuild, TrainingProgress } from "./progress.js";
import { claimRunFolder, listRuns, newRunFolder, runConfig, runName, runsFolder } from "./runs.js";
import { count, duration, magnitude, paint, share, table, Terminal } from "./terminal.js";

interface DemoFlags {
  readonly preset?: string;
  readonly seed?: number;
  readonly steps?: number;
  readonly name?: string;
  readonly set?: readonly string[];
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** What each arm is called in front of people. */
const titles: Readonly<Record<DemoArm, string>> = { student: "Errata", grpo: "plain GRPO" };

/** `errata demo`. */
export const demoCommand: Command = command(
  "demo",
  "train the same student with the method and by plain GRPO, side by side, and compare",
  [
    "errata demo",
    "errata demo --preset arithmetic --seed 3 --json",
    "errata demo --resume --name demo-1",
  ],
)
  .option("-p, --preset <name>", "domain and base models (default: proof)")
  .option("--seed <n>", "seed of both", wholeNumber(0))
  .option("--steps <n>", "training steps of both", wholeNumber(1))
  .option("-n, --name <name>", "folder below runs/ (default: demo-<n>)")
  .option("--set <key=value...>", "override any key of both configurations")
  .option("--resume", "carry on a demonstration that stopped (default: the latest)")
  .addHelpText(
    "after",
    "\nBoth start from the same weights and see the same tasks, seed and number of rollouts. The table's\n" +
      "costs include weak partners, experts and probes. One seed shows a difference, not its size.\nNo configuration file is read.\n",
  )
  .action(demo);

async function demo(flags: DemoFlags): Promise<void> {
  const terminal = new Terminal(flags);
  const { demoConfigs, demoReport, runDemo } = await import("../study/demo.js");
  const asked = (under: ConfigInput): Readonly<Record<DemoArm, Config>> =>
    demoConfigs(applyOverrides({ ...under, ...input(flags) }, flags.set ?? []));
  const resumed = flags.resume === true ? demoFolder(flags.name) : undefined;
  const named =
    resumed === undefined && flags.name !== undefined ? newRunFolder(flags.name) : undefined;
  const configs = asked(resumed === undefined ? {} : runConfig(join(resumed, "student")));
  if (resumed !== undefined) requireUnchanged(resumed, configs);

  const folder = resumed ?? named ?? claimRunFolder("demo");
  const interrupt = new Interrupt(terminal);
  const hurry = new AbortController();
  const started = performance.now();
  try {
    const training = runDemo({
      configs,
      folder,
      signal: interrupt.signal,
      hurry: hurry.signal,
      onBuild: showBuild(terminal),
      onLine: showArms(terminal, configs.student),
    });
    interrupt.set("finishing the step of both students, then saving", async () => {
      hurry.abort();
      await training;
      interrupted(terminal, folder);
    });
    terminal.print(
      `${paint.bold(folder)}: ${titles.student} and ${titles.grpo}, ${configs.student.steps} steps each`,
    );
    const finished = await training;
    terminal.status("");
    if (!finished) {
      interrupted(terminal, folder);
      return;
    }
    const seconds = (performance.now() - started) / 1000;
    const report = demoReport(folder);
    if (terminal.json) terminal.result({ seconds, ...report });
    else await print(terminal, report, seconds);
  } catch (error) {
    if (!interrupt.aborted || hurry.signal.aborted || existsSync(join(folder, "student")))
      throw error;
    terminal.note("interrupted before training began: there is nothing to resume");
    terminal.result({ run: null, interrupted: true });
    process.exitCode = exitCodes.interrupted;
  } finally {
    terminal.status("");
    interrupt.stop();
  }
}

function input({ preset, seed, steps }: DemoFlags): ConfigInput {
  return {
    ...(preset === undefined ? {} : { preset }),
    ...(seed === undefined ? {} : { seed }),
    ...(steps === undefined ? {} : { steps }),
  };
}

/** The folder of a demonstration that was started: by name, or the latest. */
function demoFolder(name: string | undefined): string {
  const folders = listRuns()
    .filter((run) => basename(run) === "student")
    .map((run) => dirname(run));
  const wanted = [name, name === undefined ? undefined : join(runsFolder, name)];
  const folder = name === undefined ? folders[0] : folders.find((f) => wanted.includes(f));
  if (folder !== undefined) return folder;
  throw new ErrataError(
    name === undefined
      ? "there is no demonstration to resume"
      : `there is no demonstration "${name}"`,
    {
      code: "RUN_MISSING",
      hint:
        folders.length === 0
          ? "errata demo starts one"
          : `known: ${folders.map(runName).join(", ")}`,
    },
  );
}

function requireUnchanged(folder: string, configs: Readonly<Record<DemoArm, Config>>): void {
  for (const arm of ["student", "grpo"] as const) {
    const path = join(folder, arm);
    if (existsSync(join(path, "config.json")))
      requireSameConfig(path, runConfig(path), configs[arm]);
  }
}

/** One updating line for both arms; a plain line at each evaluation where there is none. */
function showArms(
  terminal: Terminal,
  { steps, tasksPerStep }: Config,
): (arm: DemoArm, ...line: Parameters<TrainingProgress["add"]>) => void {
  const arms = {
    student: new TrainingProgress(steps, tasksPerStep),
    grpo: new TrainingProgress(steps, tasksPerStep),
  };
  return (arm, line, progress) => {
    const evaluated = arms[arm].add(line, progress);
    const left = Math.max(arms.student.secondsLeft() ?? 0, arms.grpo.secondsLeft() ?? 0);
    const both = (["student", "grpo"] as const).map(
      (name) => `${titles[name]} ${arms[name].summary()}`,
    );
    terminal.status(`${both.join(" | ")}${left > 0 ? ` | ${duration(left)} left` : ""}`);
    if (evaluated && !terminal.live)
      terminal.print(`${titles[arm].padEnd(10)}  ${arms[arm].line()}`);
  };
}

function interrupted(terminal: Terminal, folder: string): void {
  const resume = `errata demo --name ${runName(folder)} --resume`;
  terminal.status("");
  if (terminal.json) terminal.result({ run: folder, interrupted: true, resume });
  else terminal.print(`interrupted and saved; carry on with: ${resume}`);
  process.exitCode = exitCodes.interrupted;
}

async function print(terminal: Terminal, report: DemoReport, seconds: number): Promise<void> {
  const [{ demoVerdict }, { wilsonInterval }] = await Promise.all([
    import("../study/demo.js"),
    import("../util/statistics/intervals.js"),
  ]);
  const { student, grpo, stuck, stuckGrpo, corpus, cost, evaluationTasks } = report;
  const steps = (n: number | null): string => (n === null ? "-" : String(n));
  const part = (some: number, of: number): string =>
    of === 0 ? "-" : `${count(some)} of ${count(of)} (${Math.round((100 * some) / of)}%)`;
  const after = (accuracy: number | null): string => {
    if (accuracy === null) return "-";
    const { low, high } = wilsonInterval(Math.round(accuracy * evaluationTasks), evaluationTasks);
    return `${share(accuracy)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
  };
  const flops = (arm: DemoArm, roles: readonly (typeof costRoles)[number][]): number =>
    roles.reduce((n, role) => n + cost[arm][role].flops, 0);
  const spent = (name: string, roles: readonly (typeof costRoles)[number][]): string[] => [
    name,
    ...(["student", "grpo"] as const).map((arm) => magnitude(flops(arm, roles))),
  ];
  const trainingRoles = costRoles.filter((role) => role !== "evaluation");
  const rows = [
    ["", titles.student, titles.grpo],
    ["held-out accuracy before", share(student.before), share(grpo.before)],
    ["held-out accuracy after [95%]", after(student.after), after(grpo.after)],
    ["steps to 50%", steps(student.stepsTo50), steps(grpo.stepsTo50)],
    ["steps to 80%", steps(student.stepsTo80), steps(grpo.stepsTo80)],
    [
      "stuck groups rescued",
      part(stuck.rescued, stuck.groups),
      part(stuckGrpo.rescued, stuckGrpo.groups),
    ],
    ["  steered by an expert", part(stuck.rescuedSteered, stuck.steered), "-"],
    [
      "  on-policy",
      part(stuck.rescued - stuck.rescuedSteered, stuck.groups - stuck.steered),
      part(stuckGrpo.rescued, stuckGrpo.groups),
    ],
    spent("FLOPs of training", trainingRoles),
    ...trainingRoles
      .filter((role) => flops("student", [role]) + flops("grpo", [role]) > 0)
      .map((role) => spent(`  ${role}`, [role])),
    spent("FLOPs of evaluation, not in training", ["evaluation"]),
  ];
  terminal.print();
  terminal.print(
    `${report.preset} (${report.kind} error), seed ${report.seed}, ${report.steps} steps, ` +
      `${count(report.rollouts)} rollouts each, ${duration(seconds)}`,
  );
  for (const line of table(rows)) terminal.print(`  ${line}`);
  terminal.print(
    `mistakes: ${count(corpus.admitted)} admitted, ${count(corpus.merged)} merged, ${count(corpus.mistakes)} kept`,
  );
  for (const [name, { mistakes, merged }] of Object.entries(corpus.signatures))
    terminal.print(`  ${name}: ${count(mistakes)} kept, ${count(merged)} merged`);
  terminal.print();
  terminal.print(paint.bold(demoVerdict(report)));
  terminal.print("This is one seed; how large the difference is, only several seeds can tell.");
  terminal.print(`${report.run}/student and ${report.run}/grpo hold both runs.`);
}
