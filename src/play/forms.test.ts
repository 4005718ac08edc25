import { describe, expect, test } from "vitest";
import { LocalEngine } from "../engine/local.js";
import { explorationForm, explorationForms, steersByExpert } from "./forms.js";
import { NegativeHintModel, withNegativeHint } from "./negative-hint.js";
import { PolicyModel } from "../models/model.js";
import { Random } from "../util/random.js";
import { leastLikely, preferNewAnswers } from "./rejection.js";
import {
  cuePolicy,
  cueTokenizer,
  groupOf,
  promptsOf,
  regardless,
  rightWith,
} from "../testing/testing.js";

const engine = new LocalEngine();
const lexicon = { symbols: ["a"], separator: "" } as const;

describe("the form that is used", () => {
  test.each(explorationForms)("%s is itself where engine and student can do it", (form) => {
    expect(explorationForm(form, { steeredSampling: true }, {})).toEqual({ form });
  });

  test("without steered sampling is rejection, and says so", () => {
    for (const form of explorationForms) {
      const used = explorationForm(form, { steeredSampling: false }, {});
      const mixes = form === "repulsive" || form === "contrastive";
      expect(used.form).toBe(mixes ? "rejection" : form);
      expect(used.reason !== undefined).toBe(mixes);
      if (mixes) expect(used.reason).toContain(form);
    }
  });

  test("a student that cannot read gets no hint, and that is said", () => {
    const used = explorationForm("negative-hint", { steeredSampling: true }, { lexicon });
    expect(used.form).toBe("new-answers");
    expect(used.reason).toContain("negative-hint");
  });

  test("only some need an expert", () => {
    expect(explorationForms.filter(steersByExpert)).toEqual([
      "repulsive",
      "contrastive",
      "rejection",
    ]);
  });
});

describe("rejection", () => {
  test("keeps the attempts least likely under the expert, right or wrong", async () => {
    const expert = cuePolicy(regardless({ x: 0.9, y: 0.05, z: 0.05 }));
    const { rollouts } = groupOf("bb", ["xx", "xy", "zz", "xx"]);
    const kept = await leastLikely(rollouts, expert, engine, 2);
    expect(kept.map((r) => r.verdict.answer)).toEqual(["zz", "xy"]);
  });

  test("new answers come first, in the order they were drawn", () => {
    const { rollouts } = groupOf("bb", ["xx", "xy", "xx", "yx"]);
    const kept = preferNewAnswers(rollouts, new Set(["xx"]), 3);
    expect(kept.map((r) => r.verdict.answer)).toEqual(["xy", "yx", "xx"]);
  });
});

describe("a negative hint", () => {
  test("names the wrong answers at the end of the conversation, and none without any", () => {
    const { messages } = withNegativeHint({ observation: "2+2?" }, ["5", "22"]);
    expect(messages!.map((m) => m.role)).toEqual(["user", "user"]);
    expect(messages!.at(-1)!.content).toMatch(/5[\s\S]*22/);
    expect(withNegativeHint({ observation: "2+2?" }, [])).toEqual({ observation: "2+2?" });
  });

  test("is seen while acting and gone from what is trained: prompt, pi without it, mu with it", async () => {
    const policy = cuePolicy(rightWith(0.7));
    // A reader: shown a hint, it acts as at cue b.
    const reader = {
      size: cueTokenizer.size,
      stop: cueTokenizer.stop,
      encode: (text: string) => cueTokenizer.encode(text),
      decode: (tokens: readonly number[]) => cueTokenizer.decode(tokens),
      spans: (tokens: readonly number[]) => cueTokenizer.spans(tokens),
      encodePrompt: ({ observation, messages }: { observation: string; messages?: unknown }) =>
        cueTokenizer.encode(messages === undefined ? observation : "b"),
    };
    const student = new PolicyModel({ engine, policy, tokenizer: reader, maxActionSymbols: 1 });
    const model = new NegativeHintModel({
      student,
      engine,
      policy,
      tokenizer: reader,
      wrong: ["y"],
    });
    const [action] = await model.act(promptsOf("a"), Random.from(0, "hint"));
    expect(action!.prompt).toEqual(cueTokenizer.encode("a"));
    const [pi, mu] = [action!.logprobs[0]!, action!.behaviourLogprobs[0]!].map(Math.exp);
    const isY = action!.text === "y"; // right at b, wrong at a
    expect(pi).toBeCloseTo(isY ? 0.3 : 0.7, 2);
    expect(mu).toBeCloseTo(isY ? 0.7 : 0.3, 2);
  });
});
