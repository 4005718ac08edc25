/** A study's page drawn again from what its folder holds: nothing is trained or measured. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { GateReport } from "../../assess/gate.js";
import { loadProtocol } from "../design/protocol.js";
import type { ArmRun } from "../runs/measure.js";
import { gateOf } from "../runs/gate-values.js";
import type { StudyResult } from "../verdict/result.js";
import { reportPage } from "./page.js";
import { machine } from "./report.js";

/** JSON has no NaN: an estimate that nothing gave comes back as null. */
const numbers: ReadonlySet<string> = new Set(["estimate", "low", "high", "mean", "p"]);

/**
 * The page of the study in `folder`, from its protocol.json, result.json, runs.jsonl and gate.json.
 * @throws ErrataError `STUDY_MISSING`, `STUDY_CHANGED`.
 */
export function studyPage(folder: string): string {
  const protocol = loadProtocol(folder);
  const result = JSON.parse(
    readFileSync(join(folder, "result.json"), "utf8"),
    (key, value: unknown) => (value === null && numbers.has(key) ? Number.NaN : value),
  ) as StudyResult;
  const gate: GateReport | undefined = gateOf(folder);
  const command = `npx errata compare ${folder}`;
  return reportPage({ protocol, runs: runsOf(folder), result, command, gate }, machine());
}

function runsOf(folder: string): ArmRun[] {
  const path = join(folder, "runs.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as ArmRun);
}
