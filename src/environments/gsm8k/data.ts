/** Reading grade-school-math files: `train.jsonl` and `test.jsonl`, a `{question, answer}` a line. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ErrataError } from "../../util/error.js";
import { readText } from "../../util/read-text.js";
import { hashText } from "../../util/random.js";
import { requireData } from "../data-folder.js";
import type { Split, Task } from "../environment.js";
import { annotations } from "./annotation.js";
import { statedNumber } from "../answers/stated.js";

const SOURCE =
  "https://github.com/openai/grade-school-math (grade_school_math/data/train.jsonl and test.jsonl)";

/** Levels by the number of annotated steps in the reference: at most 2, 3, 4, and 5 or more. */
export const LEVELS: readonly string[] = ["steps-2", "steps-3", "steps-4", "steps-5"];

/** What a task holds. */
export interface Gsm8kData {
  readonly question: string;
  /** The reference: worked lines with calculator annotations, then `#### <answer>`. */
  readonly answer: string;
}

/** The same id for the same question, wherever it comes from. */
export function taskId(question: string): string {
  return createHash("sha256").update(question.trim()).digest("hex").slice(0, 16);
}

/** The task of a question with its reference. */
export function gsm8kTask(data: Gsm8kData, split: Split): Task {
  const steps = Math.min(5, Math.max(2, annotations(data.answer).length));
  const { question, answer } = data;
  return {
    id: taskId(question),
    domain: "gsm8k",
    level: `steps-${steps}`,
    split,
    data: { question, answer },
  };
}

/**
 * All tasks of the two files in `folder` (default: `gsm8k` among the data folders). The test file
 * is the split `test`; a tenth of the train file, by a hash of the question, is `validation`.
 * @throws ErrataError `ENVIRONMENT_DATA` where a file is absent or a line cannot be read.
 */
export function readTasks(folder: string | undefined): Readonly<Record<Split, readonly Task[]>> {
  const at = folder ?? requireData("gsm8k", SOURCE);
  const tasks: Record<Split, Task[]> = { train: [], validation: [], test: [] };
  const seen = new Set<string>();
  // The test file first: a question in both is a test question.
  for (const file of ["test", "train"] as const) {
    for (const data of readFile(join(at, `${file}.jsonl`))) {
      const validation = hashText(data.question.trim()) % 10 === 0;
      const split = file === "test" ? "test" : validation ? "validation" : "train";
      const task = gsm8kTask(data, split);
      if (seen.has(task.id)) continue;
      seen.add(task.id);
      tasks[split].push(task);
    }
  }
  return tasks;
}

function readFile(path: string): Gsm8kData[] {
  if (!existsSync(path)) {
    throw new ErrataError(`there is no ${path}`, {
      code: "ENVIRONMENT_DATA",
      hint: `get it from ${SOURCE}`,
    });
  }
  let text: string;
  try {
    text = readText(path);
  } catch (cause) {
    throw unreadable(`${path} cannot be read: ${(cause as Error).message}`);
  }
  return text
    .split("\n")
    .flatMap((line, i) => (line.trim() === "" ? [] : [readLine(line, `${path}:${i + 1}`)]));
}

function readLine(line: string, place: string): Gsm8kData {
  let read: Partial<Gsm8kData> | null;
  try {
    read = JSON.parse(line) as Partial<Gsm8kData> | null;
  } catch (cause) {
    throw unreadable(`${place} is not JSON: ${(cause as Error).message}`);
  }
  const { question, answer } = read ?? {};
  if (typeof question !== "string" || typeof answer !== "string")
    throw unreadable(`${place} has no text "question" and "answer"`);
  if (statedNumber(answer) === undefined) throw unreadable(`${place}: the answer states no number`);
  return { question, answer };
}

function unreadable(message: string): ErrataError {
  return new ErrataError(message, {
    code: "ENVIRONMENT_DATA",
    hint: 'each line must be {"question": "...", "answer": "... #### 42"}',
  });
}
