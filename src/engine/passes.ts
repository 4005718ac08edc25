/** Forward passes of one policy without gradients: prompts, decoding steps, scores, hidden states. */
import { graphShape } from "./adapter.js";
import { promptCache, type KeyValueCache } from "./cache.js";
import type { DecodingPolicy, PromptState } from "./decoding.js";
import type { EmbeddingRequest, ScoredSequence } from "./engine.js";
import type { LocalPolicy } from "./local-policy.js";
import { targetFeeds } from "./gradient.js";
import { decodingGraph, hiddenGraph, promptGraph, scoringGraph } from "./inference-graphs.js";
import { integers, type Feeds, type Sessions } from "./sessions.js";
import type { ModelShape } from "./shape.js";

/** Most sequences in one forward pass. */
const chunkRows = 128;

export type { ScoredSequence } from "./engine.js";

export class ForwardPasses implements DecodingPolicy {
  readonly #sessions: Sessions;
  readonly #policy: LocalPolicy;
  readonly #count: (tokens: number) => void;

  /** `count` is told of every pass's tokens, padding included. */
  constructor(sessions: Sessions, policy: LocalPolicy, count: (tokens: number) => void) {
    this.#sessions = sessions;
    this.#policy = policy;
    this.#count = count;
  }

  get shape(): ModelShape {
    return this.#policy.shape;
  }

  /** Passes over `sequences` in chunks of like length; `run` gets the indices in each. */
  async #inChunks(
    sequences: readonly (readonly number[])[],
    run: (chunk: readonly number[], feeds: Feeds, T: number) => Promise<void>,
  ): Promise<void> {
    const length = (i: number): number => sequences[i]!.length;
    const order = sequences.map((_, i) => i).sort((a, b) => length(a) - length(b));
    for (let start = 0; start < order.length; start += chunkRows) {
      const chunk = order.slice(start, start + chunkRows);
      const { feeds, T } = this.#sessions.sequenceFeeds(
        this.shape,
        chunk.map((i) => sequences[i]!),
      );
      await run(chunk, { ...this.#sessions.modelFeeds(this.#policy), ...feeds }, T);
      this.#count(chunk.length * T);
    }
  }

  async prompts(prompts: readonly (readonly number[])[], cached: boolean): Promise<PromptState[]> {
    const V = this.shape.vocabulary;
    const shape = graphShape(this.#policy);
    const states: PromptState[] = [];
    await this.#inChunks(prompts, async (chunk, feeds, T) => {
      const outputs = await this.#sessions.run(
        cached ? "prompt+cache" : "prompt",
        shape,
        () => promptGraph(shape, { cache: cached }),
        { ...feeds, rows: integers(chunk.map((i, b) => b * T + prompts[i]!.length - 1)) },
      );
      chunk.forEach((i, source) => {
        const place = { source, B: chunk.length, T, length: prompts[i]!.length };
        states[i] = {
          logprobs: outputs["logprobs"]!.subarray(source * V, (source + 1) * V),
          cache: cached ? promptCache(this.shape, outputs, place) : undefined,
        };
      });
    });
    return states;
  }

  async step(cache: KeyValueCache, tokens: readonly number[]): Promise<Float32Array> {
    const shape = graphShape(this.#policy);
    const { even } = cache;
    const kind = even ? "decode+even" : "decode";
    const outputs = await this.#sessions.run(kind, shape, () => decodingGraph(shape, { even }), {
      ...this.#sessions.modelFeeds(this.#policy),
      ...cache.feeds(),
      tokens: integers(tokens),
      positions: integers(cache.lengths, [tokens.length, 1]),
    });
    cache.append(outputs["rows"]!);
    this.#count(tokens.length);
    return outputs["logprobs"]!;
  }

  /** log pi of every target's token, in order of sequence and target. */
  async logprobs(sequences: readonly ScoredSequence[]): Promise<Float32Array> {
    let M = 0;
    const starts = sequences.map(({ targets }) => (M += targets.length) - targets.length);
    const logprobs = new Float32Array(M);
    const shape = graphShape(this.#policy);
    const tokens = sequences.map((s) => s.tokens);
    await this.#inChunks(tokens, async (chunk, feeds, T) => {
      const part = chunk.map((i) => sequences[i]!);
      const outputs = await this.#sessions.run("scoring", shape, () => scoringGraph(shape), {
        ...feeds,
        ...targetFeeds(part, T).feeds,
      });
      let from = 0;
      for (const i of chunk) {
        const to = from + sequences[i]!.targets.length;
        logprobs.set(outputs["logprobs"]!.subarray(from, to), starts[i]);
        from = to;
      }
    });
    return logprobs;
  }

  /**
   * Mean hidden state [D], at two thirds of the depth, over each span. Spans of one and the same
   * `tokens` array share a pass.
   */
  async embed(requests: readonly EmbeddingRequest[]): Promise<Float32Array[]> {
    const D = this.shape.width;
    for (const { start, end, tokens } of requests)
      if (!(0 <= start && start < end && end <= tokens.length))
        throw new RangeError(`embed: span [${start}, ${end}) of ${tokens.length} tokens`);
    const vectors: Float32Array[] = [];
    const shape = graphShape(this.#policy);
    const spans = new Map<readonly number[], number[]>();
    requests.forEach(({ tokens }, i) => spans.set(tokens, [...(spans.get(tokens) ?? []), i]));
    const sequences = [...spans.keys()];
    await this.#inChunks(sequences, async (chunk, feeds, T) => {
      const outputs = await this.#sessions.run("hidden", shape, () => hiddenGraph(shape), feeds);
      const hidden = outputs["hidden"]!;
      chunk.forEach((sequence, b) => {
        for (const i of spans.get(sequences[sequence]!)!) {
          const { start, end } = requests[i]!;
          const mean = new Float32Array(D);
          for (let t = start; t < end; t++)
            for (let j = 0; j < D; j++) mean[j]! += hidden[(b * T + t) * D + j]! / (end - start);
          vectors[i] = mean;
        }
      });
    });
    return vectors;
  }
}
