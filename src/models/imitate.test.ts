import { describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import { shapeFor } from "../students/recipe.js";
import type { TrainingSequence } from "../engine/engine.js";
import { newOptimizer } from "../engine/local-policies.js";
import { LocalEngine } from "../engine/local.js";
import { arithmetic } from "../environments/arithmetic/arithmetic.js";
import type { Environment } from "../environments/environment.js";
import { PolicyModel } from "./model.js";
import { LexiconTokenizer } from "./tokenizer.js";
import { Random } from "../util/random.js";
import { fit, stepLogprobs, tokenExample, type Example } from "./imitate.js";
import { cuePolicy, cues, cueTokenizer, promptsOf, regardless } from "../testing/testing.js";

const engine = new LocalEngine();
const shape = shapeFor(cues as Environment, cueTokenizer, {
  width: 16,
  layers: 1,
  heads: 2,
  feedForward: 16,
});

describe("an example in tokens", () => {
  test("of one symbol is predicted from the last token of the prompt, without a stop token", () => {
    const prompt = cueTokenizer.encode("abc");
    expect(tokenExample({ prompt: "abc", action: "x" }, cueTokenizer, 1)).toEqual({
      tokens: prompt,
      targets: [{ position: 2, token: cueTokenizer.encode("x")[0] }],
    });
  });

  test("of several symbols ends with the stop token, each predicted from all before it", () => {
    const tokenizer = new LexiconTokenizer(arithmetic({ view: "whole" }).lexicon!);
    const { tokens, targets } = tokenExample({ prompt: "12+34=", action: "460" }, tokenizer, 13);
    expect(tokenizer.decode(tokens)).toBe("12+34=460");
    expect(targets.map((t) => t.position)).toEqual([5, 6, 7, 8]);
    expect(targets.map((t) => t.token)).toEqual([...tokenizer.encode("460"), 1]);
  });
});

describe("fitting", () => {
  const mapping: Example[] = [
    { prompt: "a", action: "x" },
    { prompt: "b", action: "y" },
    { prompt: "c", action: "z" },
  ];
  const examples = Array.from({ length: 48 }, (_, i) => mapping[i % 3]!);
  const start = engine.initialise(shape, Random.from(1, "weights"));
  const settings = { steps: 120, batch: 16, learningRate: 2e-2, maxActionSymbols: 1 };

  test("learns a mapping: the loss falls from that of a guess to next to nothing", async () => {
    const losses: number[] = [];
    const { policy, loss } = await fit(
      engine,
      start,
      examples,
      cueTokenizer,
      Random.from(2, "fit"),
      {
        ...settings,
        onStep: (_step, value) => losses.push(value),
      },
    );
    expect(losses).toHaveLength(120);
    expect(losses[0]).toBeCloseTo(Math.log(shape.vocabulary), 0);
    expect(loss).toBe(losses.at(-1));
    expect(loss).toBeLessThan(0.05);
    const model = new PolicyModel({ engine, policy, tokenizer: cueTokenizer, maxActionSymbols: 1 });
    const actions = await model.act(promptsOf("a", "b", "c"), Random.from(3, "act"));
    expect(actions.map((a) => a.text)).toEqual(["x", "y", "z"]);
  });

  test("on merged duplicates takes the very step that separate examples would", async () => {
    const batch = [mapping[0]!, mapping[0]!, mapping[1]!, { prompt: "a", action: "y" }];
    const rate = 1e-2;
    const { policy } = await fit(engine, start, batch, cueTokenizer, Random.from(4, "fit"), {
      steps: 1,
      batch: 4,
      learningRate: rate,
      maxActionSymbols: 1,
    });
    const separate = batch.map((example): TrainingSequence => {
      const { tokens, targets } = tokenExample(example, cueTokenizer, 1);
      return {
        tokens,
        targets: targets.map((t) => ({
          ...t,
          component: "crossEntropy",
          coefficient: 1 / 4,
          logprob: 0,
        })),
      };
    });
    const expected = await engine.trainStep(start, newOptimizer(start), separate, {
      learningRate: rate / 50, // the first step of the warm-up
      weightDecay: 0.01,
    });
    expect(largest(localOf(policy).weights, expected.policy.weights)).toBeLessThan(1e-6);
    expect(largest(localOf(policy).weights, start.weights)).toBeGreaterThan(1e-4);
  });

  test("is the same for the same seed, and leaves the policy it starts from as it was", async () => {
    const before = start.weights.slice();
    const run = () =>
      fit(engine, start, examples, cueTokenizer, Random.from(5, "fit"), { ...settings, steps: 3 });
    expect(localOf((await run()).policy).weights).toEqual(localOf((await run()).policy).weights);
    expect(start.weights).toEqual(before);
  });

  test("to no examples changes nothing", async () => {
    const { policy } = await fit(engine, start, [], cueTokenizer, Random.from(6, "fit"), settings);
    expect(policy).toBe(start);
  });

  test("stops before the next step when asked to", async () => {
    const controller = new AbortController();
    let steps = 0;
    const run = fit(engine, start, examples, cueTokenizer, Random.from(7, "fit"), {
      ...settings,
      signal: controller.signal,
      onStep: () => {
        if (++steps === 2) controller.abort();
      },
    });
    await expect(run).rejects.toThrow(/abort/);
    expect(steps).toBe(2);
  });
});

const largest = (x: Float32Array, y: Float32Array): number =>
  x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0);

test("log-probs of whole steps are means over their tokens, 0 where there are none", async () => {
  const policy = cuePolicy({ ...regardless({ x: 0.9, y: 0.1 }), b: { x: 0.95, y: 0.05 } });
  const [x, none, y] = await stepLogprobs(
    { engine, tokenizer: cueTokenizer, environment: cues },
    policy,
    [
      { prompt: "a", action: "x" },
      { prompt: "a", action: "" },
      { prompt: "b", action: "y" },
    ],
  );
  expect(x).toBeCloseTo(Math.log(0.9), 3);
  expect(none).toBe(0);
  expect(y).toBeCloseTo(Math.log(0.05), 3);
});

/** Renders prompts, as a chat template does. */
const templated = {
  size: cueTokenizer.size,
  stop: cueTokenizer.stop,
  encode: (text: string) => cueTokenizer.encode(text),
  decode: (tokens: readonly number[]) => cueTokenizer.decode(tokens),
  spans: (tokens: readonly number[]) => cueTokenizer.spans(tokens),
  encodePrompt: ({ observation }: { observation: string }) =>
    cueTokenizer.encode(`c${observation}d`),
};

test("an expert is fitted to prompts as it will meet them when it steers", () => {
  const { tokens, targets } = tokenExample({ prompt: "ab", action: "x" }, templated, 4);
  expect(tokens).toEqual(cueTokenizer.encode("cabdx"));
  expect(targets.map((t) => t.position)).toEqual([3, 4]);
});
