/** `errata report`: one self-contained page of runs, or of a study again. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { ErrataError } from "../util/error.js";
import { command } from "./command.js";
import { findRun, runName } from "./runs.js";
import { Terminal } from "./terminal.js";

interface ReportOptions {
  readonly out?: string;
  readonly json?: boolean;
}

/** `errata report`. */
export const reportCommand: Command = command(
  "report",
  "write one HTML page of a run, of several side by side, or of a study again",
  [
    "errata report carry",
    "errata report carry plain --out both.html",
    "errata report studies/steps-code-1a2b3c",
  ],
)
  .argument("[run...]", "names or folders of runs (default: the latest), or the folder of a study")
  .option(
    "--out <file>",
    "where to write it (default: report.html in the folder of the run or study)",
  )
  .action(async (names: readonly string[], options: ReportOptions) => {
    const terminal = new Terminal(options);
    const [first] = names;
    const { html, path } =
      names.length === 1 && studyFiles.some((name) => existsSync(join(first!, name)))
        ? await ofStudy(first!)
        : await ofRuns(names, (problem) => terminal.note(problem));
    const out = options.out ?? path;
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, html);
    terminal.result({ report: out });
    terminal.print(`wrote ${out}`);
  });

interface Written {
  readonly html: string;
  /** Where it goes by default. */
  readonly path: string;
}

/** The page of runs; what of them is damaged is told, and the rest is drawn. */
async function ofRuns(names: readonly string[], tell: (problem: string) => void): Promise<Written> {
  const folders = names.length === 0 ? [findRun(undefined)] : [...new Set(names.map(findRun))];
  const { readRun } = await import("../run/record.js");
  for (const folder of folders)
    try {
      readRun(folder);
    } catch (error) {
      if (!(error instanceof ErrataError)) throw error;
      tell(`${error.message}; the page shows what can be read`);
    }
  const [{ RunReader }, { runReport }] = await Promise.all([
    import("../ui/server/run-reader.js"),
    import("../ui/report/report.js"),
  ]);
  const html = await runReport(folders.map((folder) => new RunReader(runName(folder), folder)));
  return { html, path: folders.length === 1 ? join(folders[0]!, "report.html") : "report.html" };
}

const studyFiles = ["protocol.json", "result.json"] as const;

async function ofStudy(folder: string): Promise<Written> {
  const absent = studyFiles.find((name) => !existsSync(join(folder, name)));
  if (absent !== undefined)
    throw new ErrataError(`${folder} has no ${absent}: it is no study that is over`, {
      code: "STUDY_MISSING",
      hint: "name the folder of the study itself, below studies/; errata compare <folder> carries one on",
    });
  const { studyPage } = await import("../study/report/again.js");
  return { html: studyPage(folder), path: join(folder, "report.html") };
}
