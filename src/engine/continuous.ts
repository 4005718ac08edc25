/** Decoding of requests that come and go: each step computes one token of every row then at hand. */
import { setImmediate as turn } from "node:timers/promises";
import { Random } from "../util/random.js";
import { KeyValueCache } from "./cache.js";
import { checkContext } from "./context.js";
import type { DecodingPolicy } from "./decoding.js";
import { Sampler, type Truncation } from "./sampler.js";

export interface StreamRequest extends Truncation {
  /** Tokens, at least one. */
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  /** Greater than 0. */
  readonly temperature: number;
  /** 32 bits: the same prompt and seed give the same tokens. */
  readonly seed: number;
  /** The row ends after any of these. */
  readonly stopTokens: readonly number[];
  /** How many of the most probable tokens to report beside the drawn one. */
  readonly top: number;
  /** Gives up the row, between two tokens. */
  readonly signal?: AbortSignal;
}

/** A token and log pi of it, at temperature 1 and not truncated. */
export interface ScoredToken {
  readonly token: number;
  readonly logprob: number;
}

export interface StreamedToken extends ScoredToken {
  /** The most probable tokens, the best first. */
  readonly top: readonly ScoredToken[];
  /** Whether it is the last, and why. */
  readonly end: "stop" | "length" | undefined;
}

interface Row {
  readonly request: StreamRequest;
  readonly sampler: Sampler;
  readonly random: Random;
  drawn: number;
  last: number;
  readonly push: (token: StreamedToken) => void;
  readonly fail: (reason: unknown) => void;
}

/** One policy's rows. Requests beyond `maxRows` wait for a row to end. */
export class ContinuousDecoder {
  readonly #policy: DecodingPolicy;
  readonly #maxRows: number;
  readonly #waiting: Row[] = [];
  readonly #rows: Row[] = [];
  #cache: KeyValueCache | undefined;
  #running = false;

  constructor(policy: DecodingPolicy, maxRows: number) {
    this.#policy = policy;
    this.#maxRows = maxRows;
  }

  /** Requests that wait for a row. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * The tokens that follow the prompt, as they are drawn.
   * @throws ErrataError `CONTEXT_LENGTH`; the signal's reason where it is given up.
   */
  async *stream(request: StreamRequest): AsyncGenerator<StreamedToken, void> {
    const { prompt, maxTokens, seed, signal } = request;
    checkContext(prompt.length, maxTokens, this.#policy.shape.context);
    const tokens: StreamedToken[] = [];
    let failure: { readonly reason: unknown } | undefined;
    let wake = (): void => undefined;
    const row: Row = {
      request,
      sampler: new Sampler(this.#policy.shape.vocabulary, request),
      random: Random.from(seed, "row"),
      drawn: 0,
      last: 0,
      push: (token) => {
        tokens.push(token);
        wake();
      },
      fail: (reason) => {
        failure = { reason };
        wake();
      },
    };
    const giveUp = (): void => row.fail(signal!.reason);
    signal?.throwIfAborted();
    signal?.addEventListener("abort", giveUp);
    this.#waiting.push(row);
    void this.#run();
    try {
      for (;;) {
        const token = tokens.shift();
        if (token !== undefined) {
          yield token;
          if (token.end !== undefined) return;
        } else if (failure !== undefined) throw failure.reason;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal?.removeEventListener("abort", giveUp);
      this.#drop(row); // whoever reads may have had enough
    }
  }

  #drop(row: Row): void {
    const waiting = this.#waiting.indexOf(row);
    if (waiting !== -1) this.#waiting.splice(waiting, 1);
    row.drawn = Infinity;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#waiting.length > 0 || this.#rows.length > 0) {
        await turn(); // requests are read between two steps
        this.#keep((row) => row.drawn !== Infinity);
        while (this.#rows.length < this.#maxRows && this.#waiting.length > 0)
          await this.#admit(this.#waiting.shift()!);
        if (this.#rows.length > 0) await this.#step();
      }
    } catch (reason) {
      for (const row of [...this.#rows.splice(0), ...this.#waiting.splice(0)]) row.fail(reason);
      this.#cache = undefined;
    } finally {
      this.#running = false;
    }
  }

  async #admit(row: Row): Promise<void> {
    const [state] = await this.#policy.prompts([row.request.prompt], true);
    if (!this.#advance(row, state!.logprobs)) return;
    this.#cache ??= this.#emptyCache();
    this.#cache.add(state!.cache!);
    this.#rows.push(row);
  }

  #emptyCache(): KeyValueCache {
    const cache = new KeyValueCache(this.#policy.shape, this.#maxRows, this.#policy.shape.context);
    cache.keep([]);
    return cache;
  }

  async #step(): Promise<void> {
    const V = this.#policy.shape.vocabulary;
    const last = this.#rows.map((row) => row.last);
    const logprobs = await this.#policy.step(this.#cache!, last);
    const goesOn = this.#rows.map((row, i) =>
      row.drawn === Infinity ? false : this.#advance(row, logprobs.subarray(i * V, (i + 1) * V)),
    );
    this.#keep((_row, i) => goesOn[i]!);
  }

  /** Draws a row's next token; whether it goes on. */
  #advance(row: Row, logprobs: Float32Array): boolean {
    const { maxTokens, stopTokens, top } = row.request;
    const { token } = row.sampler.draw(logprobs, undefined, row.random.uniform());
    row.last = token;
    row.drawn++;
    const end = stopTokens.includes(token) ? "stop" : row.drawn >= maxTokens ? "length" : undefined;
    row.push({ token, logprob: logprobs[token]!, top: best(logprobs, top), end });
    return end === undefined;
  }

  #keep(wanted: (row: Row, index: number) => boolean): void {
    const kept = this.#rows.flatMap((row, i) => (wanted(row, i) ? [i] : []));
    if (kept.length === this.#rows.length) return;
    this.#cache!.keep(kept);
    this.#rows.splice(0, this.#rows.length, ...kept.map((i) => this.#rows[i]!));
  }
}

/** The `count` most probable tokens. */
function best(logprobs: Float32Array, count: number): ScoredToken[] {
  const found: ScoredToken[] = [];
  if (count === 0) return found;
  logprobs.forEach((logprob, token) => {
    if (found.length === count && logprob <= found.at(-1)!.logprob) return;
    const at = found.findIndex((other) => other.logprob < logprob);
    found.splice(at === -1 ? found.length : at, 0, { token, logprob });
    if (found.length > count) found.pop();
  });
  return found;
}
