/** Adapters in the format of PEFT (https://huggingface.co/docs/peft): `adapter_config.json` and safetensors. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ErrataError } from "../../util/error.js";
import { issuesOf } from "../../util/issues.js";
import { adapterLayout, checkAdapterShape, type AdapterShape } from "../adapter.js";
import { flatWeights, namedTensors } from "./checkpoint.js";
import type { Policy } from "../engine.js";
import { localOf, localPolicy, type LocalPolicy } from "../local-policy.js";
import { readJson } from "./pretrained.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import { projectionName, projections, type Projection } from "../shape.js";

const prefix = "base_model.model.";
const weightsFile = "adapter_model.safetensors";
const configFile = "adapter_config.json";

/**
 * Writes the adapter of `policy` into `folder`, as `PeftModel.save_pretrained` would: float32, with
 * the same names and bytes. `base` is the hub id or folder that PEFT should find the base model under, `revision` the
 * hub's commit of it.
 * @throws RangeError when `policy` has no adapter.
 */
export async function savePeftAdapter(
  folder: string,
  policy: Policy,
  { base, revision }: { readonly base?: string; readonly revision?: string } = {},
): Promise<void> {
  const { shape, adapter } = localOf(policy);
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
    ...(revision === undefined ? {} : { revision }),
    target_modules: [...adapter.targets].sort(),
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: false,
  };
  await mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, weightsFile), tensors, { metadata: { format: "pt" } });
  await writeFile(join(folder, configFile), `${JSON.stringify(config, null, 2)}\n`);
}

const empty = z.strictObject({});
const none = z.union([z.null(), z.array(z.unknown()).length(0)]).optional();
const off = z.literal(false).nullish();
const absent = z.null().optional();
const any = z.unknown().optional();

/**
 * What of the settings of PEFT 0.21 is computed here. A key that is not listed is refused by name: one that
 * a later release adds may change what the adapter computes.
 */
const peftConfig = z.strictObject({
  peft_type: z.literal("LORA"),
  task_type: z.literal("CAUSAL_LM").nullish(),
  r: z.int().positive(),
  lora_alpha: z.number().positive(),
  target_modules: z.union([z.array(z.string()).min(1), z.literal("all-linear")]),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(), // of the base model
  // Others (pissa, olora, corda, loftq, lora_ga, ...) change the base when PEFT loads them.
  init_lora_weights: z
    .union([z.boolean(), z.literal("gaussian"), z.literal("orthogonal")])
    .nullish(),
  bias: z.literal("none").optional(),
  fan_in_fan_out: off,
  lora_bias: off,
  use_dora: off,
  use_rslora: off,
  use_qalora: off,
  ensure_weight_tying: off,
  rank_pattern: empty.nullish(),
  alpha_pattern: empty.nullish(),
  loftq_config: empty.nullish(),
  exclude_modules: none,
  modules_to_save: none,
  layers_to_transform: none,
  layers_pattern: none,
  layer_replication: none,
  target_parameters: none,
  trainable_token_indices: none,
  alora_invocation_tokens: absent,
  arrow_config: absent,
  corda_config: absent,
  eva_config: absent,
  kasa_config: absent,
  lora_ga_config: absent,
  monteclora_config: absent,
  use_bdlora: absent,
  velora_config: absent,
  megatron_config: absent,
  // Without effect on what a loaded adapter computes.
  auto_mapping: any,
  inference_mode: any,
  lora_dropout: any,
  megatron_core: any,
  peft_version: any,
  qalora_group_size: any,
  runtime_config: any,
});

/** What an adapter says of its base. */
export interface AdapterBase {
  /** Folder or hub id of the base model. */
  readonly base: string;
  /** Branch, tag or commit of the base. */
  readonly revision: string | undefined;
}

/**
 * The base model of the adapter in `folder`.
 * @throws ErrataError `ADAPTER_CONFIG` where it names none, or asks for what is not computed here.
 */
export async function adapterBase(folder: string): Promise<AdapterBase> {
  const { base_model_name_or_path: base, revision } = await readConfig(folder);
  if (base) return { base, revision: revision ?? undefined };
  throw new ErrataError(`${join(folder, configFile)} does not name its base model`, {
    code: "ADAPTER_CONFIG",
    hint: "set base_model_name_or_path to the base model's folder or hub id",
  });
}

async function readConfig(folder: string): Promise<z.infer<typeof peftConfig>> {
  const path = join(folder, configFile);
  const parsed = peftConfig.safeParse(await readJson(path));
  if (parsed.success) return parsed.data;
  throw new ErrataError(`${path}: ${issuesOf(parsed.error)}`, {
    code: "ADAPTER_CONFIG",
    hint: "only plain LoRA is computed: one rank and alpha, target_modules as a list of names, nothing beside A and B",
  });
}

/**
 * Puts the adapter in `folder`, written by PEFT or {@link savePeftAdapter}, on the weights of `base`
 * (shared, not copied). Dropout is ignored.
 * @throws ErrataError `ADAPTER_CONFIG` for settings that are not computed here, `ADAPTER_SHAPE`,
 * `CHECKPOINT_FILE`, `CHECKPOINT_TENSORS` (an adapter for another model, or with matrices that its
 * settings do not name), or those of `readSafetensors`.
 */
export async function loadPeftAdapter(folder: string, over: Policy): Promise<LocalPolicy> {
  const base = localOf(over);
  const config = await readConfig(folder);
  const adapter: AdapterShape = {
    rank: config.r,
    alpha: config.lora_alpha,
    targets: targetsOf(config.target_modules, base.shape.layers, join(folder, configFile)),
  };
  checkAdapterShape(adapter);
  const file = join(folder, weightsFile);
  const { tensors } = await readSafetensors(file);
  // PEFT passes over names without its prefix; here they are unknown, and refused.
  const named = new Map(
    [...tensors].map(([name, tensor]) => [
      name.startsWith(prefix) ? name.slice(prefix.length) : `(without ${prefix}) ${name}`,
      tensor,
    ]),
  );
  const hint = `the file does not hold the adapter that ${join(folder, configFile)} describes`;
  const weights = flatWeights(file, adapterLayout(base.shape, adapter), named, hint);
  return localPolicy(base.shape, base.weights, { ...adapter, weights });
}

/** The projections that PEFT would adapt: those whose name is an entry or ends in a dot and an entry. */
function targetsOf(
  modules: readonly string[] | "all-linear",
  layers: number,
  path: string,
): Projection[] {
  if (modules === "all-linear") return [...projections];
  const isTarget = (name: string): boolean =>
    modules.some((module) => name === module || name.endsWith(`.${module}`));
  const names = Array.from({ length: layers }, (_, layer) =>
    projections.filter((p) => isTarget(projectionName(layer, p))),
  );
  const [targets = []] = names;
  const used = modules.filter(
    (module) =>
      projections.some((p) => `.${projectionName(layers - 1, p)}`.endsWith(`.${module}`)) ||
      names.some((_, layer) => projections.some((p) => projectionName(layer, p) === module)),
  );
  const stray = modules.filter((module) => !used.includes(module));
  if (targets.length > 0 && stray.length === 0 && names.every((n) => n.join() === targets.join()))
    return targets;
  throw new ErrataError(
    `${path}: target_modules ${JSON.stringify(modules)}: ${stray.length > 0 ? `${stray.join(", ")} not adapted here` : "not the same projections in every layer"}`,
    {
      code: "ADAPTER_CONFIG",
      hint: `an adapter here covers some of ${projections.join(", ")}, the same in every layer`,
    },
  );
}
