/**
 * Which keys of a `config.json` are known, as of transformers 5.24. What is not listed here is refused
 * by name: a key that a later release adds may change what the model computes.
 */
import { z } from "zod";

const size = z.int().positive();

/** Rotary settings, in `rope_parameters` or, as older files have it, `rope_scaling`. */
export interface Rope {
  readonly rope_type?: string | undefined;
  readonly type?: string | undefined;
  readonly rope_theta?: number | undefined;
  readonly factor?: number | null | undefined;
  readonly low_freq_factor?: number | undefined;
  readonly high_freq_factor?: number | undefined;
  readonly original_max_position_embeddings?: number | undefined;
  readonly beta_fast?: number | null | undefined;
  readonly beta_slow?: number | null | undefined;
  readonly attention_factor?: number | null | undefined;
  readonly mscale?: number | null | undefined;
  readonly mscale_all_dim?: number | null | undefined;
  readonly truncate?: boolean | undefined;
  readonly partial_rotary_factor?: number | undefined;
}

/** The keys of a `config.json` that decide what is computed. */
export interface Configuration {
  readonly architectures?: string[] | undefined;
  readonly model_type?: string | undefined;
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number | null | undefined;
  readonly head_dim?: number | null | undefined;
  readonly max_position_embeddings: number;
  readonly rms_norm_eps?: number | undefined;
  readonly tie_word_embeddings?: boolean | undefined;
  readonly hidden_act?: string | undefined;
  readonly attention_bias?: boolean | undefined;
  readonly mlp_bias?: boolean | undefined;
  readonly rope_theta?: number | undefined;
  readonly rope_scaling?: Rope | null | undefined;
  readonly rope_parameters?: Rope | null | undefined;
  readonly original_max_position_embeddings?: number | null | undefined;
  readonly partial_rotary_factor?: number | null | undefined;
  readonly use_sliding_window?: boolean | undefined;
  readonly sliding_window?: number | null | undefined;
  readonly max_window_layers?: number | undefined;
  readonly layer_types?: string[] | null | undefined;
}

const ropeSchema: z.ZodType<Rope> = z.strictObject({
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
  // Of longrope, which is refused by its name.
  short_factor: z.unknown().optional(),
  long_factor: z.unknown().optional(),
}) as z.ZodType<Rope>;

const computed = {
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
  rope_scaling: ropeSchema.nullish(),
  rope_parameters: ropeSchema.nullish(),
  original_max_position_embeddings: size.nullish(),
  partial_rotary_factor: z.number().nullish(),
  use_sliding_window: z.boolean().optional(),
  sliding_window: size.nullish(),
  max_window_layers: z.int().optional(),
  layer_types: z.array(z.string()).nullish(),
};

/** Keys that are computed for one value alone, the one under which they change nothing. */
const fixed = {
  rope_interleaved: z.literal(false).nullish(),
  use_mrope: z.literal(false).nullish(),
  quantization_config: z.null().optional(),
  auto_map: z.null().optional(),
  per_layer_config: z.null().optional(),
  is_causal: z.literal(true).optional(),
  is_decoder: z.boolean().optional(),
  is_encoder_decoder: z.literal(false).optional(),
  add_cross_attention: z.literal(false).optional(),
  cross_attention_hidden_size: z.null().optional(),
  tie_encoder_decoder: z.literal(false).optional(),
  chunk_size_feed_forward: z.literal(0).optional(),
  pruned_heads: z.strictObject({}).nullish(),
};

/** Keys that the forward pass of these families does not read: origin, storage, generation, other heads. */
const neutral = [
  ..."_name_or_path name_or_path transformers_version transformers.js_config dtype torch_dtype".split(
    " ",
  ),
  ..."use_cache initializer_range attention_dropout pretraining_tp is_llama_config".split(" "),
  ..."bos_token_id eos_token_id pad_token_id sep_token_id decoder_start_token_id".split(" "),
  ..."output_attentions output_hidden_states output_scores return_dict return_dict_in_generate".split(
    " ",
  ),
  ..."_attn_implementation attn_implementation _attn_implementation_autoset _commit_hash".split(
    " ",
  ),
  ..."id2label label2id num_labels problem_type finetuning_task task_specific_params".split(" "),
  ..."tokenizer_class prefix torchscript use_bfloat16 tf_legacy_loss pad_token".split(" "),
  ..."unsloth_version unsloth_fixed unsloth_tracked model_max_length".split(" "),
  // What older files keep for generation; Errata samples by its own settings.
  ..."do_sample temperature top_k top_p typical_p max_length min_length max_new_tokens num_beams".split(
    " ",
  ),
  ..."num_beam_groups num_return_sequences repetition_penalty length_penalty diversity_penalty".split(
    " ",
  ),
  ..."no_repeat_ngram_size encoder_no_repeat_ngram_size exponential_decay_length_penalty".split(
    " ",
  ),
  ..."bad_words_ids begin_suppress_tokens suppress_tokens early_stopping remove_invalid_values".split(
    " ",
  ),
  ..."forced_bos_token_id forced_eos_token_id".split(" "),
];

/** Every known key; any other is an issue of the code `unrecognized_keys`. */
export const configurationSchema: z.ZodType<Configuration> = z.strictObject({
  ...computed,
  ...fixed,
  ...Object.fromEntries(neutral.map((key) => [key, z.unknown().optional()])),
}) as z.ZodType<Configuration>;
