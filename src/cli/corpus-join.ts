/** `errata corpus join`: attempts or a weak partner for a run, also while it trains. */
import { existsSync } from "node:fs";
import type { Command } from "commander";
import { ErrataError } from "../error.js";
import { deliver } from "../inbox.js";
import { readRun } from "../run-record.js";
import { command } from "./command.js";
import { findRun } from "./runs.js";
import { Terminal } from "./terminal.js";

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
    "\nThe run replays and judges every attempt itself, and uses them from its next refit.\n",
  )
  .action((files: string[], options: { readonly run?: string; readonly json?: boolean }) => {
    const terminal = new Terminal(options);
    const folder = findRun(options.run);
    for (const file of files)
      if (!existsSync(file))
        throw new ErrataError(`there is no file ${file}`, {
          code: "IMPORT_FILE",
          hint: "name a file of attempts (.jsonl) or a weak partner (.safetensors)",
        });
    if (readRun(folder).finished)
      throw new ErrataError(`${folder} has finished: it will take nothing any more`, {
        code: "RUN_FINISHED",
        hint: "join files to a run that trains, or import them into a corpus: errata corpus import",
      });
    const names = files.map((file) => deliver(folder, file));
    terminal.result({ run: folder, delivered: names });
    if (!terminal.json)
      terminal.print(`${names.join(", ")}: ${folder} takes them at its next refit`);
  });
