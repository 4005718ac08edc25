/** The local engine against PyTorch and TRL, round by round in turn: train steps, rollouts, GRPO steps. */
import { cpus, loadavg } from "node:os";
import type { TrainingSequence } from "../src/engine/engine.js";
import { LocalEngine } from "../src/engine/local.js";
import { newOptimizer } from "../src/engine/local-policies.js";
import type { LocalPolicy } from "../src/engine/local-policy.js";
import type { Steering } from "../src/engine/steering.js";
import type { ModelShape } from "../src/engine/shape.js";
import { Random } from "../src/util/random.js";
import { missing, Peer, type PeerAnswer } from "./peers/peer.js";

/** One comparison; `ours` and `peer` are medians in `unit`. */
export interface EngineResult {
  readonly name: string;
  readonly ours: number;
  /** Absent where the peer could not run. */
  readonly peer?: number;
  /** Median over the rounds of ours / peer in the same round, which outside load touches alike. */
  readonly ratio?: number;
  readonly unit: string;
  /** Rounds measured, after one to warm up. */
  readonly runs: number;
  /** What the ratio has to reach, or for `at most` bars stay under. */
  readonly bar: number;
  readonly note?: string;
}

const common = { tied: false, ropeTheta: 10_000, normEpsilon: 1e-5, context: 128 } as const;
const million: ModelShape = {
  ...common,
  vocabulary: 64,
  width: 128,
  layers: 4,
  heads: 4,
  keyValueHeads: 4,
  headWidth: 32,
  feedForward: 512,
};
const small: ModelShape = { ...million, width: 64, layers: 3, headWidth: 16, feedForward: 256 };
/** The expert of steered sampling: a quarter of the student's weights. */
const quarter: ModelShape = { ...million, width: 64, headWidth: 16, feedForward: 256 };
/** https://huggingface.co/HuggingFaceTB/SmolLM2-135M/blob/main/config.json */
const smol: ModelShape = {
  vocabulary: 49_152,
  width: 576,
  layers: 30,
  heads: 9,
  keyValueHeads: 3,
  headWidth: 64,
  feedForward: 1536,
  context: 2048,
  tied: true,
  ropeTheta: 100_000,
  normEpsilon: 1e-5,
};

const threads = 2;
const random = Random.from(0, "bench");

/** A case: one round of ours and of the peer's, both in seconds, and what a round produces. */
export interface Case {
  readonly name: string;
  readonly unit: string;
  /** Units of work a round does; rates are this over seconds. */
  readonly work: number;
  readonly bar: number;
  readonly rounds: number;
  readonly ours: () => Promise<number>;
  readonly peer?: (() => Promise<PeerAnswer>) | undefined;
  readonly note?: () => string;
}

/** All cases, beside what peers there are. */
export function cases(
  engine: LocalEngine,
  decoder?: Peer,
  started?: (script: string, argument: unknown) => Peer,
): Case[] {
  return [
    trainCase(engine, decoder, "train step, 1.07M", million, 64, 64, 1, 15),
    rolloutCase(engine, decoder, "rollouts, 1.07M, 256 rows", million, 256, 64, 1.5, 9),
    rolloutCase(engine, decoder, "rollouts, 1.07M, 32 rows", million, 32, 64, 1.3, 15),
    steeredCase(engine),
    grpoCase(engine, started, "1.07M", million, 2),
    grpoCase(engine, started, "0.2M", small, 4),
    rolloutCase(engine, decoder, "rollouts, 135M, 16 rows", smol, 16, 32, 0.8, 3),
    trainCase(engine, decoder, "LoRA train step, 135M", smol, 8, 64, 0.8, 3, 16),
    trainCase(engine, decoder, "train step, 135M", smol, 8, 64, 0.8, 3),
  ];
}

/** Measures every case whose name contains `ERRATA_BENCH_ONLY`; all by default. */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const engine = new LocalEngine({ threads });
  const torch = missing("import torch");
  const trl = torch ?? missing("import datasets, tokenizers, trl; trl.GRPOTrainer");
  for (const fault of new Set([torch, trl]))
    if (fault !== undefined) process.stderr.write(`peer skipped: ${fault}\n`);
  const peers: Peer[] = [];
  const started = (script: string, argument?: unknown): Peer => {
    const peer = new Peer(script, argument);
    peers.push(peer);
    return peer;
  };
  const only = process.env["ERRATA_BENCH_ONLY"] ?? "";
  const results: EngineResult[] = [];
  try {
    const decoder = torch === undefined ? started("decoder.py") : undefined;
    for (const each of cases(engine, decoder, trl === undefined ? started : undefined))
      if (each.name.includes(only)) results.push(await measure(each));
  } finally {
    for (const peer of peers) peer.close();
    await engine.close();
  }
  return { benchmark: "engine", results, machine: machine() };
}

/** Where and under what load it was measured. */
function machine(): Readonly<Record<string, unknown>> {
  return {
    processor: cpus()[0]?.model,
    cores: cpus().length,
    threads,
    node: process.version,
    load: loadavg(),
  };
}

async function measure({
  name,
  unit,
  work,
  bar,
  rounds,
  ours,
  peer,
  note,
}: Case): Promise<EngineResult> {
  let fault: string | undefined;
  /** A round of the peer's, as long as it lives. */
  const theirRound = async (): Promise<number | undefined> => {
    if (peer === undefined || fault !== undefined) return undefined;
    try {
      return work / (await peer()).seconds;
    } catch (error) {
      fault = `peer: ${(error as Error).message}`;
      return undefined;
    }
  };
  await ours();
  await theirRound();
  const own: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < rounds; i++) {
    own.push(work / (await ours()));
    const rate = await theirRound();
    if (rate !== undefined) theirs.push(rate);
  }
  const told = [note?.(), fault].filter((text) => text !== undefined).join("; ");
  const result: EngineResult = {
    name,
    ours: rounded(median(own)),
    ...(theirs.length < rounds
      ? {}
      : {
          peer: rounded(median(theirs)),
          ratio: rounded(median(own.map((rate, i) => rate / theirs[i]!))),
        }),
    unit,
    runs: rounds,
    bar,
    ...(told === "" ? {} : { note: told }),
  };
  process.stderr.write(`${JSON.stringify(result)}\n`);
  return result;
}

const rounded = (x: number): number => Number(x.toPrecision(3));

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** Seconds that `work` takes. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

const row = (shape: ModelShape, length: number): number[] =>
  Array.from({ length }, () => 2 + random.below(shape.vocabulary - 2));

const policies = new Map<ModelShape, LocalPolicy>();

function policyOf(engine: LocalEngine, shape: ModelShape): LocalPolicy {
  const policy = policies.get(shape) ?? engine.initialise(shape, Random.from(1, "weights"));
  policies.set(shape, policy);
  return policy;
}

function trainCase(
  engine: LocalEngine,
  decoder: Peer | undefined,
  name: string,
  shape: ModelShape,
  rows: number,
  length: number,
  bar: number,
  rounds: number,
  rank?: number,
): Case {
  const sequences = Array.from({ length: rows }, (): TrainingSequence => {
    const tokens = row(shape, length);
    const targets = tokens.slice(1).map((token, position) => ({
      position,
      token,
      component: "crossEntropy" as const,
      coefficient: 1 / (rows * length),
      logprob: 0,
    }));
    return { tokens, targets };
  });
  let policy: LocalPolicy | undefined;
  let optimizer: ReturnType<typeof newOptimizer> | undefined;
  return {
    name: `${name}, ${rows} x ${length} tokens`,
    unit: "tokens/s",
    work: rows * length,
    bar,
    rounds,
    ours: () => {
      if (policy === undefined) {
        policy = policyOf(engine, shape);
        const targets = ["q_proj", "k_proj", "v_proj", "o_proj"] as const;
        if (rank !== undefined)
          policy = engine.adapt(policy, { rank, alpha: rank, targets }, random);
        optimizer = newOptimizer(policy);
      }
      return timed(async () => {
        const step = await engine.trainStep(policy!, optimizer!, sequences, { learningRate: 1e-3 });
        policy = step.policy;
        optimizer = step.optimizer;
      });
    },
    peer: decoder && (() => decoder.ask({ threads, work: "train", rows, length, shape, rank })),
    ...(shape === smol
      ? {
          note: () =>
            `peak memory of the process ${gibibytes(process.resourceUsage().maxRSS * 1024)}`,
        }
      : {}),
  };
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

function rolloutCase(
  engine: LocalEngine,
  decoder: Peer | undefined,
  name: string,
  shape: ModelShape,
  rows: number,
  length: number,
  bar: number,
  rounds: number,
): Case {
  return {
    name: `${name} x ${length} tokens`,
    unit: "tokens/s",
    work: rows * length,
    bar,
    rounds,
    ours: () => {
      const policy = policyOf(engine, shape);
      const prompts = Array.from({ length: rows }, () => row(shape, 1));
      return timed(() => engine.sample(policy, { prompts, maxTokens: length, random }));
    },
    peer:
      decoder && (() => decoder.ask({ threads, work: "rollouts", rows, prompt: 1, length, shape })),
  };
}

/** The peer is our own plain sampling. */
function steeredCase(engine: LocalEngine): Case {
  const prompts = Array.from({ length: 256 }, () => row(million, 1));
  const settings: Steering = { form: "repulsive", alpha: 0.5, mask: 0.05, floor: -5, exempt: [1] };
  const sample = async (steered: boolean): Promise<number> => {
    const policy = policyOf(engine, million);
    const expert = policyOf(engine, quarter);
    const steering = steered ? { steering: { expert, ...settings } } : {};
    return timed(() => engine.sample(policy, { prompts, maxTokens: 64, random, ...steering }));
  };
  return {
    name: "steered sampling over plain sampling, quarter-size expert, 256 rows x 64 tokens",
    unit: "seconds (ratio at most the bar)",
    work: 1,
    bar: 1.4,
    rounds: 9,
    ours: async () => 1 / (await sample(true)),
    peer: async () => ({ seconds: 1 / (await sample(false)), memory: 0 }),
  };
}

const grpo = { prompts: 16, group: 8, promptLength: 12, length: 32 } as const;

/** Prompts, rollouts, rewards, group-relative advantages and one optimizer step, as TRL's step. */
function grpoCase(
  engine: LocalEngine,
  started: ((script: string, argument: unknown) => Peer) | undefined,
  size: string,
  shape: ModelShape,
  bar: number,
): Case {
  let policy: LocalPolicy | undefined;
  let optimizer: ReturnType<typeof newOptimizer> | undefined;
  let peer: Peer | undefined;
  const step = async (): Promise<void> => {
    policy ??= policyOf(engine, shape);
    optimizer ??= newOptimizer(policy);
    const tasks = Array.from({ length: grpo.prompts }, () => row(shape, grpo.promptLength));
    const prompts = tasks.flatMap((task) => Array.from({ length: grpo.group }, () => task));
    const options = { prompts, maxTokens: grpo.length, stopToken: 1, random };
    const completions = await engine.sample(policy, options);
    const rewards = completions.map(
      ({ tokens }) => tokens.filter((t) => t % 2 === 0).length / tokens.length,
    );
    const total = completions.reduce((n, c) => n + c.tokens.length, 0);
    const sequences = completions.map(({ tokens, logprobs }, i): TrainingSequence => {
      const start = i - (i % grpo.group);
      const group = rewards.slice(start, start + grpo.group);
      const average = group.reduce((a, b) => a + b, 0) / grpo.group;
      const spread = Math.sqrt(group.reduce((a, b) => a + (b - average) ** 2, 0) / grpo.group);
      const coefficient = (rewards[i]! - average) / (spread + 1e-4) / total;
      return {
        tokens: [...prompts[i]!, ...tokens.slice(0, -1)],
        targets: tokens.map((token, t) => ({
          position: grpo.promptLength - 1 + t,
          token,
          component: "policy",
          coefficient,
          logprob: logprobs[t]!,
        })),
      };
    });
    ({ policy, optimizer } = await engine.trainStep(policy, optimizer, sequences, {
      learningRate: 1e-3,
    }));
  };
  return {
    name: `GRPO step, ${size}, ${grpo.prompts} prompts x ${grpo.group} rollouts`,
    unit: "steps/s",
    work: 1,
    bar,
    rounds: 7,
    ours: () => timed(step),
    peer:
      started &&
      (() => {
        peer ??= started("grpo.py", { ...grpo, shape, threads });
        return peer.ask();
      }),
  };
}
