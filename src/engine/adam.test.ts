import { describe, expect, it } from "vitest";
import { adamStep } from "./adam.js";
import { parameterLayout } from "./shape.js";
import { tinyPolicy, tinyShape } from "./testing.js";

describe("an AdamW step", () => {
  const policy = tinyPolicy();
  const size = policy.weights.length;
  const gradient = Float32Array.from({ length: size }, (_, i) => Math.sin(i) / 10);
  const before = {
    steps: 4,
    version: 0,
    first: Float32Array.from({ length: size }, (_, i) => Math.cos(i) / 20),
    second: Float32Array.from({ length: size }, (_, i) => (1 + Math.sin(3 * i)) / 100),
  };
  const options = { learningRate: 0.01, clipNorm: 2, weightDecay: 0.1 };

  it("is the published formula, with decay on matrices alone (arXiv:1711.05101, algorithm 2)", () => {
    const norm = 8;
    const after = adamStep(policy, before, gradient.slice(), norm, options);
    expect(after.optimizer.steps).toBe(5);
    expect([after.policy.version, after.optimizer.version]).toEqual([1, 1]);
    for (const { offset, size: count, shape } of parameterLayout(tinyShape))
      for (let i = offset; i < offset + count; i++) {
        const g = gradient[i]! * (2 / (norm + 1e-6));
        const m = 0.9 * before.first[i]! + 0.1 * g;
        const v = 0.999 * before.second[i]! + 0.001 * g ** 2;
        const direction = m / (1 - 0.9 ** 5) / (Math.sqrt(v / (1 - 0.999 ** 5)) + 1e-8);
        const decay = shape.length > 1 ? 0.1 * policy.weights[i]! : 0;
        expect(after.optimizer.first[i]).toBeCloseTo(m, 7);
        expect(after.optimizer.second[i]).toBeCloseTo(v, 7);
        expect(after.policy.weights[i]).toBeCloseTo(
          policy.weights[i]! - 0.01 * (direction + decay),
          6,
        );
      }
  });

  it("leaves the policy and the moments that it was given as they were", () => {
    const kept = [policy.weights.slice(), before.first.slice(), before.second.slice()];
    adamStep(policy, before, gradient.slice(), 1, options);
    expect([policy.weights, before.first, before.second]).toEqual(kept);
  });
});
