import { ErrataError } from "../../util/error.js";
import { nearest } from "../../util/spelling.js";
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

/**
 * The preset of a name.
 * @throws ErrataError `PRESET_UNKNOWN`.
 */
export function presetNamed(name: string): Preset {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset !== undefined) return preset;
  const known = Object.keys(presets);
  const guess = nearest(name, known);
  throw new ErrataError(`there is no preset "${name}"`, {
    code: "PRESET_UNKNOWN",
    hint: `${guess === undefined ? "" : `did you mean "${guess}"? `}known: ${known.join(", ")}`,
  });
}
