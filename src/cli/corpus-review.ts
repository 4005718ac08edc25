/** `errata corpus review`: people judge mistakes, the most worth a look first. */
import { createInterface } from "node:readline/promises";
import { Argument, type Command } from "commander";
import type { MistakeDetail } from "../mistakes/corpus/mistake.js";
import type { QueueEntry } from "../mistakes/corpus/queue.js";
import { reviewVerdicts, type ReviewVerdict } from "../mistakes/corpus/standing.js";
import { ReviewSession } from "../run/review-session.js";
import { attemptLines } from "./attempt-lines.js";
import { command, group, wholeNumber } from "./command.js";
import { findRun } from "./runs.js";
import { paint, share, Terminal } from "./terminal.js";

interface ReviewOptions {
  readonly run?: string;
  readonly corpus?: string;
  readonly by?: string;
  readonly limit?: number;
  readonly note?: string;
  readonly fix?: string;
  readonly json?: boolean;
}

const runFlag = ["--run <name>", "name or folder of the run (default: the latest)"] as const;
const corpusFlag = ["--corpus <file>", "a corpus file instead of a run's"] as const;
const byFlag = ["--by <name>", "who judges (default: the user's name)"] as const;

const nextCommand = command("next", "what waits for a verdict, the most worth a look first", [
  "errata corpus review next --json",
])
  .option(...runFlag)
  .option(...corpusFlag)
  .option("--by <name>", "leave out what this reviewer has judged (default: what anyone has)")
  .option("--limit <n>", "most mistakes shown", wholeNumber(1), 1)
  .action((options: ReviewOptions) => {
    withSession(options, (session, terminal) => {
      const entries = queue(session, options.by, options.limit ?? 1);
      if (terminal.json) {
        const shown = entries.map((entry) => ({ ...entry, mistake: detail(session, entry) }));
        terminal.result({ verdictsNotYetTaken: session.pending, queue: shown });
      } else if (entries.length === 0) terminal.print("nothing waits for a verdict");
      else for (const entry of entries) show(terminal, detail(session, entry), entry);
    });
  });

const setCommand = command("set", "record a verdict, or `undo` the reviewer's last on a mistake", [
  "errata corpus review set 17 valid --by ada",
  'errata corpus review set 17 valid --by ada --fix "x = 4"',
  "errata corpus review set 17 undo --by ada",
])
  .addArgument(new Argument("<id>", "as listed").argParser(wholeNumber(1)))
  .addArgument(new Argument("<verdict>", "what it is").choices([...reviewVerdicts, "undo"]))
  .option(...runFlag)
  .option(...corpusFlag)
  .option(...byFlag)
  .option("--note <text>", "why")
  .option("--fix <text>", "the right step, where the known one is wrong or missing")
  .action((id: number, verdict: ReviewVerdict | "undo", options: ReviewOptions) => {
    withSession(options, (session, terminal) => {
      const by = options.by ?? userName();
      const { note, fix } = options;
      const more = {
        ...(note === undefined ? {} : { note }),
        ...(fix === undefined ? {} : { fix }),
      };
      session.judge(id, by, verdict === "undo" ? { undo: true } : { verdict, ...more });
      const { status } = session.corpus.show(id);
      terminal.result({ mistake: id, by, verdict, status });
      if (!terminal.json) terminal.print(`mistake ${id}: ${status}${takesEffect(options)}`);
    });
  });

const statsCommand = command("stats", "what the verdicts say of the mistakes and of each other", [
  "errata corpus review stats",
])
  .option(...runFlag)
  .option(...corpusFlag)
  .action((options: ReviewOptions) => {
    withSession(options, (session, terminal) => {
      const report = session.corpus.reviews.report();
      const bands = session.corpus.reviews.calibration();
      terminal.result({ verdictsNotYetTaken: session.pending, ...report, calibration: bands });
      if (terminal.json) return;
      const verdicts = Object.entries(report.verdicts).map(([name, n]) => `${name} ${n}`);
      terminal.print(`${report.judged} mistakes judged: ${verdicts.join(", ") || "none"}`);
      if (session.pending > 0) terminal.print(`  ${session.pending} verdicts wait for the run`);
      const { precision } = report;
      terminal.print(
        precision === undefined
          ? "  precision of what the machine accepts: nothing of the 5% audit sample is judged yet"
          : `  precision of what the machine accepts: ${share(precision.mean)} [${share(precision.low)}, ${share(precision.high)}], ${report.audited} of the audit sample judged`,
      );
      if (report.reliability !== undefined)
        terminal.print(
          `  reviewers' reliability (Dawid & Skene): ${Object.entries(report.reliability)
            .map(([name, r]) => `${name} ${share(r)}`)
            .join(", ")}; they disagree on ${report.contested}`,
        );
      for (const { from, to, judged, valid } of bands)
        terminal.print(
          `  quality ${share(from)} to ${share(to)}: ${share(valid)} valid of ${judged} judged`,
        );
    });
  });

const askCommand = command("ask", "judge one mistake after another (the default)", [
  "errata corpus review --by ada",
])
  .option(...runFlag)
  .option(...corpusFlag)
  .option(...byFlag)
  .action(ask);

/** `errata corpus review`. */
export const reviewCommand: Command = group("review", "judge mistakes")
  .addCommand(askCommand, { isDefault: true })
  .addCommand(nextCommand)
  .addCommand(setCommand)
  .addCommand(statsCommand);

function withSession(
  options: ReviewOptions,
  use: (session: ReviewSession, terminal: Terminal) => void,
): void {
  const session = open(options);
  try {
    use(session, new Terminal(options));
  } finally {
    session.close();
  }
}

function open({ run, corpus }: ReviewOptions): ReviewSession {
  return corpus === undefined ? ReviewSession.ofRun(findRun(run)) : ReviewSession.ofFile(corpus);
}

function queue(session: ReviewSession, by: string | undefined, limit: number): QueueEntry[] {
  return session.corpus.reviews.queue({ limit, ...(by === undefined ? {} : { by }) });
}

function detail(session: ReviewSession, { mistake }: QueueEntry): MistakeDetail {
  return session.corpus.show(mistake.id);
}

function takesEffect({ corpus }: ReviewOptions): string {
  return corpus === undefined ? "; the run takes it at its next refit" : "";
}

function userName(): string {
  return process.env["USER"] ?? process.env["USERNAME"] ?? "reviewer";
}

function show(terminal: Terminal, mistake: MistakeDetail, { score, audit }: QueueEntry): void {
  const label = `mistake ${mistake.id}  ${mistake.signature}  score ${score.toPrecision(2)}`;
  terminal.print(`${paint.bold(label)}${audit ? "  (audit sample)" : ""}`);
  terminal.print(`  task    ${mistake.taskId}`);
  terminal.print(`  at      ${mistake.state}`);
  terminal.print(`  wrong   ${paint.red(mistake.wrongStep)}`);
  if (mistake.correctStep !== undefined) terminal.print(`  right   ${mistake.correctStep}`);
  terminal.print(
    `  seen ${mistake.support} times by ${Object.keys(mistake.sources).join(", ")}; ` +
      `${mistake.evidence}, confidence ${mistake.confidence}${mistake.suspected ? "; many models agree on this answer" : ""}`,
  );
  for (const line of attemptLines(mistake.traces[0]?.trace ?? []))
    terminal.print(paint.dim(`    ${line}`));
}

const keys: Readonly<Record<string, ReviewVerdict>> = {
  v: "valid",
  n: "invalid",
  a: "ambiguous",
  w: "wrong-step",
};

async function ask(options: ReviewOptions): Promise<void> {
  const terminal = new Terminal(options);
  const session = open(options);
  const input = createInterface({ input: process.stdin, output: process.stderr });
  const lines = input[Symbol.asyncIterator]();
  const by = options.by ?? userName();
  const skipped = new Set<number>();
  const judged: number[] = [];
  const read = async (question: string): Promise<string | undefined> => {
    process.stderr.write(question);
    const { value, done } = await lines.next();
    return done === true ? undefined : value.trim();
  };
  try {
    for (;;) {
      const entry = queue(session, by, skipped.size + 1).find((e) => !skipped.has(e.mistake.id));
      if (entry === undefined) {
        terminal.print("nothing waits for a verdict");
        break;
      }
      const { id } = entry.mistake;
      show(terminal, detail(session, entry), entry);
      const answer = await read(
        "[v]alid  [n]ot an error  [a]mbiguous  [w]rong step  [f]ix text  [s]kip  [u]ndo  [q]uit > ",
      );
      if (answer === undefined || answer === "q") break;
      const last = judged.at(-1);
      const verdict = keys[answer];
      if (verdict !== undefined) {
        session.judge(id, by, { verdict });
        judged.push(id);
      } else if (answer === "f") {
        const fix = await read("right step > ");
        if (fix === undefined) break;
        session.judge(id, by, { verdict: "valid", fix });
        judged.push(id);
      } else if (answer === "u" && last !== undefined) {
        session.judge(last, by, { undo: true });
        judged.pop();
      } else if (answer === "s") skipped.add(id);
      else terminal.note("one of v n a w f s u q");
    }
    terminal.result({ by, judged });
    terminal.print(`${judged.length} judged${judged.length === 0 ? "" : takesEffect(options)}`);
  } finally {
    input.close();
    session.close();
  }
}
