/**
 * The engine against PyTorch: scripts/golden/train-step.py wrote the files under golden/, in
 * float64. Values agree to 1e-5, relative above 1 and absolute below.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EmbeddingRequest, TrainingSequence, TrainOptions } from "./engine.js";
import { newOptimizer } from "./local-policies.js";
import { localPolicy, type LocalPolicy } from "./local-policy.js";
import { LocalEngine } from "./local.js";
import { readSafetensors, type Safetensors } from "./files/safetensors.js";
import { parameterCount, parameterLayout, type ModelShape } from "./transformer.js";

interface Golden {
  readonly shape: ModelShape;
  readonly options: TrainOptions;
  readonly sequences: readonly TrainingSequence[];
  readonly spans: readonly EmbeddingRequest[];
  readonly embeddings: readonly number[][];
  readonly steps: readonly {
    readonly logprobs: readonly number[];
    readonly loss: number;
    readonly gradientNorm: number;
    readonly entropy: number;
  }[];
}

const folder = join(import.meta.dirname, "golden");

/** Largest |actual - expected| / max(1, |expected|). */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++)
    largest = Math.max(
      largest,
      Math.abs(actual[i]! - expected[i]!) / Math.max(1, Math.abs(expected[i]!)),
    );
  return largest;
}

function weightsOf(shape: ModelShape, file: Safetensors, prefix: string): Float32Array {
  const weights = new Float32Array(parameterCount(shape));
  for (const { name, offset } of parameterLayout(shape))
    weights.set(file.tensors.get(`${prefix}.${name}`)!.data, offset);
  return weights;
}

describe.each(["untied", "tied"])("the %s model of PyTorch", (name) => {
  const golden = JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Golden;
  const { shape, sequences } = golden;
  const engine = new LocalEngine();

  it("is reproduced: log-probabilities, losses, gradient norms, AdamW", async () => {
    const file = await readSafetensors(join(folder, `${name}.safetensors`));
    let policy: LocalPolicy = localPolicy(shape, weightsOf(shape, file, "initial"));
    let optimizer = newOptimizer(policy);
    for (const step of golden.steps) {
      expect(distance(await engine.logprobs(policy, sequences), step.logprobs)).toBeLessThan(1e-5);
      const result = await engine.trainStep(policy, optimizer, sequences, golden.options);
      expect(distance([result.loss], [step.loss])).toBeLessThan(1e-5);
      expect(distance([result.gradientNorm], [step.gradientNorm])).toBeLessThan(1e-5);
      expect(distance([result.entropy], [step.entropy])).toBeLessThan(1e-5);
      ({ policy, optimizer } = result);
    }
    expect(optimizer.steps).toBe(golden.steps.length);
    expect(distance(policy.weights, weightsOf(shape, file, "final"))).toBeLessThan(1e-5);
  });

  it("has the same hidden states", async () => {
    const file = await readSafetensors(join(folder, `${name}.safetensors`));
    const policy: LocalPolicy = localPolicy(shape, weightsOf(shape, file, "initial"));
    const vectors = await engine.embed(policy, golden.spans);
    golden.embeddings.forEach((expected, i) => {
      expect(distance(vectors[i]!, expected)).toBeLessThan(1e-5);
    });
  });
});
