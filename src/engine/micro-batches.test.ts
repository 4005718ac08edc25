import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newOptimizer } from "./local-policies.js";
import { LocalEngine } from "./local.js";
import { activationBytes, microBatches, microBatchTokens } from "./micro-batches.js";
import { tinyPolicy, tinySequences, tinyShape } from "./testing.js";

describe("micro-batches", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 40 });

  it("hold every sequence once and no more tokens than fit, padding included", () => {
    fc.assert(
      fc.property(
        lengths,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 3 }),
        (all, maxTokens, parts) => {
          const pieces = microBatches(all, { maxTokens, parts });
          expect(pieces.flat().toSorted((a, b) => a - b)).toEqual(all.map((_, i) => i));
          for (const piece of pieces) {
            const longest = Math.max(...piece.map((i) => all[i]!));
            expect(piece.length === 1 || piece.length * longest <= maxTokens).toBe(true);
          }
        },
      ),
    );
  });

  it("hold sequences of like length, and are as many as there are threads", () => {
    expect(microBatches([3, 9, 3, 9, 3, 3], { maxTokens: 18 })).toEqual([
      [1, 3],
      [0, 2, 4, 5],
    ]);
    expect(microBatches([5, 5, 5, 5], { maxTokens: 1000 })).toHaveLength(1);
    expect(microBatches([5, 5, 5, 5], { maxTokens: 1000, parts: 2 })).toHaveLength(2);
  });

  it("give threads that take them in turn shares of about one size", () => {
    const equal = Array.from({ length: 128 }, () => 43);
    for (const parts of [2, 3, 4]) {
      const tokens = Array.from({ length: parts }, () => 0);
      microBatches(equal, { maxTokens: 2048, parts }).forEach((piece, i) => {
        tokens[i % parts]! += 43 * piece.length;
      });
      expect(Math.max(...tokens)).toBeLessThan((1.1 * 43 * 128) / parts);
    }
  });

  it("keep to the smaller of the limits in tokens and in bytes", () => {
    const each = activationBytes(tinyShape, 10);
    expect(microBatchTokens(tinyShape, 10, { microBatchBytes: 64.5 * each })).toBe(64);
    expect(
      microBatchTokens(tinyShape, 10, { microBatchTokens: 30, microBatchBytes: 64 * each }),
    ).toBe(30);
  });
});

describe("a step in micro-batches", () => {
  const policy = tinyPolicy();
  const sequences = tinySequences(40, 30);
  const options = { learningRate: 0.01, clipNorm: 0.5, weightDecay: 0.1 };

  it.each([1, 25, 60, 300])(
    "of %i tokens equals the step on the whole batch",
    async (microBatchTokens) => {
      const whole = new LocalEngine({ microBatchTokens: 1e6 });
      const parts = new LocalEngine({ microBatchTokens });
      const expected = await whole.trainStep(policy, newOptimizer(policy), sequences, options);
      const actual = await parts.trainStep(policy, newOptimizer(policy), sequences, options);
      const scale = expected.gradientNorm;
      expect(Math.abs(actual.gradientNorm - scale) / scale).toBeLessThan(1e-6);
      expect(Math.abs(actual.loss / expected.loss - 1)).toBeLessThan(1e-6);
      expect(Math.abs(actual.entropy / expected.entropy - 1)).toBeLessThan(1e-6);
      // First moments are a tenth of the clipped gradient.
      let furthest = 0;
      expected.optimizer.first.forEach((m, i) => {
        furthest = Math.max(furthest, Math.abs(m - actual.optimizer.first[i]!));
      });
      expect(furthest / 0.05).toBeLessThan(1e-6);
      // Padding is hardly computed.
      const tokens = sequences.reduce((n, s) => n + s.tokens.length, 0);
      expect(whole.tokens).toBeLessThan(1.05 * tokens);
      expect(parts.tokens).toBeLessThan(1.05 * tokens);
    },
  );

  it("with the same limits is the same to the bit", async () => {
    const step = async (): Promise<Float32Array> => {
      const engine = new LocalEngine({ microBatchTokens: 60 });
      const result = await engine.trainStep(policy, newOptimizer(policy), sequences, options);
      return result.policy.weights;
    };
    expect(await step()).toEqual(await step());
  });

  it("ends between two of them when it is told to", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const engine = new LocalEngine({ microBatchTokens: 1 });
    const step = engine.trainStep(policy, newOptimizer(policy), sequences, {
      ...options,
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(reason), 1);
    await expect(step).rejects.toBe(reason);
  });
});
