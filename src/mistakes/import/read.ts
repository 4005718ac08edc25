/** From files to attempts, each with its place and its model. */
import type { ImportFormat } from "./formats.js";
import { readJsonValues } from "./json-values.js";
import { RecordProblem, type Attempt } from "./record.js";
import type { ImportOptions, ImportReport, Place } from "./report.js";

/** One attempt as it was read. */
export interface Read {
  readonly place: Place;
  readonly model: string;
  readonly attempt: Attempt;
}

/** A line that could not be used. */
export type Problem = ImportReport["problems"][number];

/** A problem, and whether there was an attempt at all. */
export type Failed = Problem & { readonly attempted: boolean };

/** Reads every attempt of all files; what cannot be read comes as a problem in its place. */
export async function* readAttempts({
  files,
  format,
  model,
}: ImportOptions): AsyncGenerator<Read | Failed> {
  for (const file of files) {
    for await (const item of readJsonValues(file)) {
      const place = { file, line: item.line };
      if ("problem" in item) {
        yield { ...place, problem: item.problem, attempted: false };
        continue;
      }
      try {
        for (const attempt of chosen(format, format.read(item.value), model))
          yield { place, attempt, model: attempt.model! };
      } catch (error) {
        if (!(error instanceof RecordProblem)) throw error;
        yield { ...place, problem: error.message, attempted: false };
      }
    }
  }
}

/** The attempts to take, each with its model. */
function chosen(format: ImportFormat, attempts: Attempt[], model: string | undefined): Attempt[] {
  if (format.columns === true && model !== undefined) {
    const column = attempts.filter((attempt) => attempt.model === model);
    if (column.length > 0) return column;
    const names = attempts.map((attempt) => attempt.model);
    throw new RecordProblem(`the record has no column "${model}"; it has ${names.join(", ")}`);
  }
  return attempts.map((attempt) => {
    const name = model ?? attempt.model;
    if (name !== undefined) return { ...attempt, model: name };
    throw new RecordProblem("the record names no model: say who made it with --model");
  });
}
