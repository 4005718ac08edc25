/** Whether a study's domain is one where the method can help: measured once, kept beside the study. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Config } from "../../config/config.js";
import { gate, type GateReport } from "../../assess/gate.js";
import { prepare } from "../../launch/prepare.js";
import { readJsonAs } from "../../util/read-json.js";
import { replaceFile } from "../../util/replace-file.js";
import type { Protocol } from "../design/protocol.js";

/** Validation tasks the gate is measured on. */
export const gateTasks = 200;

/**
 * The gate of a study's domain, from `gate.json` in the study's folder. Where that is missing it is
 * measured, if `measure` says so, and else undefined.
 */
export async function gateValues(
  folder: string,
  protocol: Protocol,
  measure: boolean,
): Promise<GateReport | undefined> {
  const path = join(folder, "gate.json");
  const known = gateOf(folder);
  if (known !== undefined || !measure) return known;
  const measured = await gate(await prepare(gateConfig(protocol)), { tasks: gateTasks });
  replaceFile(path, `${JSON.stringify(measured, null, 2)}\n`);
  return read(path);
}

/** The gate that a study's folder holds, or undefined. */
export function gateOf(folder: string): GateReport | undefined {
  const path = join(folder, "gate.json");
  return existsSync(path) ? read(path) : undefined;
}

/** What the gate is measured with: our arm's configuration, else the first one's, with all of the preset's partners. */
export function gateConfig({ arms }: Pick<Protocol, "arms">): Config {
  const { config } = arms.find((a) => a.family === "errata") ?? arms[0]!;
  const { names: _, ...partners } = config.partners;
  return { ...config, partners };
}

const written = z.looseObject({ checks: z.array(z.looseObject({ most: z.number().nullish() })) });

/** JSON has no infinity: a range without an upper end comes back as null. */
function read(path: string): GateReport {
  const hint = `delete ${path}: the gate is measured again`;
  const { checks, ...report } = readJsonAs(path, written, hint) as unknown as GateReport;
  return { ...report, checks: checks.map((c) => ({ ...c, most: c.most ?? Infinity })) };
}
