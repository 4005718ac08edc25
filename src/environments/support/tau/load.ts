/** Reading the published files of tau2-bench and tau-bench. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ErrataError } from "../../../util/error.js";
import { hashText } from "../../../util/random.js";
import { requireData } from "../../data-folder.js";
import type { Split } from "../../environment.js";
import { Database, type Tables } from "../database.js";
import { airlineTools } from "./airline.js";
import type { Tools } from "./conversation.js";
import { retailTools } from "./retail.js";
import { parseTasks, type TauTask } from "./task.js";

/** A domain as its files hold it. */
export interface TauDomain {
  readonly tools: Tools;
  readonly database: Database;
  readonly policy: string;
  /** Tasks by split. */
  readonly tasks: Readonly<Record<Split, readonly TauTask[]>>;
}

const SOURCE = "https://github.com/sierra-research/tau2-bench (data/tau2/domains)";
const AIRLINE_SOURCE = "https://github.com/sierra-research/tau-bench (tau_bench/envs/airline/data)";

/**
 * Reads the retail domain from `folder`.
 * @throws ErrataError `ENVIRONMENT_DATA` where a file is absent, `TAU_TASK` where one cannot be read.
 */
export function loadRetail(folder?: string): TauDomain {
  const at = place("tau2/retail", SOURCE, folder);
  const database = Database.of<Record<string, never>>(readJson(join(at, "db.json")) as Tables);
  return {
    tools: retailTools as unknown as Tools,
    database: database as Database,
    ...readDomain(at),
  };
}

/**
 * Reads the airline domain from `folder`.
 * @throws ErrataError `ENVIRONMENT_DATA` where a file is absent, `TAU_TASK` where one cannot be read.
 */
export function loadAirline(folder?: string): TauDomain {
  const tables = place("tau-bench/airline", AIRLINE_SOURCE, folder);
  const read = (name: string): unknown => readJson(join(tables, `${name}.json`));
  const database = Database.of<Record<string, never>>({
    flights: read("flights"),
    reservations: read("reservations"),
    users: read("users"),
  } as Tables);
  return {
    tools: airlineTools as unknown as Tools,
    database: database as Database,
    ...readDomain(place("tau2/airline", SOURCE, folder)),
  };
}

function readDomain(folder: string): Pick<TauDomain, "policy" | "tasks"> {
  const splits = join(folder, "split_tasks.json");
  const listed = existsSync(splits) ? (readJson(splits) as Record<string, readonly string[]>) : {};
  const tasks: Record<Split, TauTask[]> = { train: [], validation: [], test: [] };
  const path = join(folder, "tasks.json");
  for (const task of parseTasks(readJson(path), path))
    tasks[splitOf(task, listed["test"])].push(task);
  return { policy: readFileSync(join(folder, "policy.md"), "utf8"), tasks };
}

/** Published test tasks test; where none are listed a tenth does. Another tenth is for validation. */
function splitOf({ id }: TauTask, test: readonly string[] | undefined): Split {
  const tenth = hashText(`tau2:${id}`) % 10;
  if (test === undefined ? tenth === 0 : test.includes(id)) return "test";
  return tenth === 1 ? "validation" : "train";
}

function place(path: string, source: string, folder: string | undefined): string {
  return folder === undefined ? requireData(path, source) : join(folder, path);
}

function readJson(path: string): unknown {
  if (!existsSync(path)) {
    throw new ErrataError(`there is no ${path}`, {
      code: "ENVIRONMENT_DATA",
      hint: `get it from ${SOURCE}`,
    });
  }
  return JSON.parse(readFileSync(path, "utf8"));
}
