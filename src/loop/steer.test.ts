import { expect, test } from "vitest";
import { parseConfig, usesExperts, usesMistakes } from "../config/config.js";
import { LocalEngine } from "../engine/local.js";
import type { Task } from "../environments/environment.js";
import { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import { expertFor } from "./steer.js";

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
const fitted = { signature: "bug", policy: student, traces: 256, fittedAt: 0 };
const task = { level: "easy" } as Task;

function armOf(explore: object, committed: readonly (readonly [string, string])[] = []) {
  const config = parseConfig({ explore });
  const run = {
    state: { student, experts: new Map([["bug", fitted]]), committed: new Map(committed) },
  };
  const setup = { config, engine, base };
  return expertFor(run as unknown as Run, setup as unknown as Setup, task, Random.from(1, "arm"));
}

test("a stuck task is steered by its level's committed expert, by a named one, or by none", () => {
  expect(armOf({})).toBeUndefined();
  expect(armOf({}, [["easy", "bug"]])).toBe(fitted);
  expect(armOf({}, [["hard", "bug"]])).toBeUndefined();
  expect(armOf({ steerBy: "bug" })).toBe(fitted);
  expect(armOf({ steerBy: "unknown" })).toBeUndefined();
  expect(armOf({ steerBy: "random" })).toBe(fitted);
  expect(armOf({ form: "none", steerBy: "bug" })).toBeUndefined();
});

test("the past self is the student before training: one object for all tasks, and no expert is fitted", () => {
  const arm = armOf({ steerBy: "past-self" });
  expect(arm?.policy).toBe(base);
  expect(armOf({ steerBy: "past-self" })).toBe(arm);
  const config = parseConfig({ explore: { steerBy: "past-self" } });
  expect(usesExperts(config)).toBe(false);
  expect(usesMistakes(config)).toBe(true); // the charge
  expect(usesMistakes(parseConfig({ ...config, reward: { penalty: 0, diverge: 0 } }))).toBe(false);
});
