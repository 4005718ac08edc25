/**
 * The schema of a whole configuration: the keys of a run here, those of each mechanism from beside it.
 */
import { z } from "zod";
import { engineSchema } from "../engine/options.js";
import { expertSchema } from "../experts/expert.js";
import { probeSchema } from "../experts/probe.js";
import { ablateSchema } from "../experts/stand-ins.js";
import { contrastSchema } from "../learn/contrast.js";
import { advantageSchema } from "../learn/estimators.js";
import { optimizerSchema } from "../learn/optimizer.js";
import { rewardSchema } from "../learn/reward.js";
import { corpusSchema } from "../mistakes/corpus/options.js";
import { studentSchema } from "../models/student-options.js";
import { partnersSchema } from "../partners/options.js";
import { selfPlaySchema } from "../partners/self-play.js";
import { userSchema } from "../partners/user-options.js";
import { curriculumSchema } from "../play/curriculum.js";
import { exploreSchema } from "../play/forms.js";
import { teacherSchema } from "../teacher/options.js";
import { count, countOrNone, positive } from "../util/options.js";
import { alarmsSchema } from "../watch/alarms.js";
import { budgetSchema } from "../watch/ledger.js";
import { pricesSchema, type Prices } from "../watch/prices.js";
import { trackSchema } from "../watch/trackers/options.js";

/** The keys of a run itself, then a group of keys for each mechanism. */
export const configSchema = z
  .strictObject({
    preset: z
      .string()
      .default("proof")
      .describe("Domain and base models, by name: `errata train --help` lists them."),
    environment: z
      .string()
      .optional()
      .describe(
        "Train in this environment instead of the preset's: with student.checkpoint, or where the preset's models have its vocabulary (coq); the preset's by default.",
      ),
    seed: countOrNone.default(0).describe("Seed of everything random."),
    steps: count.default(150).describe("Training steps."),
    tasksPerStep: count.default(16).describe("Tasks of a step, a group of attempts each."),
    groupSize: z
      .number()
      .int()
      .min(2)
      .multipleOf(2)
      .default(8)
      .describe("Attempts of a group, an even number: the second half may explore."),
    pool: count.default(4096).describe("Training tasks drawn for the run."),
    learningRate: positive.default(3e-4).describe("Peak learning rate of the student."),
    objective: z
      .enum(["policy", "dpo", "clone"])
      .default("policy")
      .describe(
        "Loss of the student: `policy` gradient, preference of own right over weak wrong attempts (`dpo`), or imitation of the teacher's traces (`clone`).",
      ),
    normalisation: z
      .enum(["std", "none"])
      .default("std")
      .describe(
        "Whether a group's advantages are divided by its standard deviation: `std` is GRPO, `none` Dr. GRPO.",
      ),
    labels: z
      .enum(["steps", "outcome"])
      .default("steps")
      .describe(
        "What verdicts tell a run: `steps`, whether an attempt is right and which step was the first wrong one, where the environment knows; `outcome`, the former alone, as with most real tasks.",
      ),
    evaluateEvery: count.default(5).describe("Training steps between evaluations."),
    evaluationTasks: count.default(400).describe("Held-out tasks of an evaluation."),
    evaluationSplit: z
      .enum(["test", "validation"])
      .default("test")
      .describe("Split that held-out tasks are drawn from; settings are tuned on `validation`."),
    saveEvery: count.default(25).describe("Training steps between checkpoints, at most."),
    saveSeconds: positive
      .default(60)
      .describe(
        "Seconds after which a step that ends saves too: a kill loses no more, and that step.",
      ),
    keepRollouts: z
      .boolean()
      .default(true)
      .describe("Write every attempt to rollouts/*.jsonl in the run's folder."),
    track: trackSchema,
    student: studentSchema.prefault({}).describe("An open model as the student."),
    reward: rewardSchema.prefault({}).describe("The charge on repeated mistakes."),
    advantage: advantageSchema.prefault({}).describe("How outcomes become advantages."),
    explore: exploreSchema.prefault({}).describe("How stuck groups are explored."),
    expert: expertSchema.prefault({}).describe("How experts are fitted to mistakes."),
    probe: probeSchema.prefault({}).describe("How an expert proves itself before it steers."),
    corpus: corpusSchema
      .prefault({})
      .describe("Which mistakes are collected, and how they are kept."),
    curriculum: curriculumSchema.prefault({}).describe("Which tasks a step plays."),
    partners: partnersSchema
      .prefault({})
      .describe("Who the weak partners are, and when they play."),
    teacher: teacherSchema.prefault({}).describe("Who teaches, how, and how much at most."),
    user: userSchema.prefault({}).describe("Who plays the user of a conversation."),
    contrast: contrastSchema.prefault({}).describe("The contrast of right and first wrong steps."),
    selfPlay: selfPlaySchema.prefault({}).describe("Play beside a degraded copy of the student."),
    optimizer: optimizerSchema.prefault({}).describe("How a step's batch becomes optimizer steps."),
    budget: budgetSchema
      .prefault({})
      .describe("Limits on a whole run: it stops, saved, before the step that starts beyond one."),
    prices: pricesSchema
      .prefault({})
      .describe("What work costs in money; what has no price costs nothing."),
    alarms: alarmsSchema.prefault({}).describe("When alarms ring."),
    ablate: ablateSchema
      .prefault({})
      .describe("Controls of a study: ingredients replaced by what should not work."),
    engine: engineSchema.prefault({}).describe("What computes, and how much at once."),
  })
  .superRefine((config, context) => {
    for (const [role, model] of pricedTwice(config))
      context.addIssue({
        code: "custom",
        path: ["prices", role],
        message: `the model "${model}" has a price of its own (prices.models): leave one of the two out`,
      });
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

/** Roles with a price for which a model with a price of its own is asked: its tokens would count twice. */
function pricedTwice({
  prices,
  teacher,
  user,
  partners,
}: {
  readonly prices: Prices;
  readonly teacher: { readonly model: string };
  readonly user: { readonly model: string };
  readonly partners: { readonly remote: Readonly<Record<string, { readonly model: string }>> };
}): ["teacher" | "user" | "weak", string][] {
  const asked = [
    ["teacher", teacher.model],
    ["user", user.model],
    ...Object.values(partners.remote).map(({ model }) => ["weak", model] as const),
  ] as const;
  return asked
    .filter(([role, model]) => prices[role] !== undefined && prices.models?.[model] !== undefined)
    .map(([role, model]) => [role, model]);
}
