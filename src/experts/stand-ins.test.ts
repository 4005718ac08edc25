import { expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import { outcomesSeen, randomExpert, shuffledActions } from "./stand-ins.js";
import { LocalEngine } from "../engine/local.js";
import { Random } from "../util/random.js";
import { preferNewAnswers } from "../play/rejection.js";
import type { Rollout } from "../play/play.js";

const engine = new LocalEngine();
const shape = {
  vocabulary: 5,
  width: 8,
  layers: 1,
  heads: 2,
  keyValueHeads: 2,
  headWidth: 4,
  feedForward: 16,
  context: 8,
  tied: false,
  ropeTheta: 10_000,
  normEpsilon: 1e-5,
};
const base = engine.initialise(shape, Random.from(0, "base"));

test("a network of random weights is no model of anything, and the same for equal seeds", () => {
  const random = randomExpert(engine, base, 3);
  expect(random.shape.vocabulary).toBe(shape.vocabulary);
  expect(localOf(random).weights).not.toEqual(localOf(randomExpert(engine, base, 4)).weights);
  expect(localOf(random).weights).toEqual(localOf(randomExpert(engine, base, 3)).weights);
});

test("shuffled actions keep every state and every action, but not who goes with whom", () => {
  const traces = Array.from({ length: 20 }, (_, i) => [
    { prompt: `p${i}`, action: `a${i}` },
    { prompt: `q${i}`, action: `b${i}` },
  ]);
  const shuffled = shuffledActions(traces, Random.from(0, "shuffle"));
  const of = (list: typeof traces, key: "prompt" | "action"): string[] =>
    list.flat().map((e) => e[key]);
  expect(of(shuffled, "prompt")).toEqual(of(traces, "prompt"));
  expect(of(shuffled, "action").toSorted()).toEqual(of(traces, "action").toSorted());
  const same = shuffled.flat().filter((e) => e.action.slice(1) === e.prompt.slice(1)).length;
  expect(same).toBeLessThan(10);
});

test("outcomes are what happened, or fair coins", () => {
  const outcomes = new Array<number>(1000).fill(1);
  expect(outcomesSeen(outcomes, { randomReward: false }, Random.from(0, "coin"))).toEqual(outcomes);
  const coins = outcomesSeen(outcomes, { randomReward: true }, Random.from(0, "coin"));
  const heads = coins.reduce((a, b) => a + b, 0);
  expect(heads).toBeGreaterThan(430);
  expect(heads).toBeLessThan(570);
});

test("new answers come first, in the order drawn, whether right or wrong", () => {
  const rollout = (answer: string, correct = false): Rollout =>
    ({ verdict: { answer, correct, stop: "wrong" } }) as unknown as Rollout;
  const drawn = [rollout("1"), rollout("2"), rollout("1"), rollout("3", true)];
  const kept = preferNewAnswers(drawn, new Set(["1"]), 3);
  expect(kept).toEqual([drawn[1], drawn[3], drawn[0]]);
});
