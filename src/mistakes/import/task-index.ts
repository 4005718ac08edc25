/** Finding the task that a record means. */
import type { Environment, Split, Task } from "../../environments/environment.js";
import { identified, splits } from "../../environments/identify.js";
import { RecordProblem, type TaskReference } from "./record.js";

/** Fields of `Task.data` by which data sets name or state a task. */
const IDS = ["task_id", "taskId", "id", "name"];
const TEXTS = ["question", "prompt", "text"];

/** The tasks of an environment by id, by the id of their data set, and by their question. */
export class TaskIndex {
  readonly #environment: Environment;
  readonly #byId = new Map<string, Task>();
  readonly #byText = new Map<string, Task>();
  #observations = false;

  /** Lists an environment's tasks; without a list only records that bring their task are found. */
  constructor(environment: Environment) {
    this.#environment = environment;
    for (const task of this.#tasks()) {
      for (const name of IDS) add(this.#byId, fieldOf(task, name), task);
      for (const name of TEXTS) add(this.#byText, fieldOf(task, name), task);
    }
    for (const task of this.#tasks()) this.#byId.set(task.id, task);
  }

  /** @throws RecordProblem where there is no such task. */
  find({ id, text, task }: TaskReference): Task {
    const { name } = this.#environment;
    const listed = this.#environment.tasks !== undefined;
    const known =
      (id === undefined ? undefined : this.#byId.get(id)) ??
      (text === undefined ? undefined : (this.#byText.get(text.trim()) ?? this.#byPrompt(text)));
    if (known !== undefined) return known;
    if (!listed && task !== undefined) return identified(this.#environment, whole(task, name));
    if (!listed)
      throw new RecordProblem(
        `${name} draws its tasks and lists none: the record must hold the whole "task": {"id", "level", "split", "data"}`,
      );
    const what = id ?? JSON.stringify(text!.length > 60 ? `${text!.slice(0, 60)}...` : text);
    throw new RecordProblem(`${name} has no task ${what}`);
  }

  /** By the prompt that the environment itself writes. */
  #byPrompt(text: string): Task | undefined {
    if (!this.#observations) {
      this.#observations = true;
      for (const task of this.#tasks())
        add(this.#byText, this.#environment.start(task).observation, task);
    }
    return this.#byText.get(text.trim());
  }

  #tasks(): readonly Task[] {
    return splits.flatMap((split) => this.#environment.tasks?.(split) ?? []);
  }
}

function add(index: Map<string, Task>, key: unknown, task: Task): void {
  if (typeof key !== "string" && typeof key !== "number") return;
  const text = String(key).trim();
  if (text !== "" && !index.has(text)) index.set(text, task);
}

function fieldOf({ data }: Task, name: string): unknown {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
  return (data as Readonly<Record<string, unknown>>)[name];
}

function whole(task: Partial<Task>, domain: string): Task {
  const { id, level, split, data } = task;
  if (typeof id !== "string" || typeof level !== "string" || data === undefined)
    throw new RecordProblem('the "task" of the record needs "id", "level", "split" and "data"');
  if (!splits.includes(split as Split))
    throw new RecordProblem(`the split of the task must be one of ${splits.join(", ")}`);
  return { id, domain, level, split: split as Split, data };
}
