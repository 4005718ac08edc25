/** What a configuration needs of the method. */
import { steersByExpert, steersUnfitted } from "../play/forms.js";
import type { Config } from "./config.js";

/** Whether anything in a run would use collected mistakes: steering, the charge, or task weights. */
export function usesMistakes(config: Config): boolean {
  return usesExperts(config) || config.reward.penalty > 0 || config.reward.diverge > 0;
}

/** Whether experts are fitted to mistakes. */
export function usesExperts({ explore, ablate }: Pick<Config, "explore" | "ablate">): boolean {
  const { form, steerBy } = explore;
  const fitsNothing = steerBy === "past-self" || steersUnfitted(steerBy);
  return steersByExpert(form) && !fitsNothing && ablate.expert === "fitted";
}
