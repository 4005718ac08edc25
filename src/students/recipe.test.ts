import { describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import { imitationExamples, shapeFor, trainStage, type Recipe } from "./recipe.js";
import { LocalEngine } from "../engine/local.js";
import { checkModelShape } from "../engine/transformer.js";
import type { Environment } from "../environments/environment.js";
import { presets } from "./presets/presets.js";
import { Random } from "../util/random.js";
import { lexiconTokenizer } from "../models/tokenizer.js";
import { cues, cueTask, cueTokenizer, rightAnswer } from "../testing/testing.js";

const environment = cues as Environment;
const engine = new LocalEngine();

describe("examples to imitate", () => {
  test("are whole attempts, one procedure each, in the shares of the mixture", async () => {
    const tasks = Array.from({ length: 400 }, () => cueTask("bdbd"));
    const mixture = { correct: 0.25, "always-x": 0.75 };
    const examples = await imitationExamples(
      environment,
      tasks,
      mixture,
      Random.from(0, "examples"),
    );
    expect(examples).toHaveLength(1600);
    const attempts = tasks.map((_task, i) => examples.slice(4 * i, 4 * i + 4));
    const actions = attempts.map((steps) => steps.map((s) => s.action).join(""));
    expect(new Set(actions)).toEqual(new Set(["yyyy", "xxxx"])); // never half of one and half of the other
    const right = actions.filter((a) => a === rightAnswer("bdbd")).length;
    expect(Math.abs(right - 100)).toBeLessThan(35); // four deviations
    expect(attempts.every((steps) => steps.map((s) => s.prompt).join("") === "bdbd")).toBe(true);
  });
});

describe("a stage", () => {
  const stage = {
    mixture: { correct: 1 },
    levels: ["long"],
    tasks: 40,
    steps: 4,
    batch: 16,
    learningRate: 1e-2,
  };
  const recipe: Recipe = {
    size: { width: 16, layers: 1, heads: 2, feedForward: 16 },
    seed: 3,
    stages: [stage, { ...stage, mixture: { "always-x": 1 } }],
  };
  const train = (of: Recipe, index: number, before?: Awaited<ReturnType<typeof trainStage>>) =>
    trainStage(engine, environment, cueTokenizer, of, index, before);

  test("is a function of the recipe up to it alone", async () => {
    const first = await train(recipe, 0);
    expect(localOf(await train({ ...recipe, stages: [stage] }, 0)).weights).toEqual(
      localOf(first).weights,
    );
    expect(localOf(await train({ ...recipe, seed: 4 }, 0)).weights).not.toEqual(
      localOf(first).weights,
    );
    const second = await train(recipe, 1, first);
    expect(localOf(await train(recipe, 1, first)).weights).toEqual(localOf(second).weights);
    expect(localOf(second).weights).not.toEqual(localOf(first).weights);
  });

  test("reports every step, and can be stopped", async () => {
    const controller = new AbortController();
    const told: unknown[] = [];
    const run = trainStage(engine, environment, cueTokenizer, recipe, 0, undefined, {
      signal: controller.signal,
      onStep: ({ loss, ...progress }) => {
        expect(Number.isFinite(loss)).toBe(true);
        told.push(progress);
        if (told.length === 3) controller.abort();
      },
    });
    await expect(run).rejects.toThrow(/abort/);
    expect(told).toEqual([0, 1, 2].map((step) => ({ stage: 0, step, steps: 4 })));
  });
});

describe("presets", () => {
  test.each(Object.values(presets).map((preset) => [preset.name, preset] as const))(
    "%s can be built: its shapes fit, its procedures, levels and partners exist",
    (_name, preset) => {
      const made = preset.environment();
      const tokenizer = lexiconTokenizer(made);
      // Beside the listed levels an environment may draw longer tasks: `addition-10`.
      for (const level of preset.levels)
        expect(made.draw({ split: "test", level, random: Random.from(0, "recipe") }).level).toBe(
          level,
        );
      if (preset.bug !== undefined) expect(Object.keys(made.procedures)).toContain(preset.bug);
      for (const { size, stages } of [preset.student, ...Object.values(preset.partners)]) {
        const shape = shapeFor(made, tokenizer, size);
        checkModelShape(shape);
        expect(shape.heads * shape.headWidth).toBe(shape.width);
        expect(shape.context).toBeGreaterThan(made.maxObservationSymbols);
        for (const { mixture, levels } of stages) {
          expect(Object.keys(made.procedures)).toEqual(
            expect.arrayContaining(Object.keys(mixture)),
          );
          expect(made.levels).toEqual(expect.arrayContaining([...levels]));
          expect(Object.values(mixture).every((share) => share > 0)).toBe(true);
        }
      }
    },
  );
});
