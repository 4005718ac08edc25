/** `errata corpus overlap`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Option, type Command } from "commander";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { ErrataError } from "../util/error.js";
import {
  mistakeAgreement,
  type MistakeAgreement,
  type Share,
} from "../mistakes/import/agreement.js";
import { command } from "./command.js";
import { defaultCorpus } from "./corpus-import.js";
import { findRun } from "./runs.js";
import { count, paint, table, Terminal } from "./terminal.js";

interface OverlapFlags {
  readonly weak: string;
  readonly strong: string;
  readonly corpus?: string;
  readonly run?: string;
  readonly json?: boolean;
}

/** Tells how much of a stronger model's mistakes a weaker one's foretell. */
export const overlapCommand: Command = command(
  "overlap",
  "do the mistakes of one imported model foretell those of another?",
  ["errata corpus overlap --weak starcoder --strong gpt-3.5"],
)
  .requiredOption("--weak <model>", "a model as it was imported")
  .requiredOption("--strong <model>", "another model, on the same tasks")
  .addOption(
    new Option("--corpus <file>", `the corpus (default: ${defaultCorpus})`).conflicts("run"),
  )
  .option("--run <name>", "the corpus of a run")
  .action(overlapAction);

function overlapAction({ weak, strong, corpus: file, run, json = false }: OverlapFlags): void {
  const terminal = new Terminal({ json });
  const path = run === undefined ? (file ?? defaultCorpus) : join(findRun(run), "corpus.db");
  if (!existsSync(path))
    throw new ErrataError(`there is no corpus ${path}`, {
      code: "IMPORT_CORPUS",
      hint: "errata corpus import makes one; --corpus names another",
    });
  const corpus = Corpus.open(path, { readOnly: true });
  let domains: MistakeAgreement[];
  try {
    domains = mistakeAgreement(corpus, weak, strong);
  } finally {
    corpus.close();
  }
  if (terminal.json) terminal.result({ corpus: path, weak, strong, domains });
  else for (const domain of domains) printOverlap(terminal, domain);
}

function printOverlap(terminal: Terminal, found: MistakeAgreement): void {
  const { domain, weak, strong } = found;
  terminal.print(paint.bold(`${domain}: ${weak} -> ${strong}, ${count(found.tasks)} tasks`));
  const rows: [string, Share][] = [
    [`${weak} fails`, found.weakFails],
    [`${strong} fails`, found.strongFails],
    [`${strong} fails where ${weak} fails`, found.givenWeakFails],
    [`${strong} fails where ${weak} passes`, found.givenWeakPasses],
    ["both fail: same wrong output", found.sameOutput],
    ["both fail: same wrong answer", found.sameAnswer],
    ["both fail: same kind of error", found.sameSignature],
  ];
  const cells = rows.map(([what, { count: n, of, share, interval }]) => [
    `  ${what}`,
    `${rounded(n)} of ${rounded(of)}`,
    share === null || interval === null
      ? "-"
      : `${share.toFixed(2)} [${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`,
  ]);
  for (const line of table(cells)) terminal.print(line);
  terminal.print(
    paint.dim(
      "  That failures go together may only mean that some tasks are hard; identical wrong outputs say more.",
    ),
  );
}

const rounded = (n: number): string => (Number.isInteger(n) ? count(n) : n.toFixed(1));
