import { expect, test } from "vitest";
import { demoConfigs, demoSentence, type DemoCurve } from "./demo.js";

const curve = (after: number, stepsTo50: number | null, stepsTo80: number | null): DemoCurve => ({
  before: 0.1,
  after,
  stepsTo50,
  stepsTo80,
});

const flops = { student: 150, grpo: 100 };
const ends = { flops, steps: 30, evaluationTasks: 400 };

test.each([
  [
    curve(0.8, 10, 30),
    curve(0.09, null, null),
    "After 30 steps Errata's student solves 80% of new tasks and plain GRPO's 9%, at 1.5 times its computing.",
  ],
  [
    curve(0.7, 10, null),
    curve(0.8, 15, 60),
    "After 30 steps Errata's student solves 70% of new tasks and plain GRPO's 80%: here plain GRPO is better, and Errata came at 1.5 times its computing.",
  ],
  [
    curve(0.94, 10, 20),
    curve(0.95, 10, 20),
    "After 30 steps Errata's student solves 94% of new tasks and plain GRPO's 95%: no difference that this many tasks could show, at 1.5 times its computing.",
  ],
])("the sentence says what came out, whatever it was", (student, grpo, sentence) => {
  expect(demoSentence({ ...ends, student, grpo })).toBe(sentence);
});

test("the sentence says where nothing was measured", () => {
  const unmeasured = { ...curve(0, null, null), after: null };
  expect(demoSentence({ ...ends, student: unmeasured, grpo: unmeasured })).toMatch(
    /^Nothing was measured/,
  );
});

test("the arms differ in the method alone", () => {
  const { errata, grpo } = demoConfigs({ preset: "arithmetic", seed: 3, steps: 9 });
  const { reward, explore, partners, ...same } = grpo;
  expect(errata).toMatchObject(same);
  expect(reward).toEqual({ ...errata.reward, penalty: 0, diverge: 0 });
  expect(explore).toEqual({ ...errata.explore, form: "none" });
  expect(partners).toEqual({ ...errata.partners, names: [] });
});
