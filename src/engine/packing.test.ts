import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import { initialAdapter } from "./adapter.js";
import type { TrainingSequence } from "./engine.js";
import type { LocalPolicy } from "./local-policy.js";
import { LocalEngine } from "./local.js";
import { trainingPieces } from "./micro-batches.js";
import { packed, packedRows } from "./packing.js";
import { tinyPolicy, tinySequences, tinyShape } from "./testing.js";

describe("packed rows", () => {
  const sequence = fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 1, maxLength: 6 });

  it("have the same prefix as every token they compute, and come first where they say", () => {
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 12 }), (sequences) => {
        const T = Math.max(...sequences.map((s) => s.length));
        const { rows, places } = packed(sequences, T);
        expect(places).toHaveLength(packedRows(sequences));
        const prefix = (place: number): number[] =>
          sequences[Math.floor(place / T)]!.slice(0, (place % T) + 1);
        sequences.forEach((s, b) =>
          s.forEach((_, t) => {
            expect(prefix(places[rows[b * T + t]!]!)).toEqual(s.slice(0, t + 1));
          }),
        );
        places.forEach((place, row) => expect(rows.indexOf(row)).toBe(place));
      }),
    );
  });

  it("of sorted sequences are as many as their distinct prefixes", () => {
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 12 }), (sequences) => {
        const sorted = sequences.toSorted((a, b) => (a.join("") < b.join("") ? -1 : 1));
        const prefixes = sorted.flatMap((s) => s.map((_, t) => s.slice(0, t + 1).join("")));
        expect(packedRows(sorted)).toBe(new Set(prefixes).size);
      }),
    );
  });
});

/** Groups of completions, each group of one prompt; a target at every token of the completions. */
function groupedSequences(groups: number, size: number): TrainingSequence[] {
  const random = Random.from(3, "groups");
  const text = (length: number): number[] =>
    Array.from({ length }, () => random.below(tinyShape.vocabulary));
  const prompts = Array.from({ length: groups }, (_, g) => text(9 + g));
  return Array.from({ length: groups * size }, (_, i) => {
    // Dealt out in turn: the engine has to find the groups.
    const prompt = prompts[i % groups]!;
    const completion = text(1 + random.below(7));
    return {
      tokens: [...prompt, ...completion],
      targets: [...completion, 0].map((token, t) => ({
        position: prompt.length - 1 + t,
        token,
        component: "policy" as const,
        coefficient: random.normal(),
        logprob: -2,
      })),
      hidden: [
        {
          start: prompt.length - 2,
          end: prompt.length + 1,
          gradient: Float32Array.from({ length: tinyShape.width }, () => random.normal()),
        },
      ],
    };
  });
}

describe("a gradient with shared prompts", () => {
  const sequences = groupedSequences(3, 8);
  const tokens = sequences.reduce((n, s) => n + s.tokens.length, 0);
  const plain = tinyPolicy();
  const features = tinyPolicy({
    ...tinyShape,
    layers: 3,
    tied: true,
    queryKeyNorm: true,
    biases: ["q_proj", "k_proj", "v_proj"],
  });
  const adapter = initialAdapter(
    tinyShape,
    { rank: 2, alpha: 4, targets: ["q_proj", "v_proj", "down_proj"] },
    Random.from(4, "adapter"),
  );
  adapter.weights.forEach((w, i) => (adapter.weights[i] = w + 0.1));

  it.each<[string, LocalPolicy]>([
    ["a plain model", plain],
    ["biases, normalised heads, tied embeddings", features],
    ["one layer", tinyPolicy({ ...tinyShape, layers: 1 })],
    ["an adapter", { ...plain, adapter }],
  ])("equals that of every sequence alone: %s", async (_, policy) => {
    const together = new LocalEngine();
    const alone = new LocalEngine({ microBatchTokens: 1 });
    const actual = await together.gradient(policy, sequences, {});
    const expected = await alone.gradient(policy, sequences, {});
    expect(alone.tokens).toBe(tokens);
    expect(together.tokens).toBeLessThan(0.6 * tokens);
    const largest = expected.sum.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    let furthest = 0;
    expected.sum.forEach((g, i) => {
      furthest = Math.max(furthest, Math.abs(g - actual.sum[i]!));
    });
    expect(furthest / largest).toBeLessThan(1e-5);
    expect(Math.abs(actual.loss / expected.loss - 1)).toBeLessThan(1e-5);
    for (const name of ["logprobs", "entropy"] as const)
      expected[name].forEach((value, i) => {
        expect(Math.abs(actual[name][i]! - value)).toBeLessThan(1e-5);
      });
  });
});

describe("pieces of a batch", () => {
  const limits = { microBatchTokens: 64, parts: 1 };
  const prompts = (pieces: readonly (readonly number[])[], groups: number): number =>
    pieces.reduce((n, piece) => n + new Set(piece.map((i) => i % groups)).size, 0);

  it("keep sequences of one prompt together", () => {
    const sequences = groupedSequences(3, 8);
    const pieces = trainingPieces(tinyShape, sequences, limits);
    expect(pieces.flat().toSorted((a, b) => a - b)).toEqual(sequences.map((_, i) => i));
    // At most one prompt is computed twice for each cut.
    expect(prompts(pieces, 3)).toBeLessThan(3 + pieces.length);
  });

  it("are of like length where prompts are not worth it", () => {
    const random = Random.from(5, "lengths");
    const sequences = Array.from({ length: 40 }, (_, i): TrainingSequence => {
      const length = i % 4 < 2 ? 3 : 60;
      const tokens = [i % 2, ...Array.from({ length }, () => random.below(11))];
      return { tokens, targets: tinySequences(1, 1)[0]!.targets };
    });
    const wide = { ...tinyShape, heads: 64 };
    const pieces = trainingPieces(wide, sequences, { ...limits, microBatchTokens: 300 });
    for (const piece of pieces.slice(0, -1))
      expect(new Set(piece.map((i) => sequences[i]!.tokens.length)).size).toBe(1);
  });
});
