/** Who the weak partners are, and when they play. */
import { z } from "zod";
import { count, countOrNone, share, type Options } from "../util/options.js";
import { remotePartnerSchema } from "./remote.js";

/** The keys `partners.*`. */
export const partnersSchema = z.strictObject({
  names: z
    .array(z.string())
    .optional()
    .describe("Weak partners of the preset that play, by name; all by default."),
  shares: z
    .record(z.string(), share)
    .optional()
    .describe(
      "Share of the usual number of mistakes collected from a partner, by name; 1 by default.",
    ),
  every: count.default(10).describe("Training steps between their attempts at stuck tasks."),
  warmUpTraces: countOrNone
    .default(384)
    .describe("Recurring mistakes collected from each before the first step."),
  collection: z
    .enum(["all", "worth"])
    .default("all")
    .describe(
      "Ask `all` partners alike, or more of those that are worth most for the student's current errors (`worth`).",
    ),
  redundancy: share
    .default(0.9)
    .describe(
      "With `worth`: agreement with a kept partner above which one that adds nothing rests.",
    ),
  remote: z
    .record(
      z.string().regex(/^[\w.-]+$/, "letters, digits, dots, hyphens and underscores"),
      remotePartnerSchema,
    )
    .default({})
    .describe("Weak partners behind URLs, by name: text alone, without log-probs."),
});

/** Who the weak partners are, and when they play. */
export type PartnersOptions = Options<typeof partnersSchema>;
