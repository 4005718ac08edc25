import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import {
  adapterLayout,
  adapterSize,
  graphShape,
  initialAdapter,
  mergeAdapter,
  type AdapterShape,
} from "./adapter.js";
import { loadPolicy, savePolicy } from "./files/checkpoint.js";
import type { TrainingSequence } from "./engine.js";
import { newOptimizer } from "./local-policies.js";
import { localPolicy, type LocalPolicy } from "./local-policy.js";
import { LocalEngine } from "./local.js";
import { loadPeftAdapter, savePeftAdapter } from "./files/peft.js";
import { loadPretrained } from "./files/pretrained.js";
import { parameterLayout, projections, type ModelShape } from "./shape.js";

const llama = join(import.meta.dirname, "golden", "families", "llama");
const engine = new LocalEngine();

let scratch = "";
beforeAll(() => (scratch = mkdtempSync(join(tmpdir(), "errata-adapter-"))));
afterAll(() => rmSync(scratch, { recursive: true }));

const shape: ModelShape = {
  vocabulary: 9,
  width: 8,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headWidth: 4,
  feedForward: 12,
  context: 32,
  tied: false,
  ropeTheta: 10000,
  normEpsilon: 1e-5,
  biases: ["q_proj", "k_proj", "v_proj"],
  queryKeyNorm: true,
};
const everything: AdapterShape = { rank: 2, alpha: 6, targets: projections };

function basePolicy(): LocalPolicy {
  const { weights } = engine.initialise(shape, Random.from(3, "weights"));
  const random = Random.from(4, "biases");
  for (const { offset, size } of parameterLayout(shape))
    for (let i = 0; i < size; i++) weights[offset + i]! += 0.2 * random.normal();
  return localPolicy(shape, weights);
}

/** An adapter with B unlike zero. */
function adapted(base: LocalPolicy, adapter: AdapterShape = everything, seed = 1): LocalPolicy {
  const random = Random.from(seed, "adapter");
  const weights = new Float32Array(adapterSize(shape, adapter)).map(() => 0.3 * random.normal());
  return { ...base, adapter: { ...adapter, weights } };
}

const sequences = [
  [1, 2, 3, 4, 5],
  [6, 7, 8],
].map((tokens): TrainingSequence => ({
  tokens,
  targets: tokens.map((_, position) => ({
    position,
    token: (position * 3) % 9,
    component: "crossEntropy",
    coefficient: 0.2,
    logprob: 0,
  })),
}));
const sample = (policy: LocalPolicy): Promise<{ tokens: readonly number[] }[]> =>
  engine.sample(policy, {
    prompts: [[1, 2], [3]],
    maxTokens: 8,
    random: Random.from(9, "sample"),
  });

describe("a fresh adapter", () => {
  it.each(projections)("on %s changes nothing, bit for bit", async (target) => {
    const base = basePolicy();
    const adapter = initialAdapter(
      shape,
      { rank: 3, alpha: 6, targets: [target] },
      Random.from(1, "a"),
    );
    const policy = { ...base, adapter };
    expect(await engine.logprobs(policy, sequences)).toEqual(
      await engine.logprobs(base, sequences),
    );
    expect(await sample(policy)).toEqual(await sample(base));
  });

  it("has B zero and A within 1 / sqrt(in)", () => {
    const adapter = initialAdapter(shape, everything, Random.from(1, "a"));
    for (const { name, shape: dimensions, offset, size } of adapterLayout(shape, adapter)) {
      const largest = adapter.weights
        .subarray(offset, offset + size)
        .reduce((most, w) => Math.max(most, Math.abs(w)), 0);
      if (name.endsWith("lora_B.weight")) expect(largest).toBe(0);
      else {
        expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(dimensions[1]!));
        expect(largest).toBeGreaterThan(0.5 / Math.sqrt(dimensions[1]!));
      }
    }
  });

  it.each([
    { rank: 0, alpha: 1, targets: ["q_proj"] },
    { rank: 1.5, alpha: 1, targets: ["q_proj"] },
    { rank: 1, alpha: 0, targets: ["q_proj"] },
    { rank: 1, alpha: 1, targets: [] },
    { rank: 1, alpha: 1, targets: ["q_proj", "lm_head"] },
  ] as unknown as AdapterShape[])("of an impossible shape is refused: %j", (wrong) => {
    expect(() => initialAdapter(shape, wrong, Random.from(1, "a"))).toThrow(
      expect.objectContaining({ code: "ADAPTER_SHAPE" }),
    );
  });
});

describe("training an adapter", () => {
  it("moves only the adapter, by its gradient (finite differences)", async () => {
    const policy = adapted(basePolicy());
    const before = policy.weights.slice();
    const options = { learningRate: 1e-3, clipNorm: 1e9 };
    const result = await engine.trainStep(policy, newOptimizer(policy), sequences, options);
    expect(result.policy.weights).toBe(policy.weights); // shared, not copied
    expect(policy.weights).toEqual(before);
    expect(result.optimizer.first.length).toBe(adapterSize(shape, everything));
    expect(result.policy.adapter!.weights).not.toEqual(policy.adapter!.weights);
    const loss = async (weights: Float32Array): Promise<number> => {
      const moved = { ...policy, adapter: { ...policy.adapter!, weights } };
      return -0.2 * (await engine.logprobs(moved, sequences)).reduce((a, b) => a + b, 0);
    };
    for (const place of [0, 17, 40, 101, adapterSize(shape, everything) - 1]) {
      const step = (sign: number): Float32Array => {
        const weights = policy.adapter!.weights.slice();
        weights[place]! += sign * 0.01;
        return weights;
      };
      const slope = ((await loss(step(1))) - (await loss(step(-1)))) / 0.02;
      expect(result.optimizer.first[place]! * 10).toBeCloseTo(slope, 2);
    }
  });

  it("learns, and its loss falls", async () => {
    const base = basePolicy();
    let policy: LocalPolicy = {
      ...base,
      adapter: initialAdapter(shape, everything, Random.from(2, "a")),
    };
    let optimizer = newOptimizer(policy);
    const losses: number[] = [];
    for (let step = 0; step < 30; step++) {
      const result = await engine.trainStep(policy, optimizer, sequences, { learningRate: 0.02 });
      ({ policy, optimizer } = result);
      losses.push(result.loss);
    }
    expect(losses.at(-1)!).toBeLessThan(losses[0]! * 0.6);
  });

  it("counts the frozen weights' work as four operations a token, not six", async () => {
    const count = async (policy: LocalPolicy): Promise<number> => {
      const fresh = new LocalEngine();
      await fresh.trainStep(policy, newOptimizer(policy), sequences, { learningRate: 0 });
      return fresh.flops;
    };
    const base = basePolicy();
    const policy = adapted(base);
    const tokens = (await count(base)) / (6 * base.weights.length);
    expect(await count(policy)).toBe(
      tokens * (4 * base.weights.length + 6 * policy.adapter!.weights.length),
    );
  });
});

describe("several adapters over one base", () => {
  it("share its weights, and each has its own distribution", async () => {
    const base = basePolicy();
    const policies = [
      base,
      adapted(base, everything, 1),
      adapted(base, { ...everything, rank: 4 }, 2),
    ];
    const results = [];
    for (const policy of policies) {
      expect(policy.weights).toBe(base.weights);
      results.push(await engine.logprobs(policy, sequences));
    }
    expect(results[1]).not.toEqual(results[0]);
    expect(results[2]).not.toEqual(results[1]);
    expect(await engine.logprobs(base, sequences)).toEqual(results[0]); // untouched by the others
  });

  it("can steer one another", async () => {
    const base = basePolicy();
    const completions = await engine.sample(adapted(base, everything, 1), {
      prompts: [[1, 2, 3]],
      maxTokens: 6,
      random: Random.from(5, "mixture"),
      steering: {
        expert: adapted(base, everything, 2),
        form: "repulsive",
        alpha: 0.5,
        mask: 0.01,
        floor: -8,
        exempt: [],
      },
    });
    const { logprobs, behaviourLogprobs } = completions[0]!;
    expect(behaviourLogprobs).not.toEqual(logprobs);
  });
});

describe("merging", () => {
  it.each(projections)("an adapter of %s gives the same distribution", async (target) => {
    const base = basePolicy();
    const policy = adapted(base, { rank: 2, alpha: 5, targets: [target] });
    const merged = mergeAdapter(policy);
    expect(merged.adapter).toBeUndefined();
    expect(base.weights).not.toEqual(merged.weights);
    const [a, b] = [
      await engine.logprobs(policy, sequences),
      await engine.logprobs(merged, sequences),
    ];
    a.forEach((l, i) => expect(Math.abs(l - b[i]!)).toBeLessThan(2e-5));
  });

  it("leaves a policy without an adapter as it is", () => {
    const base = basePolicy();
    expect(mergeAdapter(base)).toBe(base);
  });
});

describe("the order of targets", () => {
  it("does not change the layout or the graph", () => {
    const forwards: AdapterShape = { rank: 2, alpha: 4, targets: ["q_proj", "down_proj"] };
    const backwards: AdapterShape = { ...forwards, targets: ["down_proj", "q_proj"] };
    expect(adapterLayout(shape, backwards)).toEqual(adapterLayout(shape, forwards));
    const base = basePolicy();
    expect(graphShape(adapted(base, backwards))).toEqual(graphShape(adapted(base, forwards)));
  });
});

describe("a saved adapter", () => {
  it("comes back on its base, whose weights it shares", async () => {
    const base = basePolicy();
    const policy = adapted(base);
    const path = join(scratch, "adapter.safetensors");
    await savePolicy(path, policy);
    const loaded = await loadPolicy(path, { base });
    expect(loaded).toEqual({
      ...policy,
      adapter: { ...policy.adapter!, targets: [...projections] },
    });
    expect(loaded.weights).toBe(base.weights);
    expect(readFileSync(path).length).toBeLessThan(policy.adapter!.weights.length * 4 + 8000);
  });

  it("without its base, or with another, is refused", async () => {
    const path = join(scratch, "orphan.safetensors");
    const base = basePolicy();
    await savePolicy(path, adapted(base));
    await expect(loadPolicy(path)).rejects.toMatchObject({ code: "CHECKPOINT_BASE" });
    const other = { ...base, weights: base.weights.map((w) => w + 1) };
    await expect(loadPolicy(path, { base: other })).rejects.toMatchObject({
      code: "CHECKPOINT_BASE",
    });
  });
});

describe("the format of PEFT", () => {
  const golden = join(llama, "adapter");
  const config = JSON.parse(readFileSync(join(golden, "adapter_config.json"), "utf8")) as Record<
    string,
    unknown
  >;

  it("is written byte for byte as PEFT writes it", async () => {
    const policy = await loadPeftAdapter(golden, await loadPretrained(llama));
    const folder = join(scratch, "peft");
    await savePeftAdapter(folder, policy, { base: "tiny/llama" });
    const read = (at: string): Buffer => readFileSync(join(at, "adapter_model.safetensors"));
    expect(read(folder).equals(read(golden))).toBe(true);
    const written = JSON.parse(readFileSync(join(folder, "adapter_config.json"), "utf8")) as object;
    expect(config).toMatchObject(written);
    expect(await loadPeftAdapter(folder, policy)).toEqual(policy);
  });

  it("is merged to what the adapter computes", async () => {
    const policy = await loadPeftAdapter(golden, await loadPretrained(llama));
    const probe = [
      {
        tokens: [5, 6, 7],
        targets: [
          { position: 2, token: 1 },
          { position: 1, token: 9 },
        ],
      },
    ];
    const [a, b] = [
      await engine.logprobs(policy, probe),
      await engine.logprobs(mergeAdapter(policy), probe),
    ];
    a.forEach((l, i) => expect(Math.abs(l - b[i]!)).toBeLessThan(2e-5));
  });

  it.each([
    ["another method", { peft_type: "IA3" }],
    ["DoRA", { use_dora: true }],
    ["rank-stabilised scaling", { use_rslora: true }],
    ["ranks by pattern", { rank_pattern: { q_proj: 8 } }],
    ["biases", { bias: "all" }],
    ["whole modules", { modules_to_save: ["lm_head"] }],
    ["a base changed at the start", { init_lora_weights: "pissa" }],
  ])("with %s is refused", async (name, change) => {
    const folder = join(scratch, `refused-${name}`);
    const base = await loadPretrained(llama);
    await savePeftAdapter(folder, await loadPeftAdapter(golden, base));
    writeFileSync(join(folder, "adapter_config.json"), JSON.stringify({ ...config, ...change }));
    await expect(loadPeftAdapter(folder, base)).rejects.toMatchObject({ code: "ADAPTER_CONFIG" });
  });

  it("for another model is refused, naming the matrices", async () => {
    await expect(loadPeftAdapter(golden, basePolicy())).rejects.toMatchObject({
      code: "CHECKPOINT_TENSORS",
      message: expect.stringContaining("model.layers.0.self_attn.q_proj.lora_A.weight [3, 24]"),
    });
  });
});
