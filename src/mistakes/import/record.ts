/** What all formats share: an attempt as a record tells it, and reading fields with a clear complaint. */
import type { Environment, Task, Trajectory } from "../../environments/environment.js";

/** How a record names its task: by id, by the text of the question, or by the whole task. */
export interface TaskReference {
  readonly id?: string;
  readonly text?: string;
  readonly task?: Task;
}

/** One recorded attempt, not yet verified. */
export interface Attempt {
  readonly task: TaskReference;
  /** What was done, one text a step of the environment. */
  readonly actions: readonly string[];
  /** Who made it, where the record says so. */
  readonly model?: string;
  /** The record's own word on whether it is right. */
  readonly label?: boolean;
  /**
   * Plays the attempt where a list of actions is not enough: where others act in it too. In place of
   * `task` and `actions`.
   */
  readonly replay?: (environment: Environment) => Trajectory<unknown>;
}

/** A record that cannot be used, and why. */
export class RecordProblem extends Error {}

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** @throws RecordProblem where the record is no JSON object. */
export function fieldsOf(record: unknown): Fields {
  if (typeof record === "object" && record !== null && !Array.isArray(record))
    return record as Fields;
  const what = record === null ? "null" : Array.isArray(record) ? "an array" : typeof record;
  throw new RecordProblem(`the record is ${what}, not an object`);
}

/** The first of these fields that is there. */
export function firstOf(fields: Fields, names: readonly string[]): unknown {
  const name = names.find(
    (candidate) => fields[candidate] !== undefined && fields[candidate] !== null,
  );
  return name === undefined ? undefined : fields[name];
}

/** @throws RecordProblem where none of these fields is a text. */
export function textOf(fields: Fields, names: readonly string[]): string {
  const value = firstOf(fields, names);
  if (typeof value === "string") return value;
  throw new RecordProblem(
    value === undefined
      ? `the record has no ${names.map((name) => `"${name}"`).join(" or ")}; it has ${Object.keys(fields).join(", ") || "nothing"}`
      : `"${names.join('" or "')}" is ${JSON.stringify(value)?.slice(0, 60)}, not a text`,
  );
}

/** The record's own word on whether it is right: a flag, or a reward of 1. */
export function labelOf(fields: Fields): { label?: boolean } {
  const value = firstOf(fields, LABELS);
  if (typeof value === "boolean") return { label: value };
  if (typeof value === "number") return { label: value >= 1 };
  return {};
}

const LABELS = ["is_correct", "correct", "is_solved", "passed", "label", "reward"];

/** The model a record names. */
export function modelOf(fields: Fields): { model?: string } {
  const value = fields["model"] ?? fields["source"];
  return typeof value === "string" ? { model: value } : {};
}

/** How a record names its task. */
export function taskOf(fields: Fields): TaskReference {
  const named = firstOf(fields, ["task", "task_id", "taskId", "id"]);
  if (typeof named === "string" || typeof named === "number") return { id: String(named) };
  if (typeof named === "object" && named !== null && typeof (named as Fields)["id"] === "string")
    return { id: (named as { id: string }).id, task: named as Task };
  const text = firstOf(fields, ["question", "prompt"]);
  if (typeof text === "string") return { text };
  throw new RecordProblem(
    `the record names no task: it needs "task", "task_id" or "question"; it has ${Object.keys(fields).join(", ") || "nothing"}`,
  );
}
