import { beforeAll, describe, expect, it } from "vitest";
import { localOf } from "./local-policy.js";
import { Random } from "../util/random.js";
import type { TrainingSequence } from "./engine.js";
import { newOptimizer } from "./local-policies.js";
import { trainEpochs } from "./epochs.js";
import { LocalEngine } from "./local.js";
import { tinyPolicy, tinySequences } from "./testing.js";

const engine = new LocalEngine();
const policy = tinyPolicy();
let onPolicy: TrainingSequence[];

beforeAll(async () => {
  const sequences = tinySequences(12, 8, "policy");
  const logprobs = await engine.logprobs(policy, sequences);
  let at = 0;
  onPolicy = sequences.map((sequence) => ({
    ...sequence,
    targets: sequence.targets.map((target) => ({ ...target, logprob: logprobs[at++]! })),
  }));
});

describe("several steps on one batch", () => {
  it("of one epoch and one mini-batch are one step", async () => {
    const options = { learningRate: 0.01 };
    const expected = await engine.trainStep(policy, newOptimizer(policy), onPolicy, options);
    const { steps, ...actual } = await trainEpochs(
      engine,
      policy,
      newOptimizer(policy),
      onPolicy,
      options,
    );
    expect(actual).toEqual(expected);
    expect([steps, actual.clipFraction]).toEqual([1, 0]);
  });

  it("on stale log-probs are clipped: targets beyond the range no longer pull", async () => {
    const far = { learningRate: 0.05, epochs: 2 };
    const result = await trainEpochs(engine, policy, newOptimizer(policy), onPolicy, far);
    expect(result.steps).toBe(2);
    expect(result.optimizer.steps).toBe(2);
    // Of the two steps only the second found targets clipped; it computes nothing for that.
    expect(result.clipFraction).toBeGreaterThan(0.1);
    expect(result.clipFraction).toBeLessThan(0.5);
    const wide = { ...far, clipLow: 1, clipHigh: 1e9 };
    const free = await trainEpochs(engine, policy, newOptimizer(policy), onPolicy, wide);
    expect(free.clipFraction).toBe(0);
    expect(localOf(free.policy).weights).not.toEqual(localOf(result.policy).weights);
    // With every target clipped away in the second epoch there is no gradient left.
    const shut = { ...far, clipLow: 0, clipHigh: 0 };
    const moved = await engine.trainStep(policy, newOptimizer(policy), onPolicy, shut);
    const logprobs = await engine.logprobs(moved.policy, onPolicy);
    let at = 0;
    const beyond = onPolicy.map((s) => ({
      ...s,
      targets: s.targets.filter((t) => {
        const gap = logprobs[at++]! - t.logprob;
        return t.coefficient > 0 ? gap > 0 : gap < 0;
      }),
    }));
    const second = await engine.trainStep(moved.policy, newOptimizer(moved.policy), beyond, shut);
    expect(second.gradientNorm).toBe(0);
  });

  it("in mini-batches see every sequence once an epoch, with the weight of a whole batch", async () => {
    const seen: TrainingSequence[][] = [];
    const spy = Object.create(engine) as LocalEngine;
    spy.logprobs = () => Promise.reject(new Error("nothing but training steps is needed"));
    spy.trainStep = async (p, o, sequences, options) => {
      seen.push([...sequences]);
      return engine.trainStep(p, o, sequences, options);
    };
    const options = {
      learningRate: 0.001,
      epochs: 2,
      miniBatches: 3,
      random: Random.from(1, "deal"),
    };
    const { steps } = await trainEpochs(spy, policy, newOptimizer(policy), onPolicy, options);
    expect(steps).toBe(6);
    for (const epoch of [seen.slice(0, 3), seen.slice(3)]) {
      expect(epoch.map((batch) => batch.length)).toEqual([4, 4, 4]);
      expect(new Set(epoch.flat().map((s) => s.tokens))).toEqual(
        new Set(onPolicy.map((s) => s.tokens)),
      );
    }
    const [first] = seen[0]!;
    const whole = onPolicy.find((s) => s.tokens === first!.tokens)!;
    expect(first!.targets[0]!.coefficient).toBeCloseTo(3 * whole.targets[0]!.coefficient, 12);
    expect(seen[0]!.map((s) => s.tokens)).not.toEqual(seen[3]!.map((s) => s.tokens));
  });

  it("need a sequence for each mini-batch", async () => {
    await expect(
      trainEpochs(engine, policy, newOptimizer(policy), onPolicy.slice(0, 2), {
        learningRate: 0.1,
        miniBatches: 3,
        random: Random.from(1, "deal"),
      }),
    ).rejects.toThrow("3 mini-batches over 2 sequences");
  });
});
