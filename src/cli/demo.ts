import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Command } from "commander";
import type { Config, ConfigInput } from "../config/config.js";
import { applyOverrides } from "../config/overrides.js";
import type { DemoArm, DemoReport } from "../study/demo.js";
import { ErrataError } from "../util/error.js";
import { costRoles } from "../watch/ledger.js";
import { command, wholeNumber } from "./command.js";
import { requireSameConfig } from "./config-file.js";
import { exitCodes } from "./exit-codes.js";
import { Interrupt } from "./interrupt.js";
import { showBuild, TrainingProgress } from "./progress.js";
import { claimRunFolder, listRuns, newRunFolder, runConfig, runName, runsFolder } from "./runs.js";
import { count, duration, magnitude, paint, table, Terminal } from "./terminal.js";

interface DemoFlags {
  readonly preset?: string;
  readonly seed?: number;
  readonly steps?: number;
  readonly name?: string;
  readonly set?: readonly string[];
  readonly details?: boolean;
  readonly resume?: boolean;
  readonly json?: boolean;
}

/** What each arm is called in front of people. */
const titles: Readonly<Record<DemoArm, string>> = { errata: "Errata", grpo: "plain GRPO" };

/** What a newcomer is about to see. */
const introduction = [
  "A small model adds two numbers of ten digits. It nearly always forgets the carry: one sum in a",
  "hundred is right. It is trained twice from there, with Errata and by plain GRPO. This task was",
  "chosen because Errata works on it; on others it gains nothing (docs/results.md). One or two minutes.",
  "",
] as const;

/** `errata demo`. */
export const demoCommand: Command = command(
  "demo",
  "train the same student with Errata and by plain GRPO, side by side",
  [
    "errata demo",
    "errata demo --preset arithmetic --seed 3 --json",
    "errata demo --resume --name demo-1",
  ],
)
  .option(
    "-p, --preset <name>",
    "domain and base models (default: arithmetic-cold, where the method works)",
  )
  .option("--seed <n>", "seed of both", wholeNumber(0))
  .option("--steps <n>", "training steps of both", wholeNumber(1))
  .option("-n, --name <name>", "folder below runs/ (default: demo-<n>)")
  .option("--set <key=value...>", "override any key of both configurations")
  .option("--details", "print who was rescued, the cost by role and the mistakes too")
  .option("--resume", "carry on a demonstration that stopped (default: the latest)")
  .addHelpText(
    "after",
    "\nBoth start from the same weights and see the same tasks, seed and number of rollouts.\n" +
      "One seed shows a difference, not its size. No configuration file is read.\n",
  )
  .action(demo);

async function demo(flags: DemoFlags): Promise<void> {
  const terminal = new Terminal(flags);
  const { demoConfigs, demoReport, runDemo, shownByDefault } = await import("../study/demo.js");
  const asked = (under: ConfigInput): Readonly<Record<DemoArm, Config>> =>
    demoConfigs(applyOverrides({ ...under, ...input(flags) }, flags.set ?? []));
  const resumed = flags.resume === true ? demoFolder(flags.name) : undefined;
  const named =
    resumed === undefined && flags.name !== undefined ? newRunFolder(flags.name) : undefined;
  const chosen = flags.preset !== undefined || flags.set?.some((o) => o.startsWith("preset="));
  const fresh = chosen === true ? {} : shownByDefault;
  const configs = asked(resumed === undefined ? fresh : runConfig(join(resumed, "student")));
  if (resumed !== undefined) requireUnchanged(resumed, configs);

  const folder = resumed ?? named ?? claimRunFolder("demo");
  const interrupt = new Interrupt(terminal);
  const hurry = new AbortController();
  const started = performance.now();
  try {
    if (resumed === undefined && chosen !== true)
      for (const line of introduction) terminal.print(line);
    terminal.print(`${paint.bold(folder)}: ${configs.errata.steps} steps of each`);
    const training = runDemo({
      configs,
      folder,
      signal: interrupt.signal,
      hurry: hurry.signal,
      onBuild: showBuild(terminal),
      onLine: showArms(terminal, configs.errata),
    });
    interrupt.set("finishing the step of both students, then saving", async () => {
      hurry.abort();
      await training;
      interrupted(terminal, folder);
    });
    const finished = await training;
    terminal.status("");
    if (!finished) {
      interrupted(terminal, folder);
      return;
    }
    const seconds = (performance.now() - started) / 1000;
    const report = demoReport(folder);
    if (terminal.json) terminal.result({ seconds, ...report });
    else await print(terminal, report, seconds, flags.details === true);
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
  for (const [path, config] of [
    [join(folder, "student"), configs.errata],
    [join(folder, "grpo"), configs.grpo],
  ] as const)
    if (existsSync(join(path, "config.json"))) requireSameConfig(path, runConfig(path), config);
}

/** A bar for each arm; a plain line at each evaluation where the terminal cannot redraw. */
function showArms(
  terminal: Terminal,
  { steps, tasksPerStep }: Config,
): (arm: DemoArm, ...line: Parameters<TrainingProgress["add"]>) => void {
  const arms = {
    errata: new TrainingProgress(steps, tasksPerStep),
    grpo: new TrainingProgress(steps, tasksPerStep),
  };
  const draw = (): void => {
    const left = Math.max(arms.errata.secondsLeft() ?? 0, arms.grpo.secondsLeft() ?? 0);
    const lines = (["errata", "grpo"] as const).map(
      (name) => `${titles[name].padEnd(10)}  ${arms[name].bar()}`,
    );
    terminal.status([...lines, ...(left > 0 ? [`${duration(left)} left`] : [])].join("\n"));
  };
  draw();
  return (arm, line, progress) => {
    const evaluated = arms[arm].add(line, progress);
    draw();
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

async function print(
  terminal: Terminal,
  report: DemoReport,
  seconds: number,
  details: boolean,
): Promise<void> {
  const { demoSentence } = await import("../study/demo.js");
  const { student, grpo, flops } = report;
  const percent = (n: number | null): string => (n === null ? "-" : `${Math.round(100 * n)}%`);
  const steps = (n: number | null): string => (n === null ? `> ${report.steps}` : String(n));
  const rows = [
    ["", titles.errata, titles.grpo],
    ["new tasks solved before", percent(student.before), percent(grpo.before)],
    ["new tasks solved after", percent(student.after), percent(grpo.after)],
    ["steps to half of them", steps(student.stepsTo50), steps(grpo.stepsTo50)],
    ["computing (FLOPs)", magnitude(flops.student), magnitude(flops.grpo)],
  ];
  terminal.print();
  for (const line of table(rows)) terminal.print(`  ${line}`);
  if (details) {
    terminal.print();
    for (const line of detailLines(report, seconds)) terminal.print(`  ${line}`);
  }
  terminal.print();
  terminal.print(paint.bold(demoSentence(report)));
  terminal.print(
    `One seed, ${duration(seconds)}. Both runs are in ${report.run}; next: errata train --help`,
  );
}

/** Who was rescued, what each role cost, and which mistakes were kept. */
function detailLines(report: DemoReport, seconds: number): string[] {
  const { stuck, stuckGrpo, corpus, cost } = report;
  const part = (some: number, of: number): string =>
    of === 0 ? "-" : `${count(some)} of ${count(of)} (${Math.round((100 * some) / of)}%)`;
  const spent = (role: (typeof costRoles)[number]): string[] => [
    `FLOPs of ${role}`,
    ...(["student", "grpo"] as const).map((arm) => magnitude(cost[arm][role].flops)),
  ];
  const rows = [
    [
      "stuck groups rescued",
      part(stuck.rescued, stuck.groups),
      part(stuckGrpo.rescued, stuckGrpo.groups),
    ],
    ["  steered", part(stuck.rescuedSteered, stuck.steered), "-"],
    [
      "  on-policy",
      part(stuck.rescued - stuck.rescuedSteered, stuck.groups - stuck.steered),
      part(stuckGrpo.rescued, stuckGrpo.groups),
    ],
    ...costRoles.filter((role) => cost.student[role].flops + cost.grpo[role].flops > 0).map(spent),
  ];
  return [
    `${report.preset} (${report.kind} error), seed ${report.seed}, ${report.steps} steps, ` +
      `${count(report.rollouts)} rollouts each, ${duration(seconds)}`,
    ...table(rows),
    `mistakes: ${count(corpus.admitted)} admitted, ${count(corpus.merged)} merged, ${count(corpus.mistakes)} kept`,
    ...Object.entries(corpus.signatures).map(
      ([name, { mistakes, merged }]) =>
        `  ${name}: ${count(mistakes)} kept, ${count(merged)} merged`,
    ),
  ];
}
