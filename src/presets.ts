import { arithmeticPresets } from "./presets/arithmetic.js";
import type { Preset } from "./presets/preset.js";
import { proofPresets } from "./presets/proof.js";

export type { Preset } from "./presets/preset.js";

/** Every preset by name. */
export const presets: Readonly<Record<string, Preset>> = Object.fromEntries(
  [...proofPresets, ...arithmeticPresets].map((p) => [p.name, p]),
);
