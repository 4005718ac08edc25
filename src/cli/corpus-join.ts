/** `errata corpus join`: attempts or a weak partner for a run, also while it trains. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { checkAttemptRecords } from "../mistakes/attempt-line.js";
import { ErrataError } from "../util/error.js";
import { readText } from "../util/read-text.js";
import { deliver } from "../run/inbox.js";
import { readRun } from "../run/record.js";
import { command } from "./command.js";
import { exitCodes } from "./exit-codes.js";
import { findRun } from "./runs.js";
import { count, paint, Terminal } from "./terminal.js";

/** Puts files into a run's inbox. */
export const joinCommand: Command = command(
  "join",
  "give a run attempts (.jsonl) or a weak partner (.safetensors), also while it trains",
  [
    "errata corpus join attempts.jsonl --run arithmetic-seed0-1",
    "errata corpus join small.safetensors",
  ],
)
  .argument("<files...>", "attempts: one JSON object a line, {task, actions, source}")
  .option("--run <name>", "name or folder of the run (default: the latest)")
  .addHelpText(
    "after",
    "\nThe run replays and judges every attempt itself, and uses them from its next refit.\n" +
      "A line that is no attempt is reported and the others are used; the exit status is then 1.\n",
  )
  .action(async (files: string[], options: { readonly run?: string; readonly json?: boolean }) => {
    const terminal = new Terminal(options);
    const folder = findRun(options.run);
    for (const file of files)
      if (!existsSync(file))
        throw new ErrataError(`there is no file ${file}`, {
          code: "IMPORT_FILE",
          hint: "name a file of attempts (.jsonl) or a weak partner (.safetensors)",
        });
    const { finished, checkpoint } = readRun(folder);
    if (finished)
      throw new ErrataError(`${folder} has finished: it will take nothing any more`, {
        code: "RUN_FINISHED",
        hint: "join files to a run that trains, or import them into a corpus: errata corpus import",
      });
    const partners = files.filter((file) => file.endsWith(".safetensors"));
    if (partners.length > 0) {
      const { LocalEngine } = await import("../engine/local.js");
      const { readPartner } = await import("../run/partner-file.js");
      const { storedShape } = await import("../engine/files/checkpoint.js");
      const { vocabulary } = await storedShape(join(checkpoint, "model.safetensors"));
      const engine = new LocalEngine();
      for (const file of partners) await readPartner(engine, file, vocabulary);
    }
    const problems: Problem[] = [];
    const delivered: string[] = [];
    for (const file of files) {
      const attempts = file.endsWith(".jsonl") ? checkAttemptRecords(textOf(file)) : undefined;
      problems.push(...(attempts?.problems ?? []).map((problem) => ({ file, ...problem })));
      if (attempts?.readable !== 0) delivered.push(deliver(folder, file));
    }
    terminal.result({ run: folder, delivered, problems });
    if (!terminal.json) print(terminal, folder, delivered, problems);
    if (problems.length > 0) process.exitCode = exitCodes.failed;
  });

function textOf(file: string): string {
  try {
    return readText(file);
  } catch (cause) {
    throw new ErrataError(`${file} cannot be read: ${(cause as Error).message}`, {
      code: "IMPORT_FILE",
      hint: "name a file of attempts, one JSON object a line in UTF-8",
      cause,
    });
  }
}

/** A line that is no attempt. */
interface Problem {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

/** How many problems are printed; `--json` has them all. */
const mostPrinted = 10;

function print(
  terminal: Terminal,
  folder: string,
  delivered: readonly string[],
  problems: readonly Problem[],
): void {
  terminal.print(
    delivered.length === 0
      ? `${folder} was given nothing: no line is an attempt`
      : `${delivered.join(", ")}: ${folder} takes them at its next refit, and says then how many it could use`,
  );
  if (problems.length === 0) return;
  terminal.print(`${paint.red("not used")}: ${count(problems.length)}`);
  for (const { file, line, problem } of problems.slice(0, mostPrinted))
    terminal.print(`  ${file}:${line}: ${problem}`);
  if (problems.length > mostPrinted)
    terminal.print(`  and ${count(problems.length - mostPrinted)} more: --json lists them all`);
}
