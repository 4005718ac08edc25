import { expect, test } from "vitest";
import { Random } from "../util/random.js";
import { newOptimizer } from "./local-policies.js";
import { HaltingEngine } from "./halting.js";
import { LocalEngine } from "./local.js";
import { tinyPolicy, tinySequences } from "./testing.js";

const policy = tinyPolicy();
const request = (): Parameters<LocalEngine["sample"]>[1] => ({
  prompts: [[1], [2, 3]],
  maxTokens: 4,
  random: Random.from(3, "sampling"),
});

test("computes what a local engine does, until it is halted, and then nothing", async () => {
  const controller = new AbortController();
  const engine = new HaltingEngine({}, controller.signal);
  expect(await engine.sample(policy, request())).toEqual(
    await new LocalEngine().sample(policy, request()),
  );
  const reason = new Error("abandoned");
  const running = engine.sample(policy, { ...request(), maxTokens: 9 });
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
  await expect(engine.sample(policy, request())).rejects.toBe(reason);
  const step = engine.trainStep(policy, newOptimizer(policy), tinySequences(4, 6), {
    learningRate: 0.1,
  });
  await expect(step).rejects.toBe(reason);
});
