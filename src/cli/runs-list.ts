import { rmSync } from "node:fs";
import type { Command } from "commander";
import { ErrataError } from "../util/error.js";
import { command } from "./command.js";
import { changedAt, findRun, listRuns, runName } from "./runs.js";
import { count, share, table, Terminal } from "./terminal.js";

/** One run as `errata runs` lists it. */
interface RunRow {
  readonly run: string;
  readonly state: "running" | "finished" | "stopped" | "unreadable";
  readonly step: number | null;
  readonly steps: number | null;
  readonly accuracy: { readonly first: number | null; readonly last: number | null };
  readonly tokens: number;
  readonly money: number;
  readonly changed: string;
  /** Why it is unreadable. */
  readonly problem?: string;
}

const removeCommand = command("rm", "delete runs", [
  "errata runs rm arithmetic-seed0-1",
  "errata runs rm demo-1 --yes",
])
  .argument("<run...>", "names or folders of runs")
  .option("--yes", "do not ask")
  .action(remove);

/** `errata runs`. */
export const runsCommand: Command = command("runs", "list the runs in runs/, the latest first", [
  "errata runs",
  "errata runs --json",
  "errata runs rm arithmetic-seed0-1",
])
  .option("--names", "only their names, one a line")
  .action(list)
  .addCommand(removeCommand);

async function list(options: { readonly names?: boolean; readonly json?: boolean }): Promise<void> {
  const terminal = new Terminal(options);
  const folders = listRuns();
  if (options.names === true && !terminal.json) {
    for (const folder of folders) terminal.print(runName(folder));
    return;
  }
  const rows: RunRow[] = [];
  for (const folder of folders) rows.push(await rowOf(folder));
  terminal.result({ runs: rows });
  if (terminal.json) return;
  if (rows.length === 0) {
    terminal.print("there are no runs in runs/; errata train starts one");
    return;
  }
  const paid = rows.some((row) => row.money > 0);
  const cells = rows.map((row) => [
    row.run,
    row.state,
    `${row.step ?? "-"}/${row.steps ?? "-"}`,
    `${share(row.accuracy.first)} -> ${share(row.accuracy.last)}`,
    count(row.tokens),
    ...(paid ? [row.money.toFixed(2)] : []),
    row.changed.slice(0, 16).replace("T", " "),
  ]);
  const head = [
    "run",
    "state",
    "step",
    "accuracy",
    "tokens",
    ...(paid ? ["money"] : []),
    "changed",
  ];
  for (const line of table([head, ...cells], [0, 1])) terminal.print(line);
  for (const { run, problem } of rows)
    if (problem !== undefined) terminal.note(`${run}: ${problem}`);
}

async function rowOf(folder: string): Promise<RunRow> {
  const [{ learningCurve, readRun }, { lockHolder }] = await Promise.all([
    import("../run/record.js"),
    import("../run/lock.js"),
  ]);
  const changed = new Date(changedAt(folder)).toISOString();
  const running = lockHolder(folder) !== undefined;
  try {
    const { config, finished, lines, cost, money } = readRun(folder);
    const accuracies = learningCurve(lines).map(([, accuracy]) => accuracy);
    const steps = lines.filter((line) => "rollout/accuracy" in line);
    return {
      run: runName(folder),
      state: running ? "running" : finished ? "finished" : "stopped",
      step: (steps.at(-1)?.step ?? -1) + 1,
      steps: config.steps,
      accuracy: { first: accuracies[0] ?? null, last: accuracies.at(-1) ?? null },
      tokens: Object.values(cost).reduce((sum, { tokens }) => sum + tokens, 0),
      money,
      changed,
    };
  } catch (error) {
    const accuracy = { first: null, last: null };
    const state = running ? "running" : "unreadable";
    return {
      run: runName(folder),
      state,
      step: null,
      steps: null,
      accuracy,
      tokens: 0,
      money: 0,
      changed,
      problem: (error as Error).message,
    };
  }
}

async function remove(
  names: readonly string[],
  options: { readonly yes?: boolean; readonly json?: boolean },
): Promise<void> {
  const terminal = new Terminal(options);
  const { lockHolder } = await import("../run/lock.js");
  const folders = names.map((name) => findRun(name));
  for (const folder of folders) {
    const holder = lockHolder(folder);
    if (holder !== undefined)
      throw new ErrataError(`process ${holder} is working on the run in ${folder}`, {
        code: "RUN_BUSY",
        hint: "stop it first, or wait for it; nothing was deleted",
      });
  }
  if (options.yes !== true && !(await agreed(folders))) {
    terminal.print("nothing was deleted");
    return;
  }
  for (const folder of folders) rmSync(folder, { recursive: true });
  terminal.print(`deleted ${folders.join(", ")}`);
  terminal.result({ deleted: folders });
}

/** @throws ErrataError `RUN_CONFIRM` where nobody can be asked. */
async function agreed(folders: readonly string[]): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new ErrataError(`${folders.join(", ")}: deleting cannot be undone`, {
      code: "RUN_CONFIRM",
      hint: "add --yes where nobody can be asked",
    });
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await lines.question(`delete ${folders.join(", ")}? [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
