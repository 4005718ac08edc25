/** Which models of Hugging Face transformers can be loaded, and what their `config.json` means here. */
import { z } from "zod";
import { ErrataError } from "../util/error.js";
import { issuesOf } from "../util/issues.js";
import { configurationSchema, type Configuration } from "./config-keys.js";
import { ropeSettings } from "./rope-config.js";
import { rotaryFrequencies } from "./rope.js";
import { checkModelShape, type ModelShape, type Projection } from "./shape.js";

const attention = ["q_proj", "k_proj", "v_proj", "o_proj"] as const;
const feedForward = ["gate_proj", "up_proj", "down_proj"] as const;

type Refuse = (message: string) => never;

/** What sets a family apart from Llama, with the defaults of its configuration class in transformers. */
interface Family {
  readonly modelType: string;
  readonly queryKeyNorm: boolean;
  readonly biases: (c: Configuration, refuse: Refuse) => readonly Projection[];
  readonly headWidth: (c: Configuration, refuse: Refuse) => number;
  /** Where the key is missing; null is the number of heads in every family. */
  readonly keyValueHeads: (c: Configuration) => number;
  readonly defaults: { readonly ropeTheta: number; readonly normEpsilon: number };
}

const llama: Family = {
  modelType: "llama",
  queryKeyNorm: false,
  biases: (c) => [
    ...(c.attention_bias === true ? attention : []),
    ...(c.mlp_bias === true ? feedForward : []),
  ],
  headWidth(c, refuse) {
    const { hidden_size: width, num_attention_heads: heads } = c;
    if (width % heads !== 0) refuse(`hidden_size ${width} is no multiple of ${heads} heads`);
    return c.head_dim ?? width / heads;
  },
  keyValueHeads: (c) => c.num_attention_heads,
  defaults: { ropeTheta: 10_000, normEpsilon: 1e-6 },
};
const qwen = {
  ...llama,
  keyValueHeads: () => 32,
} as const;
const withoutMlpBias = (c: Configuration, refuse: Refuse): void => {
  if (c.mlp_bias === true) refuse("mlp_bias is not read in this family");
};

/** Families by the `architectures` entry of their `config.json`. */
const families: Readonly<Record<string, Family>> = {
  LlamaForCausalLM: llama,
  Qwen2ForCausalLM: {
    ...qwen,
    modelType: "qwen2",
    biases(c, refuse) {
      withoutMlpBias(c, refuse);
      return ["q_proj", "k_proj", "v_proj"];
    },
    headWidth(c, refuse) {
      if (c.head_dim === null) return refuse("head_dim null, which transformers cannot load");
      return c.head_dim ?? Math.floor(c.hidden_size / c.num_attention_heads);
    },
  },
  Qwen3ForCausalLM: {
    ...qwen,
    modelType: "qwen3",
    queryKeyNorm: true,
    biases(c, refuse) {
      withoutMlpBias(c, refuse);
      return c.attention_bias === true ? attention : [];
    },
    headWidth(c, refuse) {
      if (c.head_dim === null) return refuse("head_dim null, which transformers cannot load");
      return c.head_dim ?? 128;
    },
  },
};

/** Architectures that can be loaded. SmolLM and SmolLM2 are `LlamaForCausalLM`. */
export const supportedArchitectures: readonly string[] = Object.keys(families);

export interface ShapeOptions {
  /** Longest sequence to allow, at most and by default what the model was made for. */
  readonly context?: number;
  /** Where the configuration came from, for messages. */
  readonly path?: string;
  /** Told where a configuration contradicts itself. */
  readonly onNotice?: (notice: string) => void;
}

/**
 * The shape of the model that a parsed `config.json` describes, as transformers 5.24 reads it.
 * @throws ErrataError `CHECKPOINT_ARCHITECTURE` for a family that is not supported,
 * `CHECKPOINT_CONFIG` for keys that are missing, unknown, or ask for something not computed here.
 */
export function shapeFromConfig(config: unknown, options: ShapeOptions = {}): ModelShape {
  const { path = "config.json", onNotice } = options;
  const family = familyOf(config, path);
  const refuse: Refuse = (message) => {
    throw refused(path, message);
  };
  const c = parse(config, path);
  const heads = c.num_attention_heads;
  const keyValueHeads =
    c.num_key_value_heads === undefined
      ? family.keyValueHeads(c)
      : (c.num_key_value_heads ?? heads);
  const context = Math.min(options.context ?? Infinity, c.max_position_embeddings);
  if (c.hidden_act !== undefined && c.hidden_act !== "silu")
    refuse(`hidden_act ${JSON.stringify(c.hidden_act)} is not supported`);
  refuseWindows(c, context, path, refuse);
  const notice = (message: string): void => onNotice?.(`${path}: ${message}`);
  const rope = ropeSettings(c, family.defaults.ropeTheta, refuse, notice);
  const biases = family.biases(c, refuse);
  const shape: ModelShape = {
    vocabulary: c.vocab_size,
    width: c.hidden_size,
    layers: c.num_hidden_layers,
    heads,
    keyValueHeads,
    headWidth: family.headWidth(c, refuse),
    feedForward: c.intermediate_size,
    context,
    tied: c.tie_word_embeddings ?? false,
    ropeTheta: rope.theta,
    normEpsilon: c.rms_norm_eps ?? family.defaults.normEpsilon,
    ...(biases.length === 0 ? {} : { biases }),
    ...(family.queryKeyNorm ? { queryKeyNorm: true } : {}),
    ...(rope.scaling === undefined ? {} : { ropeScaling: rope.scaling }),
  };
  checkModelShape(shape);
  if (!rotaryFrequencies(shape).every((f) => Number.isFinite(f) && f > 0))
    refuse(`rotary frequencies are not positive numbers (rope_theta ${rope.theta})`);
  return shape;
}

/** The family that `architectures` names; `model_type`, by which transformers chooses, must be of it. */
function familyOf(config: unknown, path: string): Family {
  const named = z
    .looseObject({
      architectures: z.array(z.string()).optional(),
      model_type: z.unknown().optional(),
    })
    .safeParse(config);
  const names = named.data?.architectures ?? [];
  const type = named.data?.model_type;
  const known = names.filter((n) => Object.hasOwn(families, n)).map((n) => families[n]!);
  const family = known[0];
  if (
    family !== undefined &&
    known.length === names.length &&
    known.every((f) => f === family) &&
    (type === undefined || type === family.modelType)
  )
    return family;
  throw new ErrataError(
    `${path}: architecture ${names.join(", ") || "unnamed"} (model_type ${String(type)}) is not supported`,
    {
      code: "CHECKPOINT_ARCHITECTURE",
      hint: `supported: ${supportedArchitectures.join(", ")} (Llama, SmolLM2, Qwen2, Qwen2.5, Qwen3), with the model_type of the same family`,
    },
  );
}

function parse(config: unknown, path: string): Configuration {
  const parsed = configurationSchema.safeParse(config);
  if (parsed.success) return parsed.data;
  const keys = parsed.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys : [],
  );
  throw refused(
    path,
    issuesOf(parsed.error),
    keys.length === 0
      ? undefined
      : `if you know that ${keys.join(", ")} does not change what the model computes, delete it from config.json`,
  );
}

const refused = (path: string, message: string, hint?: string): ErrataError =>
  new ErrataError(`${path}: ${message}`, {
    code: "CHECKPOINT_CONFIG",
    hint:
      hint ??
      "the model asks for something that this engine does not compute, or its config.json is damaged",
  });

/** Refuses sliding windows, but for those that no sequence of `context` tokens outgrows. */
function refuseWindows(c: Configuration, context: number, path: string, refuse: Refuse): void {
  const types = c.layer_types;
  const other = types?.find((t) => t !== "full_attention" && t !== "sliding_attention");
  if (other !== undefined) refuse(`layer_types ${JSON.stringify(other)} is not supported`);
  if (types && types.length !== c.num_hidden_layers)
    refuse(`${types.length} layer_types for ${c.num_hidden_layers} layers`);
  const slides =
    types?.includes("sliding_attention") ??
    (c.use_sliding_window === true && (c.max_window_layers ?? 28) < c.num_hidden_layers);
  // The default of every configuration class that has windows; null is none.
  const window = c.sliding_window === undefined ? 4096 : (c.sliding_window ?? Infinity);
  if (slides && context > window)
    throw refused(
      path,
      `layers attend over a sliding window of ${window} tokens, less than the context of ${context}`,
      `sliding windows are not computed: ask for a context of at most ${window} tokens`,
    );
}
