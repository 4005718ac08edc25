import { expect, test } from "vitest";
import { demoConfigs, demoVerdict, type DemoCurve } from "./demo.js";

const curve = (after: number, stepsTo50: number | null, stepsTo80: number | null): DemoCurve => ({
  before: 0.1,
  after,
  stepsTo50,
  stepsTo80,
});

test.each([
  [
    curve(0.9, 10, 40),
    curve(0.8, 15, 60),
    "Errata was faster to 80%: in 40 steps, plain GRPO in 60 steps. Errata ended higher: 0.900 against 0.800.",
  ],
  [
    curve(0.7, 10, null),
    curve(0.8, 15, 60),
    "Plain GRPO was faster to 80%: in 60 steps, Errata not at all. Plain GRPO ended higher: 0.800 against 0.700.",
  ],
  [
    curve(0.6, 10, null),
    curve(0.7, 15, null),
    "Errata was faster to 50%: in 10 steps, plain GRPO in 15 steps. Plain GRPO ended higher: 0.700 against 0.600.",
  ],
  [curve(0.2, null, null), curve(0.2, null, null), "Neither reached 50%. Both ended at 0.200."],
])("the verdict names whichever was ahead", (student, grpo, verdict) => {
  expect(demoVerdict({ student, grpo })).toBe(verdict);
});

test("the arms differ in the method alone", () => {
  const { student, grpo } = demoConfigs({ preset: "arithmetic", seed: 3, steps: 9 });
  const { reward, explore, partners, ...same } = grpo;
  expect(student).toMatchObject(same);
  expect(reward).toEqual({ ...student.reward, penalty: 0, diverge: 0 });
  expect(explore).toEqual({ ...student.explore, form: "none" });
  expect(partners).toEqual({ ...student.partners, names: [] });
});
