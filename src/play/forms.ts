/** The ways a stuck group can be explored, and which of them an engine and an environment allow. */
import type { Capabilities } from "../engine/engine.js";
import type { Environment } from "../environments/environment.js";

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

/** Whether a form steers by an error expert. */
export function steersByExpert(form: ExplorationForm): boolean {
  return form === "repulsive" || form === "contrastive" || form === "rejection";
}

/**
 * The form that is really used, and why where it is not the one asked for: mixing needs an engine
 * that can, a hint needs a model that reads.
 */
export function explorationForm(
  form: ExplorationForm,
  capabilities: Pick<Capabilities, "mixtureSampling">,
  { lexicon }: Pick<Environment, "lexicon">,
): { readonly form: ExplorationForm; readonly reason?: string } {
  if ((form === "repulsive" || form === "contrastive") && !capabilities.mixtureSampling)
    return {
      form: "rejection",
      reason: `explore.form "${form}" needs an engine that samples from mixtures: "rejection" takes its place`,
    };
  if (form === "negative-hint" && lexicon !== undefined)
    return {
      form: "new-answers",
      reason: `explore.form "negative-hint" needs a model that reads its prompt: "new-answers" takes its place`,
    };
  return { form };
}
