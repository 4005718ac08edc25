/** Which models of Hugging Face transformers can be loaded, and what their `config.json` means here. */
import { z } from "zod";
import { ErrataError } from "../util/error.js";
import type { RopeScaling } from "./rope.js";
import { checkModelShape, type ModelShape, type Projection } from "./shape.js";

const attention = ["q_proj", "k_proj", "v_proj", "o_proj"] as const;
const feedForward = ["gate_proj", "up_proj", "down_proj"] as const;

/** What sets a family apart from Llama. */
interface Family {
  readonly queryKeyNorm: boolean;
  /** Projections with a bias whatever the configuration says. */
  readonly biases: readonly Projection[];
  readonly defaults: { readonly ropeTheta: number; readonly normEpsilon: number };
}

const llama: Family = {
  queryKeyNorm: false,
  biases: [],
  defaults: { ropeTheta: 10_000, normEpsilon: 1e-6 },
};

/** Families by the `architectures` entry of their `config.json`. */
const families: Readonly<Record<string, Family>> = {
  LlamaForCausalLM: llama,
  Qwen2ForCausalLM: { ...llama, biases: ["q_proj", "k_proj", "v_proj"] },
  Qwen3ForCausalLM: { ...llama, queryKeyNorm: true },
};

/** Architectures that can be loaded. SmolLM and SmolLM2 are `LlamaForCausalLM`. */
export const supportedArchitectures: readonly string[] = Object.keys(families);

const size = z.int().positive();
const rope = z.looseObject({
  rope_type: z.string().optional(),
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  factor: z.number().positive().nullish(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: size.optional(),
  beta_fast: z.number().positive().nullish(),
  beta_slow: z.number().positive().nullish(),
  attention_factor: z.number().positive().nullish(),
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().optional(),
  partial_rotary_factor: z.number().optional(),
});
type Rope = z.infer<typeof rope>;

const configuration = z.looseObject({
  architectures: z.array(z.string()).optional(),
  model_type: z.string().optional(),
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  max_position_embeddings: size,
  rms_norm_eps: z.number().positive().optional(),
  tie_word_embeddings: z.boolean().optional(),
  hidden_act: z.string().optional(),
  attention_bias: z.boolean().optional(),
  mlp_bias: z.boolean().optional(),
  rope_theta: z.number().positive().optional(),
  rope_scaling: rope.nullish(),
  rope_parameters: rope.nullish(),
  rope_interleaved: z.boolean().optional(),
  partial_rotary_factor: z.number().optional(),
  use_sliding_window: z.boolean().optional(),
  sliding_window: size.nullish(),
  max_window_layers: z.int().nullish(),
  layer_types: z.array(z.string()).nullish(),
  quantization_config: z.unknown().optional(),
});
type Configuration = z.infer<typeof configuration>;

export interface ShapeOptions {
  /** Longest sequence to allow, at most and by default what the model was made for. */
  readonly context?: number;
  /** Where the configuration came from, for messages. */
  readonly path?: string;
}

/**
 * The shape of the model that a parsed `config.json` describes.
 * @throws ErrataError `CHECKPOINT_ARCHITECTURE` for a family that is not supported,
 * `CHECKPOINT_CONFIG` for fields that are missing or that ask for something not computed here.
 */
export function shapeFromConfig(config: unknown, options: ShapeOptions = {}): ModelShape {
  const { path = "config.json" } = options;
  const family = familyOf(config, path);
  const parsed = configuration.safeParse(config);
  if (!parsed.success) throw refused(path, z.prettifyError(parsed.error));
  const c = parsed.data;
  const parameters = { ...c.rope_scaling, ...c.rope_parameters };
  const heads = c.num_attention_heads;
  const headWidth = c.head_dim ?? c.hidden_size / heads;
  const context = Math.min(options.context ?? Infinity, c.max_position_embeddings);
  requireComputable(c, parameters, path, context);
  const biases = [
    ...(c.attention_bias === true && family.biases.length === 0 ? attention : family.biases),
    ...(c.mlp_bias === true ? feedForward : []),
  ];
  const ropeScaling = scalingFrom(parameters, c, path);
  const shape: ModelShape = {
    vocabulary: c.vocab_size,
    width: c.hidden_size,
    layers: c.num_hidden_layers,
    heads,
    keyValueHeads: c.num_key_value_heads ?? heads,
    headWidth,
    feedForward: c.intermediate_size,
    context,
    tied: c.tie_word_embeddings ?? false,
    ropeTheta: parameters.rope_theta ?? c.rope_theta ?? family.defaults.ropeTheta,
    normEpsilon: c.rms_norm_eps ?? family.defaults.normEpsilon,
    ...(biases.length === 0 ? {} : { biases }),
    ...(family.queryKeyNorm ? { queryKeyNorm: true } : {}),
    ...(ropeScaling === undefined ? {} : { ropeScaling }),
  };
  checkModelShape(shape);
  return shape;
}

function familyOf(config: unknown, path: string): Family {
  const named = z
    .looseObject({
      architectures: z.array(z.string()).optional(),
      model_type: z.unknown().optional(),
    })
    .safeParse(config);
  const names = named.data?.architectures ?? [];
  const name = names.find((n) => Object.hasOwn(families, n));
  if (name !== undefined) return families[name]!;
  throw new ErrataError(
    `${path}: architecture ${names.join(", ") || "unnamed"} (model_type ${String(named.data?.model_type)}) is not supported`,
    {
      code: "CHECKPOINT_ARCHITECTURE",
      hint: `supported: ${supportedArchitectures.join(", ")} (Llama, SmolLM2, Qwen2, Qwen2.5, Qwen3)`,
    },
  );
}

const refused = (path: string, message: string): ErrataError =>
  new ErrataError(`${path}: ${message}`, {
    code: "CHECKPOINT_CONFIG",
    hint: "the model asks for something that this engine does not compute, or its config.json is damaged",
  });

/** Refuses what would silently be computed otherwise than in transformers. */
function requireComputable(
  c: Configuration,
  r: Partial<Rope>,
  path: string,
  context: number,
): void {
  const refuse = (field: string, value: unknown): never => {
    throw refused(path, `${field} ${JSON.stringify(value)} is not supported`);
  };
  if (c.hidden_act !== undefined && c.hidden_act !== "silu") refuse("hidden_act", c.hidden_act);
  if (c.rope_interleaved === true) refuse("rope_interleaved", true);
  const partial = r.partial_rotary_factor ?? c.partial_rotary_factor ?? 1;
  if (partial !== 1) refuse("partial_rotary_factor", partial);
  if ((c.quantization_config ?? undefined) !== undefined)
    refuse("quantization_config", c.quantization_config);
  // A window that no sequence outgrows is full attention.
  const slides =
    c.layer_types?.some((t) => t !== "full_attention") ??
    (c.use_sliding_window === true && (c.max_window_layers ?? 0) < c.num_hidden_layers);
  if (slides && context > (c.sliding_window ?? Infinity))
    throw new ErrataError(
      `${path}: layers attend over a sliding window of ${c.sliding_window} tokens, less than the context of ${context}`,
      {
        code: "CHECKPOINT_CONFIG",
        hint: `sliding windows are not computed: ask for a context of at most ${c.sliding_window} tokens`,
      },
    );
}

function scalingFrom(r: Partial<Rope>, c: Configuration, path: string): RopeScaling | undefined {
  const type = r.rope_type ?? r.type ?? "default";
  if (type === "default") return undefined;
  const original = r.original_max_position_embeddings ?? c.max_position_embeddings;
  const need = (field: "factor" | "low_freq_factor" | "high_freq_factor"): number => {
    const value = r[field];
    if (value === null || value === undefined)
      throw refused(path, `rope type ${type} without ${field}`);
    return value;
  };
  if (type === "linear") return { type, factor: need("factor") };
  if (type === "llama3")
    return {
      type,
      factor: need("factor"),
      lowFrequency: need("low_freq_factor"),
      highFrequency: need("high_freq_factor"),
      original,
    };
  if (type === "yarn") {
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
  throw refused(path, `rope type ${JSON.stringify(type)} is not one of linear, llama3, yarn`);
}

/** How much yarn scales cosines and sines where the configuration leaves it open. */
function yarnGain(factor: number, { mscale, mscale_all_dim: all }: Partial<Rope>): number {
  const gain = (by: number): number => (factor <= 1 ? 1 : 0.1 * by * Math.log(factor) + 1);
  return mscale && all ? gain(mscale) / gain(all) : gain(1);
}
