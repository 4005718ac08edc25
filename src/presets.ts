import { arithmeticPresets } from "./presets/arithmetic.js";
import { codePresets } from "./presets/code.js";
import type { Preset } from "./presets/preset.js";
import { proofPresets } from "./presets/proof.js";
import { rewritingPresets } from "./presets/rewriting.js";
import { supportPresets } from "./presets/support.js";

export type { Preset } from "./presets/preset.js";

/** Every preset by name. */
export const presets: Readonly<Record<string, Preset>> = Object.fromEntries(
  [
    ...proofPresets,
    ...arithmeticPresets,
    ...codePresets,
    ...rewritingPresets,
    ...supportPresets,
  ].map((p) => [p.name, p]),
);
