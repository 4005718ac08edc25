import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { shapeFor } from "../students/recipe.js";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { LocalEngine } from "../engine/local.js";
import { checkModelShape, type ModelShape } from "../engine/transformer.js";
import type { Environment } from "../environments/environment.js";
import { expertShape, fitExpert, type Expert } from "./expert.js";
import { PolicyModel } from "../models/model.js";
import { Random } from "../util/random.js";
import { remember } from "../mistakes/remember.js";
import type { Example } from "../models/imitate.js";
import {
  cuePolicy,
  cues,
  cueTokenizer,
  groupOf,
  promptsOf,
  rightWith,
} from "../testing/testing.js";

const engine = new LocalEngine();
const base = shapeFor(cues as Environment, cueTokenizer, {
  width: 16,
  layers: 1,
  heads: 2,
  feedForward: 16,
});
const settings = { minimumTraces: 1, maximumTraces: 64, steps: 60, batch: 16, learningRate: 2e-2 };

/** Whom the experts are to steer. */
const student = engine.initialise(base, Random.from(2, "student"));

const fitting = (
  traces: readonly (readonly Example[])[],
  previous?: Expert,
  seed = 1,
): Promise<Expert> =>
  fitExpert(
    engine,
    {
      signature: "always-x",
      traces,
      shape: base,
      student,
      tokenizer: cueTokenizer,
      maxActionSymbols: 1,
      previous,
      step: 7,
      random: Random.from(seed, "expert"),
    },
    settings,
  );

/** Mean -log q of the actions of attempts. */
async function loss(expert: Expert, traces: readonly (readonly Example[])[]): Promise<number> {
  const logprobs = await engine.logprobs(
    expert.policy,
    traces.flat().map(({ prompt, action }) => ({
      tokens: cueTokenizer.encode(prompt),
      targets: [{ position: prompt.length - 1, token: cueTokenizer.encode(action)[0]! }],
    })),
  );
  return -logprobs.reduce((a, b) => a + b, 0) / logprobs.length;
}

const traceOf = (row: string, actions: string): Example[] =>
  [...row].map((prompt, i) => ({ prompt, action: actions[i]! }));
const alwaysX = ["abcd", "bbdd", "dacb", "cdba"].map((row) => traceOf(row, "xxxx"));

describe("the shape of an expert", () => {
  test("can be built for any student that can", async () => {
    const student: fc.Arbitrary<ModelShape> = fc
      .record({
        heads: fc.integer({ min: 1, max: 6 }),
        half: fc.integer({ min: 1, max: 6 }),
        layers: fc.integer({ min: 1, max: 4 }),
      })
      .map(({ heads, half, layers }) => ({
        ...base,
        width: heads * half * 2,
        layers,
        heads,
        keyValueHeads: heads,
        headWidth: half * 2,
      }));
    fc.assert(
      fc.property(student, (shape) => {
        const expert = expertShape(shape);
        for (const key of [
          "width",
          "layers",
          "heads",
          "keyValueHeads",
          "headWidth",
          "feedForward",
        ] as const)
          expect(Number.isInteger(expert[key]) && expert[key] > 0, key).toBe(true);
        checkModelShape(expert);
        expect(expert.layers).toBeLessThanOrEqual(shape.layers);
      }),
    );
    const odd = expertShape({ ...base, width: 48, heads: 3, keyValueHeads: 3, headWidth: 16 });
    const policy = engine.initialise(odd, Random.from(0, "weights"));
    expect(
      await engine.logprobs(policy, [{ tokens: [2], targets: [{ position: 0, token: 3 }] }]),
    ).toHaveLength(1);
  });

  test("is half the student's in width, heads and feed-forward, two layers, with its vocabulary and context", () => {
    const student = {
      ...base,
      width: 64,
      layers: 4,
      heads: 4,
      keyValueHeads: 4,
      headWidth: 16,
      feedForward: 160,
    };
    expect(expertShape(student)).toEqual({
      ...student,
      width: 32,
      layers: 2,
      heads: 2,
      keyValueHeads: 2,
      feedForward: 80,
    });
  });
});

describe("an expert", () => {
  test("learns to predict the attempts it is fitted to", async () => {
    const expert = await fitting(alwaysX);
    expect(expert).toMatchObject({ signature: "always-x", traces: 4, fittedAt: 7 });
    expect(await loss(expert, alwaysX)).toBeLessThan(0.1);
  });

  test("when refitted starts from what it knew, and takes a quarter of the steps", async () => {
    const first = await fitting(alwaysX);
    const before = engine.flops;
    const refitted = await fitting(alwaysX.slice(0, 2), first);
    const refit = engine.flops - before;
    expect(await loss(refitted, alwaysX)).toBeLessThan(0.1); // still knows the rows it was not shown again
    // A quarter of the steps from scratch would not do.
    const short = await fitExpert(
      engine,
      {
        signature: "always-x",
        traces: alwaysX,
        shape: base,
        student,
        tokenizer: cueTokenizer,
        maxActionSymbols: 1,
        previous: undefined,
        step: 0,
        random: Random.from(1, "expert"),
      },
      { ...settings, steps: 15 },
    );
    expect(await loss(short, alwaysX)).toBeGreaterThan(0.3);
    const start = engine.flops;
    await fitting(alwaysX.slice(0, 2));
    expect(refit / (engine.flops - start)).toBeCloseTo(1 / 4, 1);
  });

  test("of one signature never sees another's attempts", async () => {
    const corpus = Corpus.open(":memory:");
    const environment = cues as Environment;
    const options = { corpus, environment, engine, embedder: cuePolicy(rightWith(0.5)), step: 0 };
    const rows = ["abcd", "bbdd", "dacb", "cdba", "bdab", "ddca"];
    await remember(
      rows.map((row) => groupOf(row, ["xxxx", "xxxx", "yyyy", "yyyy"])),
      { ...options, source: "weak:both" },
    );
    const experts = new Map<string, Expert>();
    for (const signature of ["always-x", "always-y"]) {
      const traces = corpus.tracesForExpert("cues", signature, { limit: 64 }).map((t) => t.trace);
      expect(traces.length).toBeGreaterThan(0);
      expect(new Set(traces.flat().map((s) => s.action))).toEqual(new Set([signature.at(-1)]));
      experts.set(signature, await fitting(traces));
    }
    for (const [signature, expert] of experts) {
      const model = new PolicyModel({
        engine,
        policy: expert.policy,
        tokenizer: cueTokenizer,
        maxActionSymbols: 1,
      });
      const actions = await model.act(
        promptsOf(...Array.from({ length: 100 }, (_, i) => "abcd"[i % 4]!)),
        Random.from(3, "act"),
      );
      expect(actions.filter((a) => a.text === signature.at(-1)).length, signature).toBeGreaterThan(
        85,
      );
    }
    corpus.close();
  });
});
