/** A line of a file of attempts that join a run: {"task": {...}, "actions": [...], "source": "..."}. */
import { z } from "zod";
import type { Task } from "../environments/environment.js";

/** What another model did on a task. Whether it was right, the environment says. */
export interface AttemptRecord {
  readonly task: Omit<Task, "domain">;
  readonly actions: readonly string[];
  /** Who made it. */
  readonly source: string;
}

const schema = z.object({
  task: z.object({
    id: z.string(),
    level: z.string(),
    split: z.enum(["train", "validation", "test"]),
    data: z.json(),
  }),
  actions: z.array(z.string()),
  source: z.string().regex(/^[\w.:/-]+$/, "letters, digits and . : / - _ only"),
});

/**
 * Reads one line.
 * @throws Error saying what is wrong with it, in one line.
 */
export function readAttemptRecord(line: string): AttemptRecord {
  let read: ReturnType<typeof schema.safeParse>;
  try {
    read = schema.safeParse(JSON.parse(line));
  } catch (cause) {
    throw new Error(cause instanceof RangeError ? "nested too deeply" : "not JSON", { cause });
  }
  if (read.success) return read.data as AttemptRecord;
  const problems = read.error.issues.map(
    ({ path, message }) =>
      `${path.length === 0 ? "the record" : path.join(".")}: ${message.replace("Invalid input: ", "")}`,
  );
  throw new Error(problems.join("; "));
}

/** What a file of attempts holds: how many can be read, and what is wrong with its other lines, counted from 1. */
export function checkAttemptRecords(text: string): {
  readonly readable: number;
  readonly problems: readonly { readonly line: number; readonly problem: string }[];
} {
  const problems: { line: number; problem: string }[] = [];
  let readable = 0;
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      readAttemptRecord(line);
      readable++;
    } catch (error) {
      problems.push({ line: i + 1, problem: (error as Error).message });
    }
  }
  return { readable, problems };
}
