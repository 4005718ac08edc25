/** How a step's batch becomes optimizer steps. */
import { z } from "zod";
import { scheduleShapes } from "../engine/schedule.js";
import { count, countOrNone, share, type Options } from "../util/options.js";

/** The keys `optimizer.*`. */
export const optimizerSchema = z.strictObject({
  schedule: z
    .enum(scheduleShapes)
    .default("constant")
    .describe("How the learning rate falls over the run."),
  warmup: countOrNone.default(0).describe("Training steps of linear warm-up to the peak rate."),
  final: share.default(0).describe("Share of the peak rate that is left at the last step."),
  epochs: count.default(1).describe("Passes over a step's batch; more than one is PPO."),
  miniBatches: count.default(1).describe("Optimizer steps of one pass."),
});

/** How a step's batch becomes optimizer steps. */
export type OptimizerOptions = Options<typeof optimizerSchema>;
