import { afterAll, describe, expect, it } from "vitest";
import { Random } from "../util/random.js";
import type { SampleRequest, TrainingSequence } from "./engine.js";
import { newOptimizer } from "./local-policies.js";
import { localPolicy } from "./local-policy.js";
import { initialAdapter } from "./adapter.js";
import { LocalEngine } from "./local.js";
import { initialWeights } from "./shape.js";
import { tinyPolicy, tinySequences, tinyShape } from "./testing.js";
import { WorkerEngine } from "./worker-engine.js";

const local = new LocalEngine();
const worker = new WorkerEngine();
const policy = tinyPolicy();
const expert = tinyPolicy({ ...tinyShape, width: 8, layers: 1 }, 2);

afterAll(() => worker.close());

const request = (): SampleRequest => ({
  prompts: Array.from({ length: 20 }, (_, i) => [i % 11, (i * 3) % 7]),
  maxTokens: 10,
  stopToken: 8,
  topP: 0.9,
  random: Random.from(3, "sampling"),
});

const settings = { form: "repulsive", alpha: 0.5, mask: 0.05, floor: -3, exempt: [8] } as const;

describe("an engine in a thread", () => {
  it("samples, scores and embeds what the same engine gives here", async () => {
    expect(await worker.sample(policy, request())).toEqual(await local.sample(policy, request()));
    const mixed = { ...request(), steering: { expert, ...settings } };
    const again = { ...request(), steering: { expert, ...settings } };
    expect(await worker.sample(policy, mixed)).toEqual(await local.sample(policy, again));
    const sequences = tinySequences(9, 12);
    expect(await worker.logprobs(policy, sequences)).toEqual(
      await local.logprobs(policy, sequences),
    );
    const spans = [{ tokens: [1, 2, 3], start: 1, end: 3 }];
    expect(await worker.embed(policy, spans)).toEqual(await local.embed(policy, spans));
  });

  it("trains as the same engine does here, step after step, an adapter too", async () => {
    const shape = { rank: 2, alpha: 4, targets: ["q_proj", "down_proj"] } as const;
    const adapter = initialAdapter(tinyShape, shape, Random.from(5, "adapter"));
    for (const start of [policy, { ...policy, adapter }]) {
      let [a, b] = [start, start];
      let [first, second] = [newOptimizer(start), newOptimizer(start)];
      for (let step = 0; step < 3; step++) {
        const sequences = tinySequences(7 + step, 9);
        const here = await local.trainStep(a, first, sequences, { learningRate: 0.01 });
        const there = await worker.trainStep(b, second, sequences, { learningRate: 0.01 });
        expect(there).toEqual(here);
        [a, first] = [here.policy, here.optimizer];
        [b, second] = [there.policy, there.optimizer];
      }
      expect(await worker.sample(b, request())).toEqual(await local.sample(a, request()));
    }
  });

  it("keeps a policy whose step was not finite", async () => {
    const [sequence] = tinySequences(1, 5);
    const targets = sequence!.targets.map((t) => ({ ...t, coefficient: Infinity }));
    const optimizer = newOptimizer(policy);
    const options = { learningRate: 0.1 };
    const wrong: TrainingSequence[] = [{ ...sequence!, targets }];
    const result = await worker.trainStep(policy, optimizer, wrong, options);
    expect(result.finite).toBe(false);
    expect(result.policy.weights).toBe(policy.weights);
    expect(result.optimizer.first).toBe(optimizer.first);
  });

  it("passes on errors as they are", async () => {
    const wrong = { ...request(), prompts: [[99]] };
    await expect(worker.sample(policy, wrong)).rejects.toThrow(
      new RangeError("token 99 is outside the vocabulary of 11"),
    );
  });

  it("counts its work", async () => {
    const [flops, tokens] = [worker.flops, worker.tokens];
    await worker.logprobs(policy, [{ tokens: [1, 2, 3], targets: [] }]);
    expect(worker.tokens - tokens).toBe(3);
    expect(worker.flops - flops).toBe(2 * 3 * policy.weights.length);
  });

  it("counts what it was steered away from apart", async () => {
    const local = new LocalEngine();
    const mixed = () => ({ ...request(), steering: { expert, ...settings } });
    const before = { flops: worker.flops, steering: worker.steeringFlops };
    await worker.sample(policy, mixed());
    await local.sample(policy, mixed());
    const steering = worker.steeringFlops - before.steering;
    const student = worker.flops - before.flops - steering;
    // Both read and write the same tokens.
    expect(steering / expert.weights.length).toBe(student / policy.weights.length);
    expect([local.flops, local.steeringFlops]).toEqual([student + steering, steering]);
    await local.sample(policy, request());
    expect(local.steeringFlops).toBe(steering);
  });
});

/** A model and a batch that take a while. */
const heavyShape = { ...tinyShape, width: 256, layers: 6, headWidth: 64, feedForward: 1024 };
const heavy = localPolicy(heavyShape, initialWeights(heavyShape, Random.from(1, "heavy")));
const heavyBatch = tinySequences(64, 60);

describe("the thread that asks", () => {
  it("stays responsive while a step is taken", async () => {
    const optimizer = newOptimizer(heavy);
    await worker.trainStep(heavy, optimizer, heavyBatch.slice(0, 1), { learningRate: 0.01 });
    let beats = 0;
    const beat = setInterval(() => beats++, 5);
    await worker.trainStep(heavy, optimizer, heavyBatch, { learningRate: 0.01 });
    clearInterval(beat);
    // On this thread the step would have let none through but between its micro-batches.
    expect(beats).toBeGreaterThan(5);
  });

  it("gets its aborted call back at once, and the next one is answered", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const step = worker.trainStep(heavy, newOptimizer(heavy), heavyBatch, {
      learningRate: 0.01,
      signal: controller.signal,
    });
    let settled = false;
    const caught = step.catch((error: unknown) => {
      settled = true;
      return error;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(settled).toBe(false);
    controller.abort(reason);
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(true);
    expect(await caught).toBe(reason);
    expect(await worker.logprobs(policy, [{ tokens: [1], targets: [] }])).toHaveLength(0);
    await expect(
      worker.sample(policy, { ...request(), signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
  });

  it("is told when the thread dies, and the next call starts another", async () => {
    const own = new WorkerEngine();
    const sequences = tinySequences(4, 6);
    const before = await own.logprobs(policy, sequences);
    const step = own.trainStep(heavy, newOptimizer(heavy), heavyBatch, { learningRate: 0.01 });
    await own.close();
    await expect(step).rejects.toMatchObject({
      code: "ENGINE_WORKER",
      message: expect.stringContaining("thread ended"),
      hint: expect.stringContaining("resumed"),
    });
    expect(await own.logprobs(policy, sequences)).toEqual(before);
    await own.close();
  });
});

describe("an engine of two threads", () => {
  const pair = new LocalEngine({ threads: 2 });

  afterAll(() => pair.close());

  it("samples the same tokens as one thread", async () => {
    const [here, both] = [
      await local.sample(policy, request()),
      await pair.sample(policy, request()),
    ];
    expect(both.map((c) => c.tokens)).toEqual(here.map((c) => c.tokens));
  });

  it("scores and trains as one thread does, up to rounding", async () => {
    const sequences = tinySequences(40, 20);
    const [scores, expected] = [
      await pair.logprobs(policy, sequences),
      await local.logprobs(policy, sequences),
    ];
    scores.forEach((l, i) => {
      expect(l).toBeCloseTo(expected[i]!, 4);
    });
    const options = { learningRate: 0.01 };
    const step = (): ReturnType<LocalEngine["trainStep"]> =>
      pair.trainStep(policy, newOptimizer(policy), sequences, options);
    const [here, both] = [
      await local.trainStep(policy, newOptimizer(policy), sequences, options),
      await step(),
    ];
    expect(both.loss).toBeCloseTo(here.loss, 5);
    expect(both.entropy).toBeCloseTo(here.entropy, 5);
    both.optimizer.first.forEach((m, i) => {
      expect(m).toBeCloseTo(here.optimizer.first[i]!, 6);
    });
    expect((await step()).policy.weights).toEqual(both.policy.weights);
    expect(pair.tokens).toBeGreaterThan(0);
  });
});
