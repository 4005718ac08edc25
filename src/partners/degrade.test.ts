import { describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import { degradations, degraded, type Degradation } from "./degrade.js";
import { initialAdapter, mergeAdapter } from "../engine/adapter.js";
import { LocalEngine } from "../engine/local.js";
import type { Policy } from "../engine/engine.js";
import type { Environment } from "../environments/environment.js";
import { shapeFor } from "../students/recipe.js";
import { Random } from "../util/random.js";
import {
  cuePolicy,
  cues,
  cueTokenizer,
  promptsOf,
  rightAnswer,
  rightWith,
} from "../testing/testing.js";

const engine = new LocalEngine();
const random = (): Random => Random.from(3, "degrade");
const right = cuePolicy(rightWith(0.98));
const input = {
  engine,
  tokenizer: cueTokenizer,
  maxActionSymbols: 1,
  initial: cuePolicy(rightWith(0.2)),
  policy: right,
};

async function accuracy(operator: Degradation, degree: number, policy: Policy = right) {
  const model = degraded(operator, degree, { ...input, policy, random: random() });
  const prompts = promptsOf(...Array.from({ length: 400 }, (_, i) => "abcd"[i % 4]!));
  const actions = await model.act(prompts, Random.from(4, "act"));
  const hits = actions.filter((a, i) => a.text === rightAnswer(prompts[i]!.observation));
  return hits.length / actions.length;
}

describe("degrading by 0", () => {
  test.each(degradations)("%s leaves the model as it is", async (operator) => {
    expect(await accuracy(operator, 0)).toBeGreaterThan(0.95);
  });
});

describe("degrading", () => {
  test.each(["temperature", "lag", "noise", "quantisation"] as const)(
    "by %s costs accuracy, more of it more",
    async (operator) => {
      const [half, full] = [await accuracy(operator, 0.5), await accuracy(operator, 1)];
      expect(full).toBeLessThan(0.95);
      expect(full).toBeLessThanOrEqual(half + 0.02);
    },
  );

  test("by lag is the initial student at 1", async () => {
    expect(await accuracy("lag", 1)).toBeLessThan(0.3);
  });

  test("by layers or heads silences them: only the residual stream is left", async () => {
    const shape = shapeFor(cues as Environment, cueTokenizer, {
      width: 16,
      layers: 2,
      heads: 2,
      feedForward: 16,
    });
    const policy = engine.initialise(shape, Random.from(5, "policy"));
    const sample = async (operator: Degradation, degree: number): Promise<number[]> => {
      const model = degraded(operator, degree, { ...input, policy, random: random() });
      const [action] = await model.act(promptsOf("a"), Random.from(6, "act"));
      return [...action!.logprobs, action!.completion[0]!];
    };
    const whole = await sample("layers", 0);
    expect(await sample("layers", 0.5)).not.toEqual(whole);
    expect(await sample("layers", 1)).not.toEqual(await sample("layers", 0.5));
    expect(await sample("heads", 1)).not.toEqual(whole);
  });

  test("by context drops prompt tokens, never the last", async () => {
    const seen: number[][] = [];
    const spy = {
      ...input,
      random: random(),
      engine: {
        ...engine,
        sample: (_: unknown, request: { prompts: readonly (readonly number[])[] }) => {
          seen.push(...request.prompts.map((p) => [...p]));
          return Promise.resolve(
            request.prompts.map(() => ({
              tokens: [2],
              logprobs: [0],
              behaviourLogprobs: [0],
              stopped: false,
            })),
          );
        },
      } as unknown as LocalEngine,
    };
    const observation = "abcd".repeat(50);
    await degraded("context", 0.5, spy).act(promptsOf(observation), random());
    expect(seen[0]!.length).toBeGreaterThan(120);
    expect(seen[0]!.length).toBeLessThan(175); // a quarter of 200 is lost
    expect(seen[0]!.at(-1)).toBe(cueTokenizer.encode(observation).at(-1));
  });

  test("by truncation cuts actions short", async () => {
    const shape = shapeFor(cues as Environment, cueTokenizer, {
      width: 16,
      layers: 1,
      heads: 1,
      feedForward: 8,
    });
    const policy = engine.initialise({ ...shape, context: 20 }, Random.from(5, "policy"));
    const long = { ...input, policy, maxActionSymbols: 8, random: random() };
    const prompts = promptsOf(...new Array<string>(20).fill("a"));
    const longest = async (degree: number): Promise<number> => {
      const actions = await degraded("truncation", degree, long).act(prompts, random());
      return Math.max(...actions.map((a) => a.completion.length));
    };
    expect(await longest(0)).toBe(9);
    expect(await longest(0.75)).toBe(2);
  });

  test("does not touch the policy it was given", async () => {
    const before = Float32Array.from(right.weights);
    for (const operator of degradations) if (operator !== "mal-rule") await accuracy(operator, 0.7);
    expect(right.weights).toEqual(before);
  });
});

test("lag moves an adapter, and leaves the frozen weights shared", async () => {
  const shape = { rank: 2, alpha: 4, targets: ["q_proj", "o_proj"] } as const;
  const fresh = initialAdapter(right.shape, shape, Random.from(7, "adapter"));
  const trained = { ...fresh, weights: fresh.weights.map((w) => w + 1) };
  const seen: Policy[] = [];
  const spy = {
    ...input,
    policy: { ...right, adapter: trained },
    initial: { ...right, adapter: fresh },
    random: random(),
    engine: Object.assign(new LocalEngine(), {
      sample: (policy: Policy) => {
        seen.push(policy);
        return Promise.resolve([
          { tokens: [2], logprobs: [0], behaviourLogprobs: [0], stopped: false },
        ]);
      },
    }),
  };
  await degraded("lag", 0.25, spy).act(promptsOf("a"), random());
  expect(localOf(seen[0]!).weights).toBe(right.weights);
  fresh.weights.forEach((w, i) =>
    expect(localOf(seen[0]!).adapter!.weights[i]).toBeCloseTo(w + 0.75, 5),
  );
});

describe("degrading a policy with an adapter", () => {
  const shape = shapeFor(cues as Environment, cueTokenizer, {
    width: 16,
    layers: 2,
    heads: 2,
    feedForward: 16,
  });
  const base = engine.initialise(shape, Random.from(5, "policy"));
  const lora = { rank: 4, alpha: 8, targets: ["o_proj", "down_proj", "q_proj"] } as const;
  const fresh = initialAdapter(shape, lora, Random.from(7, "adapter"));
  const noise = Random.from(8, "trained");
  const adapted = {
    ...base,
    adapter: { ...fresh, weights: fresh.weights.map((w) => w + noise.normal()) },
  };
  const says = async (operator: Degradation, degree: number, policy: Policy): Promise<number[]> => {
    const model = degraded(operator, degree, { ...input, policy, random: random() });
    const actions = await model.act(promptsOf("a", "b", "c"), Random.from(6, "act"));
    return actions.flatMap((a) => [...a.logprobs, ...a.completion]);
  };

  test.each(["noise", "quantisation", "layers", "heads"] as const)(
    "by %s is degrading the one without that computes the same",
    async (operator) => {
      const own = await says(operator, 0.5, adapted);
      expect(own).toEqual(await says(operator, 0.5, mergeAdapter(adapted)));
      expect(own).not.toEqual(await says(operator, 0.5, base)); // the adapter does count
    },
  );

  test("without its layers, nothing of the adapter is left either", async () => {
    expect(await says("layers", 1, adapted)).toEqual(await says("layers", 1, base));
    const weights = Float32Array.from(adapted.adapter.weights);
    await says("noise", 1, adapted);
    expect(adapted.adapter.weights).toEqual(weights);
  });
});

test("dropped context leaves every token that ends an action", async () => {
  const stops: unknown[] = [];
  const spy = {
    ...input,
    maxActionSymbols: 3,
    random: random(),
    tokenizer: {
      size: cueTokenizer.size,
      stop: 1,
      stops: [1, 8],
      encodePrompt: ({ observation }: { observation: string }) => cueTokenizer.encode(observation),
      encode: (text: string) => cueTokenizer.encode(text),
      decode: (tokens: readonly number[]) => cueTokenizer.decode(tokens),
      spans: (tokens: readonly number[]) => cueTokenizer.spans(tokens),
    },
    engine: {
      sample: (_: Policy, request: { stopTokens: readonly number[] }) => {
        stops.push(request.stopTokens);
        return Promise.resolve([
          { tokens: [2], logprobs: [0], behaviourLogprobs: [0], stopped: false },
        ]);
      },
    } as unknown as LocalEngine,
  };
  await degraded("context", 0.5, spy).act(promptsOf("ab"), random());
  expect(stops).toEqual([[1, 8]]);
});
