/** What a run's folder says about it, as of its last checkpoint. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.js";
import { savedConfig } from "../config/parse.js";
import type { CorpusStats } from "../mistakes/corpus/browse.js";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { ErrataError } from "../util/error.js";
import { readJson } from "../util/read-json.js";
import { sumOf } from "../util/statistics/sums.js";
import type { Cost, CostRole } from "../watch/ledger.js";
import type { MetricsLine, StepMetrics } from "../watch/metrics.js";
import { money } from "../watch/prices.js";
import { lastCheckpoint, readState, type SavedState } from "./checkpoint.js";
import { textSha256 } from "./checksums.js";
import { readSeconds } from "./seconds.js";
import { freshTeacherBudget } from "../teacher/budget.js";

/** A run read back. */
export interface RunRecord {
  readonly config: Config;
  readonly finished: boolean;
  readonly lines: readonly MetricsLine[];
  readonly cost: Readonly<Record<CostRole, Cost>>;
  /** Money of all sittings, at the configured prices. */
  readonly money: number;
  /** Seconds of training, of all sittings. */
  readonly seconds: number;
  /** Share of prompt visits with a teacher, in [0, 1]. */
  readonly teacherShare: number;
  /** The folder of the checkpoint. */
  readonly checkpoint: string;
}

/**
 * Reads a run.
 * @throws ErrataError `RUN_MISSING` without a checkpoint.
 */
export function readRun(folder: string): RunRecord {
  const checkpoint = lastCheckpoint(folder);
  if (checkpoint === undefined)
    throw new ErrataError(`${folder} holds no checkpoint`, {
      code: "RUN_MISSING",
      hint: "its training stopped before anything was saved: start it again",
    });
  const saved = readState(checkpoint) as Omit<SavedState, "teacher"> & Partial<SavedState>;
  const { calls, visits } = saved.teacher ?? freshTeacherBudget;
  const config = readConfig(folder);
  const seconds = sumOf(Object.values(readSeconds(folder)));
  const paid = { bills: saved.bills ?? [], seconds, provider: config.engine.provider };
  return {
    config,
    finished: saved.finished,
    lines: readMetrics(folder, saved),
    cost: saved.ledger,
    money: money(saved.ledger, config.prices, paid),
    seconds,
    teacherShare: visits === 0 ? 0 : calls / visits,
    checkpoint,
  };
}

/**
 * The configuration that a run was started with.
 * @throws ErrataError `FILE_DAMAGED`; `CONFIG_INVALID` where it does not fit this version.
 */
export function readConfig(folder: string): Config {
  const path = join(folder, "config.json");
  return savedConfig(
    readJson(path, "put the file back from a copy, or begin again under another --name"),
    path,
  );
}

/** The lines that a checkpoint counts. */
function readMetrics(
  folder: string,
  { metricsBytes, metricsSha256 }: Pick<SavedState, "metricsBytes" | "metricsSha256">,
): MetricsLine[] {
  const path = join(folder, "metrics.jsonl");
  const hint = `errata train --resume goes back to a checkpoint that the file still has the lines of`;
  const damaged = (why: string, cause?: unknown): ErrataError =>
    new ErrataError(`${path} ${why}`, { code: "FILE_DAMAGED", hint, cause });
  if (!existsSync(path)) throw damaged("is missing");
  const metrics = readFileSync(path).subarray(0, metricsBytes);
  if (metrics.length < metricsBytes)
    throw damaged(`has ${metrics.length} bytes of ${metricsBytes}`);
  if (metricsSha256 !== undefined && textSha256(metrics) !== metricsSha256)
    throw damaged("has other bytes than were written");
  try {
    return metrics
      .toString("utf8")
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text) as MetricsLine);
  } catch (cause) {
    throw damaged("holds a line that is not JSON", cause);
  }
}

/** Held-out accuracies by step, in [0, 1]. */
export function learningCurve(lines: readonly MetricsLine[]): [step: number, accuracy: number][] {
  return lines.flatMap((line): [number, number][] =>
    "eval/accuracy" in line ? [[line.step, line["eval/accuracy"]]] : [],
  );
}

/** Stuck groups of a whole run: those whose first half was all wrong. */
export interface StuckGroups {
  readonly groups: number;
  /** Of those, with a right rollout in the second half. */
  readonly rescued: number;
  /** Of `groups`, those whose second half an error expert steered; and of those, rescued. */
  readonly steered: number;
  readonly rescuedSteered: number;
}

/** Adds up a run's stuck groups. */
export function stuckGroups(lines: readonly MetricsLine[]): StuckGroups {
  const steps = lines.filter((line): line is StepMetrics => "group/stuck" in line);
  const sum = (key: `group/${"stuck" | "rescued" | "steered" | "rescuedSteered"}`): number =>
    steps.reduce((n, line) => n + line[key], 0);
  return {
    groups: sum("group/stuck"),
    rescued: sum("group/rescued"),
    steered: sum("group/steered"),
    rescuedSteered: sum("group/rescuedSteered"),
  };
}

/** The corpus of a run's checkpoint, in numbers. */
export function readCorpus({ checkpoint }: Pick<RunRecord, "checkpoint">): CorpusStats {
  const corpus = Corpus.open(join(checkpoint, "corpus.db"), { readOnly: true });
  try {
    return corpus.stats();
  } finally {
    corpus.close();
  }
}
