/** The ways a stuck group can be explored, and which of them an engine and an environment allow. */
import { z } from "zod";
import type { Capabilities } from "../engine/engine.js";
import type { Environment } from "../environments/environment.js";
import { amount, share, type Options } from "../util/options.js";
import { nearest } from "../util/spelling.js";

/**
 * - `repulsive`, mu ~ pi q^-alpha, and `contrastive`, mu ~ pi (pi / q)^alpha, sample away from an error
 *   expert q token by token;
 * - `rejection` draws twice as many attempts and keeps those least likely under the expert, for
 *   engines that cannot mix distributions;
 * - `negative-hint` tells the student in its prompt which answers were wrong (LTE,
 *   arXiv:2510.26109), for models that read;
 * - `new-answers` draws twice as many and keeps those with answers not seen before: the ideal effect of such
 *   a hint, for models that cannot read;
 * - `none` samples on.
 */
export const explorationForms = [
  "repulsive",
  "contrastive",
  "rejection",
  "negative-hint",
  "new-answers",
  "none",
] as const;
export type ExplorationForm = (typeof explorationForms)[number];

const weakPrefix = "weak:";

/** The weak partner whose own likelihoods steer, with nothing fitted, where `steerBy` names one. */
export function steeringPartner(steerBy: string): string | undefined {
  return steerBy.startsWith(weakPrefix) ? steerBy.slice(weakPrefix.length) : undefined;
}

/** What a weak partner that steers is called: `weak:NAME`. */
export const partnerSource = (name: string): string => `${weakPrefix}${name}`;

/** What steers without naming a signature. */
const builtInSources: readonly string[] = ["auto", "probe", "random", "past-self"];

const nearSource = (name: string): string | undefined =>
  builtInSources.find((source) => name !== "" && source.startsWith(name)) ??
  nearest(name, builtInSources);

/** Whether what steers is used as it is: no expert is fitted, no partner plays for one. */
export const steersUnfitted = (steerBy: string): boolean =>
  steerBy === "auto" || steeringPartner(steerBy) !== undefined;

/** How `auto` is steered by a weak partner: contrast alone, and what it holds to be wrong told from what it does not know. */
export const contrastForm: Partial<ExploreOptions> = { form: "contrastive", kappa: 0, floor: -7 };

/** The keys `explore.*`. */
export const exploreSchema = z.strictObject({
  form: z
    .enum(explorationForms)
    .default("repulsive")
    .describe("How the second half of a stuck group is played; `none` samples on as before."),
  alpha: amount
    .default(1)
    .describe("Strength of the steering, the exponent of q; 0 does not steer."),
  kappa: amount
    .optional()
    .describe(
      "How much steered sampling is flattened, whatever is known of mistakes: log mu = (1 - kappa) log pi + alpha (log pi - log q). By default alpha where the form is repulsive, 0 where it is contrastive.",
    ),
  mask: share
    .default(0.1)
    .describe(
      "Only tokens that the student gives at least this share of its likeliest token's probability can be sampled.",
    ),
  floor: z
    .number()
    .max(0)
    .default(-3)
    .describe("Lowest log q that counts, in nats: less likely tokens are pushed up no further."),
  fraction: share.default(0.5).describe("Share of a group that may explore, at least one attempt."),
  when: z
    .enum(["stuck", "always"])
    .default("stuck")
    .describe(
      "Which groups are steered: those whose first half is all wrong (`stuck`), or every one (`always`).",
    ),
  steerBy: z
    .string()
    .superRefine((name, context) => {
      const near = builtInSources.includes(name) ? undefined : nearSource(name);
      if (near !== undefined) context.addIssue(`"${name}" names no expert (did you mean ${near}?)`);
    })
    .default("probe")
    .describe(
      "Who is steered away from: `auto`, of the past self and every weak partner that runs here whoever rescues most stuck groups per FLOP, or nobody where none helps; `probe`, the expert with proven uplift; a signature's expert, by its name; `random`, one at random; `past-self`, the student before training; `weak:NAME`, a weak partner as it is, with nothing fitted.",
    ),
});

/** How stuck groups are explored. */
export type ExploreOptions = Options<typeof exploreSchema>;

/** Whether a form steers by an error expert. */
export function steersByExpert(form: ExplorationForm): boolean {
  return form === "repulsive" || form === "contrastive" || form === "rejection";
}

/**
 * The form that is really used, and why where it is not the one asked for: steered sampling needs an engine
 * that can, a hint needs a model that reads.
 */
export function explorationForm(
  form: ExplorationForm,
  capabilities: Pick<Capabilities, "steeredSampling">,
  { lexicon }: Pick<Environment, "lexicon">,
): { readonly form: ExplorationForm; readonly reason?: string } {
  if ((form === "repulsive" || form === "contrastive") && !capabilities.steeredSampling)
    return {
      form: "rejection",
      reason: `explore.form "${form}" needs an engine that samples away from a second policy: "rejection" takes its place`,
    };
  if (form === "negative-hint" && lexicon !== undefined)
    return {
      form: "new-answers",
      reason: `explore.form "negative-hint" needs a model that reads its prompt: "new-answers" takes its place`,
    };
  return { form };
}
