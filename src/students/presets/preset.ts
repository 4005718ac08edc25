import type { Recipe } from "../recipe.js";
import type { ConfigInput } from "../../config/config.js";
import type { MeteredUser } from "../../partners/simulated-user.js";
import type { Environment } from "../../environments/environment.js";

/** A domain with the base student and weak partners to train on it. */
export interface Preset {
  readonly name: string;
  readonly description: string;
  /** Where its models are trained, and play unless `playedIn` says otherwise. */
  readonly environment: () => Environment;
  /** Another environment with the same vocabulary: `coq` for models of `proof`. */
  readonly playedIn?: () => Environment;
  /** Plays the user of the environment's conversations, where a model does. */
  readonly user?: MeteredUser;
  /** Levels trained and evaluated on. */
  readonly levels: readonly string[];
  /** Levels never trained on, longer or harder, that `errata eval --transfer` asks about. */
  readonly transferLevels?: readonly string[];
  /** `injected`: a known bug dominates the student. `natural`: student and partners are merely under-trained or smaller. */
  readonly kind: "injected" | "natural";
  readonly student: Recipe;
  /** The procedure that dominates an injected student: the gate's discrimination test asks about it. */
  readonly bug?: string;
  readonly partners: Readonly<Record<string, Recipe>>;
  /** Defaults that differ from the general ones. */
  readonly config: ConfigInput;
}
