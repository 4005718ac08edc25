/** How fast the local engine trains and samples: tokens a second at two model shapes. */
import { cpus } from "node:os";
import { newOptimizer, type TrainingSequence } from "../src/engine/engine.js";
import { LocalEngine } from "../src/engine/local.js";
import { parameterCount, type ModelShape } from "../src/engine/transformer.js";
import { Random } from "../src/random.js";

/** What was measured at one shape. */
export interface EngineBenchmark {
  readonly shape: string;
  readonly parameters: number;
  /** Median milliseconds of one optimizer step on `trainRows` sequences of `tokens` tokens. */
  readonly trainStepMilliseconds: number;
  readonly trainTokensPerSecond: number;
  /** Completion tokens sampled a second, `sampleRows` rows at once. */
  readonly sampleTokensPerSecond: number;
}

const common = { tied: false, ropeTheta: 10_000, normEpsilon: 1e-5 } as const;

const shapes: Readonly<Record<string, ModelShape>> = {
  "2 layers, width 64": {
    ...common,
    vocabulary: 32,
    width: 64,
    layers: 2,
    heads: 4,
    keyValueHeads: 4,
    headWidth: 16,
    feedForward: 128,
    context: 128,
  },
  "4 layers, width 128": {
    ...common,
    vocabulary: 256,
    width: 128,
    layers: 4,
    heads: 4,
    keyValueHeads: 4,
    headWidth: 32,
    feedForward: 344,
    context: 128,
  },
};

const tokens = 64;
const trainRows = 64;
const sampleRows = 256;
const repeats = 5;

/** Measures every shape, on one thread. */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const results: EngineBenchmark[] = [];
  for (const [name, shape] of Object.entries(shapes)) results.push(await measure(name, shape));
  return {
    benchmark: "engine",
    processor: cpus()[0]?.model,
    threads: 1,
    tokens,
    trainRows,
    sampleRows,
    results,
  };
}

async function measure(name: string, shape: ModelShape): Promise<EngineBenchmark> {
  const engine = new LocalEngine({ threads: 1 });
  const random = Random.from(0, "bench");
  const policy = engine.initialise(shape, random);
  const row = (length: number): number[] =>
    Array.from({ length }, () => 2 + random.below(shape.vocabulary - 2));
  const sequences = Array.from({ length: trainRows }, (): TrainingSequence => {
    const sequence = row(tokens);
    const targets = sequence.slice(1).map((token, position) => ({
      position,
      token,
      component: "crossEntropy" as const,
      coefficient: 1 / (trainRows * tokens),
      logprob: 0,
    }));
    return { tokens: sequence, targets };
  });
  const optimizer = newOptimizer(policy);
  const step = await median(() =>
    engine.trainStep(policy, optimizer, sequences, { learningRate: 1e-3 }),
  );
  const prompts = Array.from({ length: sampleRows }, () => row(8));
  const sampled = await median(() => engine.sample(policy, { prompts, maxTokens: tokens, random }));
  return {
    shape: name,
    parameters: parameterCount(shape),
    trainStepMilliseconds: Math.round(step * 10) / 10,
    trainTokensPerSecond: Math.round((1000 * trainRows * tokens) / step),
    sampleTokensPerSecond: Math.round((1000 * sampleRows * tokens) / sampled),
  };
}

/** Median milliseconds of `work`, after one run to warm up. */
async function median(work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(repeats / 2)]!;
}
