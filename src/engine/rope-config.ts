/** Rotary settings of a `config.json`, merged by the rules of transformers 5.24 (`modeling_rope_utils.py`). */
import type { Configuration, Rope } from "./config-keys.js";
import type { RopeScaling } from "./rope.js";

/** Base and scaling of the rotary angles. */
export interface RopeSettings {
  readonly theta: number;
  readonly scaling: RopeScaling | undefined;
}

/**
 * The settings that transformers would compute with: `rope_scaling`, where it is not empty, replaces all of
 * `rope_parameters`; the base is that of the settings, else the top level's, else `defaultTheta`; an
 * `original_max_position_embeddings` of the top level comes before that of the settings.
 * @param refuse throws, naming the field that is not computed.
 * @param notice told where two settings contradict each other.
 */
export function ropeSettings(
  c: Configuration,
  defaultTheta: number,
  refuse: (message: string) => never,
  notice: (message: string) => void,
): RopeSettings {
  const [older, newer] = [filled(c.rope_scaling), filled(c.rope_parameters)];
  if (older !== undefined && newer !== undefined && !same(older, newer))
    notice("rope_scaling replaces the whole of rope_parameters, as in transformers");
  const r: Rope = older ?? newer ?? {};
  const partial = r.partial_rotary_factor ?? c.partial_rotary_factor ?? 1;
  if (partial !== 1) refuse(`partial_rotary_factor ${partial} is not supported`);
  const theta = r.rope_theta ?? c.rope_theta ?? defaultTheta;
  return { theta, scaling: scalingFrom(r, c, refuse) };
}

const filled = (r: Rope | null | undefined): Rope | undefined =>
  r === null || r === undefined || Object.keys(r).length === 0 ? undefined : r;

const same = (a: Rope, b: Rope): boolean =>
  Object.keys({ ...a, ...b }).every((key) => a[key as keyof Rope] === b[key as keyof Rope]);

function scalingFrom(
  r: Rope,
  c: Configuration,
  refuse: (message: string) => never,
): RopeScaling | undefined {
  const type = r.rope_type ?? r.type ?? "default";
  if (type === "default") return undefined;
  const need = (field: "factor" | "low_freq_factor" | "high_freq_factor"): number =>
    r[field] ?? refuse(`rope type ${type} without ${field}`);
  if (type === "linear") return { type, factor: need("factor") };
  if (c.original_max_position_embeddings === null)
    refuse("original_max_position_embeddings null, which transformers cannot load");
  const original =
    c.original_max_position_embeddings ??
    r.original_max_position_embeddings ??
    c.max_position_embeddings;
  if (type === "llama3") {
    const [lowFrequency, highFrequency] = [need("low_freq_factor"), need("high_freq_factor")];
    if (highFrequency <= lowFrequency)
      refuse(`high_freq_factor ${highFrequency} is not above low_freq_factor ${lowFrequency}`);
    return { type, factor: need("factor"), lowFrequency, highFrequency, original };
  }
  if (type === "yarn") {
    // Null stands for the ratio of the contexts; without the key transformers refuses the file.
    if (r.factor === undefined) refuse("rope type yarn without factor");
    const factor = r.factor ?? c.max_position_embeddings / original;
    return {
      type,
      factor,
      original,
      betaFast: r.beta_fast ?? 32,
      betaSlow: r.beta_slow ?? 1,
      attentionFactor: r.attention_factor ?? yarnGain(factor, r),
      truncate: r.truncate ?? true,
    };
  }
  return refuse(`rope type ${JSON.stringify(type)} is not one of linear, llama3, yarn`);
}

/** How much yarn scales cosines and sines where the configuration leaves it open. */
function yarnGain(factor: number, { mscale, mscale_all_dim: all }: Rope): number {
  const gain = (by: number): number => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale && all ? gain(mscale) / gain(all) : gain(1);
}
