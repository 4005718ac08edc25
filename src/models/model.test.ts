import { describe, expect, test } from "vitest";
import { LocalEngine } from "../engine/local.js";
import { arithmetic } from "../environments/arithmetic/arithmetic.js";
import type { Environment } from "../environments/environment.js";
import { shapeFor } from "../students/recipe.js";
import { Random } from "../util/random.js";
import { cuePolicy, cueTokenizer, promptsOf, rightWith } from "../testing/testing.js";
import { PolicyModel } from "./model.js";
import { lexiconTokenizer, specialTokens } from "./tokenizer.js";

const engine = new LocalEngine();

describe("a policy as a model", () => {
  test("acts with one token where actions are one symbol", async () => {
    const policy = cuePolicy(rightWith(1));
    const model = new PolicyModel({ engine, policy, tokenizer: cueTokenizer, maxActionSymbols: 1 });
    const actions = await model.act(promptsOf("a", "b", "c", "d"), Random.from(0, "act"));
    expect(actions.map((a) => a.text)).toEqual(["x", "y", "x", "y"]);
    for (const [i, { prompt, completion, logprobs }] of actions.entries()) {
      expect(prompt).toEqual(cueTokenizer.encode("abcd"[i]!));
      expect(completion).toEqual(cueTokenizer.encode("xyxy"[i]!));
      expect(logprobs[0]).toBeCloseTo(0, 6);
    }
  });

  test("samples with the probabilities it reports, at any temperature", async () => {
    const policy = cuePolicy(rightWith(0.2));
    const odds = 0.2 / 0.8;
    for (const temperature of [1, 2]) {
      const p = 1 / (1 + odds ** (-1 / temperature));
      const model = new PolicyModel({
        engine,
        policy,
        tokenizer: cueTokenizer,
        maxActionSymbols: 1,
        temperature,
      });
      const actions = await model.act(
        promptsOf(...new Array<string>(2000).fill("a")),
        Random.from(1, "act"),
      );
      const right = actions.filter((a) => a.text === "x");
      expect(Math.exp(right[0]!.logprobs[0]!)).toBeCloseTo(p, 4);
      expect(Math.abs(right.length / 2000 - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 2000));
    }
  });

  test("takes the most probable token when it is greedy, also a little more probable one", async () => {
    const model = new PolicyModel({
      engine,
      policy: cuePolicy(rightWith(0.55)),
      tokenizer: cueTokenizer,
      maxActionSymbols: 1,
      greedy: true,
    });
    const actions = await model.act(
      promptsOf(...new Array<string>(50).fill("b")),
      Random.from(1, "act"),
    );
    expect(new Set(actions.map((a) => a.text))).toEqual(new Set(["y"]));
    expect(actions[0]!.logprobs[0]).toBeCloseTo(Math.log(0.55), 3); // pi's own, not the greedy one's
  });

  test("may take one token more than the longest action, to stop; its text has no special token", async () => {
    const environment = arithmetic({ view: "whole" }) as Environment;
    const tokenizer = lexiconTokenizer(environment);
    const shape = shapeFor(environment, tokenizer, {
      width: 16,
      layers: 1,
      heads: 1,
      feedForward: 8,
    });
    const policy = engine.initialise(shape, Random.from(2, "weights"));
    const model = new PolicyModel({ engine, policy, tokenizer, maxActionSymbols: 3 });
    const actions = await model.act(
      promptsOf(...new Array<string>(60).fill("12+34=")),
      Random.from(3, "act"),
    );
    const stopped = actions.filter((a) => a.completion.at(-1) === specialTokens.stop);
    expect(stopped.length).toBeGreaterThan(0);
    expect(Math.max(...actions.map((a) => a.completion.length))).toBe(4);
    for (const { text, completion, logprobs, behaviourLogprobs } of actions) {
      expect(completion.slice(0, -1)).not.toContain(specialTokens.stop);
      expect(text).toBe(tokenizer.decode(completion));
      expect(logprobs).toHaveLength(completion.length);
      expect(behaviourLogprobs).toEqual(logprobs);
    }
  });
});
