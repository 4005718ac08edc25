import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import { localPolicy, type LocalPolicy } from "./local-policy.js";
import { LocalEngine } from "./local.js";
import { steeredLogprobs, type Steering } from "./steering.js";
import type { ModelShape } from "./transformer.js";

function logSoftmax(logits: readonly number[]): Float64Array {
  const top = Math.max(...logits);
  const total = logits.reduce((sum, l) => sum + Math.exp(l - top), 0);
  return Float64Array.from(logits, (l) => l - top - Math.log(total));
}

/** log mu [V]. */
function mix(logPi: Float64Array, logQ: Float64Array, steering: Steering): Float64Array {
  const out = new Float64Array(logPi.length);
  steeredLogprobs(logPi, logQ, steering, out);
  return out;
}

const sumExp = (logs: Iterable<number>): number =>
  [...logs].reduce((sum, l) => sum + Math.exp(l), 0);

const V = 7;
const logits = fc.array(fc.double({ min: -12, max: 12, noNaN: true }), {
  minLength: V,
  maxLength: V,
});
const distribution = logits.map(logSoftmax);
const steering: fc.Arbitrary<Steering> = fc.record({
  form: fc.constantFrom("repulsive", "contrastive"),
  alpha: fc.double({ min: 0.01, max: 3, noNaN: true }),
  mask: fc.constantFrom(0, 0.02, 0.3, 1),
  floor: fc.constantFrom(-3, -20),
  exempt: fc.array(fc.nat(V - 1), { maxLength: 3 }),
});

describe("the steered distribution", () => {
  it("sums to 1", () => {
    fc.assert(
      fc.property(distribution, distribution, steering, (logPi, logQ, options) => {
        expect(sumExp(mix(logPi, logQ, options))).toBeCloseTo(1, 9);
      }),
    );
  });

  it("is pi, to the bit, where alpha is 0", () => {
    fc.assert(
      fc.property(distribution, distribution, steering, (logPi, logQ, options) => {
        expect(mix(logPi, logQ, { ...options, alpha: 0 })).toEqual(logPi);
      }),
    );
  });

  it("has both forms as points of one family, to the bit", () => {
    fc.assert(
      fc.property(distribution, distribution, steering, (logPi, logQ, options) => {
        const { alpha } = options;
        const repulsive = mix(logPi, logQ, { ...options, form: "repulsive" });
        expect(mix(logPi, logQ, { ...options, form: "contrastive", kappa: alpha })).toEqual(
          repulsive,
        );
        const contrastive = mix(logPi, logQ, { ...options, form: "contrastive" });
        expect(mix(logPi, logQ, { ...options, form: "repulsive", kappa: 0 })).toEqual(contrastive);
      }),
    );
  });

  it("is an even draw in the mask at kappa 1 and alpha 0, whatever q is", () => {
    const options: Steering = {
      form: "contrastive",
      alpha: 0,
      kappa: 1,
      mask: 0.1,
      floor: -3,
      exempt: [],
    };
    const mu = mix(logSoftmax([3, 2, 1, -9]), logSoftmax([9, 0, -9, 1]), options);
    expect([...mu].map(Math.exp)).toEqual([
      expect.closeTo(1 / 3, 12),
      expect.closeTo(1 / 3, 12),
      expect.closeTo(1 / 3, 12),
      0,
    ]);
  });

  it("gives no token outside the plausibility mask, and some to each within", () => {
    fc.assert(
      fc.property(distribution, distribution, steering, (logPi, logQ, options) => {
        const mu = mix(logPi, logQ, { ...options, exempt: [] });
        const cut = Math.max(...logPi) + Math.log(options.mask);
        mu.forEach((l, v) => {
          expect(Number.isFinite(l)).toBe(logPi[v]! >= cut);
        });
      }),
    );
  });

  it("leaves exempt tokens the probability they have under pi", () => {
    fc.assert(
      fc.property(distribution, distribution, steering, (logPi, logQ, options) => {
        const plausible = logPi.some(
          (l, v) => !options.exempt.includes(v) && l >= Math.max(...logPi) + Math.log(options.mask),
        );
        fc.pre(plausible);
        const mu = mix(logPi, logQ, options);
        for (const v of options.exempt) expect(mu[v]).toBe(logPi[v]);
      }),
    );
  });

  it("with every plausible token exempt, samples exempt tokens in proportion to pi", () => {
    const logPi = logSoftmax([5, 4, -9, -9]);
    const options: Steering = { form: "repulsive", alpha: 1, mask: 0.1, floor: -3, exempt: [0, 1] };
    const mu = mix(logPi, logSoftmax([0, 0, 0, 0]), options);
    expect(sumExp(mu)).toBeCloseTo(1, 12);
    expect(mu[0]! - mu[1]!).toBeCloseTo(1, 12);
    expect([mu[2], mu[3]]).toEqual([-Infinity, -Infinity]);
  });

  it("counts no expert probability below the floor", () => {
    const options: Steering = { form: "repulsive", alpha: 1, mask: 0, floor: -3, exempt: [] };
    const logPi = logSoftmax([0, 0, 0]);
    const one = mix(logPi, Float64Array.of(-0.1, -4, -9), options);
    const two = mix(logPi, Float64Array.of(-0.1, -30, -3), options);
    one.forEach((l, v) => {
      expect(l).toBeCloseTo(two[v]!, 12);
    });
  });

  /**
   * For a right token c and a wrong one b, both within mask and floor:
   * repulsive odds(c:b) = (pi_c / pi_b) (q_b / q_c)^alpha,
   * contrastive odds(c:b) = (pi_c / pi_b)^(1 + alpha) (q_b / q_c)^alpha.
   */
  it("has the odds its form promises", () => {
    const tame = fc
      .array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: V, maxLength: V })
      .map(logSoftmax);
    fc.assert(
      fc.property(tame, tame, steering, (logPi, logQ, options) => {
        const mu = mix(logPi, logQ, { ...options, mask: 0, floor: -20, exempt: [0] });
        const power = options.form === "contrastive" ? 1 + options.alpha : 1;
        for (let c = 1; c < V; c++)
          for (let b = 1; b < V; b++)
            expect(mu[c]! - mu[b]!).toBeCloseTo(
              power * (logPi[c]! - logPi[b]!) + options.alpha * (logQ[b]! - logQ[c]!),
              9,
            );
      }),
    );
  });
});

describe("sampling from a steering of two models", () => {
  const shape: ModelShape = {
    vocabulary: 9,
    width: 16,
    layers: 2,
    heads: 4,
    keyValueHeads: 2,
    headWidth: 4,
    feedForward: 20,
    context: 32,
    tied: false,
    ropeTheta: 10000,
    normEpsilon: 1e-5,
  };
  const engine = new LocalEngine();
  const sharp = (policy: LocalPolicy): LocalPolicy =>
    localPolicy(
      policy.shape,
      policy.weights.map((w) => 2 * w),
    );
  const policy = sharp(engine.initialise(shape, Random.from(1, "policy")));
  const expert = sharp(
    engine.initialise({ ...shape, width: 8, layers: 1, tied: true }, Random.from(2, "expert")),
  );

  /** log pi of all tokens after each prefix of `tokens` from `start` on. */
  async function distributions(
    model: LocalPolicy,
    tokens: readonly number[],
    start: number,
  ): Promise<Float32Array[]> {
    const positions = Array.from({ length: tokens.length - start }, (_, i) => start - 1 + i);
    const targets = positions.flatMap((position) =>
      Array.from({ length: shape.vocabulary }, (_, token) => ({ position, token })),
    );
    const flat = await engine.logprobs(model, [{ tokens, targets }]);
    return positions.map((_, i) => flat.subarray(i * shape.vocabulary, (i + 1) * shape.vocabulary));
  }

  it.each(["repulsive", "contrastive"] as const)(
    "%s: log mu is that of the models' own distributions",
    async (form) => {
      const options: Steering = { form, alpha: 0.7, mask: 0.05, floor: -3, exempt: [8] };
      const prompts = [[1, 2, 3], [4], [1, 2, 3], [5, 6, 7, 0, 1]];
      const completions = await engine.sample(policy, {
        prompts,
        maxTokens: 20,
        stopToken: 8,
        steering: { expert, ...options },
        random: Random.from(3, "sampling"),
      });
      let steered = 0;
      for (const [i, { tokens, logprobs, behaviourLogprobs }] of completions.entries()) {
        const all = [...prompts[i]!, ...tokens];
        const pi = await distributions(policy, all, prompts[i]!.length);
        const q = await distributions(expert, all, prompts[i]!.length);
        tokens.forEach((token, t) => {
          const mu = mix(Float64Array.from(pi[t]!), Float64Array.from(q[t]!), options);
          expect(logprobs[t]).toBeCloseTo(pi[t]![token]!, 4);
          expect(behaviourLogprobs[t]).toBeCloseTo(mu[token]!, 4);
          if (Math.abs(mu[token]! - pi[t]![token]!) > 0.05) steered++;
        });
      }
      expect(steered).toBeGreaterThan(5);
    },
  );

  it("refuses an expert with another vocabulary", async () => {
    const other = engine.initialise({ ...shape, vocabulary: 5 }, Random.from(4, "other"));
    const options: Steering = { form: "repulsive", alpha: 1, mask: 0, floor: -3, exempt: [] };
    const request = {
      prompts: [[1]],
      maxTokens: 2,
      steering: { expert: other, ...options },
      random: Random.from(1, "x"),
    };
    await expect(engine.sample(policy, request)).rejects.toThrow("9 and 5");
  });
});
