/** The protocol: everything a study's numbers depend on, fixed and hashed before anything is run. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Config, ConfigInput } from "../../config/config.js";
import { mergeConfig } from "../../config/merge.js";
import { parseConfig } from "../../config/parse.js";
import { ErrataError } from "../../util/error.js";
import { readJson } from "../../util/read-json.js";
import { replaceFile } from "../../util/replace-file.js";
import { presetFor } from "../../launch/prepare.js";
import { modelFile } from "../../students/models.js";
import { presetNamed } from "../../students/presets/presets.js";
import {
  armsWithAbilities,
  defaultSeeds,
  defineStudy,
  needsText,
  seedList,
  studentsOf,
  type Arm,
  type Claim,
  type StudyInput,
} from "./study.js";

/** An arm with every default filled in. */
export interface ProtocolArm extends Omit<Arm, "config"> {
  /** For the first reported seed, at the preset's rate or the arm's fixed one. */
  readonly config: Config;
}

/** A study, resolved. */
export interface Protocol {
  readonly study: string;
  readonly domain: string;
  readonly description: string;
  /** Files of the base student and the weak partners: they change with what the models are. */
  readonly models: Readonly<Record<string, string>>;
  /** Hash of the program that trains: results of another program are other results. */
  readonly program: string;
  readonly arms: readonly ProtocolArm[];
  readonly claims: readonly Claim[];
  readonly seeds: readonly number[];
  /** Null where rates are fixed. */
  readonly tuning: { readonly rates: readonly number[]; readonly seeds: readonly number[] } | null;
  readonly target: number;
  readonly accuracyAt: number;
  readonly teacherCost: number;
  /** Tasks of abilities, where a claim is about one. */
  readonly abilityTasks?: number;
}

/** Changes to a study on the command line. */
export interface ProtocolOptions {
  /** Key by key over every arm. */
  readonly config?: ConfigInput;
  /** Learning rates by arm: given, nothing is tuned, and other arms take the preset's. */
  readonly rates?: Readonly<Record<string, number>>;
}

/**
 * Resolves a study.
 * @throws ErrataError `STUDY_INVALID`, `STUDY_ARM`, `CONFIG_INVALID`, `PRESET_UNKNOWN`.
 */
export async function protocolOf(
  input: StudyInput,
  { config = {}, rates }: ProtocolOptions = {},
): Promise<Protocol> {
  const study = defineStudy(input);
  const preset = presetNamed(study.domain);
  const environment = preset.environment();
  const seeds = seedList({ ...defaultSeeds.report, ...study.seeds });
  const common = [
    preset.config,
    { preset: study.domain, keepRollouts: false },
    study.config ?? {},
  ].reduce<ConfigInput>(mergeConfig, {});
  const arms = study.arms.map((arm): ProtocolArm => {
    const rate = rates?.[arm.name];
    const parts = [arm.config, rate === undefined ? {} : { learningRate: rate }, config];
    const merged = parts.reduce<ConfigInput>(mergeConfig, common);
    return { ...arm, config: parseConfig({ ...merged, seed: seeds[0] }, `arm "${arm.name}"`) };
  });
  const shared = parseConfig(mergeConfig(common, config));
  await requireFitting(study, shared);
  const base = shared.learningRate;
  const models: Record<string, string> = {
    student: await modelFile(environment, preset.student),
  };
  for (const [name, recipe] of Object.entries(preset.partners))
    models[name] = await modelFile(environment, recipe);
  const tuning = {
    rates: study.tuning?.rates ?? [base / 4, base / 2, base, 2 * base],
    seeds: seedList({ ...defaultSeeds.tuning, ...study.tuning }),
  };
  return {
    study: study.name,
    domain: study.domain,
    description: study.description ?? "",
    models,
    program: programHash(),
    arms,
    claims: study.claims,
    seeds,
    tuning: rates === undefined ? tuning : null,
    target: study.target ?? 0.8,
    accuracyAt: study.accuracyAt ?? Math.ceil(arms[0]!.config.steps / 5),
    teacherCost: study.teacherCost ?? 1.1,
    ...(armsWithAbilities(study.claims).size === 0
      ? {}
      : { abilityTasks: study.abilityTasks ?? 128 }),
  };
}

async function requireFitting({ arms, domain }: StudyInput, shared: Config): Promise<void> {
  const textual = arms.find((a) => a.students === "text");
  if (textual !== undefined && studentsOf(await presetFor(shared)) !== "text")
    throw needsText(textual.name, domain);
}

/** Twelve hexadecimal digits that change with anything in a value. */
export function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 12);
}

/** Parts of the program that only drive or show runs. */
const besideTraining = new Set(["study", "cli", "launch", "ui"]);

/** A hash of the program's own files, those that only drive or show runs left out. */
function programHash(): string {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const hash = createHash("sha256");
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => /(?<!\.test|\.d)\.[jt]s$/.test(file))
    .filter((file) => !besideTraining.has(file.split(/[/\\]/)[0]!))
    .toSorted();
  for (const file of files) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex").slice(0, 12);
}

/** The folder of a protocol below `parent`: `<study>-<domain>-<hash>`. */
export function studyFolder(parent: string, protocol: Protocol): string {
  return join(parent, `${protocol.study}-${protocol.domain}-${hashOf(protocol)}`);
}

const protocolFile = "protocol.json";

/** Makes the folder of a protocol and writes the protocol into it, before anything is run. */
export function saveProtocol(folder: string, protocol: Protocol): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, protocolFile);
  if (!existsSync(path)) replaceFile(path, `${JSON.stringify(protocol, null, 2)}\n`);
}

/**
 * The protocol of an existing study's folder.
 * @throws ErrataError `STUDY_MISSING`, `STUDY_CHANGED` when the file is not what was hashed.
 */
export function loadProtocol(folder: string): Protocol {
  const path = join(folder, protocolFile);
  if (!existsSync(path))
    throw new ErrataError(`${folder} holds no study: there is no ${path}`, {
      code: "STUDY_MISSING",
      hint: "name a study, a study file or the folder of a study that was begun",
    });
  const hint = "put the file back from a copy, or start the study anew by name or from its file";
  const protocol = readJson(path, hint) as Protocol;
  const hash = hashOf(protocol);
  if (folder.replace(/[/\\]+$/, "").endsWith(hash)) return protocol;
  throw new ErrataError(`${path} has changed since the study began: its hash is now ${hash}`, {
    code: "STUDY_CHANGED",
    hint: "a changed protocol is a new study: start it by name or from a study file",
  });
}
