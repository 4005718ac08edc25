import { expect, test } from "vitest";
import type { ConfigInput } from "../config/config.js";
import { parseConfig } from "../config/parse.js";
import { usesExperts, usesMistakes } from "../config/uses.js";
import type { Policy } from "../engine/engine.js";
import { LocalEngine } from "../engine/local.js";
import type { Task } from "../environments/environment.js";
import type { GroupSteering } from "../play/explore.js";
import { Random } from "../util/random.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import { Partners } from "../partners/partner.js";
import { steeringFor } from "./steer.js";

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
const fitted = {
  signature: "bug",
  policy: engine.initialise(shape, Random.from(0, "bug")),
  traces: 256,
  fittedAt: 0,
};
const weak = engine.initialise(shape, Random.from(0, "weak"));
const task = { level: "easy" } as Task;

function steering(
  config: ConfigInput,
  committed: readonly (readonly [string, string])[] = [],
): GroupSteering {
  const partners = new Partners({ partners: new Map([["left", weak]]) });
  const run = {
    partners,
    state: { student, experts: new Map([["bug", fitted]]), committed: new Map(committed) },
  };
  const setup = { config: parseConfig(config), engine, base };
  return steeringFor(run as unknown as Run, setup as unknown as Setup, Random.from(1, "arm"));
}

const expertOf = (
  explore: NonNullable<ConfigInput["explore"]>,
  committed: readonly (readonly [string, string])[] = [],
): Policy | undefined => steering({ explore }, committed).expertFor(task);

test("a stuck task is steered by its level's committed expert, by a named one, or by none", () => {
  expect(expertOf({})).toBeUndefined();
  expect(expertOf({}, [["easy", "bug"]])).toBe(fitted.policy);
  expect(expertOf({}, [["hard", "bug"]])).toBeUndefined();
  expect(expertOf({ steerBy: "bug" })).toBe(fitted.policy);
  expect(expertOf({ steerBy: "unknown" })).toBeUndefined();
  expect(expertOf({ steerBy: "random" })).toBe(fitted.policy);
  expect(expertOf({ form: "none", steerBy: "bug" })).toBeUndefined();
});

test("the past self is the student before training: one policy for all tasks, and no expert is fitted", () => {
  const pastSelf: ConfigInput = { explore: { steerBy: "past-self" } };
  expect(steering(pastSelf).expertFor(task)).toBe(base);
  const config = parseConfig(pastSelf);
  expect(usesExperts(config)).toBe(false);
  expect(usesMistakes(config)).toBe(true); // the charge
  expect(usesMistakes(parseConfig({ ...config, reward: { penalty: 0, diverge: 0 } }))).toBe(false);
});

test("a stand-in is the student, or one network of random weights for all tasks", () => {
  expect(steering({ ablate: { expert: "student" } }).expertFor(task)).toBe(student);
  const { expertFor } = steering({ ablate: { expert: "random" } });
  const random = expertFor(task);
  expect([student, base]).not.toContain(random);
  expect(random).toBeDefined();
  expect(expertFor({ ...task, level: "hard" })).toBe(random); // so that both are played together
});

test("a weak partner steers as it is, and nothing is fitted", () => {
  const explore: ConfigInput["explore"] = { steerBy: "weak:left" };
  expect(expertOf(explore)).toBe(weak);
  expect(usesExperts(parseConfig({ explore }))).toBe(false);
  expect(() => expertOf({ steerBy: "weak:right" })).toThrow(
    expect.objectContaining({
      code: "PARTNER_UNKNOWN",
      hint: "partners that play: left",
    }) as Error,
  );
});
