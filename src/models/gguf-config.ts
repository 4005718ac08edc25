/** A GGUF file's metadata as the `config.json` that transformers would have. */
import type { GgufFile, GgufMetadata } from "../engine/files/gguf-file.js";
import { rotaryFrequencies } from "../engine/rope.js";
import { ErrataError } from "../util/error.js";

/** llama.cpp's architectures that are read, by what transformers calls them. */
const architectures: Readonly<Record<string, string>> = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
};

/** Settings of an architecture that are read; others may change what is computed. */
const known = new Set([
  "vocab_size",
  "context_length",
  "embedding_length",
  "block_count",
  "feed_forward_length",
  "attention.head_count",
  "attention.head_count_kv",
  "attention.key_length",
  "attention.value_length",
  "attention.layer_norm_rms_epsilon",
  "rope.dimension_count",
  "rope.freq_base",
  "rope.scaling.type",
  "rope.scaling.factor",
  "rope.scaling.original_context_length",
  "rope.scaling.finetuned",
]);

/** Rotary settings of Llama 3.1 and 3.2: of these a file holds only the factors that follow. */
const llama3 = [8, 32].map((factor) => ({
  rope_type: "llama3",
  factor,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
}));

/** By how much each rotary frequency [d/2] is divided. */
function factorsOf({ factor }: { readonly factor: number }, ropeTheta: number, headWidth: number) {
  const plain = rotaryFrequencies({ headWidth, ropeTheta });
  const ropeScaling = {
    type: "llama3",
    factor,
    lowFrequency: 1,
    highFrequency: 4,
    original: 8192,
  } as const;
  return rotaryFrequencies({ headWidth, ropeTheta, ropeScaling }).map((f, i) => plain[i]! / f);
}

const ropeTensor = "rope_freqs.weight";

/**
 * The configuration of the model in `file`.
 * @throws ErrataError `GGUF_ARCHITECTURE` for a model of another kind, `GGUF_CONFIG` for settings that are missing
 * or not computed here.
 */
export async function ggufConfig(file: GgufFile): Promise<Readonly<Record<string, unknown>>> {
  const { path, metadata, shapes } = file;
  const named = metadata["general.architecture"];
  const kind = typeof named === "string" ? named : "that it does not name";
  const architecture = Object.hasOwn(architectures, kind) ? architectures[kind] : undefined;
  if (architecture === undefined)
    throw new ErrataError(`${path}: a model of the architecture ${kind}`, {
      code: "GGUF_ARCHITECTURE",
      hint: `read are ${Object.keys(architectures).join(", ")}: Llama, SmolLM2, Qwen 2, 2.5 and 3`,
    });
  const refuse = (message: string): never => {
    throw new ErrataError(`${path}: ${message}`, {
      code: "GGUF_CONFIG",
      hint: "use the model's safetensors, by its folder or hub id",
    });
  };
  const unknown = Object.keys(metadata).find(
    (key) => key.startsWith(`${kind}.`) && !known.has(key.slice(kind.length + 1)),
  );
  if (unknown !== undefined) refuse(`${unknown} is not known`);
  const optional = (key: string): number | undefined => numberOf(metadata, `${kind}.${key}`);
  const required = (key: string): number =>
    optional(key) ?? refuse(`${kind}.${key} is missing or no number`);
  const width = required("embedding_length");
  const heads = required("attention.head_count");
  const headWidth = optional("attention.key_length") ?? width / heads;
  for (const key of ["attention.value_length", "rope.dimension_count"])
    if ((optional(key) ?? headWidth) !== headWidth)
      refuse(`${kind}.${key} is ${optional(key)}, and heads are ${headWidth} wide`);
  const theta = decimal(optional("rope.freq_base") ?? 10_000);
  const rows = shapes.get("model.embed_tokens.weight")?.[0];
  if (rows === undefined) refuse("token_embd.weight is missing");
  return {
    architectures: [architecture],
    model_type: kind,
    vocab_size: rows,
    hidden_size: width,
    intermediate_size: required("feed_forward_length"),
    num_hidden_layers: required("block_count"),
    num_attention_heads: heads,
    num_key_value_heads: optional("attention.head_count_kv") ?? heads,
    head_dim: headWidth,
    max_position_embeddings: required("context_length"),
    rms_norm_eps: decimal(required("attention.layer_norm_rms_epsilon")),
    tie_word_embeddings: !shapes.has("lm_head.weight"),
    rope_theta: theta,
    ...(await ropeScaling(file, kind, theta, headWidth, refuse)),
  };
}

async function ropeScaling(
  file: GgufFile,
  kind: string,
  theta: number,
  headWidth: number,
  refuse: (message: string) => never,
): Promise<object> {
  const { metadata, shapes } = file;
  const type = metadata[`${kind}.rope.scaling.type`] ?? "none";
  const factor = numberOf(metadata, `${kind}.rope.scaling.factor`);
  const original = numberOf(metadata, `${kind}.rope.scaling.original_context_length`);
  if (shapes.has(ropeTensor)) {
    const factors = new Float32Array(headWidth / 2);
    if (shapes.get(ropeTensor)!.join() !== String(factors.length))
      refuse(`${ropeTensor} has ${shapes.get(ropeTensor)!.join(" x ")} values`);
    await file.read(ropeTensor, factors);
    const fits = llama3.find((settings) =>
      factorsOf(settings, theta, headWidth).every((f, i) => Math.abs(f - factors[i]!) < 1e-5 * f),
    );
    return { rope_scaling: fits ?? refuse(`${ropeTensor} is not as in Llama 3.1 or 3.2`) };
  }
  if (type === "none") return {};
  if (type !== "linear" && type !== "yarn")
    refuse(`rotary positions stretched by ${JSON.stringify(type)}`);
  return {
    rope_scaling: {
      rope_type: type,
      factor: decimal(factor ?? refuse(`${kind}.rope.scaling.factor is missing`)),
      ...(original === undefined ? {} : { original_max_position_embeddings: original }),
    },
  };
}

function numberOf(metadata: GgufMetadata, key: string): number | undefined {
  const value = metadata[key];
  return typeof value === "number" ? value : undefined;
}

/** The shortest decimal that a float32 stands for: 1e-5 and not 0.000009999999747378752. */
function decimal(value: number): number {
  const short = Number(value.toPrecision(7));
  return Math.fround(short) === Math.fround(value) ? short : value;
}
