/** The configuration of a run: its type, its parser, and `--set` overrides. */
import { z } from "zod";
import { configSchema } from "./schema.js";
import type { AlarmOptions } from "../watch/alarms.js";
import type { ContrastOptions } from "../learn/contrast.js";
import type { CurriculumOptions } from "../play/curriculum.js";
import type { AdapterShape } from "../engine/adapter.js";
import type { LocalEngineOptions } from "../engine/local.js";
import type { LearningRateSchedule } from "../engine/schedule.js";
import { ErrataError } from "../util/error.js";
import type { Estimator } from "../learn/estimators.js";
import type { ExpertOptions } from "../experts/expert.js";
import type { AblateOptions } from "../experts/stand-ins.js";
import type { ExploreOptions } from "../play/explore.js";
import { steersByExpert } from "../play/forms.js";
import type { TeacherOptions } from "../teacher/source.js";
import type { Budget, CostRole } from "../watch/ledger.js";
import type { ProbeOptions } from "../experts/probe.js";
import type { RemotePartnerOptions } from "../partners/remote.js";
import type { RewardOptions } from "../learn/reward.js";
import type { SelfPlayOptions } from "../partners/self-play.js";
import { newName, renamedValues, underNewNames } from "./renamed.js";
import { nearest } from "../util/spelling.js";
import type { UserOptions } from "../partners/simulated-user.js";

/** A checked configuration, every default filled in. The schema below says what each key means. */
export interface Config {
  readonly preset: string;
  readonly environment?: string | undefined;
  readonly student: StudentOptions;
  readonly seed: number;
  readonly steps: number;
  readonly tasksPerStep: number;
  readonly groupSize: number;
  readonly pool: number;
  readonly learningRate: number;
  readonly objective: "policy" | "dpo" | "clone";
  readonly normalisation: "std" | "none";
  readonly advantage: { readonly estimator: Estimator; readonly tokens: "all" | "step" };
  readonly evaluateEvery: number;
  readonly evaluationTasks: number;
  readonly evaluationSplit: "test" | "validation";
  readonly saveEvery: number;
  readonly keepRollouts: boolean;
  readonly reward: RewardOptions;
  readonly explore: ExploreOptions & { readonly steerBy: string };
  readonly expert: ExpertOptions & { readonly refitEvery: number; readonly minimumShare: number };
  readonly corpus: {
    readonly capacity: number;
    readonly tracesPerMistake: number;
    readonly novelty: boolean;
    readonly recurrence: number;
    readonly perSignature: boolean;
    readonly sources: "weak" | "student" | "both";
    readonly human: "optional" | "required";
    readonly signatures: "auto" | "rules" | "clusters";
    readonly quality: boolean;
    readonly quarantine: "untrusted" | "all" | "off";
  };
  readonly curriculum: CurriculumOptions;
  readonly probe: ProbeOptions & {
    readonly every: number;
    readonly tasks: number;
    readonly attempts: number;
  };
  readonly partners: {
    readonly names?: readonly string[] | undefined;
    readonly shares?: Readonly<Record<string, number>> | undefined;
    readonly every: number;
    readonly warmUpTraces: number;
    readonly collection: "all" | "worth";
    readonly redundancy: number;
    readonly remote: Readonly<Record<string, RemotePartnerOptions>>;
  };
  readonly teacher: TeacherOptions;
  readonly user: UserOptions;
  readonly contrast: ContrastOptions;
  readonly selfPlay: SelfPlayOptions;
  readonly budget: Budget;
  readonly prices: Readonly<Partial<Record<CostRole, number>>>;
  readonly alarms: AlarmOptions;
  readonly ablate: AblateOptions;
  readonly optimizer: OptimizerOptions;
  readonly engine: Required<LocalEngineOptions>;
}

/** How a step's batch becomes optimizer steps. */
export interface OptimizerOptions {
  readonly schedule: LearningRateSchedule["shape"];
  readonly warmup: number;
  readonly final: number;
  readonly epochs: number;
  readonly miniBatches: number;
}

/** An open model as the student, in place of the preset's. */
export interface StudentOptions {
  /** A folder with config.json, safetensors and tokenizer.json, or a hub id. */
  readonly checkpoint?: string | undefined;
  /** Branch, tag or commit of a hub id. */
  readonly revision: string;
  /** Longest sequence, prompt and completion together; the model's own limit by default. */
  readonly context?: number | undefined;
  /** Longest action in tokens; the environment's own limit by default. */
  readonly maxTokens?: number | undefined;
  /** Train an adapter (arXiv:2106.09685) instead of all weights; absent or `none`, train those. */
  readonly lora?: AdapterShape | "none" | undefined;
}

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/** What a user writes: any part of {@link Config}. */
export type ConfigInput = DeepPartial<Config>;

/** Types an `errata.config.ts`; returns its argument. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}

/**
 * Checks a configuration and fills in defaults. All problems are reported at once, with paths, and
 * the nearest real key for an unknown one. `source` says where it all comes from, or where a key does.
 * @throws ErrataError `CONFIG_INVALID`.
 */
export function parseConfig(
  input: unknown,
  source: string | ((key: string) => string) = "configuration",
): Config {
  const result = configSchema.safeParse(input ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue): { key: string; problem: string }[] => {
    const key = issue.path.join(".");
    if (issue.code !== "unrecognized_keys")
      return [{ key, problem: renamedValue(key, input) ?? issue.message }];
    return issue.keys.map((name) => {
      const full = [...issue.path, name].join(".");
      const now = newName(full);
      if (now !== undefined) return { key: full, problem: `is now called ${now}` };
      const suggestion = nearest(full, configKeys());
      const guess = suggestion === undefined ? "" : ` (did you mean ${suggestion}?)`;
      return { key: full, problem: `unknown key${guess}` };
    });
  });
  const sourceOf = typeof source === "string" ? (): string => source : source;
  const sources = [...new Set(problems.map(({ key }) => sourceOf(key)))];
  const lines = problems.map(({ key, problem }) => {
    const from = sources.length === 1 ? "" : ` (in ${sourceOf(key)})`;
    return `  ${key || "(top)"}: ${problem}${from}`;
  });
  const subject = sources.length === 1 ? sources[0] : "the configuration";
  throw new ErrataError(`${subject} is not valid:\n${lines.join("\n")}`, {
    code: "CONFIG_INVALID",
    hint: "errata train --dry-run prints every key with its value",
  });
}

/** What to write in place of a value that was renamed. */
function renamedValue(key: string, input: unknown): string | undefined {
  const value = key
    .split(".")
    .reduce<unknown>((place, name) => (isRecord(place) ? place[name] : undefined), input);
  const now = renamedValues.get(key)?.get(String(value));
  return now === undefined ? undefined : `"${String(value)}" is now called "${now}"`;
}

/**
 * The configuration that a run saved, also by a version with other names.
 * @throws ErrataError `CONFIG_INVALID`.
 */
export function savedConfig(json: unknown, path: string): Config {
  return parseConfig(underNewNames(json), path);
}

/**
 * Applies `key=value` overrides; values are JSON where they parse, text otherwise.
 * @throws ErrataError `CONFIG_SET` on an override that is not `key=value`.
 */
export function applyOverrides(input: ConfigInput, overrides: readonly string[]): ConfigInput {
  const copy = structuredClone(input) as Record<string, unknown>;
  for (const override of overrides) {
    const at = override.indexOf("=");
    if (at < 1)
      throw new ErrataError(`--set ${JSON.stringify(override)} is not key=value`, {
        code: "CONFIG_SET",
        hint: "for example --set explore.alpha=0.5",
      });
    const keys = override.slice(0, at).split(".");
    const text = override.slice(at + 1);
    let value: unknown = text;
    try {
      value = JSON.parse(text);
    } catch {
      // Not JSON: the text itself.
    }
    let place = copy;
    for (const key of keys.slice(0, -1)) {
      if (typeof place[key] !== "object" || place[key] === null) place[key] = {};
      place = place[key] as Record<string, unknown>;
    }
    place[keys.at(-1)!] = value;
  }
  return copy as ConfigInput;
}

/** Whether anything in a run would use collected mistakes: steering, the charge, or task weights. */
export function usesMistakes(config: Config): boolean {
  return usesExperts(config) || config.reward.penalty > 0 || config.reward.diverge > 0;
}

/** Whether experts are fitted to mistakes. */
export function usesExperts({ explore, ablate }: Pick<Config, "explore" | "ablate">): boolean {
  const { form, steerBy } = explore;
  return steersByExpert(form) && steerBy !== "past-self" && ablate.expert === "fitted";
}

/** Every key of the configuration, dotted. */
export function configKeys(): string[] {
  const keys: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (path !== "") keys.push(path);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value))
        visit(inner, path === "" ? key : `${path}.${key}`);
  };
  visit(
    configSchema.parse({
      partners: { names: [] },
      budget: { flops: 1, seconds: 1, money: 1, tokens: 1 },
    }),
    "",
  );
  return keys;
}

/** Keys that a configuration leaves open and that have no default, with what each means. */
export function openKeys(config: Config): ReadonlyMap<string, string> {
  const open = new Map<string, string>();
  const visit = (schema: JsonSchema, value: unknown, path: string): void => {
    const given = (typeof value === "object" && value !== null ? value : {}) as Record<
      string,
      unknown
    >;
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const key = path === "" ? name : `${path}.${name}`;
      if (property.properties !== undefined) visit(property, given[name], key);
      else if (given[name] === undefined) open.set(key, property.description ?? "");
    }
  };
  visit(
    z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as JsonSchema,
    config,
    "",
  );
  return open;
}

interface JsonSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

/** Plain GRPO on the same tasks: no partners, no corpus, no steering, no charge. */
export const grpo: ConfigInput = {
  reward: { penalty: 0, diverge: 0 },
  explore: { form: "none" },
  partners: { names: [] },
};

/** Whether an open model trains in an environment of its own, instead of a preset's models in the preset's or in another. */
export function withoutPreset({
  environment,
  student,
}: Pick<Config, "environment" | "student">): boolean {
  return environment !== undefined && student.checkpoint !== undefined;
}

/**
 * Defaults under a configuration that trains an open model, beside its preset's: an adapter; and in an
 * environment of its own, where no weak partner is known, plain GRPO in steps that a processor can take.
 */
export function openModelDefaults(config: Config): ConfigInput {
  const adapter: ConfigInput =
    config.student.checkpoint === undefined ? {} : { student: { lora: {} } };
  if (!withoutPreset(config)) return adapter;
  return {
    ...grpo,
    ...adapter,
    tasksPerStep: 4,
    learningRate: 1e-4,
    evaluateEvery: 10,
    evaluationTasks: 64,
    saveEvery: 5,
  };
}

/** `over` merged into `under`, key by key; lists are replaced. */
export function mergeConfig(under: ConfigInput, over: ConfigInput): ConfigInput {
  return merge(under, over) as ConfigInput;
}

function merge(under: unknown, over: unknown): unknown {
  if (!isRecord(under) || !isRecord(over)) return over === undefined ? under : over;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(under[key], value);
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
