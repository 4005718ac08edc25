import { expect, test } from "vitest";
import { outcomesSeen, shuffledActions, standIn } from "./stand-ins.js";
import { parseConfig } from "../config/config.js";
import { LocalEngine } from "../engine/local.js";
import { Random } from "../util/random.js";
import type { Setup } from "../run/setup.js";
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
const student = engine.initialise(shape, Random.from(0, "student"));

function setupWith(expert: "random" | "student"): Setup {
  const config = parseConfig({ seed: 3, ablate: { expert } });
  return { config, engine, base } as unknown as Setup;
}

test("a stand-in is the student, or a network of random weights", () => {
  expect(standIn({ student }, setupWith("student")).policy).toBe(student);
  const setup = setupWith("random");
  const random = standIn({ student }, setup);
  expect(random.policy.shape.vocabulary).toBe(shape.vocabulary);
  expect([student, base]).not.toContain(random.policy);
  // One object for all tasks, so that they are played together; the same weights after a resume.
  expect(standIn({ student: base }, setup)).toBe(random);
  expect(standIn({ student }, setupWith("random")).policy.weights).toEqual(random.policy.weights);
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
