/** `errata corpus import`. */
import { existsSync, rmSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { Option, type Command } from "commander";
import type { Config } from "../config/config.js";
import { Corpus } from "../mistakes/corpus/corpus.js";
import type { Environment } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import { embedAsRun, embedText, type Embed } from "../mistakes/import/embed.js";
import { importFormat, importFormats } from "../mistakes/import/formats.js";
import { importAttempts } from "../mistakes/import/import.js";
import type { ImportReport } from "../mistakes/import/report.js";
import { prepare } from "../launch/prepare.js";
import { lockRun } from "../run/lock.js";
import { lastCheckpoint, replaceCorpus } from "../run/checkpoint.js";
import { wholeFile } from "../run/recover.js";
import { command, wholeNumber } from "./command.js";
import { environmentNamed } from "../environments/from-file.js";
import { exitCodes } from "./exit-codes.js";
import { findRun, runConfig } from "./runs.js";
import { count, paint, table, Terminal } from "./terminal.js";

/** The corpus that imports go into where none is named. */
export const defaultCorpus = "corpus.db";

/** How many problems and disagreements are printed; `--json` has them all. */
const mostPrinted = 10;

interface ImportFlags {
  readonly env: string;
  readonly format: string;
  readonly model?: string;
  readonly corpus?: string;
  readonly run?: string;
  readonly trainOnHeldOut?: boolean;
  readonly jobs: number;
  readonly json?: boolean;
}

const formatList = importFormats
  .map(({ name, description }) => `  ${name.padEnd(16)}  ${description}`)
  .join("\n");

/** Brings recorded attempts of other models into a corpus. */
export const importCommand: Command = command(
  "import",
  "bring in what other models did: every attempt is verified again",
  [
    "errata corpus import --env humaneval --format programs starcoder.jsonl --model starcoder",
    "errata corpus import --env gsm8k --format gsm8k-solutions example_model_solutions.jsonl",
    "errata corpus import --env ./tasks.jsonl --format completions answers.jsonl --model mini --json",
  ],
)
  .argument("<files...>", "JSON Lines, or a JSON array; also .gz")
  .requiredOption("--env <name>", "the environment that verifies: a name, or a file")
  .addOption(
    new Option("--format <format>", "what a record looks like, see below").makeOptionMandatory(),
  )
  .option("--model <name>", "who made the attempts, where the records do not say")
  .addOption(
    new Option(
      "--corpus <file>",
      `the corpus, made where it does not exist (default: ${defaultCorpus})`,
    ).conflicts("run"),
  )
  .option(
    "--run <name>",
    "the corpus of a run in the same domain that is not being trained just now",
  )
  .option(
    "--train-on-held-out",
    "let mistakes on validation and test tasks in too: what is trained with them must not be evaluated there",
  )
  .option("--jobs <n>", "attempts verified at a time", wholeNumber(1), availableParallelism())
  .addHelpText(
    "after",
    `\nFormats:\n${formatList}\n\nA line that cannot be used is reported and the others are imported; the exit status is then 1.\nA file can be imported again: attempts that are in already are passed over.\n`,
  )
  .action(importAction);

async function importAction(files: string[], flags: ImportFlags): Promise<void> {
  const terminal = new Terminal(flags);
  const format = importFormat(flags.format);
  const environment = await environmentNamed(flags.env);
  requireInput(files, environment);
  const into = await openCorpus(flags, environment, (text) => terminal.note(text));
  try {
    const report = await importAttempts({
      environment,
      corpus: into.corpus,
      format,
      files,
      jobs: flags.jobs,
      heldOutToo: flags.trainOnHeldOut ?? false,
      embed: into.embed,
      ...(into.signatures === undefined ? {} : { signatures: into.signatures }),
      ...(flags.model === undefined ? {} : { model: flags.model }),
      onProgress: ({ read, wrong }) =>
        terminal.status(`${count(read)} attempts verified, ${count(wrong)} wrong`),
    });
    if (report.verified > 0) await into.keep();
    if (report.read === 0) terminal.note(`there was nothing to read in ${files.join(", ")}`);
    terminal.status("");
    if (terminal.json) terminal.result({ corpus: into.path, ...report });
    else printReport(terminal, report, into.path, environment, flags);
    if (report.problems.length > 0) process.exitCode = exitCodes.failed;
  } finally {
    into.close();
  }
}

/** What is missing is said before a corpus is made. */
function requireInput(files: readonly string[], environment: Environment): void {
  const absent = files.find((file) => !existsSync(file));
  if (absent !== undefined)
    throw new ErrataError(`there is no file ${absent}`, {
      code: "IMPORT_FILE",
      hint: "name files of recorded attempts: JSON Lines, a JSON array, or either as .gz",
    });
  environment.tasks?.("train");
}

interface OpenCorpus {
  readonly corpus: Corpus;
  readonly path: string;
  readonly embed: Embed;
  /** How the run that it is of names mistakes. */
  readonly signatures?: Config["corpus"]["signatures"];
  /** Makes the change last; without it a corpus that was made for the import is removed when closed. */
  keep(): void | Promise<void>;
  close(): void;
}

/** A run's corpus is what its last checkpoint holds: that is where the import has to end up. */
async function openCorpus(
  { corpus: file = defaultCorpus, run }: ImportFlags,
  { name }: Environment,
  notice: (text: string) => void,
): Promise<OpenCorpus> {
  if (run === undefined) {
    let keep = existsSync(file);
    if (keep && statSync(file).size === 0) notice(`${file} was empty, and is begun anew`);
    const corpus = Corpus.open(file);
    return {
      corpus,
      path: file,
      embed: embedText,
      keep: () => void (keep = true),
      close(): void {
        corpus.close();
        if (!keep) for (const end of ["", "-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
      },
    };
  }
  const folder = findRun(run);
  const setup = await prepare(runConfig(folder));
  if (setup.environment.name !== name)
    throw new ErrataError(`the run in ${folder} trains on ${setup.environment.name}, not ${name}`, {
      code: "IMPORT_RUN",
      hint: "import into a --corpus of its own, or into a run of the same domain",
    });
  const unlock = lockRun(folder);
  try {
    const path = join(folder, "corpus.db");
    const snapshot = await wholeFile(lastCheckpoint(folder)!, "corpus.db");
    const corpus = Corpus.restore(snapshot, path, runConfig(folder).corpus);
    return {
      corpus,
      path,
      embed: embedAsRun(setup, corpus),
      signatures: setup.config.corpus.signatures,
      keep: () => replaceCorpus(dirname(snapshot), (to) => corpus.snapshot(to)),
      close(): void {
        corpus.close();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

function printReport(
  terminal: Terminal,
  report: ImportReport,
  path: string,
  { name }: Environment,
  { trainOnHeldOut = false }: ImportFlags,
): void {
  const { problems, disagreements, labelled, agreedWithLabel, wrong, verified, known } = report;
  terminal.print(`${name}: ${count(report.read)} attempts read, ${count(verified)} verified`);
  const lines: [string, number, string][] = [
    ["wrong", wrong, `of ${count(verified)}`],
    ["first wrong step known", report.localised, `of ${count(wrong)}`],
    ...(labelled === 0
      ? []
      : [
          ["agree with their label", agreedWithLabel, `of ${count(labelled)}`] as [
            string,
            number,
            string,
          ],
        ]),
    ["admitted", report.admitted, `to ${path}`],
    ["merged", report.merged, "into mistakes that resemble them"],
    ["quarantined", report.quarantined, "for too many agree on the answer"],
    ["kept out", report.heldOut, "on validation and test tasks: recorded for overlap only"],
    ["known before", known, ""],
  ];
  for (const [what, n, note] of lines)
    if (n > 0 || !["quarantined", "kept out", "known before"].includes(what))
      terminal.print(`  ${what.padEnd(22)}  ${count(n).padStart(7)}  ${note}`.trimEnd());
  if (report.signatures.length > 0) {
    const rows = report.signatures.slice(0, mostPrinted);
    const cells = rows.map((s) => [`  ${s.name}`, count(s.count), s.models.join(", ")]);
    terminal.print();
    for (const line of table([["  kind of error", "wrong", "models"], ...cells], [0, 2]))
      terminal.print(line);
  }
  list(terminal, paint.red("not used"), problems, (p) => `${p.file}:${p.line}: ${p.problem}`);
  list(
    terminal,
    "judged otherwise than labelled",
    disagreements,
    (d) =>
      `${d.file}:${d.line}: ${d.model} at ${d.task} is labelled ${d.label ? "right" : "wrong"}`,
  );
  if (report.heldOut > 0 && report.admitted + report.merged === 0)
    terminal.print(
      "\nAll tasks are held out, so nothing was admitted. --train-on-held-out admits them all the same.",
    );
  if (trainOnHeldOut)
    terminal.print(
      `\n${paint.yellow("Mistakes on held-out tasks were admitted:")} what is trained with ${path} must not be evaluated on validation or test tasks of ${name}.`,
    );
}

function list<T>(
  terminal: Terminal,
  title: string,
  items: readonly T[],
  line: (item: T) => string,
): void {
  if (items.length === 0) return;
  terminal.print(`\n${title}: ${count(items.length)}`);
  for (const item of items.slice(0, mostPrinted)) terminal.print(`  ${line(item)}`);
  if (items.length > mostPrinted)
    terminal.print(
      paint.dim(`  and ${count(items.length - mostPrinted)} more: --json lists them all`),
    );
}
