/** Imitation of recorded actions by cross-entropy: base students, weak partners and error experts. */
import type { Engine, Policy, TrainingSequence } from "../engine/engine.js";
import type { Message } from "../environments/environment.js";
import { actionSequence, encodeAction } from "./model.js";
import type { Random } from "../util/random.js";
import type { Tokenizer } from "./tokenizer.js";
import { meanOf } from "../util/statistics/sums.js";

/** One decision: what was seen, the conversation where there was one, and what was done. */
export interface Example {
  readonly prompt: string;
  readonly messages?: readonly Message[];
  readonly action: string;
}

export interface FitOptions {
  readonly steps: number;
  /** Examples a step. */
  readonly batch: number;
  /** Falls linearly to a tenth over the steps; the first 50 also warm up linearly. */
  readonly learningRate: number;
  /** Actions of one symbol have no stop token. */
  readonly maxActionSymbols: number;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, loss: number) => void;
}

/** Examples as token sequences, every action token a target. */
export interface TokenExample {
  readonly tokens: readonly number[];
  readonly targets: readonly { readonly position: number; readonly token: number }[];
}

/** Tokens of `prompt` and `action` with the action's tokens (and stop token) as targets. */
export function tokenExample(
  example: Example,
  tokenizer: Tokenizer,
  maxActionSymbols: number,
): TokenExample {
  const { prompt: observation, messages, action } = example;
  const prompt = tokenizer.encodePrompt({
    observation,
    ...(messages === undefined ? {} : { messages }),
  });
  const completion = encodeAction(action, tokenizer, maxActionSymbols);
  return actionSequence({ prompt, completion });
}

/**
 * Fits `policy` to `examples` by `steps` AdamW steps on mean cross-entropy per example.
 *
 * Batches are windows of the examples sorted by length, so that little is padding: every example among the
 * middle ones is drawn alike, those among the `batch` shortest and longest less often.
 */
export async function fit(
  engine: Engine,
  policy: Policy,
  examples: readonly Example[],
  tokenizer: Tokenizer,
  random: Random,
  options: FitOptions,
): Promise<{ policy: Policy; loss: number }> {
  const { steps, batch, learningRate, maxActionSymbols } = options;
  const encoded = examples
    .map((e) => tokenExample(e, tokenizer, maxActionSymbols))
    .sort((a, b) => a.tokens.length - b.tokens.length);
  if (steps === 0 || encoded.length === 0) return { policy, loss: Number.NaN };
  let fitted = engine.fork(policy);
  let optimizer = engine.newOptimizer(fitted);
  let loss = Number.NaN;
  for (let step = 0; step < steps; step++) {
    options.signal?.throwIfAborted();
    const start = random.below(Math.max(1, encoded.length - batch + 1));
    const window = encoded.slice(start, start + batch);
    const warmUp = Math.min(1, (step + 1) / 50);
    const result = await engine.trainStep(fitted, optimizer, mergeTargets(window), {
      learningRate: learningRate * warmUp * (1 - (0.9 * step) / steps),
      weightDecay: 0.01,
    });
    fitted = result.policy;
    optimizer = result.optimizer;
    loss = result.loss;
    options.onStep?.(step, loss);
  }
  return { policy: fitted, loss };
}

/** Equal sequences become one, their targets side by side: the same gradient for less work. */
function mergeTargets(examples: readonly TokenExample[]): TrainingSequence[] {
  const merged = new Map<
    string,
    { tokens: readonly number[]; targets: TrainingSequence["targets"][number][] }
  >();
  for (const { tokens, targets } of examples) {
    const key = tokens.join(",");
    let sequence = merged.get(key);
    if (sequence === undefined) {
      sequence = { tokens, targets: [] };
      merged.set(key, sequence);
    }
    for (const target of targets)
      sequence.targets.push({
        ...target,
        component: "crossEntropy",
        coefficient: 1 / examples.length,
        logprob: 0,
      });
  }
  return [...merged.values()];
}

/** Mean log-prob a token of each action after its prompt; 0 where either has no tokens here. */
export async function stepLogprobs(
  {
    engine,
    tokenizer,
    environment,
  }: {
    readonly engine: Engine;
    readonly tokenizer: Tokenizer;
    readonly environment: { readonly maxActionSymbols: number };
  },
  policy: Policy,
  steps: readonly Example[],
): Promise<number[]> {
  const sequences = steps.map((step) => {
    const { tokens, targets } = tokenExample(step, tokenizer, environment.maxActionSymbols);
    return { tokens, targets: targets.filter((t) => t.position >= 0) };
  });
  const scored = sequences.filter((s) => s.targets.length > 0);
  const logprobs = scored.length === 0 ? new Float32Array() : await engine.logprobs(policy, scored);
  let at = 0;
  return sequences.map(({ targets }) => {
    if (targets.length === 0) return 0;
    const own = logprobs.subarray(at, (at += targets.length));
    return meanOf(own);
  });
}
