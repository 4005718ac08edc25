/** Models as Hugging Face transformers loads them: `config.json` and safetensors, in shards where they are large. */
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ErrataError } from "../../util/error.js";
import { mergeAdapter } from "../adapter.js";
import type { Policy } from "../engine.js";
import { parameterLayout, type ModelShape } from "../shape.js";
import { namedTensors } from "./checkpoint.js";
import { writeSafetensors, type Precision, type StoredTensor } from "./safetensors.js";

export interface SavePretrainedOptions {
  /** Default `float32`. */
  readonly precision?: Precision;
  /** Most bytes of tensors in one file, but for a tensor that is larger. Default 2 * 10^9. */
  readonly shardBytes?: number;
}

/** The largest magnitude that float16 does not round to infinity. */
const largestFloat16 = 65_504;

/**
 * Writes the weights of `policy` into `folder`, an adapter merged into its base; returns the names of
 * the files.
 * @throws ErrataError `EXPORT_RANGE` where weights do not fit into float16.
 */
export async function savePretrainedWeights(
  folder: string,
  policy: Policy,
  { precision = "float32", shardBytes = 2e9 }: SavePretrainedOptions = {},
): Promise<string[]> {
  const { shape, weights } = mergeAdapter(policy);
  const tensors = namedTensors(parameterLayout(shape), weights);
  if (precision === "float16") requireFloat16(tensors);
  const shards = inShards(tensors, shardBytes / (precision === "float32" ? 4 : 2));
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder))
    if (/^model(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/.test(name))
      await rm(join(folder, name)); // another export's shards would be loaded beside these
  const options = { metadata: { format: "pt" }, precision };
  if (shards.length === 1) {
    await writeSafetensors(join(folder, "model.safetensors"), tensors, options);
    return ["model.safetensors"];
  }
  const five = (n: number): string => String(n).padStart(5, "0");
  const weightMap: Record<string, string> = {};
  const names: string[] = [];
  for (const [i, shard] of shards.entries()) {
    const name = `model-${five(i + 1)}-of-${five(shards.length)}.safetensors`;
    await writeSafetensors(join(folder, name), shard, options);
    for (const tensor of shard.keys()) weightMap[tensor] = name;
    names.push(name);
  }
  const index = {
    metadata: {
      total_parameters: weights.length,
      total_size: weights.length * (precision === "float32" ? 4 : 2),
    },
    weight_map: weightMap,
  };
  const indexName = "model.safetensors.index.json";
  await writeFile(join(folder, indexName), `${JSON.stringify(index, null, 2)}\n`);
  return [...names, indexName];
}

/** @throws ErrataError `EXPORT_RANGE`, naming the first weight that float16 would make infinite. */
export function requireFloat16(tensors: ReadonlyMap<string, StoredTensor>): void {
  for (const [name, { data }] of tensors)
    for (const value of data)
      if (!(Math.abs(value) <= largestFloat16))
        throw new ErrataError(`${name} holds ${value}, which float16 cannot`, {
          code: "EXPORT_RANGE",
          hint: "export in bf16 or fp32",
        });
}

/** Tensors in order, cut where a file would hold more than `most` values. */
function inShards(
  tensors: ReadonlyMap<string, StoredTensor>,
  most: number,
): Map<string, StoredTensor>[] {
  const shards = [new Map<string, StoredTensor>()];
  let held = 0;
  for (const [name, tensor] of tensors) {
    if (held > 0 && held + tensor.data.length > most) {
      shards.push(new Map());
      held = 0;
    }
    shards.at(-1)!.set(name, tensor);
    held += tensor.data.length;
  }
  return shards;
}

/**
 * The `config.json` of a plain Llama model, as transformers writes it.
 * @throws RangeError for biases, norms of queries and keys, or stretched rotary positions: models with
 * those come with a configuration of their own.
 */
export function llamaConfig(shape: ModelShape): Record<string, unknown> {
  if (shape.biases !== undefined || shape.queryKeyNorm === true || shape.ropeScaling !== undefined)
    throw new RangeError("llamaConfig: more than plain Llama computes");
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size: shape.vocabulary,
    hidden_size: shape.width,
    intermediate_size: shape.feedForward,
    num_hidden_layers: shape.layers,
    num_attention_heads: shape.heads,
    num_key_value_heads: shape.keyValueHeads,
    head_dim: shape.headWidth,
    max_position_embeddings: shape.context,
    rms_norm_eps: shape.normEpsilon,
    rope_theta: shape.ropeTheta,
    rope_parameters: { rope_type: "default", rope_theta: shape.ropeTheta },
    tie_word_embeddings: shape.tied,
    hidden_act: "silu",
    attention_bias: false,
    attention_dropout: 0,
    mlp_bias: false,
    use_cache: true,
  };
}
