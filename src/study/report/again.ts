/** A study's page drawn again from what its folder holds: nothing is trained or measured. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { GateReport } from "../../assess/gate.js";
import { ErrataError } from "../../util/error.js";
import { readJsonAs } from "../../util/read-json.js";
import { loadProtocol, type Protocol } from "../design/protocol.js";
import type { ArmRun } from "../runs/measure.js";
import { gateOf } from "../runs/gate-values.js";
import { resultOf, type StudyResult } from "../verdict/result.js";
import { reportPage } from "./page.js";
import { machine } from "./report.js";

/** As much of a result as tells that a file holds one. */
const resultSchema = z.looseObject({
  arms: z.array(z.looseObject({ stepsTo80: z.looseObject({}) })),
});

/** JSON has no NaN: an estimate that nothing gave comes back as null. */
const numbers: ReadonlySet<string> = new Set(["estimate", "low", "high", "mean", "p"]);

const withNaN = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
    inner === null && numbers.has(key) ? Number.NaN : inner,
  );

/**
 * The page of the study in `folder`, from its protocol.json, result.json, runs.jsonl and gate.json.
 * @throws ErrataError `STUDY_MISSING`, `STUDY_CHANGED`, `STUDY_OLD` where result.json is of an earlier version and
 *   the runs are gone.
 */
export function studyPage(folder: string): string {
  const protocol = loadProtocol(folder);
  const path = join(folder, "result.json");
  const hint = `delete ${path}, then npx errata compare ${folder} counts the runs again`;
  const result = withNaN(readJsonAs(path, resultSchema, hint)) as StudyResult;
  const runs = runsOf(folder);
  const gate: GateReport | undefined = gateOf(folder);
  const command = `npx errata compare ${folder}`;
  const current = isCurrent(result) ? result : resultAgain(folder, protocol, runs, result);
  return reportPage({ protocol, runs, result: current, command, gate }, machine());
}

/** Whether a result counts the runs that arrive: earlier versions wrote the mean alone. */
const isCurrent = ({ arms }: StudyResult): boolean =>
  arms.every(({ stepsTo80 }) => stepsTo80.of !== undefined);

function resultAgain(
  folder: string,
  protocol: Protocol,
  runs: readonly ArmRun[],
  { rates }: StudyResult,
): StudyResult {
  if (runs.length > 0) return resultOf(protocol, runs, rates);
  throw new ErrataError(`${join(folder, "result.json")} was written by an earlier version`, {
    code: "STUDY_OLD",
    hint: `train its arms again: npx errata compare ${protocol.study} --domain ${protocol.domain}`,
  });
}

function runsOf(folder: string): ArmRun[] {
  const path = join(folder, "runs.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  try {
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as ArmRun);
  } catch (cause) {
    throw new ErrataError(`${path} holds a line that is not JSON`, {
      code: "FILE_DAMAGED",
      hint: `delete it, then npx errata compare ${folder} reads the runs again`,
      cause,
    });
  }
}
