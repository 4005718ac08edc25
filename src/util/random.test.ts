import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashText, Random } from "./random.js";

const draws = (random: Random, count: number): number[] =>
  Array.from({ length: count }, () => random.uniform());

const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / values.length;

/** Pearson's chi-square of counts against expected ones. */
const chiSquare = (counts: readonly number[], expected: (i: number) => number): number =>
  counts.reduce((sum, n, i) => sum + (n - expected(i)) ** 2 / expected(i), 0);

describe("a stream", () => {
  test("is the same for the same seed and purpose", () => {
    expect(draws(Random.from(7, "tasks"), 20)).toEqual(draws(Random.from(7, "tasks"), 20));
  });

  test("of another purpose, step or seed is another stream", () => {
    const streams = [0, 1, 2].flatMap((seed) =>
      ["play", "probe", "refit"].flatMap((purpose) =>
        Array.from({ length: 40 }, (_, step) => Random.from(seed, `${purpose}:${step}`)),
      ),
    );
    const firsts = streams.map((random) => random.uint32());
    expect(new Set(firsts).size).toBe(streams.length);
  });

  test("is uncorrelated with that of the next seed and of the next step", () => {
    const count = 4000;
    const own = draws(Random.from(0, "play:0"), count);
    for (const other of [
      Random.from(1, "play:0"),
      Random.from(0, "play:1"),
      Random.from(0, "probe:0"),
    ]) {
      const theirs = draws(other, count);
      const covariance = mean(own.map((u, i) => (u - 0.5) * (theirs[i]! - 0.5)));
      expect(Math.abs(covariance * 12)).toBeLessThan(4 / Math.sqrt(count)); // four deviations of a correlation
    }
  });

  test("never changes: the results of every seed hang on it", () => {
    const random = Random.from(1, "play:0");
    expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([
      20864959, 2809286713, 51813626,
    ]);
  });

  test("carries on from its saved state, at any point", () => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), fc.nat(50), (seed, purpose, skipped) => {
        const random = Random.from(seed, purpose);
        draws(random, skipped);
        const saved = JSON.parse(JSON.stringify(random.state)) as typeof random.state;
        expect(draws(Random.restore(saved), 5)).toEqual(draws(random, 5));
      }),
    );
  });
});

describe("draws", () => {
  test("are uniform in [0, 1)", () => {
    const values = draws(Random.from(3, "uniform"), 20_000);
    expect(values.every((u) => u >= 0 && u < 1)).toBe(true);
    const counts = new Array<number>(20).fill(0);
    for (const u of values) counts[Math.floor(u * 20)]!++;
    expect(chiSquare(counts, () => 1000)).toBeLessThan(43.8); // 19 degrees of freedom, p = .001
  });

  test("are uniform below n, for an n that is no power of two", () => {
    const random = Random.from(4, "below");
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 14_000; i++) counts[random.below(7)]!++;
    expect(chiSquare(counts, () => 2000)).toBeLessThan(22.5); // 6 degrees of freedom, p = .001
  });

  test("are normal: mean 0, variance 1, 5% beyond 1.96", () => {
    const random = Random.from(5, "normal");
    const values = Array.from({ length: 20_000 }, () => random.normal());
    expect(Math.abs(mean(values))).toBeLessThan(0.03);
    expect(mean(values.map((z) => z * z))).toBeCloseTo(1, 1);
    expect(mean(values.map((z) => Number(Math.abs(z) > 1.96)))).toBeCloseTo(0.05, 2);
    expect(values.every(Number.isFinite)).toBe(true);
  });

  test("come as often as their weights say", () => {
    const random = Random.from(6, "weighted");
    const weights = [1, 0, 2, 5];
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 8000; i++) counts[random.weighted(weights)]!++;
    expect(counts[1]).toBe(0);
    expect(chiSquare(counts.toSpliced(1, 1), (i) => [1000, 2000, 5000][i]!)).toBeLessThan(13.8);
  });

  test("never have weight 0, not even by rounding at the very top of the range", () => {
    const inverseOfNine = 954437177; // modulo 2^32: with it the state below gives the largest number under 1
    const top = Random.restore([0xffffffff, 0, Math.imul(-2, inverseOfNine) >>> 0, 0]);
    expect(Random.restore(top.state).uniform()).toBe(1 - 2 ** -53);
    // 0.7 and 2.8 taken from their sum leave exactly 0, which is not below it.
    expect(Random.restore(top.state).weighted([0.7, 2.8, 0])).toBe(1);
  });

  test("never have weight 0, however small the others", () => {
    const weight = fc.oneof(
      fc.constant(0),
      fc.double({ min: 0, max: 1e-300, noNaN: true }),
      fc.constant(3),
    );
    fc.assert(
      fc.property(fc.nat(), fc.array(weight, { minLength: 1, maxLength: 6 }), (seed, weights) => {
        fc.pre(weights.some((w) => w > 0));
        expect(weights[Random.from(seed, "weighted").weighted(weights)]).toBeGreaterThan(0);
      }),
    );
  });

  test.each([[[]], [[0, 0]], [[Number.NaN]]])("by the weights %j are refused", (weights) => {
    expect(() => Random.from(0, "weighted").weighted(weights)).toThrow(RangeError);
  });

  test("from an empty list are refused", () => {
    expect(() => Random.from(0, "pick").pick([])).toThrow(RangeError);
  });
});

describe("a shuffle", () => {
  test("keeps every item and leaves the list as it was", () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(fc.integer()), (seed, items) => {
        const before = [...items];
        const shuffled = Random.from(seed, "shuffle").shuffle(items);
        expect(items).toEqual(before);
        expect(shuffled.toSorted((a, b) => a - b)).toEqual(before.toSorted((a, b) => a - b));
      }),
    );
  });

  test("gives all orders alike", () => {
    const random = Random.from(8, "shuffle");
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle(["a", "b", "c"]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    expect(chiSquare([...counts.values()], () => 1000)).toBeLessThan(20.5); // 5 degrees of freedom, p = .001
  });
});

describe("the hash of a text", () => {
  test("never changes: the splits of all tasks hang on it", () => {
    expect(["", "a", "addition:37512+90466"].map(hashText)).toEqual([
      2872998923, 444641715, 3082856872,
    ]);
  });

  test("has no bit that is a mere parity of the text", () => {
    const texts = Array.from({ length: 2000 }, (_, i) => `task ${i}`);
    const parity = texts.map((text) => [...text].reduce((n, c) => n ^ c.charCodeAt(0), 0) & 1);
    for (let bit = 0; bit < 32; bit++) {
      const agreeing = texts.filter(
        (text, i) => ((hashText(text) >>> bit) & 1) === parity[i],
      ).length;
      expect(Math.abs(agreeing - 1000), `bit ${bit}`).toBeLessThan(120); // over five deviations
    }
  });
});
