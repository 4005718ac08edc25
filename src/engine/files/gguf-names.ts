/** Names of tensors: llama.cpp's and those of transformers. */

const parts: readonly (readonly [string, string])[] = [
  ["input_layernorm", "attn_norm"],
  ["self_attn.q_proj", "attn_q"],
  ["self_attn.k_proj", "attn_k"],
  ["self_attn.v_proj", "attn_v"],
  ["self_attn.o_proj", "attn_output"],
  ["self_attn.q_norm", "attn_q_norm"],
  ["self_attn.k_norm", "attn_k_norm"],
  ["post_attention_layernorm", "ffn_norm"],
  ["mlp.gate_proj", "ffn_gate"],
  ["mlp.up_proj", "ffn_up"],
  ["mlp.down_proj", "ffn_down"],
];
const whole: readonly (readonly [string, string])[] = [
  ["model.embed_tokens.weight", "token_embd.weight"],
  ["model.norm.weight", "output_norm.weight"],
  ["lm_head.weight", "output.weight"],
];

const toGguf = new Map([...whole, ...parts]);
const toTransformers = new Map([...whole, ...parts].map(([ours, theirs]) => [theirs, ours]));

/** llama.cpp's name of a tensor that transformers calls `name`. */
export function ggufName(name: string): string {
  const [, layer, part, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  return layer === undefined ? toGguf.get(name)! : `blk.${layer}.${toGguf.get(part!)!}.${kind!}`;
}

/** The name in transformers of a tensor that llama.cpp calls `name`; one that it has no name for stays. */
export function transformersName(name: string): string {
  const [, layer, part, kind] = /^blk\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (layer === undefined) return toTransformers.get(name) ?? name;
  const ours = toTransformers.get(part!);
  return ours === undefined ? name : `model.layers.${layer}.${ours}.${kind!}`;
}
