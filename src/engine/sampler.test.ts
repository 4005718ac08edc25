import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import { LocalEngine } from "./local.js";
import { steeredLogprobs, type Steering } from "./steering.js";
import { Sampler, truncate, type Truncation } from "./sampler.js";
import { plausible, tinyPolicy, tinyShape } from "./testing.js";

const normalised = (logits: readonly number[]): Float64Array => {
  const top = Math.max(...logits);
  const total = logits.reduce((sum, l) => sum + Math.exp(l - top), 0);
  return Float64Array.from(logits, (l) => l - top - Math.log(total));
};

/** The definitions of top-k, top-p and min-p, written out: probabilities after all cuts. */
function reference(probabilities: readonly number[], cut: Truncation): number[] {
  const { topK = Infinity, topP = 1, minP = 0 } = cut;
  const order = probabilities.map((_, v) => v);
  order.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
  const largest = probabilities[order[0]!]!;
  let before = 0;
  const kept = new Set<number>();
  order.forEach((v, rank) => {
    const p = probabilities[v]!;
    if (rank < topK && before < topP && p > 0 && p >= minP * largest) kept.add(v);
    before += p;
  });
  const mass = [...kept].reduce((sum, v) => sum + probabilities[v]!, 0);
  return probabilities.map((p, v) => (kept.has(v) ? p / mass : 0));
}

const V = 9;
const logits = fc.array(fc.integer({ min: -60, max: 60 }), { minLength: V, maxLength: V });
const cuts: fc.Arbitrary<Truncation> = fc.record(
  {
    topK: fc.integer({ min: 1, max: V + 1 }),
    topP: fc.constantFrom(0.05, 0.3, 0.61, 0.93, 1),
    minP: fc.constantFrom(0, 0.013, 0.21, 0.97),
  },
  { requiredKeys: [] },
);

describe("truncation", () => {
  it("keeps what its definitions keep, and normalises it", () => {
    fc.assert(
      fc.property(logits, cuts, (raw, cut) => {
        const logprobs = normalised(raw.map((l) => l / 7));
        const expected = reference([...logprobs].map(Math.exp), cut);
        truncate(logprobs, cut);
        logprobs.forEach((l, v) => {
          expect(Math.exp(l)).toBeCloseTo(expected[v]!, 9);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("looks beyond the likely tokens where they do not hold the mass that is asked for", () => {
    const flat = normalised([40, ...Array.from({ length: 4000 }, () => 20)]);
    const before = flat.slice();
    truncate(flat, { topP: 1 - 1e-9 });
    expect(flat.filter((l) => l > -Infinity).length).toBeGreaterThan(1);
    expect(flat.reduce((sum, l) => sum + Math.exp(l), 0)).toBeCloseTo(1, 9);
    truncate(before, { topK: 4001 });
    expect(before.filter((l) => l > -Infinity)).toHaveLength(4001);
  });
});

describe("a draw", () => {
  const steps = 20_000;
  const policy = Float32Array.from(normalised([2, 1.5, 1, 0, -1, -2, 0.3]));
  const expert = Float32Array.from(normalised([3, -1, 1, 2, 0, 0, 0]));
  const steering: Steering = { form: "repulsive", alpha: 0.8, mask: 0.02, floor: -3, exempt: [6] };

  const settings: [string, Truncation & { temperature?: number; steering?: Steering }][] = [
    ["plain", {}],
    ["a temperature", { temperature: 0.6 }],
    ["top-k", { topK: 3 }],
    ["top-p at a temperature", { topP: 0.8, temperature: 1.4 }],
    ["min-p", { minP: 0.2 }],
    ["all cuts", { topK: 5, topP: 0.95, minP: 0.05 }],
    ["a repulsive one", { steering }],
    ["a contrastive one", { steering: { ...steering, form: "contrastive" } }],
    ["a cut steering at a temperature", { steering, topK: 3, temperature: 0.8 }],
  ];

  /** Quantiles on a grid enumerate the distribution: frequencies are probabilities to 1 / steps. */
  it.each(settings)(
    "of %s has the probabilities that it reports",
    (_, { temperature = 1, ...cut }) => {
      const sampler = new Sampler(policy.length, { ...cut, temperature });
      const pi = normalised([...policy].map((l) => l / temperature));
      let mu = pi.slice();
      if (cut.steering !== undefined) steeredLogprobs(pi, expert, cut.steering, mu);
      mu = Float64Array.from(reference([...mu].map(Math.exp), cut), Math.log);
      const seen = new Float64Array(policy.length);
      for (let i = 0; i < steps; i++) {
        const draw = sampler.draw(policy, expert, (i + 0.5) / steps);
        seen[draw.token]!++;
        expect(draw.logprob).toBeCloseTo(pi[draw.token]!, 5);
        expect(draw.behaviourLogprob).toBeCloseTo(mu[draw.token]!, 5);
      }
      seen.forEach((count, v) => {
        expect(Math.abs(count / steps - Math.exp(mu[v]!))).toBeLessThan(2 / steps);
      });
    },
  );

  it.each([
    [{ topK: 0 }, "topK 0"],
    [{ topP: 0 }, "topP 0"],
    [{ minP: 1.5 }, "minP 1.5"],
    [{ temperature: 0 }, "temperature 0"],
  ])("refuses %o", (wrong, message) => {
    expect(() => new Sampler(5, { temperature: 1, ...wrong })).toThrow(message);
  });
});

describe("an engine's samples", () => {
  const engine = new LocalEngine();
  const policy = tinyPolicy();
  const prompt = [4, 2, 7];

  it.each([{ topK: 4 }, { topP: 0.7 }, { minP: 0.15 }, { topK: 6, topP: 0.9, temperature: 1.3 }])(
    "follow the cut distribution: %o",
    async ({ temperature = 1, ...cut }) => {
      const targets = Array.from({ length: tinyShape.vocabulary }, (_, token) => ({
        position: prompt.length - 1,
        token,
      }));
      const logprobs = await engine.logprobs(policy, [{ tokens: prompt, targets }]);
      const pi = normalised([...logprobs].map((l) => l / temperature));
      const expected = reference([...pi].map(Math.exp), cut);
      const completions = await engine.sample(policy, {
        prompts: Array.from({ length: 4000 }, () => prompt),
        maxTokens: 1,
        temperature,
        ...cut,
        random: Random.from(3, "cuts"),
      });
      const seen = expected.map(() => 0);
      for (const { tokens, behaviourLogprobs } of completions) {
        seen[tokens[0]!]!++;
        expect(behaviourLogprobs[0]).toBeCloseTo(Math.log(expected[tokens[0]!]!), 4);
      }
      expect(plausible(seen, expected)).toBe(true);
    },
  );
});
