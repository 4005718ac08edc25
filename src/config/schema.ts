/** What each key of a configuration means, its range and its default. */
import { z } from "zod";
import type { Config } from "./config.js";
import { degradations } from "../partners/degrade.js";
import { scheduleShapes } from "../engine/schedule.js";
import { projections } from "../engine/shape.js";
import { estimators } from "../learn/estimators.js";
import { explorationForms } from "../play/forms.js";
import { costRoles } from "../watch/ledger.js";
import { selfPlayRoles } from "../partners/self-play.js";
import { nearest } from "../util/spelling.js";
import { userDegradations } from "../environments/support/tau/user.js";

const share = z.number().min(0).max(1);
const count = z.number().int().min(1);
const rate = z.number().positive();
const unlimited = z.number().positive().default(Number.MAX_SAFE_INTEGER);

const rewardSchema = z.strictObject({
  penalty: z
    .number()
    .min(0)
    .lt(1)
    .default(0.5)
    .describe("largest charge for repeating a mistake (lambda_e)"),
  when: z
    .enum(["hard", "soft", "off"])
    .default("hard")
    .describe("charge only all-wrong groups, softly, or all"),
  tokens: z.enum(["step", "answer", "all"]).default("step").describe("which tokens are charged"),
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

/** What steers without naming a signature. */
const builtInSources: readonly string[] = ["probe", "random", "past-self"];

const nearSource = (name: string): string | undefined =>
  builtInSources.find((source) => name !== "" && source.startsWith(name)) ??
  nearest(name, builtInSources);

const exploreSchema = z.strictObject({
  form: z
    .enum(explorationForms)
    .default("repulsive")
    .describe("how stuck groups are explored: see docs/exploration.md"),
  alpha: z.number().min(0).default(1).describe("strength of the steering"),
  mask: share.default(0.1).describe("only tokens with pi >= mask * max(pi) can be sampled"),
  floor: z.number().max(0).default(-3).describe("lowest log q that counts"),
  fraction: share.default(0.5).describe("share of a group that may explore, at least one attempt"),
  when: z
    .enum(["stuck", "always"])
    .default("stuck")
    .describe("steer the second half of stuck groups, or of all"),
  steerBy: z
    .string()
    .superRefine((name, context) => {
      const near = builtInSources.includes(name) ? undefined : nearSource(name);
      if (near !== undefined) context.addIssue(`"${name}" names no expert (did you mean ${near}?)`);
    })
    .default("probe")
    .describe(
      "`probe` commits the expert with proven uplift; or a signature, or `random`, or `past-self`: the student before training, nothing to fit",
    ),
});

const expertSchema = z.strictObject({
  minimumTraces: count.default(256).describe("fewest attempts an expert is fitted to"),
  maximumTraces: count.default(1024),
  steps: count.default(200).describe("optimizer steps of a first fit"),
  batch: count.default(128),
  learningRate: rate.default(3e-3),
  refitEvery: count.default(50),
  minimumShare: share
    .default(0.05)
    .describe("share of the student's mistakes below which a signature gets no expert; 0 fits all"),
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

const probeSchema = z.strictObject({
  every: count.default(50).describe("steps between probes, and between measurements of overlap"),
  tasks: count.default(64).describe("training tasks of a probe"),
  attempts: count.default(4).describe("attempts of the student at each, and with each expert"),
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
    .enum(["all", "worth"])
    .default("all")
    .describe(
      "all partners alike, or more of those that are worth most for the student's current errors",
    ),
  redundancy: share
    .default(0.9)
    .describe(
      "with `worth`: agreement with a kept partner above which one that adds nothing rests",
    ),
  remote: z
    .record(
      z.string().regex(/^[\w.-]+$/, "letters, digits, dots, hyphens and underscores"),
      z.strictObject({
        url: z.string().describe("of an OpenAI-compatible server, up to and including /v1"),
        model: z.string().describe("name of the model there"),
        keyVariable: z
          .string()
          .default("OPENAI_API_KEY")
          .describe("environment variable with the key"),
        temperature: z.number().min(0).default(1),
        maxTokens: count.optional().describe("longest answer, in its tokens"),
        timeout: rate.default(120).describe("seconds one answer may take, retries included"),
        calls: unlimited.describe("most answers of a run"),
      }),
    )
    .default({})
    .describe("weak partners behind URLs, by name: text alone, see docs/portfolio.md"),
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
  microBatchBytes: count.default(2 ** 31).describe("most bytes of activations, estimated"),
});

const studentSchema = z.strictObject({
  checkpoint: z.string().optional().describe("an open model: a folder, or a hub id"),
  revision: z.string().default("main").describe("branch, tag or commit of a hub id"),
  context: count.optional().describe("longest sequence, in tokens"),
  maxTokens: count.optional().describe("longest action, in tokens"),
  lora: z
    .union([
      z.literal("none"),
      z.strictObject({
        rank: count.default(16),
        alpha: rate.default(32),
        targets: z
          .array(z.enum(projections))
          .min(1)
          .default([...projections]),
      }),
    ])
    .optional()
    .describe("train an adapter instead of all weights, which `none` trains"),
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
  pulls: z.enum(["step", "all"]).default("step").describe("tokens `kl` pulls"),
  calls: unlimited.describe("most calls of a run"),
  tokens: unlimited.describe("most tokens of a run"),
  money: unlimited.describe("most money of a run"),
  price: z.number().min(0).default(0).describe("money per million of its tokens"),
  accuracy: share
    .default(1)
    .describe("share of tasks that `solver` or `right-solutions` solves right"),
  private: z.boolean().default(false).describe("store hashes and counts of its text, never text"),
  model: z.string().default("").describe("name of the model behind a URL"),
  keyVariable: z
    .string()
    .default("OPENAI_API_KEY")
    .describe("environment variable with the key for a URL"),
});

const userSchema = z.strictObject({
  source: z
    .string()
    .default("scripted")
    .describe(
      "who plays the user of tau2-retail and tau-airline: scripted, or a URL as a teacher's",
    ),
  model: z.string().default("").describe("name of the model behind a URL"),
  keyVariable: z
    .string()
    .default("OPENAI_API_KEY")
    .describe("environment variable with the key for a URL"),
  degraded: z
    .array(z.enum(userDegradations))
    .default([])
    .describe("ways in which a model plays worse than its scenario"),
  temperature: z.number().min(0).default(0).describe("of a model"),
  timeout: rate.default(120).describe("seconds one answer may take, retries included"),
  calls: unlimited.describe("most answers of a run"),
  tokens: unlimited.describe("most tokens of a run"),
  money: unlimited.describe("most money of a run"),
  price: z.number().min(0).default(0).describe("money per million of its tokens"),
  private: z
    .boolean()
    .default(false)
    .describe("store hashes and counts of conversations, never text"),
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

const ablateSchema = z.strictObject({
  shuffleWeak: z.boolean().default(false).describe("experts learn actions of other states"),
  randomReward: z.boolean().default(false).describe("learning sees coin flips"),
  expert: z
    .enum(["fitted", "random", "student"])
    .default("fitted")
    .describe("who steers stuck groups in place of fitted experts"),
});

/** The schema of a whole configuration: what each key means, its range and its default. */
export const configSchema: z.ZodType<Config> = z
  .strictObject({
    preset: z
      .string()
      .default("proof")
      .describe("domain and base models: see `errata train --help`"),
    environment: z
      .string()
      .optional()
      .describe(
        "train in this environment instead of the preset's: with student.checkpoint, or where the preset's models have its vocabulary (coq)",
      ),
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
          .describe("how outcomes become advantages: see docs/exploration.md"),
        tokens: z
          .enum(["all", "step"])
          .default("all")
          .describe(
            "which tokens of a wrong rollout are pushed down: all, or its first wrong step's",
          ),
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
    probe: probeSchema.prefault({}),
    partners: partnersSchema.prefault({}),
    teacher: teacherSchema.prefault({}),
    user: userSchema.prefault({}),
    contrast: contrastSchema.prefault({}),
    selfPlay: selfPlaySchema.prefault({}),
    budget: budgetSchema.prefault({}),
    prices: z
      .partialRecord(z.enum(costRoles), z.number().min(0))
      .default({})
      .describe("money per million tokens, by role"),
    alarms: alarmsSchema.prefault({}),
    ablate: ablateSchema.prefault({}),
    optimizer: optimizerSchema.prefault({}),
    engine: engineSchema.prefault({}),
  })
  .superRefine(({ objective, optimizer }, context) => {
    if (objective === "dpo" && (optimizer.epochs > 1 || optimizer.miniBatches > 1))
      context.addIssue({
        code: "custom",
        path: ["objective"],
        message:
          "dpo takes one optimizer step a batch (its margins would grow stale): set optimizer.epochs=1 and optimizer.miniBatches=1",
      });
  });
