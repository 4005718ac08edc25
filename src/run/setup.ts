/** Everything a run is made of that does not change while it trains. */
import type { Config } from "../config/config.js";
import type { Engine, Policy } from "../engine/engine.js";
import type { Task } from "../environments/environment.js";
import type { Player } from "../play/explore.js";
import type { Preset } from "../students/presets/presets.js";
import type { RemotePartner } from "../partners/remote.js";
import type { Teacher } from "../teacher/teacher.js";

export interface Setup extends Player {
  readonly config: Config;
  readonly engine: Engine;
  readonly preset: Preset;
  /** The student before training; it also embeds mistakes. */
  readonly base: Policy;
  /** Weak partners by name. They never learn. */
  readonly partners: ReadonlyMap<string, Policy>;
  /** Weak partners that answer in text alone, by name; none of a name in `partners`. */
  readonly remotePartners?: ReadonlyMap<string, RemotePartner>;
  /** What was changed of the configuration because something cannot be done here; logged by the run. */
  readonly notices?: readonly string[];
  /** Optional: asked within `config.teacher`'s limits. */
  readonly teacher?: Teacher;
  /** Training tasks. */
  readonly pool: readonly Task[];
  /** Held-out tasks, of `evaluationSplit`; only ever evaluated on. */
  readonly heldOut: readonly Task[];
}
