/** Which mistakes a run collects, and how they are kept. */
import { z } from "zod";
import { count, type Options } from "../../util/options.js";

/** The keys `corpus.*`. */
export const corpusSchema = z.strictObject({
  capacity: count.default(4096).describe("Most mistakes kept."),
  tracesPerMistake: count.default(16).describe("Most attempts kept of one mistake."),
  novelty: z
    .boolean()
    .default(true)
    .describe("Admit by novelty; false keeps all but exact repeats, an ablation."),
  recurrence: count
    .default(3)
    .describe("Attempts that must agree before one trains an expert, of a group of 8."),
  perSignature: z
    .boolean()
    .default(true)
    .describe("One expert a signature; false pools them, an ablation."),
  sources: z
    .enum(["weak", "student", "both"])
    .default("both")
    .describe("Whose mistakes are collected: of `weak` partners, of the `student`, or of `both`."),
  human: z
    .enum(["optional", "required"])
    .default("optional")
    .describe("With `required`, experts train only on mistakes that a person has confirmed."),
  signatures: z
    .enum(["auto", "rules", "clusters"])
    .default("auto")
    .describe(
      "Who names a mistake: the domain's `rules`, or `clusters` of edits where no rule does; `auto` clusters only in domains without rules.",
    ),
  quality: z
    .boolean()
    .default(true)
    .describe(
      "Update confusability and learnability at each refit; false ranks by recurrence alone.",
    ),
  quarantine: z
    .enum(["untrusted", "all", "off"])
    .default("untrusted")
    .describe(
      "Where `wrong` answers that most rollouts and two weak models agree on are held back: where the label is `untrusted` or a second checker accepts them, in `all` cases, or never (`off`).",
    ),
});

/** Which mistakes a run collects, and how they are kept. */
export type MistakeOptions = Options<typeof corpusSchema>;

export const defaultCorpus: MistakeOptions = corpusSchema.parse({});
