/** The embedded engine: graphs built here, executed on the CPU by ONNX Runtime. */
import type { Random } from "../random.js";
import { KeyValueCache } from "./cache.js";
import type {
  Capabilities,
  Completion,
  EmbeddingRequest,
  Engine,
  OptimizerState,
  Policy,
  SampleRequest,
  TrainingSequence,
  TrainOptions,
  TrainResult,
} from "./engine.js";
import { decodingGraph, hiddenGraph, promptGraph, scoringGraph } from "./inference-graphs.js";
import { mixtureLogprobs } from "./mixture.js";
import { floats, integers, scalar, Sessions, type Feeds, type Outputs } from "./sessions.js";
import { adam, trainingGraph } from "./training-graph.js";
import {
  checkModelShape,
  initialWeights,
  parameterCount,
  parameterLayout,
  type ModelShape,
} from "./transformer.js";

/** Most sequences in one forward pass without gradients. */
const chunkRows = 128;

/** The embedded engine; `threads` are those of one operation (default 1). */
export class LocalEngine implements Engine {
  readonly capabilities: Capabilities = { embeddings: true, mixtureSampling: true };
  readonly #sessions: Sessions;
  #flops = 0;

  constructor(options: { readonly threads?: number } = {}) {
    this.#sessions = new Sessions(options.threads ?? 1);
  }

  get flops(): number {
    return this.#flops;
  }

  #count(policy: Policy, tokens: number, perWeight: 2 | 6): void {
    this.#flops += perWeight * policy.weights.length * tokens;
  }

  initialise(shape: ModelShape, random: Random): Policy {
    checkModelShape(shape);
    return { shape, weights: initialWeights(shape, random) };
  }

  async sample(policy: Policy, request: SampleRequest): Promise<Completion[]> {
    const { prompts, maxTokens, stopToken, temperature = 1, mixture, random } = request;
    const policies = mixture === undefined ? [policy] : [policy, mixture.expert];
    const V = policy.shape.vocabulary;
    if (!(temperature > 0)) throw new RangeError(`sample: temperature ${temperature}, not above 0`);
    for (const { shape } of policies)
      if (shape.vocabulary !== V)
        throw new RangeError(
          `sample: vocabularies of ${V} and ${shape.vocabulary} tokens cannot be mixed`,
        );
    if (prompts.length === 0) return [];
    const unique = new Map<string, number>();
    const distinct: (readonly number[])[] = [];
    const sources = prompts.map((prompt) => {
      const key = prompt.join(",");
      const source = unique.get(key) ?? distinct.push(prompt) - 1;
      unique.set(key, source);
      return source;
    });
    const rows: { tokens: number[]; logprobs: number[]; behaviour: number[]; stopped: boolean }[] =
      prompts.map(() => ({ tokens: [], logprobs: [], behaviour: [], stopped: false }));
    const needsCache = maxTokens > 1;
    const passes = await Promise.all(
      policies.map((p) => this.#promptPass(p, distinct, needsCache)),
    );
    const caches = needsCache
      ? policies.map((p, i) => this.#fillCache(p, passes[i]!, sources, maxTokens))
      : [];

    // `live[b]` is the row that occupies place b of the batch.
    let live = prompts.map((_, i) => i);
    let distributions: { of: (place: number) => Float32Array }[] = passes.map((pass) => ({
      of: (place) => pass.logprobs[sources[live[place]!]!]!,
    }));
    const mu = new Float64Array(V);
    for (let t = 0; t < maxTokens && live.length > 0; t++) {
      const remaining: number[] = [];
      live.forEach((row, place) => {
        const logPi = temper(distributions[0]!.of(place), temperature);
        if (mixture === undefined) mu.set(logPi);
        else mixtureLogprobs(logPi, distributions[1]!.of(place), mixture, mu);
        const token = drawToken(mu, random.uniform());
        const record = rows[row]!;
        record.tokens.push(token);
        record.logprobs.push(logPi[token]!);
        record.behaviour.push(mu[token]!);
        if (token === stopToken) record.stopped = true;
        else remaining.push(place);
      });
      if (t + 1 === maxTokens || remaining.length === 0) break;
      // Rows from the end of the batch take the places of finished ones.
      const order = compact(remaining);
      order.forEach((from, to) => {
        if (from !== to) for (const cache of caches) cache.move(from, to);
      });
      live = order.map((place) => live[place]!);
      const next = live.map((row) => rows[row]!.tokens.at(-1)!);
      const outputs = await Promise.all(
        policies.map((p, i) => this.#decodeStep(p, caches[i]!, next)),
      );
      distributions = outputs.map(({ logprobs }) => ({
        of: (place) => logprobs!.subarray(place * V, (place + 1) * V),
      }));
    }
    return rows.map(({ tokens, logprobs, behaviour, stopped }) => ({
      tokens,
      logprobs,
      behaviourLogprobs: behaviour,
      stopped,
    }));
  }

  /** Forward passes over `sequences` in chunks of like length; `run` gets the indices in each. */
  async #inChunks(
    policy: Policy,
    sequences: readonly (readonly number[])[],
    run: (chunk: readonly number[], feeds: Feeds, T: number) => Promise<void>,
  ): Promise<void> {
    const length = (i: number): number => sequences[i]!.length;
    const order = sequences.map((_, i) => i).sort((a, b) => length(a) - length(b));
    for (let start = 0; start < order.length; start += chunkRows) {
      const chunk = order.slice(start, start + chunkRows);
      const { feeds, T } = this.#sessions.sequenceFeeds(
        policy.shape,
        chunk.map((i) => sequences[i]!),
      );
      await run(chunk, { ...this.#sessions.modelFeeds(policy), ...feeds }, T);
      this.#count(policy, chunk.length * T, 2);
    }
  }

  async #promptPass(
    policy: Policy,
    prompts: readonly (readonly number[])[],
    cache: boolean,
  ): Promise<PromptPass> {
    const V = policy.shape.vocabulary;
    const pass: PromptPass = { logprobs: [], place: [], lengths: prompts.map((p) => p.length) };
    await this.#inChunks(policy, prompts, async (chunk, feeds, T) => {
      const outputs = await this.#sessions.run(
        cache ? "prompt+cache" : "prompt",
        policy.shape,
        () => promptGraph(policy.shape, { cache }),
        { ...feeds, rows: integers(chunk.map((i, b) => b * T + prompts[i]!.length - 1)) },
      );
      chunk.forEach((i, source) => {
        pass.logprobs[i] = outputs["logprobs"]!.subarray(source * V, (source + 1) * V);
        if (cache) pass.place[i] = { outputs, source, B: chunk.length, T };
      });
    });
    return pass;
  }

  #fillCache(
    policy: Policy,
    pass: PromptPass,
    sources: readonly number[],
    maxTokens: number,
  ): KeyValueCache {
    const longest = Math.max(...pass.lengths);
    if (longest + maxTokens - 1 > policy.shape.context)
      throw new RangeError(
        `a prompt of ${longest} tokens and ${maxTokens} new ones exceed the model's context of ${policy.shape.context}`,
      );
    const capacity = longest + Math.min(16, maxTokens - 1);
    const cache = new KeyValueCache(policy.shape, sources.length, capacity);
    sources.forEach((source, row) => {
      const { outputs, source: index, B, T } = pass.place[source]!;
      cache.fill(row, outputs, index, { B, T, length: pass.lengths[source]! });
    });
    return cache;
  }

  async #decodeStep(
    policy: Policy,
    cache: KeyValueCache,
    tokens: readonly number[],
  ): Promise<Outputs> {
    const rows = tokens.length;
    const outputs = await this.#sessions.run(
      "decode",
      policy.shape,
      () => decodingGraph(policy.shape),
      {
        ...this.#sessions.modelFeeds(policy),
        ...cache.feeds(rows),
        tokens: integers(tokens),
        positions: integers(cache.lengths.slice(0, rows), [rows, 1]),
      },
    );
    cache.append(outputs, rows);
    this.#count(policy, rows, 2);
    return outputs;
  }

  async logprobs(
    policy: Policy,
    sequences: readonly {
      readonly tokens: readonly number[];
      readonly targets: readonly { readonly position: number; readonly token: number }[];
    }[],
  ): Promise<Float32Array> {
    let M = 0;
    const starts = sequences.map(({ targets }) => (M += targets.length) - targets.length);
    const logprobs = new Float32Array(M);
    const tokens = sequences.map((s) => s.tokens);
    await this.#inChunks(policy, tokens, async (chunk, feeds, T) => {
      const part = chunk.map((i) => sequences[i]!);
      const outputs = await this.#sessions.run(
        "scoring",
        policy.shape,
        () => scoringGraph(policy.shape),
        { ...feeds, ...targetFeeds(part, T) },
      );
      let from = 0;
      for (const i of chunk) {
        const to = from + sequences[i]!.targets.length;
        logprobs.set(outputs["logprobs"]!.subarray(from, to), starts[i]);
        from = to;
      }
    });
    return logprobs;
  }

  async embed(policy: Policy, requests: readonly EmbeddingRequest[]): Promise<Float32Array[]> {
    const D = policy.shape.width;
    for (const { start, end, tokens } of requests)
      if (!(0 <= start && start < end && end <= tokens.length))
        throw new RangeError(`embed: span [${start}, ${end}) of ${tokens.length} tokens`);
    const vectors: Float32Array[] = [];
    const tokens = requests.map((r) => r.tokens);
    await this.#inChunks(policy, tokens, async (chunk, feeds, T) => {
      const outputs = await this.#sessions.run(
        "hidden",
        policy.shape,
        () => hiddenGraph(policy.shape),
        feeds,
      );
      const hidden = outputs["hidden"]!;
      chunk.forEach((i, b) => {
        const { start, end } = requests[i]!;
        const mean = new Float32Array(D);
        for (let t = start; t < end; t++)
          for (let j = 0; j < D; j++) mean[j]! += hidden[(b * T + t) * D + j]! / (end - start);
        vectors[i] = mean;
      });
    });
    return vectors;
  }

  async trainStep(
    policy: Policy,
    optimizer: OptimizerState,
    sequences: readonly TrainingSequence[],
    options: TrainOptions,
  ): Promise<TrainResult> {
    const { learningRate, clipNorm = 1, weightDecay = 0, clipLow = 0.2, clipHigh = 0.28 } = options;
    if (sequences.length === 0) throw new RangeError("trainStep: no sequences");
    const { feeds, T } = this.#sessions.sequenceFeeds(
      policy.shape,
      sequences.map((s) => s.tokens),
    );
    const targets = sequences.flatMap((s) => s.targets);
    const M = targets.length;
    const stream = (component: string): Float32Array =>
      Float32Array.from(targets, (t) => (t.component === component ? t.coefficient : 0));
    const P = policy.weights.length;
    const steps = optimizer.steps + 1;
    const outputs = await this.#sessions.run(
      "train",
      policy.shape,
      () => trainingGraph(policy.shape),
      {
        ...this.#sessions.modelFeeds(policy),
        ...feeds,
        ...targetFeeds(sequences, T),
        weights: floats(policy.weights, [P]),
        first: floats(optimizer.first, [P]),
        second: floats(optimizer.second, [P]),
        decayed: floats(decayMask(policy.shape), [P]),
        policy: floats(stream("policy"), [M]),
        crossEntropy: floats(stream("crossEntropy"), [M]),
        referenceKl: floats(stream("referenceKl"), [M]),
        reference: floats(
          Float32Array.from(targets, (t) => t.logprob),
          [M],
        ),
        ratioLow: scalar(1 - clipLow),
        ratioHigh: scalar(1 + clipHigh),
        learningRate: scalar(learningRate),
        weightDecay: scalar(weightDecay),
        correction1: scalar(1 - adam.beta1 ** steps),
        correction2: scalar(1 - adam.beta2 ** steps),
        clipNorm: scalar(clipNorm),
      },
    );
    this.#count(policy, sequences.length * T, 6);
    const loss = outputs["loss"]![0]!;
    const gradientNorm = outputs["gradientNorm"]![0]!;
    const finite = Number.isFinite(loss) && Number.isFinite(gradientNorm);
    const sampled = targets.flatMap((t, i) => (t.component === "policy" ? [i] : []));
    const mean = (values: number[]): number =>
      values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;
    return {
      policy: finite ? { shape: policy.shape, weights: outputs["newWeights"]! } : policy,
      optimizer: finite
        ? { steps, first: outputs["newFirst"]!, second: outputs["newSecond"]! }
        : optimizer,
      loss,
      gradientNorm,
      entropy: mean(Array.from(outputs["entropy"]!)),
      logprobMismatch: mean(
        sampled.map((i) => Math.abs(outputs["logprobs"]![i]! - targets[i]!.logprob)),
      ),
      finite,
    };
  }
}

/**
 * The places left in a batch, `remaining` in ascending order, closed up with the fewest moves: entry
 * `to` of the result is the place that moves to `to`.
 */
function compact(remaining: readonly number[]): number[] {
  const kept = new Set(remaining);
  const spare = remaining.filter((place) => place >= remaining.length);
  return remaining.map((_, to) => (kept.has(to) ? to : spare.pop()!));
}

interface PromptPass {
  /** log pi of the next token for each distinct prompt [V]. */
  readonly logprobs: Float32Array[];
  readonly place: { outputs: Outputs; source: number; B: number; T: number }[];
  readonly lengths: readonly number[];
}

const masks = new Map<string, Float32Array>();

/** 1 for weights of matrices, 0 for norm gains [P]. */
function decayMask(shape: ModelShape): Float32Array {
  const key = JSON.stringify(shape);
  let mask = masks.get(key);
  if (mask === undefined) {
    mask = new Float32Array(parameterCount(shape));
    for (const { shape: dimensions, offset, size } of parameterLayout(shape))
      if (dimensions.length > 1) mask.fill(1, offset, offset + size);
    masks.set(key, mask);
  }
  return mask;
}

/** Rows of [B * T] and tokens of all targets. */
function targetFeeds(
  sequences: readonly {
    readonly tokens: readonly number[];
    readonly targets: readonly { readonly position: number; readonly token: number }[];
  }[],
  T: number,
): Feeds {
  const rows: number[] = [];
  const targets: number[] = [];
  sequences.forEach(({ tokens, targets: wanted }, b) => {
    for (const { position, token } of wanted) {
      if (!(position >= 0 && position < tokens.length))
        throw new RangeError(
          `a target at position ${position} of a sequence of ${tokens.length} tokens`,
        );
      rows.push(b * T + position);
      targets.push(token);
    }
  });
  return { rows: integers(rows), targets: integers(targets) };
}

/** log softmax(logits / temperature), from log-probs instead of logits. */
function temper(logprobs: Float32Array, temperature: number): Float32Array {
  if (temperature === 1) return logprobs;
  let total = 0;
  const out = logprobs.map((l) => l / temperature);
  const top = out.reduce((a, b) => Math.max(a, b), -Infinity);
  for (const l of out) total += Math.exp(l - top);
  const shift = top + Math.log(total);
  return out.map((l) => l - shift);
}

/** The token at quantile `u` of exp(logprobs). */
function drawToken(logprobs: Float64Array, u: number): number {
  let left = u;
  let last = 0;
  for (let v = 0; v < logprobs.length; v++) {
    const p = Math.exp(logprobs[v]!);
    if (p === 0) continue;
    last = v;
    left -= p;
    if (left < 0) return v;
  }
  return last;
}
