/**
 * Odd configurations, files and adapters against transformers 5.24 and PEFT 0.21: equal, or refused by
 * name. scripts/golden/make-variants.py wrote the files under golden/variants.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Policy } from "./engine.js";
import { shapeFromConfig } from "./families.js";
import { loadPeftAdapter } from "./files/peft.js";
import { loadPretrained } from "./files/pretrained.js";
import { readSafetensors, writeSafetensors } from "./files/safetensors.js";
import { LocalEngine } from "./local.js";
import { rotaryFrequencies, rotaryTables } from "./rope.js";
import { parameterLayout } from "./shape.js";

const variants = join(import.meta.dirname, "golden", "variants");
const checkpoints = join(variants, "checkpoints");
const adapters = join(variants, "adapters");
const engine = new LocalEngine();
const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

let scratch = "";
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "errata-variants-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Golden {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
}

async function expectGolden(policy: Policy, folder: string): Promise<void> {
  const { tokens, logprobs } = read(join(folder, "golden.json")) as Golden;
  const targets = tokens.slice(1).map((token, position) => ({ position, token }));
  const actual = await engine.logprobs(policy, [{ tokens, targets }]);
  logprobs.forEach((l, i) => expect(Math.abs(actual[i]! - l)).toBeLessThan(1e-4));
}

describe("a configuration", () => {
  type Case = {
    readonly config: Record<string, unknown>;
    readonly error?: string;
    readonly weights: Record<string, number[]>;
    readonly frequencies: number[];
    readonly gain: number;
    readonly epsilon: number;
    readonly windows: number;
  };
  const cases = read(join(variants, "configs.json")) as Case[];
  const attempt = (
    config: unknown,
    context: number,
  ): ReturnType<typeof shapeFromConfig> | string => {
    try {
      return shapeFromConfig(config, { context });
    } catch (error) {
      expect(error).toMatchObject({
        code: expect.stringMatching(/^(CHECKPOINT_CONFIG|MODEL_SHAPE)$/),
      });
      return (error as Error).message;
    }
  };
  /** What transformers computes and Errata does not, as the refusals name it. */
  const notComputed =
    /partial_rotary_factor|dynamic|longrope|sliding window|full_attention|mlp_bias|high_freq_factor/;

  it.each(cases.map((c) => [JSON.stringify(c.config), c] as const))(
    "has the weights and rotations of transformers, or is refused: %s",
    (_, { config, error, weights, frequencies, gain, epsilon, windows }) => {
      const shape = attempt(config, 64);
      if (error !== undefined) return expect(shape).toBeTypeOf("string");
      if (typeof shape === "string") return expect(shape).toMatch(notComputed);
      expect(windows === 0 || Number(config["sliding_window"] ?? 4096) >= 64).toBe(true);
      const layout = Object.fromEntries(parameterLayout(shape).map((p) => [p.name, [...p.shape]]));
      expect(layout).toEqual(weights);
      expect(shape.normEpsilon).toBe(epsilon);
      rotaryFrequencies(shape).forEach((f, i) => {
        expect(Math.abs(f / frequencies[i]! - 1)).toBeLessThan(3e-6);
      });
      expect(rotaryTables({ ...shape, context: 1 }).cosines[0]).toBeCloseTo(gain, 6);
    },
  );

  it("is seldom refused where transformers takes it", () => {
    const taken = cases.filter((c) => c.error === undefined);
    const refused = taken.filter((c) => typeof attempt(c.config, 64) === "string");
    expect(taken.length).toBeGreaterThan(180);
    expect(refused.length).toBeLessThan(30);
  });

  const plain = cases[0]!.config;

  it.each([
    ["a key that nobody knows", { attention_temperature: 2 }, /attention_temperature/],
    [
      "a rotary key that nobody knows",
      { rope_parameters: { rope_type: "default", spin: 2 } },
      /spin/,
    ],
    [
      "weights in a file of another name",
      { transformers_weights: "other.safetensors" },
      /transformers_weights/,
    ],
    ["attention in both directions", { is_causal: false }, /is_causal/],
    [
      "layers of their own sizes",
      { per_layer_config: { "0": { head_dim: 4 } } },
      /per_layer_config/,
    ],
    ["code of its own", { auto_map: { AutoModelForCausalLM: "modeling.Model" } }, /auto_map/],
    [
      "biases that its family has not",
      { mlp_bias: true, model_type: "qwen3", architectures: ["Qwen3ForCausalLM"] },
      /mlp_bias/,
    ],
  ])("with %s is refused by name", (_, change, name) => {
    const message = attempt({ ...plain, ...change }, 64);
    expect(message).toMatch(name);
  });

  it("whose model_type is another family's is refused: transformers goes by it", () => {
    for (const change of [
      { model_type: "qwen3" },
      { architectures: ["LlamaForCausalLM", "Other"] },
    ])
      expect(() => shapeFromConfig({ ...plain, ...change })).toThrow(
        expect.objectContaining({ code: "CHECKPOINT_ARCHITECTURE" }),
      );
  });

  it("with the keys that published checkpoints carry besides is taken", () => {
    const published = {
      "transformers.js_config": { dtype: "q4" },
      is_llama_config: true,
      rope_interleaved: false,
      torch_dtype: "bfloat16",
      use_mrope: false,
      pretraining_tp: 1,
      _name_or_path: "x",
      unsloth_fixed: true,
      quantization_config: null,
    };
    expect(shapeFromConfig({ ...plain, ...published })).toEqual(shapeFromConfig(plain));
  });

  it("with two rotary settings says which counts", () => {
    const notices: string[] = [];
    const config = {
      ...plain,
      rope_parameters: { rope_type: "default", rope_theta: 300 },
      rope_scaling: { type: "linear", factor: 2 },
    };
    shapeFromConfig(config, { onNotice: (n) => notices.push(n) });
    expect(notices).toEqual([expect.stringContaining("rope_scaling replaces the whole")]);
  });
});

describe("a folder", () => {
  it.each(readdirSync(checkpoints))(
    "%s has the log-probabilities of transformers",
    async (name) => {
      const notices: string[] = [];
      const folder = join(checkpoints, name);
      await expectGolden(
        await loadPretrained(folder, { onNotice: (n) => notices.push(n) }),
        folder,
      );
      const loud = ["tied-other-head", "single-and-index", "both-ropes"].includes(name);
      expect(notices).toHaveLength(loud ? 1 : 0);
    },
  );

  it("that ties the head stays tied where the file holds the same one", async () => {
    for (const [name, tied] of [
      ["tied", true],
      ["tied-same-head", true],
      ["tied-head-alone", true],
      ["tied-other-head", false],
    ] as const)
      expect((await loadPretrained(join(checkpoints, name))).shape.tied).toBe(tied);
  });

  it("whose shards hold a weight twice is refused", async () => {
    const folder = join(scratch, "twice");
    cpSync(join(checkpoints, "single-and-index"), folder, { recursive: true });
    cpSync(join(folder, "model.safetensors"), join(folder, "b.safetensors"));
    rmSync(join(folder, "model.safetensors"));
    const path = join(folder, "model.safetensors.index.json");
    const index = read(path) as { weight_map: Record<string, string> };
    index.weight_map["model.norm.weight"] = "b.safetensors";
    writeFileSync(path, JSON.stringify(index));
    await expect(loadPretrained(folder)).rejects.toMatchObject({
      code: "CHECKPOINT_TENSORS",
      message: expect.stringContaining("stored twice"),
    });
  });

  const cases = join(import.meta.dirname, "..", "..", "..", "shared", "cases");
  it.skipIf(!existsSync(cases))(
    "of the cases found in use has its reference's values",
    async () => {
      for (const name of ["ll_tied_other_head", "ll_stale_index_and_single", "ll_both_scaling"]) {
        const folder = join(cases, name);
        const { tokens, lp } = read(join(folder, "ref.json")) as { tokens: number[]; lp: number[] };
        const targets = tokens.slice(1).map((token, position) => ({ position, token }));
        const actual = await engine.logprobs(await loadPretrained(folder), [{ tokens, targets }]);
        actual.forEach((l, i) => expect(Math.abs(l - lp[i]!)).toBeLessThan(1e-4));
      }
    },
  );
});

describe("an adapter", () => {
  const refused: Record<string, [string, RegExp]> = {
    alora: ["ADAPTER_CONFIG", /alora_invocation_tokens/],
    "alpha-pattern": ["ADAPTER_CONFIG", /alpha_pattern/],
    dora: ["ADAPTER_CONFIG", /use_dora/],
    excluded: ["ADAPTER_CONFIG", /exclude_modules/],
    "fewer-targets-than-matrices": ["CHECKPOINT_TENSORS", /v_proj.*unknown/],
    "head-and-embedding": ["ADAPTER_CONFIG", /lm_head/],
    "lora-bias": ["ADAPTER_CONFIG", /bias/],
    "modules-to-save": ["ADAPTER_CONFIG", /modules_to_save/],
    "names-without-prefix": ["CHECKPOINT_TENSORS", /without base_model\.model\./],
    "one-layer": ["ADAPTER_CONFIG", /layers_to_transform/],
    "rank-pattern": ["ADAPTER_CONFIG", /rank_pattern/],
    regex: ["ADAPTER_CONFIG", /target_modules/],
    replicated: ["ADAPTER_CONFIG", /layer_replication/],
    rslora: ["ADAPTER_CONFIG", /use_rslora/],
    "token-indices": ["ADAPTER_CONFIG", /trainable_token_indices/],
  };
  const load = async (folder: string): Promise<Policy> =>
    loadPeftAdapter(folder, await loadPretrained(join(checkpoints, "plain")));

  it.each(readdirSync(adapters).filter((name) => !(name in refused)))(
    "%s has the log-probabilities of PEFT",
    async (name) => expectGolden(await load(join(adapters, name)), join(adapters, name)),
  );

  it.each(Object.entries(refused))("%s is refused by name", async (name, [code, message]) => {
    await expect(load(join(adapters, name))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  const changed = (change: Record<string, unknown>): string => {
    const folder = join(scratch, `adapter-${Math.random()}`);
    cpSync(join(adapters, "names"), folder, { recursive: true });
    const path = join(folder, "adapter_config.json");
    writeFileSync(path, JSON.stringify({ ...(read(path) as object), ...change }));
    return folder;
  };

  it.each([
    { use_next_release: true },
    { use_next_release: null },
    { peft_type: "ADALORA" },
    { task_type: "SEQ_CLS" },
    { alora_invocation_tokens: [] },
    { arrow_config: { top_k: 2 } },
    { corda_config: {} },
    { eva_config: {} },
    { kasa_config: {} },
    { lora_ga_config: {} },
    { monteclora_config: {} },
    { velora_config: {} },
    { use_bdlora: {} },
    { use_qalora: true },
    { lora_bias: true },
    { bias: "all" },
    { fan_in_fan_out: true },
    { ensure_weight_tying: true },
    { loftq_config: { loftq_bits: 4 } },
    { megatron_config: {} },
    { init_lora_weights: "pissa" },
    { init_lora_weights: "olora" },
    { layers_pattern: ["layers"] },
    { target_parameters: ["mlp.experts"] },
    { target_modules: ["q_proj", "v_proj", "embed_tokens"] },
    { target_modules: ["model.layers.0.self_attn.q_proj"] },
    { target_modules: [] },
    { r: 0 },
    { lora_alpha: 0 },
  ])("with %j is refused", async (change) => {
    await expect(load(changed(change))).rejects.toMatchObject({ code: "ADAPTER_CONFIG" });
  });

  it("whose matrices are of another rank, or too few, is refused", async () => {
    await expect(load(changed({ r: 3 }))).rejects.toMatchObject({ code: "CHECKPOINT_TENSORS" });
    const folder = changed({});
    const path = join(folder, "adapter_model.safetensors");
    const { tensors } = await readSafetensors(path);
    await writeSafetensors(path, new Map([...tensors].slice(1)), { metadata: { format: "pt" } });
    await expect(load(folder)).rejects.toMatchObject({
      code: "CHECKPOINT_TENSORS",
      message: expect.stringContaining("missing"),
    });
  });
});
