import { arithmeticPresets } from "./arithmetic.js";
import { codePresets } from "./code.js";
import type { Preset } from "./preset.js";
import { proofPresets } from "./proof.js";
import { rewritingPresets } from "./rewriting.js";
import { supportPresets } from "./support.js";

export type { Preset } from "./preset.js";

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
