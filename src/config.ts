/** The configuration of a run: a checked schema, its defaults, and `--set` overrides. */
import { z } from "zod";
import { ErrataError } from "./error.js";
import { nearest } from "./spelling.js";
import type { ContrastOptions } from "./contrast.js";
import { degradations } from "./degrade.js";
import type { GuideOptions } from "./guide.js";
import { selfPlayRoles, type SelfPlayOptions } from "./self-play.js";
import type { AdapterShape } from "./engine/adapter.js";
import type { LocalEngineOptions } from "./engine/local.js";
import { scheduleShapes } from "./engine/schedule.js";
import { projections } from "./engine/shape.js";
import { estimators, type Estimator } from "./estimators.js";
import { explorationForms, steersByExpert, type ExplorationForm } from "./exploration.js";
import type { ExpertOptions } from "./expert.js";
import type { AlarmOptions } from "./alarms.js";
import type { CurriculumOptions } from "./curriculum.js";
import { costRoles, type Budget, type CostRole } from "./ledger.js";
import type { ProbeOptions } from "./portfolio.js";
import type { RewardOptions } from "./reward.js";

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
  readonly advantage: { readonly estimator: Estimator };
  readonly evaluateEvery: number;
  readonly evaluationTasks: number;
  readonly evaluationSplit: "test" | "validation";
  readonly saveEvery: number;
  readonly keepRollouts: boolean;
  readonly reward: RewardOptions;
  readonly explore: {
    readonly form: ExplorationForm;
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
    readonly human: "optional" | "required";
    readonly signatures: "auto" | "rules" | "clusters";
    readonly quality: boolean;
    readonly quarantine: "untrusted" | "all" | "off";
  };
  readonly curriculum: CurriculumOptions;
  readonly portfolio: ProbeOptions;
  readonly partners: {
    readonly names?: readonly string[] | undefined;
    readonly shares?: Readonly<Record<string, number>> | undefined;
    readonly every: number;
    readonly warmUpTraces: number;
    readonly collection: "all" | "coverage";
    readonly redundancy: number;
  };
  readonly teacher: TeacherOptions;
  readonly contrast: ContrastOptions;
  readonly selfPlay: SelfPlayOptions;
  readonly budget: Budget;
  readonly prices: Readonly<Partial<Record<CostRole, number>>>;
  readonly alarms: AlarmOptions;
  readonly control: ControlOptions;
  readonly optimizer: OptimizerOptions;
  readonly engine: Required<LocalEngineOptions>;
}

/** How a step's batch becomes optimizer steps. */
export interface OptimizerOptions {
  readonly schedule: (typeof scheduleShapes)[number];
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
  /** Train an adapter (arXiv:2106.09685) instead of all weights. */
  readonly lora?: AdapterShape | undefined;
}

/** Who teaches, how, and how much at most. */
export interface TeacherOptions extends GuideOptions {
  /**
   * `none`; `solver`, the environment's own; `right-solutions`, the student's recipe stopped after
   * its first stage, before any error was injected; a checkpoint's path; or the http(s) URL of an
   * OpenAI-compatible server.
   */
  readonly source: string;
  /** Share of tasks that the solver solves right. */
  readonly accuracy: number;
  /** Keep hashes and counts of what it says, never text. */
  readonly private: boolean;
  /** Model name and the environment variable that holds the key, for a URL. */
  readonly model: string;
  readonly keyVariable: string;
}

/** Replaces one ingredient of the method by something that should not work: controls of a study. */
export interface ControlOptions {
  /** Experts are fitted to actions shuffled among the states they were taken in. Default false. */
  readonly shuffleWeak: boolean;
  /** Outcomes that learning sees are fair coin flips (arXiv:2506.10947). Default false. */
  readonly randomReward: boolean;
  /**
   * Who steers stuck groups: experts `fitted` to mistakes; or, without a probe, a network with
   * `random` weights, the `student` itself (mu ~ pi^(1 - alpha): temperature 1 / (1 - alpha) under
   * the same mask), or the `initial` student. Default `fitted`.
   */
  readonly expert: "fitted" | "random" | "student" | "initial";
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
    .enum(["weak", "self", "both", "none", "firstError"])
    .default("both")
    .describe("whose mistakes count; `firstError`: every wrong step, repeated or not"),
  annealUntil: share.default(0.6).describe("share of training after which the charge is 0"),
  diverge: z
    .number()
    .min(0)
    .default(0.2)
    .describe("extra weight of tasks weak models fail systematically (lambda_d)"),
});

const exploreSchema = z.strictObject({
  form: z
    .enum(explorationForms)
    .default("repulsive")
    .describe("how stuck groups are explored: see src/exploration.ts"),
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
  human: z
    .enum(["optional", "required"])
    .default("optional")
    .describe("`required`: experts train only on mistakes that a person has confirmed"),
  signatures: z
    .enum(["auto", "rules", "clusters"])
    .default("auto")
    .describe(
      "who names a mistake: the domain's rules, or clusters of edits where no rule does; `auto` clusters only in domains without rules",
    ),
  quality: z
    .boolean()
    .default(true)
    .describe("update confusability and learnability at each refit; false leaves recurrence alone"),
  quarantine: z
    .enum(["untrusted", "all", "off"])
    .default("untrusted")
    .describe(
      "hold back `wrong` answers that most rollouts and two weak models agree on: where the label is untrusted or a second checker accepts them, always, or never",
    ),
});

const curriculumSchema = z.strictObject({
  mode: z
    .enum(["uniform", "learnability", "bandit"])
    .default("uniform")
    .describe("how tasks are chosen"),
  uniform: share.default(0.1).describe("share of tasks drawn uniformly in the other modes"),
  replication: z
    .number()
    .min(0)
    .default(0.3)
    .describe("weight of how often a task's known mistakes are repeated"),
  replay: share.default(0).describe("share of a step's tasks taken from the corpus by quality"),
  parkAfter: count.default(8).describe("visits in a row without success that park a task"),
});

const portfolioSchema = z.strictObject({
  lcb: z
    .enum(["t", "normal"])
    .default("t")
    .describe("one-sided lower bound on an arm's uplift: Student's t, or mean - z standard errors"),
  confidence: z
    .number()
    .gt(0.5)
    .lt(1)
    .default(0.8413)
    .describe("of that bound; .8413 is one standard error of many tasks"),
  independentSample: z
    .boolean()
    .default(true)
    .describe(
      "measure uplift on fresh samples; false reuses those that chose the tasks (an ablation)",
    ),
  leaveOut: z
    .array(z.string())
    .default([])
    .describe("signatures that get no expert, to measure transfer between them"),
  overlapTasks: z
    .number()
    .int()
    .min(0)
    .default(32)
    .describe("validation tasks on which overlap is measured with every probe; 0 for none"),
});

const budgetSchema = z.strictObject({
  flops: rate.optional().describe("the run stops, saved, before the step that starts beyond it"),
  seconds: rate.optional(),
  money: rate.optional().describe("in the currency of `prices`"),
  tokens: rate.optional(),
});

const alarmsSchema = z.strictObject({
  entropy: share.default(0.1).describe("alarm below this share of the first steps' entropy"),
  length: z
    .number()
    .gt(1)
    .default(2)
    .describe("alarm above this multiple of the first steps' length"),
  sameAnswer: share
    .default(0.5)
    .describe("alarm where one answer makes up this share of right answers to unlike tasks"),
});

const partnersSchema = z.strictObject({
  names: z
    .array(z.string())
    .optional()
    .describe("weak partners of the preset that play; all by default"),
  shares: z
    .record(z.string(), share)
    .optional()
    .describe("share of the usual number of mistakes collected from a partner; 1 by default"),
  every: count.default(10).describe("steps between their attempts at stuck tasks"),
  warmUpTraces: z
    .number()
    .int()
    .min(0)
    .default(384)
    .describe("recurring mistakes collected from each before step 0"),
  collection: z
    .enum(["all", "coverage"])
    .default("all")
    .describe("all partners alike, or more of those that cover the student's current errors"),
  redundancy: share
    .default(0.9)
    .describe(
      "with `coverage`: agreement with a kept partner above which one that adds nothing rests",
    ),
});

const optimizerSchema = z.strictObject({
  schedule: z
    .enum(scheduleShapes)
    .default("constant")
    .describe("how the learning rate falls over the run"),
  warmup: z.number().int().min(0).default(0).describe("steps of linear warm-up"),
  final: share.default(0).describe("share of the rate left at the last step"),
  epochs: count.default(1).describe("passes over a step's batch; more than one is PPO"),
  miniBatches: count.default(1).describe("optimizer steps a pass"),
});

const engineSchema = z.strictObject({
  threads: count.default(1),
  provider: z
    .enum(["cpu", "webgpu"])
    .default("cpu")
    .describe("what computes; webgpu is not verified on hardware yet"),
  microBatchTokens: count.default(2048).describe("most tokens of one pass with gradients"),
  microBatchBytes: count.default(2 ** 30).describe("most bytes of activations, estimated"),
});

const unlimited = z.number().positive().default(Number.MAX_SAFE_INTEGER);

const studentSchema = z.strictObject({
  checkpoint: z.string().optional().describe("an open model: a folder, or a hub id"),
  revision: z.string().default("main").describe("branch, tag or commit of a hub id"),
  context: count.optional().describe("longest sequence, in tokens"),
  maxTokens: count.optional().describe("longest action, in tokens"),
  lora: z
    .strictObject({
      rank: count.default(16),
      alpha: rate.default(32),
      targets: z
        .array(z.enum(projections))
        .min(1)
        .default([...projections]),
    })
    .optional()
    .describe("train an adapter instead of all weights"),
});

const teacherSchema = z.strictObject({
  source: z
    .string()
    .default("none")
    .describe("none, solver, right-solutions, a checkpoint, or an OpenAI-compatible URL"),
  form: z.enum(["hint", "kl", "trace"]).default("hint").describe("what the student gets of it"),
  cap: share.default(0.15).describe("largest share of prompt-visits with the teacher"),
  decayUntil: z
    .union([z.number().min(0).max(1), z.literal("never")])
    .default(0.6)
    .describe("share of training after which it is no longer asked"),
  when: z.enum(["stuck", "always"]).default("stuck").describe("which groups may ask"),
  after: z.number().int().min(0).default(0).describe("unsolved visits before a task may ask"),
  weight: z.number().min(0).default(0.1).describe("coefficient of `kl`"),
  scope: z.enum(["step", "all"]).default("step").describe("tokens `kl` pulls"),
  calls: unlimited.describe("most calls of a run"),
  tokens: unlimited.describe("most tokens of a run"),
  money: unlimited.describe("most money of a run"),
  price: z.number().min(0).default(0).describe("money per million of its tokens"),
  accuracy: share.default(1).describe("share of tasks that `solver` solves right"),
  private: z.boolean().default(false).describe("store hashes and counts of its text, never text"),
  model: z.string().default("").describe("name of the model behind a URL"),
  keyVariable: z
    .string()
    .default("OPENAI_API_KEY")
    .describe("environment variable with the key for a URL"),
});

const contrastSchema = z.strictObject({
  mode: z
    .enum(["full", "head", "reward", "logprob", "off"])
    .default("off")
    .describe("what the contrast of right and first wrong steps trains"),
  weight: z.number().min(0).default(0.05).describe("weight of the loss (lambda_c)"),
  temperature: rate.default(0.1),
  size: count.default(64).describe("width of the step embeddings"),
  headLearningRate: rate.default(1e-3),
  corpusNegatives: z.number().int().min(0).default(32),
});

const selfPlaySchema = z.strictObject({
  share: share.default(0).describe("share of a step's groups; 0 is off"),
  operators: z
    .array(z.enum(degradations))
    .min(1)
    .default(["mal-rule", "layers", "noise", "temperature"])
    .describe("degradations of the partner, in the order they are tried"),
  roles: z
    .array(z.enum(selfPlayRoles))
    .min(1)
    .default(["diverger"])
    .describe("what the student does with the partner's mistakes"),
  target: share.default(0.75).describe("win rate that the controller aims at"),
  rate: z.number().min(0).default(0.05).describe("step of the controller"),
  malRule: z.string().optional().describe("procedure of the mal-rule operator"),
});

const controlSchema = z.strictObject({
  shuffleWeak: z.boolean().default(false).describe("experts learn actions of other states"),
  randomReward: z.boolean().default(false).describe("learning sees coin flips"),
  expert: z
    .enum(["fitted", "random", "student", "initial"])
    .default("fitted")
    .describe("who steers stuck groups in place of fitted experts"),
});

const configSchema = z.strictObject({
  preset: z.string().default("proof").describe("domain and base models: see `errata train --help`"),
  environment: z
    .string()
    .optional()
    .describe("train in this environment instead of the preset's; needs student.checkpoint"),
  student: studentSchema.prefault({}),
  seed: z.number().int().min(0).default(0),
  steps: count.default(150),
  tasksPerStep: count.default(16),
  groupSize: z.number().int().min(2).multipleOf(2).default(8),
  pool: count.default(4096).describe("training tasks drawn for the run"),
  learningRate: rate.default(3e-4),
  objective: z
    .enum(["policy", "dpo", "clone"])
    .default("policy")
    .describe(
      "policy gradient; preference of own right over weak wrong attempts; or imitation of the teacher's traces",
    ),
  normalisation: z
    .enum(["std", "none"])
    .default("std")
    .describe("group advantages: GRPO or Dr. GRPO"),
  advantage: z
    .strictObject({
      estimator: z
        .enum(estimators)
        .default("grpo")
        .describe("how outcomes become advantages: see src/estimators.ts"),
    })
    .prefault({}),
  evaluateEvery: count.default(5),
  evaluationTasks: count.default(400),
  evaluationSplit: z
    .enum(["test", "validation"])
    .default("test")
    .describe("held-out tasks; settings are tuned on `validation`"),
  saveEvery: count.default(25),
  keepRollouts: z.boolean().default(true).describe("write rollouts/*.jsonl"),
  reward: rewardSchema.prefault({}),
  explore: exploreSchema.prefault({}),
  expert: expertSchema.prefault({}),
  corpus: corpusSchema.prefault({}),
  curriculum: curriculumSchema.prefault({}),
  portfolio: portfolioSchema.prefault({}),
  partners: partnersSchema.prefault({}),
  teacher: teacherSchema.prefault({}),
  contrast: contrastSchema.prefault({}),
  selfPlay: selfPlaySchema.prefault({}),
  budget: budgetSchema.prefault({}),
  prices: z
    .partialRecord(z.enum(costRoles), z.number().min(0))
    .default({})
    .describe("money per million tokens, by role"),
  alarms: alarmsSchema.prefault({}),
  control: controlSchema.prefault({}),
  optimizer: optimizerSchema.prefault({}),
  engine: engineSchema.prefault({}),
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
export function usesMistakes(config: Config): boolean {
  return usesExperts(config) || config.reward.penalty > 0 || config.reward.diverge > 0;
}

/** Whether experts are fitted to mistakes. */
export function usesExperts({ explore, control }: Pick<Config, "explore" | "control">): boolean {
  return steersByExpert(explore.form) && control.expert === "fitted";
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
