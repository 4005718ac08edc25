import type { Recipe } from "../base.js";
import type { ConfigInput } from "../config.js";
import type { Environment } from "../environments/environment.js";

/** A domain with the base student and weak partners to train on it. */
export interface Preset {
  readonly name: string;
  readonly description: string;
  readonly environment: () => Environment;
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
