import { join } from "node:path";
import { Argument, Option, type Command } from "commander";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { discriminationLines, type Discrimination } from "../mistakes/corpus/discrimination.js";
import type { MistakeDetail } from "../mistakes/corpus/mistake.js";
import type { MistakeStatus } from "../mistakes/corpus/standing.js";
import { ErrataError } from "../util/error.js";
import { nearest } from "../util/spelling.js";
import { attemptLines } from "./attempt-lines.js";
import { command, group, wholeNumber } from "./command.js";
import { importCommand } from "./corpus-import.js";
import { overlapCommand } from "./corpus-overlap.js";
import { joinCommand } from "./corpus-join.js";
import { reviewCommand } from "./corpus-review.js";
import { findRun, runConfig } from "./runs.js";
import { count, paint, share, table, Terminal } from "./terminal.js";

interface RunOption {
  readonly run?: string;
  readonly corpus?: string;
  readonly json?: boolean;
}

interface ListOptions extends RunOption {
  readonly signature?: string;
  readonly status?: MistakeStatus;
  readonly limit: number;
  readonly offset: number;
}

const statuses: readonly MistakeStatus[] = [
  "candidate",
  "accepted",
  "quarantined",
  "retired",
  "human-valid",
  "human-invalid",
];

const runFlag = ["--run <name>", "name or folder of the run (default: the latest)"] as const;

const corpusFlag = ["--corpus <file>", "a corpus file instead of a run's"] as const;

const listCommand = command("list", "list mistakes", [
  "errata corpus list --run demo-1/student --signature drop-carry",
])
  .option(...runFlag)
  .option(...corpusFlag)
  .option("--signature <name>", "only mistakes of this systematic error")
  .addOption(new Option("--status <status>", "only mistakes of this status").choices(statuses))
  .option("--limit <n>", "most mistakes listed", wholeNumber(1), 20)
  .option("--offset <n>", "mistakes left out before the first", wholeNumber(0), 0)
  .action((options: ListOptions) => withCorpus(options, list));

const showCommand = command("show", "show one mistake with its attempts and verdicts", [
  "errata corpus show 17 --run demo-1/student",
])
  .addArgument(new Argument("<id>", "as listed").argParser(wholeNumber(1)))
  .option(...runFlag)
  .option(...corpusFlag)
  .action((id: number, options: RunOption) =>
    withCorpus(options, (corpus, terminal) => show(corpus.show(id), terminal)),
  );

const statsCommand = command("stats", "the corpus in numbers", [
  "errata corpus stats --run demo-1/student",
])
  .option(...runFlag)
  .option(...corpusFlag)
  .action(async (options: RunOption) => {
    const measure = await discriminationOf(options);
    withCorpus(options, (corpus, terminal, _, folder) => stats(corpus, terminal, measure, folder));
  });

/** `errata corpus`. */
export const corpusCommand: Command = group("corpus", "the mistakes that a run has collected")
  .addCommand(listCommand)
  .addCommand(showCommand)
  .addCommand(statsCommand)
  .addCommand(importCommand)
  .addCommand(joinCommand)
  .addCommand(reviewCommand)
  .addCommand(overlapCommand);

function withCorpus<O extends RunOption>(
  options: O,
  use: (corpus: Corpus, terminal: Terminal, options: O, folder: string) => void,
): void {
  const folder = options.corpus ?? findRun(options.run);
  const corpus =
    options.corpus === undefined
      ? Corpus.open(join(folder, "corpus.db"), { ...runConfig(folder).corpus, readOnly: true })
      : Corpus.open(options.corpus, { readOnly: true });
  try {
    use(corpus, new Terminal(options), options, folder);
  } finally {
    corpus.close();
  }
}

function list(
  corpus: Corpus,
  terminal: Terminal,
  { signature, status, limit, offset }: ListOptions,
  folder: string,
): void {
  const known = Object.keys(corpus.stats().bySignature);
  if (signature !== undefined && known.length > 0 && !known.includes(signature)) {
    const guess = nearest(signature, known);
    throw new ErrataError(`${folder} holds no mistakes of the signature "${signature}"`, {
      code: "CORPUS_SIGNATURE",
      hint: `${guess === undefined ? "" : `did you mean "${guess}"? `}known: ${known.join(", ")}`,
    });
  }
  const mistakes = corpus.list({
    limit,
    offset,
    ...(signature === undefined ? {} : { signature }),
    ...(status === undefined ? {} : { status }),
  });
  if (terminal.json) {
    terminal.result({ run: folder, mistakes });
    return;
  }
  if (mistakes.length === 0) {
    terminal.print(`${folder} holds no such mistakes`);
    return;
  }
  const rows = mistakes.map((m) => [
    `${m.id}`,
    `${m.support}`,
    share(m.recurrence),
    m.status,
    m.signature,
    `${clipped(m.wrongStep, 24)} at ${clipped(m.state, 60)}`,
  ]);
  const header = ["id", "support", "recurrence", "status", "signature", "wrong step"];
  for (const line of table([header, ...rows], [0, 3, 4, 5])) terminal.print(line);
  if (mistakes.length === limit) terminal.print(paint.dim(`more: --offset ${offset + limit}`));
}

function clipped(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function show(mistake: MistakeDetail, terminal: Terminal): void {
  if (terminal.json) {
    terminal.result(mistake);
    return;
  }
  const facts: [string, string][] = [
    ["signature", mistake.signature],
    ["task", `${mistake.taskId} (${mistake.domain}, ${mistake.level})`],
    ["state", mistake.state],
    ["wrong step", mistake.wrongStep],
    ...(mistake.correctStep === undefined
      ? []
      : [["right step", mistake.correctStep] as [string, string]]),
    ["answer", mistake.answer],
    ["status", `${mistake.status}, by ${mistake.evidence} at confidence ${mistake.confidence}`],
    ["support", `${count(mistake.support)} (${sourceList(mistake)})`],
    [
      "quality",
      `${share(mistake.quality)}, recurrence ${share(mistake.recurrence)}, novelty ${share(mistake.novelty)}`,
    ],
    ["seen", `steps ${mistake.step} to ${mistake.lastStep}`],
  ];
  terminal.print(paint.bold(`mistake ${mistake.id}`));
  for (const [name, value] of facts) terminal.print(`  ${name.padEnd(10)}  ${value}`);
  for (const { source, count: times, trace } of mistake.traces.slice(0, 3)) {
    terminal.print(`  attempt of ${source}, ${times} times:`);
    for (const line of attemptLines(trace)) terminal.print(`    ${line}`);
  }
  for (const event of mistake.events)
    terminal.print(
      `  ${event.kind === "verdict" ? `${event.by}: ${event.verdict}` : `revoked ${event.revokes}`}`,
    );
}

function sourceList({ sources }: Pick<MistakeDetail, "sources">): string {
  return Object.entries(sources)
    .map(([name, n]) => `${name} ${count(n)}`)
    .join(", ");
}

type Measure = (corpus: Corpus) => Discrimination | undefined;

/** How well quality tells the domain's mal-rules from noise; nothing for a corpus of no run, or of an open model's. */
async function discriminationOf({ run, corpus: file }: RunOption): Promise<Measure> {
  if (file !== undefined) return () => undefined;
  const [{ presets }, { ruleSignatures }] = await Promise.all([
    import("../students/presets/presets.js"),
    import("../environments/rule-signatures.js"),
  ]);
  const { preset: name, environment: domain, student } = runConfig(findRun(run));
  const preset = presets[name];
  if (preset === undefined || student.checkpoint !== undefined) return () => undefined;
  const environment = preset.environment();
  const rules = await ruleSignatures(environment, preset.levels);
  return (corpus) => corpus.discrimination(domain ?? environment.name, rules);
}

function stats(corpus: Corpus, terminal: Terminal, measure: Measure, folder: string): void {
  const numbers = corpus.stats();
  const discrimination = measure(corpus);
  if (terminal.json) {
    terminal.result({ run: folder, ...numbers, discrimination: discrimination ?? null });
    return;
  }
  const { mistakes, traces, admitted, merged, rejected, heldOutRejected, threshold, admitRate } =
    numbers;
  terminal.print(`${folder}: ${count(mistakes)} mistakes, ${count(traces)} attempts kept`);
  terminal.print(
    `  admitted ${count(admitted)}, merged ${count(merged)}, rejected ${count(rejected)} (${count(heldOutRejected)} held out)`,
  );
  terminal.print(
    `  novelty threshold ${share(threshold)}, recent admission rate ${share(admitRate)}`,
  );
  for (const line of discrimination === undefined ? [] : discriminationLines(discrimination))
    terminal.print(`  ${line}`);
  const groups = {
    signature: numbers.bySignature,
    source: numbers.bySource,
    status: numbers.byStatus,
  };
  for (const [name, counts] of Object.entries(groups))
    terminal.print(
      `  by ${name}: ${Object.entries(counts)
        .toSorted((a, b) => b[1] - a[1])
        .map(([key, n]) => `${key} ${count(n)}`)
        .join(", ")}`,
    );
}
