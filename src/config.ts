/** The configuration of a run: a checked schema, its defaults, and `--set` overrides. */
import { z } from "zod";
import { ErrataError } from "./error.js";
import { nearest } from "./spelling.js";
import type { ExpertOptions } from "./expert.js";
import type { RewardOptions } from "./reward.js";

/** A checked configuration, every default filled in. The schema below says what each key means. */
export interface Config {
  readonly preset: string;
  readonly seed: number;
  readonly steps: number;
  readonly tasksPerStep: number;
  readonly groupSize: number;
  readonly pool: number;
  readonly learningRate: number;
  readonly normalisation: "std" | "none";
  readonly evaluateEvery: number;
  readonly evaluationTasks: number;
  readonly saveEvery: number;
  readonly keepRollouts: boolean;
  readonly reward: RewardOptions;
  readonly explore: {
    readonly form: "repulsive" | "contrastive" | "none";
    readonly alpha: number;
    readonly mask: number;
    readonly floor: number;
    readonly gate: "stuck" | "always";
    readonly arm: string;
    readonly probeEvery: number;
    readonly probeTasks: number;
    readonly probeAttempts: number;
  };
  readonly expert: ExpertOptions & { readonly refitEvery: number };
  readonly corpus: {
    readonly capacity: number;
    readonly tracesPerMistake: number;
    readonly novelty: boolean;
    readonly recurrence: number;
    readonly perSignature: boolean;
    readonly sources: "weak" | "student" | "both";
  };
  readonly partners: {
    readonly names?: readonly string[] | undefined;
    readonly every: number;
    readonly warmUpTraces: number;
  };
  readonly engine: { readonly threads: number };
}

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/** What a user writes: any part of {@link Config}. */
export type ConfigInput = DeepPartial<Config>;

const share = z.number().min(0).max(1);
const count = z.number().int().min(1);
const rate = z.number().positive();

const rewardSchema = z.strictObject({
  penalty: z
    .number()
    .min(0)
    .lt(1)
    .default(0.5)
    .describe("largest charge for repeating a mistake (lambda_e)"),
  gate: z
    .enum(["hard", "soft", "off"])
    .default("hard")
    .describe("charge only all-wrong groups, softly, or all"),
  scope: z.enum(["step", "answer", "all"]).default("step").describe("which tokens are charged"),
  evidence: z
    .enum(["weak", "self", "both", "none"])
    .default("both")
    .describe("whose mistakes count"),
  annealUntil: share.default(0.6).describe("share of training after which the charge is 0"),
  diverge: z
    .number()
    .min(0)
    .default(0.2)
    .describe("extra weight of tasks weak models fail systematically (lambda_d)"),
});

const exploreSchema = z.strictObject({
  form: z
    .enum(["repulsive", "contrastive", "none"])
    .default("repulsive")
    .describe("how experts steer stuck groups"),
  alpha: z.number().min(0).default(1).describe("strength of the steering"),
  mask: share.default(0.1).describe("only tokens with pi >= mask * max(pi) can be sampled"),
  floor: z.number().max(0).default(-3).describe("lowest log q that counts"),
  gate: z
    .enum(["stuck", "always"])
    .default("stuck")
    .describe("steer the second half of stuck groups, or of all"),
  arm: z
    .string()
    .default("probe")
    .describe("`probe` commits the expert with proven uplift; or a signature, or `random`"),
  probeEvery: count.default(50),
  probeTasks: count.default(64),
  probeAttempts: count.default(4),
});

const expertSchema = z.strictObject({
  minimumTraces: count.default(256).describe("fewest attempts an expert is fitted to"),
  maximumTraces: count.default(1024),
  steps: count.default(200).describe("optimizer steps of a first fit"),
  batch: count.default(128),
  learningRate: rate.default(3e-3),
  refitEvery: count.default(50),
});

const corpusSchema = z.strictObject({
  capacity: count.default(4096).describe("most mistakes kept"),
  tracesPerMistake: count.default(16),
  novelty: z
    .boolean()
    .default(true)
    .describe("admit by novelty; false keeps all but exact repeats"),
  recurrence: count
    .default(3)
    .describe("attempts that must agree before one trains an expert, of a group of 8"),
  perSignature: z
    .boolean()
    .default(true)
    .describe("one expert a signature; false pools them (an ablation)"),
  sources: z
    .enum(["weak", "student", "both"])
    .default("both")
    .describe("whose mistakes are collected"),
});

const partnersSchema = z.strictObject({
  names: z
    .array(z.string())
    .optional()
    .describe("weak partners of the preset that play; all by default"),
  every: count.default(10).describe("steps between their attempts at stuck tasks"),
  warmUpTraces: z
    .number()
    .int()
    .min(0)
    .default(384)
    .describe("recurring mistakes collected from each before step 0"),
});

const configSchema = z.strictObject({
  preset: z.string().default("proof").describe("domain and base models: see `errata train --help`"),
  seed: z.number().int().min(0).default(0),
  steps: count.default(150),
  tasksPerStep: count.default(16),
  groupSize: z.number().int().min(2).multipleOf(2).default(8),
  pool: count.default(4096).describe("training tasks drawn for the run"),
  learningRate: rate.default(3e-4),
  normalisation: z
    .enum(["std", "none"])
    .default("std")
    .describe("group advantages: GRPO or Dr. GRPO"),
  evaluateEvery: count.default(5),
  evaluationTasks: count.default(400),
  saveEvery: count.default(25),
  keepRollouts: z.boolean().default(true).describe("write rollouts/*.jsonl"),
  reward: rewardSchema.prefault({}),
  explore: exploreSchema.prefault({}),
  expert: expertSchema.prefault({}),
  corpus: corpusSchema.prefault({}),
  partners: partnersSchema.prefault({}),
  engine: z.strictObject({ threads: count.default(1) }).prefault({}),
});

/** Types an `errata.config.ts`; returns its argument. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}

/**
 * Checks a configuration and fills in defaults. All problems are reported at once, with paths, and
 * the nearest real key for an unknown one.
 * @throws ErrataError `CONFIG_INVALID`.
 */
export function parseConfig(input: unknown, source: string = "configuration"): Config {
  const result = configSchema.safeParse(input ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => {
    const path = issue.path.join(".");
    if (issue.code !== "unrecognized_keys") return [`${path || "(top)"}: ${issue.message}`];
    return issue.keys.map((key) => {
      const full = [...issue.path, key].join(".");
      const suggestion = nearest(full, configKeys());
      return `${full}: unknown key${suggestion === undefined ? "" : ` (did you mean ${suggestion}?)`}`;
    });
  });
  throw new ErrataError(`${source} is not valid:\n  ${problems.join("\n  ")}`, {
    code: "CONFIG_INVALID",
    hint: "errata train --dry-run prints every key with its value",
  });
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
export function usesMistakes({ explore, reward }: Config): boolean {
  return explore.form !== "none" || reward.penalty > 0 || reward.diverge > 0;
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
  visit(configSchema.parse({ partners: { names: [] } }), "");
  return keys;
}

/** Plain GRPO on the same tasks: no partners, no corpus, no steering, no charge. */
export const grpo: ConfigInput = {
  reward: { penalty: 0, diverge: 0 },
  explore: { form: "none" },
  partners: { names: [] },
};

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
