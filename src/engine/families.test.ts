/**
 * Checkpoints of every family against transformers and PEFT: scripts/golden/make-families.py wrote
 * the folders under golden/families.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, cpSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import { trainableLayout, graphShape } from "./adapter.js";
import type { TrainingSequence } from "./engine.js";
import { newOptimizer } from "./local-policies.js";
import type { LocalPolicy } from "./local-policy.js";
import { shapeFromConfig } from "./families.js";
import { LocalEngine } from "./local.js";
import { loadPeftAdapter } from "./files/peft.js";
import { loadPretrained } from "./files/pretrained.js";
import { rotaryFrequencies, rotaryTables } from "./rope.js";
import { readSafetensors, type Safetensors } from "./files/safetensors.js";

interface Continuation {
  readonly prompt: readonly number[];
  readonly continuation: readonly number[];
}
interface Golden {
  readonly sequences: readonly TrainingSequence[];
  readonly loss: number;
  readonly greedy: readonly Continuation[];
  readonly adapterLoss: number;
  readonly adapterGreedy: readonly Continuation[];
}

const families = join(import.meta.dirname, "golden", "families");
const engine = new LocalEngine();

let scratch = "";
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "errata-families-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

const readGolden = (name: string): Golden =>
  JSON.parse(readFileSync(join(families, name, "golden.json"), "utf8")) as Golden;

/** log softmax of each row of logits [T, V]. */
function logSoftmaxRows(logits: Float32Array, V: number): Float32Array {
  const out = new Float32Array(logits.length);
  for (let t = 0; t < logits.length; t += V) {
    const row = logits.subarray(t, t + V);
    const top = row.reduce((a, b) => Math.max(a, b));
    const total = row.reduce((sum, x) => sum + Math.exp(x - top), 0);
    row.forEach((x, v) => (out[t + v] = x - top - Math.log(total)));
  }
  return out;
}

async function expectLogits(
  policy: LocalPolicy,
  tokens: readonly number[],
  logits: Float32Array,
): Promise<void> {
  const V = policy.shape.vocabulary;
  const targets = tokens.flatMap((_, position) =>
    Array.from({ length: V }, (_unused, token) => ({ position, token })),
  );
  const actual = await engine.logprobs(policy, [{ tokens, targets }]);
  const expected = logSoftmaxRows(logits, V);
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  actual.forEach((l, i) => (largest = Math.max(largest, Math.abs(l - expected[i]!))));
  expect(largest).toBeLessThan(1e-4);
}

/** One step without clipping: AdamW's first moment is then a tenth of the gradient. */
async function expectGradients(
  policy: LocalPolicy,
  { sequences, loss }: { sequences: readonly TrainingSequence[]; loss: number },
  golden: Safetensors,
  prefix: string,
): Promise<void> {
  const result = await engine.trainStep(policy, newOptimizer(policy), sequences, {
    learningRate: 0,
    clipNorm: 1e9,
  });
  expect(Math.abs(result.loss - loss) / Math.max(1, Math.abs(loss))).toBeLessThan(1e-5);
  for (const { name, offset, size } of trainableLayout(graphShape(policy))) {
    const expected = golden.tensors.get(prefix + name)!.data;
    const actual = result.optimizer.first.subarray(offset, offset + size).map((m) => m * 10);
    let [difference, norm] = [0, 0];
    expected.forEach((g, i) => {
      difference += (actual[i]! - g) ** 2;
      norm += g ** 2;
    });
    expect(norm, name).toBeGreaterThan(0);
    expect(Math.sqrt(difference / norm), name).toBeLessThan(1e-3);
  }
}

async function expectGreedy(policy: LocalPolicy, wanted: readonly Continuation[]): Promise<void> {
  for (const { prompt, continuation } of wanted) {
    const [completion] = await engine.sample(policy, {
      prompts: [prompt],
      maxTokens: continuation.length,
      temperature: 1e-5,
      random: Random.from(1, "greedy"),
    });
    expect(completion!.tokens).toEqual(continuation);
  }
}

describe.each(["llama", "smollm2", "qwen2", "qwen3"])("a checkpoint of %s", (name) => {
  const golden = readGolden(name);
  const folder = join(families, name);

  it("has the logits of transformers to 1e-4", async () => {
    const policy = await loadPretrained(folder);
    const { tensors } = await readSafetensors(join(folder, "golden.safetensors"));
    for (const [i, { tokens }] of golden.sequences.entries())
      await expectLogits(policy, tokens, tensors.get(`logits.${i}`)!.data);
  });

  it("continues prompts with the same most likely tokens", async () => {
    await expectGreedy(await loadPretrained(folder), golden.greedy);
  });

  it("has the same gradients of the loss to 1e-3", async () => {
    const file = await readSafetensors(join(folder, "golden.safetensors"));
    await expectGradients(await loadPretrained(folder), golden, file, "gradient.");
  });
});

describe("an adapter made by PEFT", () => {
  const golden = readGolden("llama");
  const folder = join(families, "llama");
  const load = async (): Promise<LocalPolicy> =>
    loadPeftAdapter(join(folder, "adapter"), await loadPretrained(folder));

  it("has the logits of PEFT to 1e-4, and the same greedy continuation", async () => {
    const { tensors } = await readSafetensors(join(folder, "golden.safetensors"));
    const policy = await load();
    await expectLogits(policy, golden.sequences[0]!.tokens, tensors.get("adapter.logits")!.data);
    await expectGreedy(policy, golden.adapterGreedy);
  });

  it("has the same gradients to 1e-3", async () => {
    const file = await readSafetensors(join(folder, "golden.safetensors"));
    const wanted = { ...golden, loss: golden.adapterLoss };
    await expectGradients(await load(), wanted, file, "adapter.gradient.");
  });
});

describe("rotary frequencies", () => {
  const cases = JSON.parse(readFileSync(join(families, "ropes.json"), "utf8")) as {
    config: { rope_parameters: { rope_type: string; rope_theta: number } };
    frequencies: number[];
    attentionFactor: number;
  }[];

  it.each(cases.map((c, i) => [`${i}: ${c.config.rope_parameters.rope_type}`, c] as const))(
    "of %s are those of transformers",
    (_, { config, frequencies, attentionFactor }) => {
      const shape = shapeFromConfig(config);
      rotaryFrequencies(shape).forEach((f, i) => {
        expect(Math.abs(f / frequencies[i]! - 1)).toBeLessThan(3e-6); // theirs are float32
      });
      expect(rotaryTables({ ...shape, context: 1 }).cosines[0]).toBeCloseTo(attentionFactor, 6);
    },
  );

  it("are read from configurations of both ages", () => {
    const { config } = cases[2]!;
    const { rope_parameters: parameters, ...rest } = config;
    const { rope_theta, ...scaling } = parameters;
    const old = { ...rest, rope_theta, rope_scaling: scaling };
    expect(shapeFromConfig(old)).toEqual(shapeFromConfig(config));
  });
});

describe("a configuration", () => {
  const config = JSON.parse(readFileSync(join(families, "qwen2", "config.json"), "utf8")) as Record<
    string,
    unknown
  >;
  const refusal = (change: Record<string, unknown>): unknown => {
    try {
      shapeFromConfig({ ...config, ...change });
      return undefined;
    } catch (error) {
      return error;
    }
  };

  it("of another architecture is refused by name, with those supported", () => {
    expect(refusal({ architectures: ["MambaForCausalLM"], model_type: "mamba" })).toMatchObject({
      code: "CHECKPOINT_ARCHITECTURE",
      message: expect.stringContaining("MambaForCausalLM"),
      hint: expect.stringMatching(/LlamaForCausalLM.*Qwen2ForCausalLM.*Qwen3ForCausalLM/),
    });
    expect(refusal({ architectures: undefined })).toMatchObject({
      code: "CHECKPOINT_ARCHITECTURE",
    });
  });

  it.each([
    ["another activation", { hidden_act: "gelu" }],
    ["quantised weights", { quantization_config: { bits: 4 } }],
    ["another rotation", { rope_parameters: { rope_type: "longrope", rope_theta: 1e4 } }],
    ["interleaved rotations", { rope_interleaved: true }],
    ["half-rotated heads", { partial_rotary_factor: 0.5 }],
    [
      "a sliding window",
      { layer_types: ["full_attention", "sliding_attention"], sliding_window: 64 },
    ],
    [
      "a sliding window, as older files say it",
      {
        layer_types: undefined,
        use_sliding_window: true,
        sliding_window: 64,
        max_window_layers: 1,
      },
    ],
    ["no width", { hidden_size: undefined }],
  ])("with %s is refused", (_, change) => {
    expect(refusal(change)).toMatchObject({ code: "CHECKPOINT_CONFIG" });
  });

  it("whose window is longer than the context, or unused, is taken", () => {
    const windowed = {
      ...config,
      layer_types: ["sliding_attention", "full_attention"],
      sliding_window: 64,
    };
    expect(shapeFromConfig(windowed, { context: 64 }).context).toBe(64);
    const unused = {
      ...config,
      layer_types: undefined,
      use_sliding_window: false,
      sliding_window: 64,
    };
    expect(shapeFromConfig(unused).context).toBe(256);
  });

  it("gives the biases that each family has", () => {
    const attention = ["q_proj", "k_proj", "v_proj", "o_proj"];
    expect(shapeFromConfig(config).biases).toEqual(attention.slice(0, 3));
    const llama = { ...config, architectures: ["LlamaForCausalLM"], model_type: "llama" };
    expect(shapeFromConfig(llama).biases).toBeUndefined();
    expect(shapeFromConfig({ ...llama, attention_bias: true, mlp_bias: true }).biases).toEqual([
      ...attention,
      "gate_proj",
      "up_proj",
      "down_proj",
    ]);
  });
});

describe("a folder", () => {
  const copy = (name: string): string => {
    const folder = join(scratch, `${name}-${Math.random()}`);
    cpSync(join(families, name), folder, { recursive: true });
    return folder;
  };

  it("without configuration or weights is refused", async () => {
    const folder = copy("smollm2");
    rmSync(join(folder, "model.safetensors"));
    await expect(loadPretrained(folder)).rejects.toMatchObject({ code: "CHECKPOINT_FILE" });
    rmSync(join(folder, "config.json"));
    await expect(loadPretrained(folder)).rejects.toMatchObject({ code: "CHECKPOINT_FILE" });
  });

  it("whose weights are another model's is refused, naming them", async () => {
    const folder = copy("smollm2");
    cpSync(join(families, "llama", "model.safetensors"), join(folder, "model.safetensors"));
    const path = join(folder, "config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify({ ...config, num_hidden_layers: 3 }));
    await expect(loadPretrained(folder)).rejects.toMatchObject({
      code: "CHECKPOINT_TENSORS",
      message: expect.stringMatching(/model\.layers\.2\..* missing/),
    });
  });

  it("whose index names files elsewhere is refused", async () => {
    const folder = copy("qwen2");
    const path = join(folder, "model.safetensors.index.json");
    writeFileSync(path, JSON.stringify({ weight_map: { a: "../elsewhere.safetensors" } }));
    await expect(loadPretrained(folder)).rejects.toMatchObject({ code: "CHECKPOINT_FILE" });
  });

  it.each([
    ["config.json", "CHECKPOINT_FILE"],
    ["model.safetensors", "SAFETENSORS_UNREADABLE"],
  ])("with a folder called %s is refused, naming it", async (name, code) => {
    const folder = copy("llama");
    rmSync(join(folder, name));
    mkdirSync(join(folder, name));
    await expect(loadPretrained(folder)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(join(folder, name)) as string,
    });
  });

  it("whose configuration is not UTF-8 is refused, not read with other characters", async () => {
    const folder = copy("llama");
    const path = join(folder, "config.json");
    const bytes = readFileSync(path);
    writeFileSync(
      path,
      Buffer.concat([bytes.subarray(0, 20), Buffer.of(0xff), bytes.subarray(20)]),
    );
    await expect(loadPretrained(folder)).rejects.toMatchObject({
      code: "CHECKPOINT_FILE",
      message: expect.stringContaining("not UTF-8") as string,
    });
  });

  it("that lacks a shard is refused, naming it", async () => {
    const folder = copy("qwen3");
    rmSync(join(folder, "model-00002-of-00003.safetensors"));
    await expect(loadPretrained(folder)).rejects.toMatchObject({
      code: "SAFETENSORS_UNREADABLE",
      message: expect.stringContaining("model-00002-of-00003"),
    });
  });
});
