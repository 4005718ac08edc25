import { existsSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { InvalidArgumentError, type Command } from "commander";
import {
  loadProtocol,
  protocolOf,
  saveProtocol,
  studyFolder,
  type Protocol,
} from "../study/design/protocol.js";
import { armList } from "../study/report/arm-list.js";
import { claimLines, falsifierLines, summaryTable } from "../study/report/text.js";
import { savingLines } from "../study/report/saving-lines.js";
import { onlyArms, requireArms, studyNamed, studyNames } from "../study/design/studies.js";
import { defaultSeeds, studentsOf, type StudyInput } from "../study/design/study.js";
import { tunedRates } from "../study/design/tuned-rates.js";
import type { ConfigInput } from "../config/config.js";
import { applyOverrides } from "../config/overrides.js";
import { parseConfig } from "../config/parse.js";
import { presetFor } from "../launch/prepare.js";
import { command, wholeNumber } from "./command.js";
import { CompareProgress } from "./compare-progress.js";
import { importDefault } from "../util/import-default.js";
import { exitCodes } from "./exit-codes.js";
import { Interrupt } from "./interrupt.js";
import { showBuild } from "./progress.js";
import { paint, table, Terminal, type OutputOptions } from "./terminal.js";

interface CompareFlags {
  readonly domain?: string;
  readonly quick?: boolean;
  readonly arms?: readonly string[];
  readonly seeds?: number;
  readonly firstSeed?: number;
  readonly steps?: number;
  readonly set?: readonly string[];
  readonly tune: boolean;
  readonly gate: boolean;
  readonly list?: boolean;
  readonly jobs: number;
  readonly folder: string;
  readonly json?: boolean;
}

/** Seeds of `--quick`: the fewest that decide a claim. */
const quickSeeds = 5;

/** `errata compare`. */
export const compareCommand: Command = command(
  "compare",
  "compare the method with what it must beat: arms over seeds, claims named in advance, a report",
  [
    "errata compare steps --domain arithmetic --quick",
    "errata compare falsifiers --domain proof --seeds 5 --json",
    "errata compare ablation --domain arithmetic --arms errata,grpo,pooled --no-tune",
    "errata compare steps --list",
    "errata compare my-study.ts",
  ],
)
  .argument("<study>", `${studyNames.join(", ")}; a study file; or a study's folder`)
  .option("-d, --domain <preset>", "domain and base models (default: proof)")
  .option("--quick", "minutes: few arms and seeds, stored learning rates")
  .option("--arms <names>", "only these arms, separated by commas", names)
  .option("--seeds <n>", "how many seeds are reported", wholeNumber(1))
  .option(
    "--first-seed <n>",
    `the first of them (default: ${defaultSeeds.report.first})`,
    wholeNumber(0),
  )
  .option("--steps <n>", "training steps of every run", wholeNumber(1))
  .option("--set <key=value...>", "override any key of every arm's configuration")
  .option("--no-tune", "take stored learning rates, or the preset's, instead of tuning each arm's")
  .option("--no-gate", "do not measure the domain's gate for the report")
  .option("--list", "list the study's arms with what each is and its source, and run nothing")
  .option("-j, --jobs <n>", "runs trained at once", wholeNumber(1), availableParallelism())
  .option("--folder <path>", "where studies are kept", "studies")
  .addHelpText(
    "after",
    "\nStart it again to carry on: finished runs are kept, and a changed study gets a folder of its own.\n",
  )
  .action(compare);

/** Names separated by commas, as an option's value. */
export function names(text: string): string[] {
  const list = text.split(",").map((name) => name.trim());
  if (list.includes("")) throw new InvalidArgumentError("It must be names separated by commas.");
  return list;
}

async function compare(target: string, flags: CompareFlags): Promise<void> {
  const protocol = await protocolAsked(target, flags);
  if (flags.list === true) return listArms(protocol, flags);
  const folder = isFolder(target) ? target : studyFolder(flags.folder, protocol);
  await compareStudy(protocol, {
    ...flags,
    study: folder,
    folder: dirname(folder),
    again: commandLine(target, flags),
    gate: flags.gate && flags.quick !== true,
  });
}

function listArms({ arms }: Protocol, flags: CompareFlags): void {
  const terminal = new Terminal(flags);
  const { head, rows } = armList(arms);
  if (terminal.json)
    terminal.result(
      arms.map(({ name, family, description, source = null }) => ({
        name,
        family,
        description,
        source,
      })),
    );
  else for (const line of table([head, ...rows], [0, 1, 2, 3])) terminal.print(line);
}

/** What a command says about the study it runs. */
export interface CompareOptions extends OutputOptions {
  /** The study's own folder, and the one that studies and their runs are kept in. */
  readonly study: string;
  readonly folder: string;
  /** Runs trained at once. */
  readonly jobs: number;
  /** The command that does the same again. */
  readonly again: string;
  /** Whether the domain's gate is measured for the report, where it was not yet. */
  readonly gate: boolean;
}

/** Runs a study to its report, or until it is interrupted. */
export async function compareStudy(protocol: Protocol, options: CompareOptions): Promise<void> {
  const { study, folder, jobs, again } = options;
  const terminal = new Terminal(options);
  const { runStudy, saveIndex } = await import("../study/runs/runner.js");
  const { resultOf } = await import("../study/verdict/result.js");
  const { writeReport } = await import("../study/report/report.js");
  const { gateValues } = await import("../study/runs/gate-values.js");
  saveProtocol(study, protocol);
  const interrupt = new Interrupt(terminal);
  const hurry = new AbortController();
  const progress = new CompareProgress(terminal, jobs);
  try {
    const running = runStudy(protocol, {
      runs: join(folder, "runs"),
      workers: jobs,
      signal: interrupt.signal,
      hurry: hurry.signal,
      onBuild: showBuild(terminal),
      onPlan: (done, total) => progress.plan(done, total),
      onLine: (job, line) => progress.line(job, line),
      onRun: (job, run) => progress.run(job, run),
      onAbility: (done, total) =>
        terminal.status(`measuring what students can do: ${done} of ${total}`),
    });
    interrupt.set("finishing the step of every run, then saving", async () => {
      hurry.abort();
      await running.catch(() => undefined);
      interrupted(terminal, study, again);
    });
    const runs = await running;
    terminal.status("");
    if (runs === undefined) return interrupted(terminal, study, again);
    saveIndex(study, runs);
    const result = resultOf(protocol, runs.runs, runs.rates);
    if (options.gate) terminal.status("measuring the gate");
    const gate = await gateValues(study, protocol, options.gate);
    writeReport(study, { protocol, runs: runs.runs, result, command: again, gate });
    terminal.result(result);
    if (terminal.json) return;
    terminal.print();
    terminal.print(summaryTable(result));
    terminal.print();
    for (const line of claimLines(result)) terminal.print(line);
    for (const line of falsifierLines(result)) terminal.print(line);
    for (const line of savingLines(result)) terminal.print(line);
    terminal.print();
    terminal.print(paint.dim(`again: ${again}`));
    terminal.print(`${join(study, "report.html")} shows it; ${study} holds everything.`);
  } catch (error) {
    if (!interrupt.aborted) throw error;
    interrupted(terminal, study, again);
  } finally {
    terminal.status("");
    interrupt.stop();
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

/** A stored protocol, a study file or a study by name, with what the flags change. */
async function protocolAsked(target: string, flags: CompareFlags): Promise<Protocol> {
  if (isFolder(target)) return loadProtocol(target);
  const { quick = false, arms, seeds, firstSeed, steps, set = [], tune } = flags;
  const config: ConfigInput = applyOverrides(steps === undefined ? {} : { steps }, set);
  const domain = flags.domain ?? "proof";
  // Another environment may have other students than the domain's.
  const students =
    config.environment === undefined
      ? {}
      : { students: studentsOf(await presetFor(parseConfig({ preset: domain, ...config }))) };
  const written = /\.[cm]?[jt]s$/.test(target)
    ? ((await importDefault(target, "defineStudy({ ... })")) as unknown as StudyInput)
    : studyNamed(target, domain, { quick: quick && arms === undefined, ...students });
  if (arms !== undefined) requireArms(written, arms);
  const chosen = arms === undefined ? written : onlyArms(written, arms);
  const report = {
    ...defaultSeeds.report,
    ...(quick ? { count: quickSeeds } : {}),
    ...chosen.seeds,
  };
  const study: StudyInput = {
    ...chosen,
    seeds: {
      first: firstSeed ?? report.first,
      count: seeds ?? report.count,
    },
  };
  const fixed = quick || !tune;
  return protocolOf(study, {
    config,
    // An ablation differs from ours in one thing, which the rate must not be.
    ...(fixed ? { rates: study.name === "ablation" ? {} : (tunedRates[study.domain] ?? {}) } : {}),
  });
}

/** The command line that makes the same study again. */
function commandLine(target: string, flags: CompareFlags): string {
  const { domain, quick, arms, seeds, firstSeed, steps, set = [], tune, folder } = flags;
  const quoted = (text: string): string => (/^[\w./=,-]+$/.test(text) ? text : `'${text}'`);
  return [
    "npx errata compare",
    quoted(target),
    ...(domain === undefined ? [] : ["--domain", domain]),
    ...(quick === true ? ["--quick"] : []),
    ...(arms === undefined ? [] : ["--arms", arms.join(",")]),
    ...(seeds === undefined ? [] : ["--seeds", String(seeds)]),
    ...(firstSeed === undefined ? [] : ["--first-seed", String(firstSeed)]),
    ...(steps === undefined ? [] : ["--steps", String(steps)]),
    ...(set.length === 0 ? [] : ["--set", ...set.map(quoted)]),
    ...(tune ? [] : ["--no-tune"]),
    ...(flags.gate ? [] : ["--no-gate"]),
    ...(resolve(folder) === resolve("studies") ? [] : ["--folder", quoted(folder)]),
  ].join(" ");
}

function interrupted(terminal: Terminal, folder: string, again: string): void {
  terminal.status("");
  if (terminal.json) terminal.result({ study: folder, interrupted: true, resume: again });
  else terminal.print(`interrupted and saved; carry on with: ${again}`);
  process.exitCode = exitCodes.interrupted;
}
