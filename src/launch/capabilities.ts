/** What takes the place of what an engine cannot do, and how a run's log says so. */
import type { Config } from "../config/config.js";
import type { Capabilities } from "../engine/engine.js";
import type { Environment } from "../environments/environment.js";
import { canDegrade } from "../partners/degrade.js";
import { explorationForm } from "../play/forms.js";

/** A configuration within what an engine can do, and why where it is not the one asked for. */
export interface Possible {
  readonly config: Config;
  readonly notices: readonly string[];
}

/** By capability: what becomes of a configuration under an engine. As it is, where the engine has it. */
const fallbacks: Readonly<
  Record<
    keyof Capabilities,
    (config: Config, capabilities: Capabilities, environment: Environment) => Possible
  >
> = {
  steeredSampling: (config, capabilities, environment) => {
    const { form, reason } = explorationForm(config.explore.form, capabilities, environment);
    return {
      config: { ...config, explore: { ...config.explore, form } },
      notices: reason === undefined ? [] : [reason],
    };
  },
  embeddings: (config, { embeddings }) => {
    const { mode } = config.contrast;
    if (embeddings) return { config, notices: [] };
    const text = "the engine has no hidden states: mistakes are told apart by their text";
    if (mode === "off" || mode === "logprob") return { config, notices: [text] };
    return {
      config: { ...config, contrast: { ...config.contrast, mode: "logprob" } },
      notices: [text, `contrast.mode "${mode}" needs hidden states: "logprob" takes its place`],
    };
  },
  degradations: (config, capabilities) => {
    const { selfPlay } = config;
    const operators = selfPlay.operators.filter((name) => canDegrade(capabilities, name));
    if (selfPlay.share === 0 || operators.length === selfPlay.operators.length)
      return { config, notices: [] };
    const played = operators.length === 0 ? (["temperature"] as const) : operators;
    return {
      config: { ...config, selfPlay: { ...selfPlay, operators: played } },
      notices: [
        `selfPlay.operators ${selfPlay.operators.join(", ")}: the engine can do ${played.join(", ")}`,
      ],
    };
  },
  rollback: (config, { rollback }) => ({
    config,
    notices: rollback
      ? []
      : ["the engine cannot undo an update: a run that is interrupted resumes from its last save"],
  }),
};

/** What of a configuration an engine and an environment allow. */
export function withinCapabilities(
  asked: Config,
  capabilities: Capabilities,
  environment: Environment,
): Possible {
  return Object.values(fallbacks).reduce<Possible>(
    ({ config, notices }, fallback) => {
      const possible = fallback(config, capabilities, environment);
      return { config: possible.config, notices: [...notices, ...possible.notices] };
    },
    { config: asked, notices: [] },
  );
}
