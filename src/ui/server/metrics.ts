/** The metrics of one run as columns: read once, then line by line as they are written. */
import { join } from "node:path";
import { wilsonInterval } from "../../util/statistics/intervals.js";
import type { Evaluation, Happening, Series } from "../api.js";
import { Follower } from "./follower.js";
import { configOf, stateOf } from "./run-files.js";

type Line = Readonly<Record<string, unknown>> & { readonly step: number };
type Column = (number | null)[];

/** Columns of a run's `metrics.jsonl`. */
export class Metrics {
  readonly #folder: string;
  readonly #follower: Follower;
  #steps: number[] = [];
  #columns = new Map<string, Column>();
  #repeated = new Map<string, Column>();
  #accuracies: { readonly step: number; readonly accuracy: number }[] = [];
  #happenings: Happening[] = [];
  #committed = "";

  constructor(folder: string) {
    this.#folder = folder;
    this.#follower = new Follower(join(folder, "metrics.jsonl"));
  }

  /** Takes in what was written since the last call. */
  refresh(): void {
    this.#follower.read(
      (text) => this.#take(text),
      () => this.#restart(),
    );
  }

  /** Steps done so far. */
  get steps(): readonly number[] {
    return this.#steps;
  }

  /** Held-out accuracies by step. */
  get accuracies(): readonly { readonly step: number; readonly accuracy: number }[] {
    return this.#accuracies;
  }

  /** The last value of a metric, or undefined. */
  last(key: string): number | undefined {
    return this.#columns.get(key)?.findLast((value) => value !== null) ?? undefined;
  }

  /** Lines at which verdicts were taken. */
  get happenings(): readonly Happening[] {
    return this.#happenings;
  }

  /** Everything from the step with index `from` on. */
  series(from: number): Series {
    this.refresh();
    const config = configOf(this.#folder);
    const start = from <= this.#steps.length ? from : 0;
    const tail = (columns: ReadonlyMap<string, Column>): Record<string, Column> =>
      Object.fromEntries(
        [...columns].map(([key, values]) => [key, this.#padded(values).slice(start)]),
      );
    return {
      from: start,
      steps: this.#steps.slice(start),
      columns: tail(this.#columns),
      repeated: tail(this.#repeated),
      evaluations: this.#accuracies.map(({ step, accuracy }) =>
        evaluationOf(step, accuracy, config.evaluationTasks),
      ),
      happenings: this.#happenings,
      config,
      state: stateOf(this.#folder),
    };
  }

  #padded(values: Column): Column {
    while (values.length < this.#steps.length) values.push(null);
    return values;
  }

  #restart(): void {
    this.#steps = [];
    this.#columns = new Map();
    this.#repeated = new Map();
    this.#accuracies = [];
    this.#happenings = [];
    this.#committed = "";
  }

  #take(text: string): void {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      return; // a line that no run wrote: the page shows the rest
    }
    if ("rollout/accuracy" in line) this.#takeStep(line);
    else if (typeof line["eval/accuracy"] === "number")
      this.#accuracies.push({ step: line.step, accuracy: line["eval/accuracy"] });
    else if ("import/files" in line) this.#takeArrival(line);
    else this.#takeBetween(line);
  }

  #takeStep(line: Line): void {
    const index = this.#steps.length;
    this.#steps.push(line.step);
    for (const [key, value] of Object.entries(line))
      if (typeof value === "number" && key !== "step") put(this.#columns, key, index, value);
    for (const [name, rate] of Object.entries(record(line["replication/bySignature"])))
      if (typeof rate === "number") put(this.#repeated, name, index, rate);
    const alarms = line["alarm/names"];
    if (Array.isArray(alarms))
      for (const alarm of alarms)
        this.#happenings.push({ step: line.step, kind: "alarm", text: String(alarm) });
    const committed = record(line["probe/committed"] ?? line["portfolio/committed"]);
    const told = Object.entries(committed).map(([level, name]) => `${String(name)} on ${level}`);
    if (told.join() === this.#committed) return;
    this.#committed = told.join();
    this.#happenings.push({
      step: line.step,
      kind: "expert",
      text:
        told.length === 0 ? "no expert steers any more" : `steering away from ${told.join(", ")}`,
    });
  }

  #takeArrival(line: Line): void {
    const count = (key: string): number => Number(line[`import/${key}`] ?? 0);
    const partners = line["import/partners"];
    const parts = [
      count("verdicts") > 0 ? `${count("verdicts")} verdicts taken` : "",
      count("attempts") > 0 ? `${count("attempts")} attempts of others` : "",
      Array.isArray(partners) && partners.length > 0 ? `joined: ${partners.join(", ")}` : "",
    ].filter((part) => part !== "");
    this.#happenings.push({ step: line.step, kind: "arrival", text: parts.join("; ") });
  }

  /** Lines between steps (probes, distance, overlap) belong to the step that follows. */
  #takeBetween(line: Line): void {
    for (const [key, value] of Object.entries(line))
      if (typeof value === "number" && key !== "step")
        put(this.#columns, key, this.#steps.length, value);
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function put(columns: Map<string, Column>, key: string, index: number, value: number): void {
  let column = columns.get(key);
  if (column === undefined) columns.set(key, (column = []));
  while (column.length < index) column.push(null);
  column[index] = value;
}

function evaluationOf(step: number, accuracy: number, tasks: number): Evaluation {
  if (tasks <= 0) return { step, mean: accuracy, low: accuracy, high: accuracy };
  const { low, high } = wilsonInterval(Math.round(accuracy * tasks), tasks);
  return { step, mean: accuracy, low, high };
}
