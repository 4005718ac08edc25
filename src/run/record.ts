/** What a run's folder says about it, as of its last checkpoint. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.js";
import { savedConfig } from "../config/parse.js";
import type { CorpusStats } from "../mistakes/corpus/browse.js";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { ErrataError } from "../util/error.js";
import type { Cost, CostRole } from "../watch/ledger.js";
import type { MetricsLine, StepMetrics } from "../watch/metrics.js";
import { lastCheckpoint } from "./checkpoint.js";
import { freshTeacherBudget, type TeacherBudgetState } from "../teacher/budget.js";

/** A run read back. */
export interface RunRecord {
  readonly config: Config;
  readonly finished: boolean;
  readonly lines: readonly MetricsLine[];
  readonly cost: Readonly<Record<CostRole, Cost>>;
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
  const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
  const saved = json(join(checkpoint, "state.json")) as {
    finished: boolean;
    ledger: Readonly<Record<CostRole, Cost>>;
    metricsBytes: number;
    teacher?: TeacherBudgetState;
  };
  const { calls, visits } = saved.teacher ?? freshTeacherBudget;
  const metrics = readFileSync(join(folder, "metrics.jsonl")).subarray(0, saved.metricsBytes);
  return {
    config: savedConfig(json(join(folder, "config.json")), join(folder, "config.json")),
    finished: saved.finished,
    lines: metrics
      .toString("utf8")
      .split("\n")
      .filter((text) => text !== "")
      .map((text) => JSON.parse(text) as MetricsLine),
    cost: saved.ledger,
    teacherShare: visits === 0 ? 0 : calls / visits,
    checkpoint,
  };
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
