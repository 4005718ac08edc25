/** Sampling completions of many rows at once, a token a row at each step. */
import { Random } from "../util/random.js";
import { KeyValueCache, type PromptCache } from "./cache.js";
import { checkContext } from "./context.js";
import type { Completion } from "./engine.js";
import { Sampler, type SamplerOptions } from "./sampler.js";
import type { ModelShape } from "./shape.js";
import { StopRule, type StopOptions } from "./stop.js";

/** What a policy gives about one prompt: log pi of the next token [V], and its keys and values. */
export interface PromptState {
  readonly logprobs: Float32Array;
  readonly cache: PromptCache | undefined;
}

/** The forward passes of one policy. */
export interface DecodingPolicy {
  readonly shape: ModelShape;
  /** Passes over `prompts`, in order; with their keys and values where `cached`. */
  prompts(prompts: readonly (readonly number[])[], cached: boolean): Promise<PromptState[]>;
  /** One token more in every row of `cache`: log pi of the next ones [B * V]. */
  step(cache: KeyValueCache, tokens: readonly number[]): Promise<Float32Array>;
}

export interface DecodingOptions extends SamplerOptions, StopOptions {
  readonly maxTokens: number;
  /** One a prompt: a completion depends on its prompt and its seed, not on the other rows. */
  readonly seeds: readonly number[];
  /** Most rows decoded at once; finished ones are replaced by waiting ones. */
  readonly maxRows: number;
  readonly signal?: AbortSignal;
}

interface Row {
  readonly index: number;
  readonly random: Random;
  readonly stop: StopRule;
  readonly tokens: number[];
  readonly logprobs: number[];
  readonly behaviourLogprobs: number[];
  stopped: boolean;
}

/** Share of the places of a batch that may stand empty before it is made smaller. */
const slack = 0.1;

/**
 * One completion for each of `prompts`, of `policies[0]` (steered by `policies[1]` where the options
 * say so). Equal prompts are computed once, whether they start a group or fork a prefix.
 * @throws ErrataError `CONTEXT_LENGTH`.
 */
export async function decodeRows(
  policies: readonly DecodingPolicy[],
  prompts: readonly (readonly number[])[],
  options: DecodingOptions,
): Promise<Completion[]> {
  const { maxTokens, maxRows, signal } = options;
  const V = policies[0]!.shape.vocabulary;
  const sampler = new Sampler(V, options);
  const rows = prompts.map((_, index): Row => ({
    index,
    random: Random.from(options.seeds[index]!, "row"),
    stop: new StopRule(options),
    tokens: [],
    logprobs: [],
    behaviourLogprobs: [],
    stopped: false,
  }));
  /** Draws a row's next token from each policy's log-probs; whether the row goes on. */
  const advance = (row: Row, logprobs: readonly Float32Array[]): boolean => {
    const draw = sampler.draw(logprobs[0]!, logprobs[1], row.random.uniform());
    row.tokens.push(draw.token);
    row.logprobs.push(draw.logprob);
    row.behaviourLogprobs.push(draw.behaviourLogprob);
    row.stopped = row.stop.ends(draw.token);
    return !row.stopped && row.tokens.length < maxTokens;
  };

  const longest = prompts.reduce((most, p) => Math.max(most, p.length), 0);
  for (const { shape } of policies) checkContext(longest, maxTokens, shape.context);
  const source = new PromptSource(policies, prompts, maxTokens > 1);
  const waiting = maxTokens === 0 ? [] : [...rows];
  /** The next rows that go on after their first token, at most `count` of them. */
  const admit = async (count: number): Promise<{ row: Row; states: PromptState[] }[]> => {
    const admitted: { row: Row; states: PromptState[] }[] = [];
    while (admitted.length < count && waiting.length > 0) {
      const next = waiting.splice(0, count - admitted.length);
      await source.prepare(next.map((row) => row.index));
      for (const row of next) {
        const states = source.take(row.index);
        const goesOn = advance(
          row,
          states.map((s) => s.logprobs),
        );
        if (goesOn) admitted.push({ row, states });
      }
      signal?.throwIfAborted();
    }
    return admitted;
  };

  signal?.throwIfAborted();
  const first = await admit(maxRows);
  const caches = policies.map(
    ({ shape }) => new KeyValueCache(shape, first.length, longest + maxTokens - 1),
  );
  const places: (Row | undefined)[] = first.map(({ row }) => row);
  const seat = (place: number, { row, states }: { row: Row; states: PromptState[] }): void => {
    places[place] = row;
    states.forEach((state, i) => caches[i]!.fill(place, state.cache!));
  };
  first.forEach((entry, place) => seat(place, entry));
  let live = first.length;
  while (live > 0) {
    const next = places.map((row) => row?.tokens.at(-1) ?? 0);
    const outputs: Float32Array[] = [];
    for (const [i, policy] of policies.entries()) outputs.push(await policy.step(caches[i]!, next));
    signal?.throwIfAborted();
    const empty: number[] = [];
    places.forEach((row, place) => {
      const logprobs = outputs.map((o) => o.subarray(place * V, (place + 1) * V));
      if (row !== undefined && !advance(row, logprobs)) {
        places[place] = undefined;
        for (const cache of caches) cache.clear(place);
      }
      if (places[place] === undefined) empty.push(place);
    });
    if (empty.length > 0 && waiting.length > 0) {
      const admitted = await admit(empty.length);
      for (const entry of admitted) seat(empty.shift()!, entry);
      // What stays empty must not outgrow the cache beside rows that begin anew.
      for (const place of empty) for (const cache of caches) cache.clear(place);
    }
    live = places.length - empty.length;
    if (empty.length > slack * places.length) {
      const kept = places.flatMap((row, place) => (row === undefined ? [] : [place]));
      for (const cache of caches) cache.keep(kept);
      places.splice(0, places.length, ...kept.map((place) => places[place]));
    }
  }
  return rows.map(({ tokens, logprobs, behaviourLogprobs, stopped }) => ({
    tokens,
    logprobs,
    behaviourLogprobs,
    stopped,
  }));
}

/** Prompt passes, computed once for equal prompts and dropped with the last row that needs them. */
class PromptSource {
  readonly #policies: readonly DecodingPolicy[];
  readonly #prompts: readonly (readonly number[])[];
  readonly #keys: readonly string[];
  readonly #cached: boolean;
  readonly #states = new Map<string, PromptState[]>();
  readonly #uses = new Map<string, number>();

  constructor(
    policies: readonly DecodingPolicy[],
    prompts: readonly (readonly number[])[],
    cached: boolean,
  ) {
    this.#policies = policies;
    this.#prompts = prompts;
    this.#keys = prompts.map((prompt) => prompt.join(","));
    this.#cached = cached;
    for (const key of this.#keys) this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
  }

  /** Computes the prompts of these rows that are not at hand. */
  async prepare(rows: readonly number[]): Promise<void> {
    const missing = new Map<string, readonly number[]>();
    for (const row of rows)
      if (!this.#states.has(this.#keys[row]!)) missing.set(this.#keys[row]!, this.#prompts[row]!);
    if (missing.size === 0) return;
    const states: PromptState[][] = [];
    for (const policy of this.#policies)
      states.push(await policy.prompts([...missing.values()], this.#cached));
    [...missing.keys()].forEach((key, i) =>
      this.#states.set(
        key,
        states.map((s) => s[i]!),
      ),
    );
  }

  /** What each policy gives for the prompt of `row`. */
  take(row: number): PromptState[] {
    const key = this.#keys[row]!;
    const states = this.#states.get(key)!;
    const left = this.#uses.get(key)! - 1;
    this.#uses.set(key, left);
    if (left === 0) this.#states.delete(key);
    return states;
  }
}
