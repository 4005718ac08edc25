import { describe, expect, test } from "vitest";
import { parseConfig } from "../config/parse.js";
import { newOptimizer } from "../engine/local-policies.js";
import { LocalEngine } from "../engine/local.js";
import { trainingSequences, type ScoredGroup } from "../learn/sequences.js";
import { cuePolicy, cueTokenizer, groupOf, rightWith } from "../testing/testing.js";
import { Random } from "../util/random.js";
import { optimize } from "./optimize.js";

describe("several optimizer steps on one batch", () => {
  const signal = { advantage: 1, charge: 0 };
  const scored: ScoredGroup[] = [
    { group: groupOf("ab", ["xy", "xy", "xx", "yy"]), signals: [signal, signal, signal, signal] },
  ];

  test("are as many as epochs times mini-batches, at the scheduled rate", async () => {
    const config = parseConfig({
      steps: 11,
      learningRate: 1e-2,
      optimizer: { epochs: 2, miniBatches: 2, schedule: "linear" },
    });
    const rates: number[] = [];
    const engine = new LocalEngine();
    const train = engine.trainStep.bind(engine);
    engine.trainStep = (policy, state, sequences, options) => {
      rates.push(options.learningRate);
      return train(policy, state, sequences, options);
    };
    const student = cuePolicy(rightWith(0.5));
    const sequences = trainingSequences(scored, cueTokenizer, "step", { merge: false });
    const update = await optimize(
      { config, engine },
      { step: 5, student, optimizer: newOptimizer(student) },
      sequences,
      Random.from(0, "mini-batches"),
    );
    expect(update!.steps).toBe(4);
    expect(rates.every((rate) => Math.abs(rate - 0.5e-2) < 1e-9)).toBe(true);
  });

  test("nothing to learn is no step", async () => {
    const student = cuePolicy(rightWith(0.5));
    const state = { step: 0, student, optimizer: newOptimizer(student) };
    const setup = { config: parseConfig({}), engine: new LocalEngine() };
    expect(await optimize(setup, state, [], Random.from(0, "none"))).toBeUndefined();
  });
});
