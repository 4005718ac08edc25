/** Adapters in the format of PEFT (https://huggingface.co/docs/peft): `adapter_config.json` and safetensors. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ErrataError } from "../../util/error.js";
import { adapterLayout, checkAdapterShape, type AdapterShape } from "../adapter.js";
import { flatWeights, namedTensors } from "./checkpoint.js";
import type { Policy } from "../engine.js";
import { readJson } from "./pretrained.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import { projections, type Projection } from "../shape.js";

const prefix = "base_model.model.";
const weightsFile = "adapter_model.safetensors";
const configFile = "adapter_config.json";

/**
 * Writes the adapter of `policy` into `folder`, as `PeftModel.save_pretrained` would: float32, with
 * the same names and bytes. `base` is the hub id or folder that PEFT should find the base model under.
 * @throws RangeError when `policy` has no adapter.
 */
export async function savePeftAdapter(
  folder: string,
  policy: Policy,
  { base }: { readonly base?: string } = {},
): Promise<void> {
  const { shape, adapter } = policy;
  if (adapter === undefined) throw new RangeError("savePeftAdapter: the policy has no adapter");
  const tensors = namedTensors(
    adapterLayout(shape, adapter).map((p) => ({ ...p, name: prefix + p.name })),
    adapter.weights,
  );
  const config = {
    base_model_name_or_path: base ?? null,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: adapter.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: "LORA",
    r: adapter.rank,
    target_modules: [...adapter.targets].sort(),
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  };
  await mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, weightsFile), tensors, { metadata: { format: "pt" } });
  await writeFile(join(folder, configFile), `${JSON.stringify(config, null, 2)}\n`);
}

const empty = z.record(z.string(), z.unknown()).refine((r) => Object.keys(r).length === 0);
const none = z.union([z.null(), z.array(z.unknown()).length(0)]);

/** What of PEFT's settings is computed here; whatever else would change the result is refused. */
const peftConfig = z.looseObject({
  peft_type: z.literal("LORA"),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  bias: z.literal("none").optional(),
  init_lora_weights: z.union([z.boolean(), z.literal("gaussian")]).nullish(), // others change the base
  fan_in_fan_out: z.literal(false).nullish(),
  lora_bias: z.literal(false).nullish(),
  use_dora: z.literal(false).nullish(),
  use_rslora: z.literal(false).nullish(),
  use_qalora: z.literal(false).nullish(),
  rank_pattern: empty.nullish(),
  alpha_pattern: empty.nullish(),
  modules_to_save: none.optional(),
  layers_to_transform: none.optional(),
  layer_replication: none.optional(),
  target_parameters: none.optional(),
  trainable_token_indices: none.optional(),
});

/**
 * Puts the adapter in `folder`, written by PEFT or {@link savePeftAdapter}, on the weights of `base`
 * (shared, not copied). Dropout is ignored.
 * @throws ErrataError `ADAPTER_CONFIG` for settings that are not computed here, `ADAPTER_SHAPE`,
 * `CHECKPOINT_FILE`, `CHECKPOINT_TENSORS` (an adapter for another model), or those of `readSafetensors`.
 */
export async function loadPeftAdapter(folder: string, base: Policy): Promise<Policy> {
  const path = join(folder, configFile);
  const parsed = peftConfig.safeParse(await readJson(path));
  if (!parsed.success)
    throw new ErrataError(`${path}: ${z.prettifyError(parsed.error)}`, {
      code: "ADAPTER_CONFIG",
      hint: "only plain LoRA is computed: one rank and alpha, no biases, no DoRA, no rank stabilisation",
    });
  const file = join(folder, weightsFile);
  const { tensors } = await readSafetensors(file);
  const named = new Map(
    [...tensors].map(([name, tensor]) => [
      name.startsWith(prefix) ? name.slice(prefix.length) : name,
      tensor,
    ]),
  );
  const targets = projections.filter((p) => [...named.keys()].some((n) => n.includes(`.${p}.`)));
  const adapter: AdapterShape = {
    rank: parsed.data.r,
    alpha: parsed.data.lora_alpha,
    targets: targets satisfies Projection[],
  };
  checkAdapterShape(adapter);
  const weights = flatWeights(file, adapterLayout(base.shape, adapter), named);
  return { shape: base.shape, weights: base.weights, adapter: { ...adapter, weights } };
}
