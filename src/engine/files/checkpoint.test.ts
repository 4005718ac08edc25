import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../util/random.js";
import { loadOptimizer, loadPolicy, saveOptimizer, savePolicy } from "./checkpoint.js";
import { localPolicy, type LocalPolicy } from "../local-policy.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import { initialWeights, parameterLayout, type ModelShape } from "../transformer.js";

let folder = "";
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "errata-checkpoint-"))));
afterAll(() => rmSync(folder, { recursive: true }));

const shapes: fc.Arbitrary<ModelShape> = fc.record({
  vocabulary: fc.integer({ min: 2, max: 9 }),
  width: fc.integer({ min: 1, max: 8 }),
  layers: fc.integer({ min: 1, max: 3 }),
  heads: fc.constantFrom(2, 4),
  keyValueHeads: fc.constantFrom(1, 2),
  headWidth: fc.constantFrom(2, 4),
  feedForward: fc.integer({ min: 1, max: 8 }),
  context: fc.integer({ min: 1, max: 64 }),
  tied: fc.boolean(),
  ropeTheta: fc.constantFrom(10000, 1e6),
  normEpsilon: fc.constantFrom(1e-5, 1e-6),
});
const policyOf = (shape: ModelShape, seed: number): LocalPolicy =>
  localPolicy(shape, initialWeights(shape, Random.from(seed, "checkpoint")));
const small: ModelShape = {
  vocabulary: 5,
  width: 4,
  layers: 1,
  heads: 2,
  keyValueHeads: 1,
  headWidth: 2,
  feedForward: 3,
  context: 8,
  tied: false,
  ropeTheta: 10000,
  normEpsilon: 1e-5,
};

describe("a policy", () => {
  it("comes back as it was saved", async () => {
    const path = join(folder, "policy");
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(), async (shape, seed) => {
        const policy = policyOf(shape, seed);
        await savePolicy(path, policy);
        expect(await loadPolicy(path)).toEqual(policy);
      }),
      { numRuns: 25 },
    );
  });

  it("saved twice gives the same bytes, whatever the order of its shape's fields", async () => {
    const policy = policyOf(small, 1);
    const reversed = Object.fromEntries(Object.entries(small).reverse()) as unknown as ModelShape;
    await savePolicy(join(folder, "a"), policy);
    await savePolicy(join(folder, "b"), { ...policy, shape: reversed });
    expect(readFileSync(join(folder, "a")).equals(readFileSync(join(folder, "b")))).toBe(true);
  });

  it("in bfloat16 is within a 256th of every weight", async () => {
    const policy = policyOf(small, 2);
    await savePolicy(join(folder, "half"), policy, { precision: "bfloat16" });
    const { weights } = await loadPolicy(join(folder, "half"));
    policy.weights.forEach((w, i) => {
      expect(Math.abs(weights[i]! - w)).toBeLessThanOrEqual(Math.abs(w) / 256);
    });
    expect(readFileSync(join(folder, "half")).length).toBeLessThan(weights.length * 2 + 2500);
  });

  it("is stored under Hugging Face names, with the metadata that transformers asks for", async () => {
    await savePolicy(join(folder, "names"), policyOf(small, 3));
    const { tensors, metadata } = await readSafetensors(join(folder, "names"));
    expect(tensors.get("model.layers.0.self_attn.k_proj.weight")!.shape).toEqual([2, 4]);
    expect([...tensors.keys()].sort()).toEqual(
      parameterLayout(small)
        .map((p) => p.name)
        .sort(),
    );
    expect(metadata["format"]).toBe("pt");
  });

  it("whose tensors do not fit its shape is refused, naming them", async () => {
    const path = join(folder, "misfit");
    await savePolicy(path, policyOf(small, 4));
    const { tensors, metadata } = await readSafetensors(path);
    const changed = new Map(tensors);
    changed.delete("model.norm.weight");
    changed.set("lm_head.weight", { shape: [1], data: new Float32Array(1) });
    changed.set("extra", { shape: [1], data: new Float32Array(1) });
    await writeSafetensors(path, changed, { metadata });
    await expect(loadPolicy(path)).rejects.toMatchObject({
      code: "CHECKPOINT_TENSORS",
      message: expect.stringMatching(
        /extra unknown; model\.norm\.weight missing; lm_head\.weight \[1\], not \[5, 4\]/,
      ),
    });
  });

  it.each([
    ["no shape", undefined],
    ["text that is not JSON", "{"],
    ["an unknown field", JSON.stringify({ ...small, colour: 1 })],
    ["no layers", JSON.stringify({ ...small, layers: 0 })],
    ["heads that do not divide", JSON.stringify({ ...small, heads: 3, keyValueHeads: 2 })],
  ])("whose metadata has %s is refused", async (_, text) => {
    const path = join(folder, "shape");
    await writeSafetensors(path, new Map(), {
      metadata: text === undefined ? {} : { "errata.model": text },
    });
    await expect(loadPolicy(path)).rejects.toMatchObject({ code: "CHECKPOINT_MODEL" });
  });
});

describe("an optimizer state", () => {
  it("comes back as it was saved", async () => {
    const path = join(folder, "optimizer");
    const state = {
      steps: 12,
      version: 0,
      first: Float32Array.of(1, -2, 1e-30),
      second: Float32Array.of(0, 4, 5),
    };
    await saveOptimizer(path, state);
    expect(await loadOptimizer(path)).toEqual(state);
  });

  it("without steps, or with moments of two sizes, is refused", async () => {
    const path = join(folder, "optimizer");
    const vector = (n: number): { shape: number[]; data: Float32Array } => ({
      shape: [n],
      data: new Float32Array(n),
    });
    const broken: [Record<string, string>, number][] = [
      [{}, 3],
      [{ "errata.steps": "-1" }, 3],
      [{ "errata.steps": "1" }, 4],
    ];
    for (const [metadata, size] of broken) {
      await writeSafetensors(
        path,
        new Map([
          ["first", vector(3)],
          ["second", vector(size)],
        ]),
        { metadata },
      );
      await expect(loadOptimizer(path)).rejects.toMatchObject({ code: "CHECKPOINT_OPTIMIZER" });
    }
  });
});
