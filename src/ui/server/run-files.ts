/** Where a run's folder keeps what the page shows, read without locking and without changing anything. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { lastCheckpoint } from "../../run/checkpoint.js";
import { lockHolder } from "../../run/lock.js";
import type { Bill } from "../../util/bill.js";
import { pricesSchema, type Prices } from "../../watch/prices.js";
import type { RunConfig, RunState } from "../api.js";

/** Bytes of a file, 0 where there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** When a file last changed, in milliseconds since 1970; 0 where there is none. */
export function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** A file's JSON, or undefined where there is none, or it is being written. */
export function readJson(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** What `state.json` of a run's last checkpoint says, as far as the page needs it. */
export interface CheckpointState {
  readonly step: number;
  readonly finished: boolean;
  readonly ledger: Readonly<
    Record<string, { readonly flops: number; readonly rollouts: number; readonly tokens: number }>
  >;
  readonly bills?: readonly Bill[];
  readonly teacher?: { readonly calls: number; readonly visits: number };
}

/** The state at a run's last checkpoint, or undefined before the first. */
export function checkpointState(folder: string): CheckpointState | undefined {
  const checkpoint = lastCheckpoint(folder);
  return checkpoint === undefined
    ? undefined
    : (readJson(join(checkpoint, "state.json")) as CheckpointState | undefined);
}

/** Whether a run is being trained, is done, or waits to be resumed. */
export function stateOf(folder: string): RunState {
  // The lock is asked only where somebody has left a note of it: asking takes it for a moment.
  if (existsSync(join(folder, "lock")) && lockHolder(folder) !== undefined) return "training";
  return checkpointState(folder)?.finished === true ? "finished" : "stopped";
}

/** A section of a configuration; read leniently, as older runs have other keys. */
function section(config: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  const value = config[key];
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** The run's `config.json` as it is. */
export function rawConfig(folder: string): Readonly<Record<string, unknown>> {
  return readJson(join(folder, "config.json")) ?? {};
}

/** What the page needs of a run's configuration. */
export function configOf(folder: string): RunConfig {
  const config = rawConfig(folder);
  const number = (value: unknown, otherwise: number): number =>
    typeof value === "number" ? value : otherwise;
  const groupSize = number(config["groupSize"], 8);
  const fraction = number(section(config, "explore")["fraction"], 0.5);
  const teacher = section(config, "teacher");
  const hasTeacher = typeof teacher["source"] === "string" && teacher["source"] !== "none";
  const exploring = Math.min(groupSize - 1, Math.max(1, Math.round(fraction * groupSize)));
  return {
    steps: number(config["steps"], 0),
    groupSize,
    onPolicy: groupSize - exploring,
    evaluationTasks: number(config["evaluationTasks"], 0),
    refitEvery: number(section(config, "expert")["refitEvery"], 1),
    teacherCap: hasTeacher ? number(teacher["cap"], 1) : null,
    budget: numbers(section(config, "budget")),
  };
}

/** What a run's work costs in money, and what computes it. */
export function pricesOf(folder: string): { readonly prices: Prices; readonly provider: string } {
  const config = rawConfig(folder);
  return {
    prices: pricesSchema.safeParse(section(config, "prices")).data ?? {},
    provider: section(config, "engine")["provider"] === "webgpu" ? "webgpu" : "cpu",
  };
}

function numbers(values: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).filter(
      (entry): entry is [string, number] =>
        typeof entry[1] === "number" && entry[1] < Number.MAX_SAFE_INTEGER,
    ),
  );
}

/** Whether the folder holds a corpus. */
export function hasCorpus(folder: string): boolean {
  return existsSync(join(folder, "corpus.db"));
}
