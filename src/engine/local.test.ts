import { describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import type { Completion, Target, TrainingSequence, TrainOptions } from "./engine.js";
import { newOptimizer } from "./local-policies.js";
import { localPolicy, type LocalPolicy } from "./local-policy.js";
import { LocalEngine } from "./local.js";
import { parameterLayout, type ModelShape } from "./transformer.js";

const base: ModelShape = {
  vocabulary: 11,
  width: 16,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headWidth: 6,
  feedForward: 20,
  context: 64,
  tied: false,
  ropeTheta: 10000,
  normEpsilon: 1e-5,
};
const shapes: [string, ModelShape][] = [
  ["grouped-query attention", base],
  ["one key/value head, tied embeddings", { ...base, keyValueHeads: 1, tied: true, layers: 1 }],
  ["as many key/value heads as heads", { ...base, keyValueHeads: 4, width: 12, layers: 3 }],
];
const engine = new LocalEngine();

/** Random weights, with larger embeddings, so that distributions are far from uniform. */
function policyFor(shape: ModelShape, seed = 1): LocalPolicy {
  const { weights } = engine.initialise(shape, Random.from(seed, "weights"));
  for (const { name, offset, size } of parameterLayout(shape))
    for (let i = offset; i < offset + size; i++)
      weights[i]! *= /embed_tokens|lm_head/.test(name) ? 10 : 1.5;
  return localPolicy(shape, weights);
}

/** Tokens drawn uniformly. */
const text = (random: Random, length: number): number[] =>
  Array.from({ length }, () => random.below(base.vocabulary));

/** log pi of all tokens after each of `prompts` [prompts, V]. */
async function nextLogprobs(
  policy: LocalPolicy,
  prompts: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const V = policy.shape.vocabulary;
  const flat = await engine.logprobs(
    policy,
    prompts.map((tokens) => ({
      tokens,
      targets: Array.from({ length: V }, (_, token) => ({ position: tokens.length - 1, token })),
    })),
  );
  return prompts.map((_, i) => flat.subarray(i * V, (i + 1) * V));
}

/** Requires that completions have the log-probabilities of an uncached forward pass over them. */
async function expectUncached(
  policy: LocalPolicy,
  prompts: readonly (readonly number[])[],
  completions: readonly Completion[],
): Promise<void> {
  const expected = await engine.logprobs(
    policy,
    completions.map(({ tokens }, i) => ({
      tokens: [...prompts[i]!, ...tokens],
      targets: tokens.map((token, t) => ({ position: prompts[i]!.length - 1 + t, token })),
    })),
  );
  completions
    .flatMap((c) => c.logprobs)
    .forEach((l, i) => {
      expect(Math.abs(l - expected[i]!)).toBeLessThan(1e-4);
    });
}

describe.each(shapes)("sampling, %s", (_, shape) => {
  it("gives the log-probabilities of the uncached forward pass while rows finish at different times", async () => {
    const policy = policyFor(shape);
    const random = Random.from(5, "prompts");
    const distinct = [1, 9, 4, 4, 17, 2].map((length) => text(random, length));
    const prompts = Array.from({ length: 40 }, (_, i) => distinct[i % 6]!);
    const completions = await engine.sample(policy, {
      prompts,
      maxTokens: 45, // past two enlargements of the cache
      stopToken: 8,
      random: Random.from(6, "sampling"),
    });
    const lengths = completions.map((c) => c.tokens.length);
    expect(new Set(lengths).size).toBeGreaterThan(6);
    expect(Math.max(...lengths)).toBeGreaterThan(20);
    for (const { tokens, logprobs, behaviourLogprobs, stopped } of completions) {
      expect(tokens.indexOf(8)).toBe(stopped ? tokens.length - 1 : -1);
      if (!stopped) expect(tokens).toHaveLength(45);
      expect(behaviourLogprobs).toEqual(logprobs);
    }
    await expectUncached(policy, prompts, completions);
  });
});

describe("sampling", () => {
  const policy = policyFor(base);

  it("with the same seed gives the same tokens, in another engine too", async () => {
    const request = (seed: number): Parameters<LocalEngine["sample"]>[1] => ({
      prompts: [[1, 2], [3], [1, 2]],
      maxTokens: 12,
      stopToken: 0,
      random: Random.from(seed, "sampling"),
    });
    const first = await engine.sample(policy, request(1));
    expect(await engine.sample(policy, request(1))).toEqual(first);
    expect(await new LocalEngine().sample(policy, request(1))).toEqual(first);
    expect(await engine.sample(policy, request(2))).not.toEqual(first);
  });

  it("draws tokens with their probabilities, the cached step's too", async () => {
    const prompt = [4, 2, 7];
    const rows = 3000;
    const completions = await engine.sample(policy, {
      prompts: Array.from({ length: rows }, () => prompt),
      maxTokens: 2,
      random: Random.from(21, "sampling"),
    });
    const V = base.vocabulary;
    const [first] = await nextLogprobs(policy, [prompt]);
    const second = await nextLogprobs(
      policy,
      Array.from({ length: V }, (_, v) => [...prompt, v]),
    );
    const expected = new Float64Array(V * V);
    for (let a = 0; a < V; a++)
      for (let b = 0; b < V; b++)
        expected[a * V + b] = rows * Math.exp(first![a]! + second[a]![b]!);
    const seen = new Float64Array(V * V);
    for (const { tokens } of completions) seen[tokens[0]! * V + tokens[1]!]!++;
    // Pearson's statistic over cells of at least 5, the rest pooled: mean `cells`, variance 2 `cells`.
    let [cells, statistic, rareSeen, rareExpected] = [0, 0, 0, 0];
    expected.forEach((e, i) => {
      if (e < 5) {
        rareSeen += seen[i]!;
        rareExpected += e;
        return;
      }
      cells++;
      statistic += (seen[i]! - e) ** 2 / e;
    });
    statistic += (rareSeen - rareExpected) ** 2 / rareExpected;
    expect(cells).toBeGreaterThan(15);
    expect(statistic).toBeLessThan(cells + 4 * Math.sqrt(2 * cells));
  });

  it("divides the logits by the temperature", async () => {
    const [plain] = await nextLogprobs(policy, [[5, 1]]);
    const temperature = 0.6;
    const total = plain!.reduce((sum, l) => sum + Math.exp(l / temperature), 0);
    const prompts = Array.from({ length: 40 }, () => [5, 1]);
    const warm = await engine.sample(policy, {
      prompts,
      maxTokens: 1,
      temperature,
      random: Random.from(1, "t"),
    });
    for (const { tokens, logprobs } of warm)
      expect(logprobs[0]).toBeCloseTo(plain![tokens[0]!]! / temperature - Math.log(total), 4);
    const cold = await engine.sample(policy, {
      prompts,
      maxTokens: 1,
      temperature: 1e-4,
      random: Random.from(1, "t"),
    });
    for (const { tokens } of cold) expect(tokens[0]).toBe(plain!.indexOf(Math.max(...plain!)));
  });

  it("handles more distinct prompts than one forward pass takes", async () => {
    const random = Random.from(8, "prompts");
    const prompts = Array.from({ length: 150 }, (_, i) => [
      ...text(random, 1 + random.below(6)),
      i % 11,
      i % 7,
    ]);
    const completions = await engine.sample(policy, { prompts, maxTokens: 3, random });
    await expectUncached(policy, prompts, completions);
  });

  it("of no prompts, or no tokens, gives nothing", async () => {
    const random = Random.from(1, "x");
    expect(await engine.sample(policy, { prompts: [], maxTokens: 4, random })).toEqual([]);
    expect(await engine.sample(policy, { prompts: [[1]], maxTokens: 0, random })).toEqual([
      { tokens: [], logprobs: [], behaviourLogprobs: [], stopped: false },
    ]);
  });

  it.each([
    ["an empty prompt", { prompts: [[1], []] }, "an empty sequence"],
    ["a token outside the vocabulary", { prompts: [[1, 11]] }, "token 11"],
    ["a negative token", { prompts: [[-1]] }, "token -1"],
    ["more tokens than the context holds", { prompts: [[1]], maxTokens: 65 }, "context of 64"],
    ["temperature 0", { prompts: [[1]], temperature: 0 }, "temperature 0"],
  ])("refuses %s", async (_, request, message) => {
    const full = { maxTokens: 4, random: Random.from(1, "x"), ...request };
    await expect(engine.sample(policy, full)).rejects.toThrow(message);
  });
});

describe("scoring", () => {
  const policy = policyFor(base);

  it("gives distributions, in the order of sequences and targets", async () => {
    const random = Random.from(3, "text");
    const sequences = Array.from({ length: 140 }, (_, i) => {
      const tokens = text(random, 1 + ((i * 7) % 12));
      const targets = Array.from({ length: i % 3 }, () => ({
        position: random.below(tokens.length),
        token: random.below(base.vocabulary),
      }));
      return { tokens, targets };
    });
    const together = await engine.logprobs(policy, sequences);
    let at = 0;
    for (const [i, sequence] of sequences.entries()) {
      const part = together.subarray(at, (at += sequence.targets.length));
      if (i % 20 !== 2) continue;
      const alone = await engine.logprobs(policy, [sequence]);
      alone.forEach((l, k) => {
        expect(part[k]).toBeCloseTo(l, 5);
      });
    }
    expect(at).toBe(together.length);
    for (const row of await nextLogprobs(policy, [[1], [2, 3, 4]]))
      expect(row.reduce((sum, l) => sum + Math.exp(l), 0)).toBeCloseTo(1, 5);
  });

  it("refuses a target outside its sequence, though the batch is longer", async () => {
    const sequences = [
      { tokens: [1, 2], targets: [{ position: 2, token: 0 }] },
      { tokens: [1, 2, 3, 4], targets: [] },
    ];
    await expect(engine.logprobs(policy, sequences)).rejects.toThrow(
      "position 2 of a sequence of 2",
    );
  });
});

describe("embedding", () => {
  const policy = policyFor({ ...base, layers: 3 });

  it("is the mean over the span, whatever comes after it or beside it in the batch", async () => {
    const tokens = [1, 5, 2, 8, 8, 3];
    const [span, first, second, short, other] = await engine.embed(policy, [
      { tokens, start: 2, end: 4 },
      { tokens, start: 2, end: 3 },
      { tokens, start: 3, end: 4 },
      { tokens: tokens.slice(0, 4), start: 2, end: 4 },
      { tokens: [7, ...tokens.slice(1)], start: 2, end: 4 },
    ]);
    expect(span).toHaveLength(base.width);
    span!.forEach((x, j) => {
      expect(x).toBeCloseTo((first![j]! + second![j]!) / 2, 5);
      expect(short![j]).toBeCloseTo(x, 5);
    });
    expect(Math.max(...span!.map((x, j) => Math.abs(x - other![j]!)))).toBeGreaterThan(1e-3);
  });

  it("refuses an empty span or one beyond the sequence", async () => {
    for (const [start, end] of [
      [1, 1],
      [0, 3],
      [-1, 1],
    ] as const)
      await expect(engine.embed(policy, [{ tokens: [1, 2], start, end }])).rejects.toThrow("span");
  });
});

/** The loss of `Target`'s formulas, in float64, from the engine's log-probabilities. */
async function lossOf(
  policy: LocalPolicy,
  sequences: readonly TrainingSequence[],
  low = 0.2,
  high = 0.28,
): Promise<number> {
  const logprobs = await engine.logprobs(policy, sequences);
  const targets = sequences.flatMap((s) => s.targets);
  return targets.reduce((sum, { component, coefficient: c, logprob: old }, i) => {
    const l = logprobs[i]!;
    if (component === "crossEntropy") return sum - c * l;
    if (component === "referenceKl") return sum + c * (Math.exp(old - l) - (old - l) - 1);
    const ratio = Math.exp(l - old);
    return sum - Math.min(ratio * c, Math.min(Math.max(ratio, 1 - low), 1 + high) * c);
  }, 0);
}

/** The gradient of a step's loss, read off AdamW's first moment after one unclipped step. */
async function gradientOf(
  policy: LocalPolicy,
  sequences: readonly TrainingSequence[],
): Promise<Float32Array> {
  const options: TrainOptions = { learningRate: 0, clipNorm: Infinity };
  const { optimizer } = await engine.trainStep(policy, newOptimizer(policy), sequences, options);
  return optimizer.first.map((m) => m / (1 - 0.9));
}

const norm = (x: Float32Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

describe("a target far from its reference", () => {
  it.each([20, 79, 81, 200, 1000])("of %d nats is drawn towards it", async (gap) => {
    const policy = policyFor(shapes[0]![1], 2);
    const at = [{ tokens: [1, 2, 3], targets: [{ position: 2, token: 4 }] }];
    const [before] = await engine.logprobs(policy, at);
    const target = { position: 2, token: 4, component: "referenceKl", coefficient: 0.1 } as const;
    const sequence = { tokens: [1, 2, 3], targets: [{ ...target, logprob: before! + gap }] };
    const options: TrainOptions = { learningRate: 1e-3 };
    const result = await engine.trainStep(policy, newOptimizer(policy), [sequence], options);
    expect(Number.isFinite(result.loss)).toBe(true);
    expect(result.loss).toBeGreaterThan(0);
    const [after] = await engine.logprobs(result.policy, at);
    expect(after!).toBeGreaterThan(before!);
  });
});

/** Ragged sequences whose targets have the given component and, for `policy`, log ratios to `logprob`. */
async function batchFor(
  policy: LocalPolicy,
  targetOf: (i: number) => { component: Target["component"]; coefficient: number; gap: number },
): Promise<TrainingSequence[]> {
  const random = Random.from(21, "batch");
  let count = 0;
  const sequences: TrainingSequence[] = [];
  for (const length of [6, 3, 9]) {
    const tokens = text(random, length);
    const wanted = Array.from({ length }, (_, position) => ({
      position,
      token: random.below(base.vocabulary),
    }));
    const logprobs = await engine.logprobs(policy, [{ tokens, targets: wanted }]);
    const targets = wanted.map((target, i) => {
      const { gap, ...rest } = targetOf(count++);
      return { ...target, ...rest, logprob: logprobs[i]! - gap };
    });
    sequences.push({ tokens, targets });
  }
  return sequences;
}

describe.each(shapes)("the gradient of a step, %s", (_, shape) => {
  const policy = policyFor(shape, 2);
  const gaps = [-0.8, -0.5, -0.05, 0, 0.05, 0.6, 0.9]; // log ratios, well away from log 0.8 and log 1.28
  const cases: [
    string,
    (i: number) => { component: Target["component"]; coefficient: number; gap: number },
  ][] = [
    [
      "policy",
      (i) => ({
        component: "policy",
        coefficient: i % 2 === 0 ? 0.3 : -0.2,
        gap: gaps[i % gaps.length]!,
      }),
    ],
    [
      "crossEntropy",
      (i) => ({ component: "crossEntropy", coefficient: 0.1 + 0.05 * (i % 3), gap: 0 }),
    ],
    [
      "referenceKl",
      (i) => ({ component: "referenceKl", coefficient: 0.2, gap: gaps[i % gaps.length]! }),
    ],
    [
      "all together",
      (i) => ({
        component: (["policy", "crossEntropy", "referenceKl"] as const)[i % 3]!,
        coefficient: i % 2 === 0 ? 0.2 : 0.1,
        gap: gaps[i % gaps.length]!,
      }),
    ],
  ];

  it.each(cases)("agrees with finite differences of the loss: %s", async (_name, targetOf) => {
    const sequences = await batchFor(policy, targetOf);
    const gradient = await gradientOf(policy, sequences);
    const result = await engine.trainStep(policy, newOptimizer(policy), sequences, {
      learningRate: 0,
    });
    expect(result.loss).toBeCloseTo(await lossOf(policy, sequences), 5);
    expect(result.gradientNorm / norm(gradient)).toBeCloseTo(1, 5);
    const random = Random.from(23, "directions");
    for (const { name, offset, size } of parameterLayout(shape)) {
      // Along a direction that is half the gradient's own, half random: no component goes unseen.
      const own = gradient.subarray(offset, offset + size);
      const direction = own.map((g) => g / (norm(own) + 1e-12) + random.normal() / Math.sqrt(size));
      const along = async (step: number): Promise<number> => {
        const weights = policy.weights.slice();
        direction.forEach((d, i) => (weights[offset + i]! += step * d));
        return lossOf(localPolicy(shape, weights), sequences);
      };
      const h = 1e-3;
      const [near, far] = [
        (await along(h)) - (await along(-h)),
        (await along(2 * h)) - (await along(-2 * h)),
      ];
      const slope = (8 * near - far) / (12 * h); // error of fourth order
      const expected = own.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      expect(Math.abs(slope - expected), name).toBeLessThan(1e-3 * Math.max(1, norm(own)));
    }
  });
});

describe("a training step", () => {
  const policy = policyFor(base, 3);
  const targetAt = (component: Target["component"], coefficient: number, logprob = 0): Target => ({
    position: 2,
    token: 4,
    component,
    coefficient,
    logprob,
  });
  const one = (...targets: Target[]): TrainingSequence[] => [{ tokens: [1, 2, 3, 4], targets }];

  it("has no gradient where clipping is active, and one on the other side", async () => {
    const [l] = await engine.logprobs(policy, one(targetAt("policy", 1)));
    const gradientNorm = async (coefficient: number, ratio: number): Promise<number> =>
      norm(await gradientOf(policy, one(targetAt("policy", coefficient, l! - Math.log(ratio)))));
    expect(await gradientNorm(1, 1.35)).toBe(0);
    expect(await gradientNorm(-1, 0.75)).toBe(0);
    const free = await gradientNorm(1, 1);
    for (const [coefficient, ratio] of [
      [1, 1.25],
      [1, 0.75],
      [-1, 1.35],
      [-1, 0.85],
    ] as const)
      expect(await gradientNorm(coefficient, ratio)).toBeCloseTo(ratio * free, 3);
  });

  it("adds up two targets at one position", async () => {
    const [a, b] = [
      targetAt("crossEntropy", 0.5),
      { ...targetAt("referenceKl", 0.25, -1), token: 7 },
    ];
    const both = await gradientOf(policy, one(a, b, a));
    const [first, second] = [await gradientOf(policy, one(a)), await gradientOf(policy, one(b))];
    both.forEach((g, i) => {
      expect(Math.abs(g - 2 * first[i]! - second[i]!)).toBeLessThan(1e-5 * norm(both));
    });
    const entropyOf = async (...targets: Target[]): Promise<number> => {
      const state = newOptimizer(policy);
      const result = await engine.trainStep(policy, state, one(...targets), { learningRate: 0 });
      return result.entropy;
    };
    expect(await entropyOf(a, b, a)).toBeCloseTo(await entropyOf(a), 6);
  });

  it("does not depend on the padding of other sequences", async () => {
    const short = one(targetAt("crossEntropy", 1));
    const alone = await gradientOf(policy, short);
    const padded = await gradientOf(policy, [
      ...short,
      { tokens: text(Random.from(1, "long"), 30), targets: [] },
    ]);
    padded.forEach((g, i) => {
      expect(Math.abs(g - alone[i]!)).toBeLessThan(1e-5 * norm(alone));
    });
  });

  it.each([
    ["coefficient", targetAt("crossEntropy", NaN)],
    ["gradient", targetAt("crossEntropy", 1e30)],
    ["ratio", targetAt("policy", -1e30, -60)],
  ])("with a %s that is not finite leaves policy and optimizer unchanged", async (_, target) => {
    const optimizer = newOptimizer(policy);
    const result = await engine.trainStep(policy, optimizer, one(target), { learningRate: 0.1 });
    expect(result.finite).toBe(false);
    expect(result.policy).toBe(policy);
    expect(result.optimizer).toBe(optimizer);
  });

  it("stays finite where an unused logprob is far from the policy's", async () => {
    const targets = [targetAt("crossEntropy", 1, 1e6), targetAt("crossEntropy", 1, -1e6)];
    const result = await engine.trainStep(policy, newOptimizer(policy), one(...targets), {
      learningRate: 0.1,
    });
    expect(result.finite).toBe(true);
    expect(await gradientOf(policy, one(...targets))).toEqual(
      await gradientOf(policy, one(targetAt("crossEntropy", 1), targetAt("crossEntropy", 1))),
    );
  });

  it("scales the gradient to clipNorm, and no smaller one", async () => {
    const sequences = one(targetAt("crossEntropy", 1));
    const gradient = norm(await gradientOf(policy, sequences));
    for (const clipNorm of [gradient / 3, gradient * 3]) {
      const options = { learningRate: 0.1, clipNorm };
      const result = await engine.trainStep(policy, newOptimizer(policy), sequences, options);
      expect(result.gradientNorm).toBeCloseTo(gradient, 4);
      expect(norm(result.optimizer.first) / 0.1).toBeCloseTo(Math.min(gradient, clipNorm), 4);
    }
  });

  it("without targets only decays matrices", async () => {
    const options = { learningRate: 0.5, weightDecay: 0.1 };
    const result = await engine.trainStep(policy, newOptimizer(policy), one(), options);
    for (const { shape, offset, size } of parameterLayout(base))
      for (let i = offset; i < offset + size; i += 7)
        expect(result.policy.weights[i]).toBeCloseTo(
          policy.weights[i]! * (shape.length > 1 ? 0.95 : 1),
          6,
        );
  });

  it("reports the mismatch between the trainer's log-probabilities and the sampler's", async () => {
    const sequences = await batchFor(policy, (i) => ({
      component: i % 2 === 0 ? "policy" : "referenceKl",
      coefficient: 0,
      gap: i % 4 === 0 ? 0.2 : -0.1,
    }));
    const result = await engine.trainStep(policy, newOptimizer(policy), sequences, {
      learningRate: 0,
    });
    const gaps = sequences
      .flatMap((s) => s.targets)
      .flatMap((_, i) => (i % 4 === 0 ? [0.2] : i % 4 === 2 ? [0.1] : []));
    expect(result.logprobMismatch).toBeCloseTo(gaps.reduce((a, b) => a + b) / gaps.length, 4);
  });

  it("repeated, fits a sequence", async () => {
    let current = policy;
    let optimizer = newOptimizer(policy);
    const tokens = [1, 2, 3, 1, 2, 4, 1, 2, 5];
    const sequences = [
      {
        tokens,
        targets: tokens
          .slice(1)
          .map((token, position) => ({ ...targetAt("crossEntropy", 1 / 8), position, token })),
      },
    ];
    let loss = Infinity;
    for (let step = 0; step < 40; step++)
      ({
        policy: current,
        optimizer,
        loss,
      } = await engine.trainStep(current, optimizer, sequences, { learningRate: 0.02 }));
    expect(optimizer.steps).toBe(40);
    expect(loss).toBeLessThan(0.05);
  });

  it("refuses an empty batch", async () => {
    await expect(
      engine.trainStep(policy, newOptimizer(policy), [], { learningRate: 0.1 }),
    ).rejects.toThrow("no sequences");
  });
});

describe("an engine", () => {
  it("counts 2 operations per weight and token forward, 6 with a step", async () => {
    const own = new LocalEngine();
    const policy = own.initialise(base, Random.from(1, "weights"));
    const P = policy.weights.length;
    const sequence = {
      tokens: [1, 2, 3],
      targets: [
        { position: 0, token: 2, component: "crossEntropy" as const, coefficient: 1, logprob: 0 },
      ],
    };
    await own.logprobs(policy, [sequence]);
    expect(own.flops).toBe(2 * P * 3);
    await own.trainStep(policy, newOptimizer(policy), [sequence], { learningRate: 0.1 });
    expect(own.flops).toBe(8 * P * 3);
  });

  it("refuses a model whose heads do not fit together", () => {
    for (const wrong of [
      { ...base, keyValueHeads: 3 },
      { ...base, headWidth: 5 },
    ])
      expect(() => engine.initialise(wrong, Random.from(1, "weights"))).toThrow(
        expect.objectContaining({ code: "MODEL_SHAPE" }),
      );
  });
});
