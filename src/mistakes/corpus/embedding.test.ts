import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  edit,
  fitWhitening,
  hashedGrams,
  stateActionEmbedding,
  textEmbedding,
  whiten,
} from "./embedding.js";
import { cosine } from "./novelty.js";

describe("the state-action embedding", () => {
  test("weighs the cosine of the actions 0.6 and that of the states 0.4, at any scale", () => {
    const vector = fc
      .array(fc.integer({ min: -9, max: 9 }), { minLength: 3, maxLength: 3 })
      .filter((v) => v.some((x) => x !== 0));
    fc.assert(
      fc.property(
        vector,
        vector,
        vector,
        vector,
        fc.double({ min: 0.1, max: 9, noNaN: true }),
        (s, a, s2, a2, k) => {
          const scaled = stateActionEmbedding(
            s.map((x) => k * x),
            a,
          );
          const expected = 0.4 * cosine(s, s2) + 0.6 * cosine(a, a2);
          expect(cosine(scaled, stateActionEmbedding(s2, a2))).toBeCloseTo(expected, 5);
        },
      ),
    );
  });
});

describe("the text fallback", () => {
  const carry = { state: "4 7 + 3 8 = 5", wrongStep: "7", correctStep: "8" };

  test("is a unit vector of 512 values", () => {
    const embedding = textEmbedding(carry);
    expect(embedding).toHaveLength(512);
    expect(cosine(embedding, embedding)).toBeCloseTo(1, 6);
    expect(embedding.reduce((sum, x) => sum + x * x, 0)).toBeCloseTo(1, 5);
  });

  test("the same edit in a similar state is closer than another edit in the same state", () => {
    const similar = textEmbedding({ ...carry, state: "4 7 + 3 9 = 6" });
    const otherEdit = textEmbedding({ ...carry, wrongStep: "2 2 2 2" });
    expect(cosine(textEmbedding(carry), similar)).toBeGreaterThan(
      cosine(textEmbedding(carry), otherEdit),
    );
  });

  test("an edit keeps only what differs, and overlapping ends are not cut twice", () => {
    expect(edit("apply left; done", "apply right; done")).toBe("lef→righ");
    expect(edit("aa", "aaa")).toBe("→a");
    expect(edit("intro")).toBe("intro");
  });

  test("short and empty texts have grams too", () => {
    expect(hashedGrams("7", 64).some((x) => x !== 0)).toBe(true);
    expect(hashedGrams("", 64).every((x) => x === 0)).toBe(true);
  });
});

describe("whitening", () => {
  test("takes away the common direction that makes raw cosines meaningless", () => {
    const batch = [
      [100, 1, 0],
      [101, -1, 0],
      [100, 0, 2],
      [101, 0, -2],
    ];
    const whitening = fitWhitening(batch);
    expect(cosine(batch[0]!, batch[1]!)).toBeGreaterThan(0.99);
    expect(cosine(whiten(batch[0]!, whitening), whiten(batch[1]!, whitening))).toBeLessThan(0);
  });

  test("gives mean 0 and variance 1 where a coordinate moves, and no coordinate explodes", () => {
    const batch = [
      [1, 5],
      [3, 5],
    ];
    const whitening = fitWhitening(batch);
    expect(batch.map((vector) => [...whiten(vector, whitening)])).toEqual([
      [-1, 0],
      [1, 0],
    ]);
    expect(Math.abs(whiten([2, 6], whitening)[1]!)).toBeLessThan(5);
    expect([...whiten([4, 4], fitWhitening([[4, 4]]))]).toEqual([0, 0]);
  });

  test("refuses an empty batch and mixed dimensions", () => {
    expect(() => fitWhitening([])).toThrow(expect.objectContaining({ code: "CORPUS_DIMENSION" }));
    expect(() => fitWhitening([[1], [1, 2]])).toThrow(
      expect.objectContaining({ code: "CORPUS_DIMENSION" }),
    );
    expect(() => whiten([1], fitWhitening([[1, 2]]))).toThrow(
      expect.objectContaining({ code: "CORPUS_DIMENSION" }),
    );
  });
});
