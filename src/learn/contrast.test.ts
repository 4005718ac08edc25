import { describe, expect, test } from "vitest";
import { anchorsOf, contrast, labelledSteps, type ContrastOptions } from "./contrast.js";
import type { Policy } from "../engine/engine.js";
import { newOptimizer } from "../engine/local-policies.js";
import { LocalEngine } from "../engine/local.js";
import { Random } from "../util/random.js";
import { cuePolicy, cues, cueTokenizer, groupOf, rightWith } from "../testing/testing.js";
import { shapeFor } from "../students/recipe.js";
import type { Environment } from "../environments/environment.js";

const engine = new LocalEngine();
const shape = shapeFor(cues as Environment, cueTokenizer, {
  width: 16,
  layers: 3,
  heads: 2,
  feedForward: 32,
});
const policy = engine.initialise(shape, Random.from(1, "policy"));
const options: ContrastOptions = {
  mode: "full",
  weight: 0.05,
  temperature: 0.1,
  size: 8,
  headLearningRate: 1e-3,
  corpusNegatives: 32,
};
// a, c ask for x; b, d for y.
const mixed = groupOf("abcd", ["xyxy", "xxxy", "xyyx"]);
const input = {
  engine,
  policy,
  reference: policy,
  head: undefined,
  mistakes: [],
  random: Random.from(0, "contrast"),
};

describe("labelled steps", () => {
  const steps = labelledSteps([mixed]);
  const texts = (correct: boolean): string[] =>
    steps
      .filter((s) => s.correct === correct)
      .map((s) => `${s.prompt.join(",")}>${s.completion.join(",")}`);

  test("are all of a right attempt, and of a wrong one those up to its first error", () => {
    expect(texts(true)).toHaveLength(4); // one for each cue, whoever took it
    expect(texts(false)).toHaveLength(2); // b>x and c>y; what came after them is ignored
  });

  test("know every attempt that took them", () => {
    expect(steps.find((s) => s.correct)!.rollouts).toHaveLength(3);
  });

  test("leave out heuristic first errors and attempts that a teacher took part in", () => {
    const [right, wrong] = mixed.rollouts;
    const guess = { ...wrong!.verdict.firstError!, evidence: "heuristic" as const };
    const heuristic = { ...wrong!, verdict: { ...wrong!.verdict, firstError: guess } };
    const group = { ...mixed, rollouts: [{ ...right!, guided: "hint" as const }, heuristic] };
    expect(labelledSteps([group])).toEqual([]);
  });
});

describe("anchors", () => {
  const steps = labelledSteps([mixed]);

  test("are right steps at forks, with the wrong step of the same state against them", () => {
    const anchors = anchorsOf(steps, 0);
    expect(anchors).toHaveLength(2);
    for (const { anchor, positives, negatives } of anchors) {
      expect(steps[anchor]!.correct).toBe(true);
      expect(negatives.map((i) => steps[i]!.state)).toEqual([steps[anchor]!.state]);
      expect(positives.every((i) => steps[i]!.correct && i !== anchor)).toBe(true);
      expect(positives).toHaveLength(3); // of the same task, for the state has one right action
    }
  });

  test("take no more negatives from the corpus than the student gave", () => {
    for (const { negatives } of anchorsOf(steps, 32)) expect(negatives).toHaveLength(2);
  });

  test("need an error: a group that is all right has none", () => {
    expect(anchorsOf(labelledSteps([groupOf("ab", ["xy", "xy"])]), 5)).toEqual([]);
  });
});

describe("contrast", () => {
  test("full asks the engine for the gradient of the steps' hidden states, times the weight", async () => {
    const { head } = await contrast([mixed], input, options);
    const one = await contrast([mixed], { ...input, head }, options);
    const ten = await contrast([mixed], { ...input, head }, { ...options, weight: 0.5 });
    expect(one.anchors).toBe(2);
    expect(one.sequences).toHaveLength(6);
    const norm = (c: typeof one): number =>
      Math.hypot(...c.sequences.flatMap((s) => [...s.hidden![0]!.gradient]));
    expect(norm(one)).toBeGreaterThan(0);
    expect(norm(ten) / norm(one)).toBeCloseTo(10, 3);
  });

  test("head trains the projection alone, reward lowers right attempts by at most a half", async () => {
    const head = await contrast([mixed], input, { ...options, mode: "head" });
    expect(head.sequences).toEqual([]);
    expect(head.head!.steps).toBe(1);
    const reward = await contrast([mixed], input, { ...options, mode: "reward" });
    expect(reward.stopped).toBeUndefined();
    expect([...reward.bonus.keys()]).toEqual([mixed.rollouts[0]]);
    for (const bonus of reward.bonus.values()) {
      expect(bonus).toBeLessThan(0);
      expect(bonus).toBeGreaterThanOrEqual(-0.5);
    }
  });

  test("off, and without forks, there is nothing", async () => {
    expect((await contrast([mixed], input, { ...options, mode: "off" })).sequences).toEqual([]);
    const none = await contrast([groupOf("ab", ["xy", "xy"])], input, options);
    expect(none.sequences).toEqual([]);
  });

  test("logprob raises right steps and lowers wrong ones of the same state, as NCA's slope says", async () => {
    const { sequences, loss, auc } = await contrast(
      [mixed],
      { ...input, policy: cuePolicy(rightWith(0.5)), reference: cuePolicy(rightWith(0.45)) },
      { ...options, mode: "logprob" },
    );
    const coefficients = sequences.flatMap((s) => s.targets.map((t) => t.coefficient));
    expect(coefficients.filter((c) => c > 0)).toHaveLength(2);
    expect(coefficients.filter((c) => c < 0)).toHaveLength(2);
    // pi = .5 for both; the reference gave .45 to the right action and .55 to the wrong one.
    const [w, l] = [2 * Math.log(0.5 / 0.45), 2 * Math.log(0.5 / 0.55)];
    const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
    const expected =
      -Math.log(sigmoid(w)) - 0.5 * Math.log(sigmoid(-w)) - 0.5 * Math.log(sigmoid(-l));
    expect(loss).toBeCloseTo(expected, 3);
    expect(auc).toBe(1);
    const slope = (2 / 2) * (-sigmoid(-w) + 0.5 * sigmoid(w));
    expect(Math.max(...coefficients)).toBeCloseTo(-0.05 * slope, 4);
  });
});

test("full pulls the embeddings apart when the engine trains on it", async () => {
  let [student, optimizer] = [policy, newOptimizer(policy)];
  const frozen = await contrast([mixed], input, options);
  const loss = async (p: Policy): Promise<number> =>
    (await contrast([mixed], { ...input, policy: p, head: frozen.head }, options)).loss;
  const before = await loss(student);
  for (let step = 0; step < 30; step++) {
    const { sequences } = await contrast(
      [mixed],
      { ...input, policy: student, head: frozen.head },
      { ...options, weight: 1 },
    );
    const target = {
      position: 0,
      token: 3,
      component: "crossEntropy" as const,
      coefficient: 0,
      logprob: 0,
    };
    const anchor = { tokens: [2], targets: [target] };
    ({ policy: student, optimizer } = await engine.trainStep(
      student,
      optimizer,
      [anchor, ...sequences],
      { learningRate: 1e-2 },
    ));
  }
  expect(await loss(student)).toBeLessThan(before * 0.7);
});
