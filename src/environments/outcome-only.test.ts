import { expect, test } from "vitest";
import { parseConfig } from "../config/parse.js";
import { prepare } from "../launch/prepare.js";
import type { Environment, Trajectory, Verdict } from "./environment.js";
import { arithmetic } from "./arithmetic/arithmetic.js";
import { Random } from "../util/random.js";
import { outcomeOnly } from "./outcome-only.js";

/** An attempt at one task by a procedure, judged. */
async function judged(environment: Environment, name: string): Promise<Verdict> {
  const random = Random.from(1, name);
  const task = environment.draw({
    split: "train",
    level: "addition",
    random: Random.from(1, "task"),
  });
  const steps: { state: unknown; observation: string; action: string }[] = [];
  let turn = environment.start(task);
  while (!turn.terminated && !turn.truncated) {
    const { state, observation } = turn;
    const action = environment.procedures[name]!(state, random);
    steps.push({ state, observation, action });
    turn = await environment.step(state, action);
  }
  return environment.judge({ task, steps, end: turn } satisfies Trajectory<unknown>);
}

test("says whether an attempt is right and what it answered, and not where it went wrong", async () => {
  const told = arithmetic() as Environment;
  const untold = outcomeOnly(told);
  for (const procedure of ["correct", "drop-carry", "noise"]) {
    const { correct, answer, stop, ...labels } = await judged(told, procedure);
    expect(await judged(untold, procedure)).toEqual({ correct, answer, stop });
    expect(Object.keys(labels).length > 0).toBe(!correct);
  }
});

test("is what a run with labels=outcome trains in, which says what it cannot do", async () => {
  const config = { preset: "arithmetic", labels: "outcome" } as const;
  const { environment, notices } = await prepare(parseConfig(config));
  expect(await judged(environment, "noise")).not.toHaveProperty("firstError");
  expect(notices!.join()).toContain("no wrong step is known");
  const { notices: none } = await prepare(
    parseConfig({ ...config, explore: { form: "none" }, reward: { penalty: 0, diverge: 0 } }),
  );
  expect(none!.join()).not.toContain("no wrong step is known");
});
