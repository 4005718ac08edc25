/** Which distribution tokens are drawn from: temperature, steering, truncation; and the draw. */
import { steeredLogprobs, type Steering } from "./steering.js";

/** How a policy's distribution is cut before a token is drawn from it. */
export interface Truncation {
  /** Keep the k most probable tokens. */
  readonly topK?: number;
  /** Keep the fewest most probable tokens that hold this much probability, in (0, 1] (arXiv:1904.09751). */
  readonly topP?: number;
  /** Keep tokens with at least this share of the largest probability, in [0, 1] (arXiv:2407.01082). */
  readonly minP?: number;
}

/** @throws RangeError where a setting is outside its range. */
export function checkTruncation({ topK, topP, minP }: Truncation): void {
  if (topK !== undefined && !(Number.isSafeInteger(topK) && topK >= 1))
    throw new RangeError(`sample: topK ${topK}, not an integer of at least 1`);
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    throw new RangeError(`sample: topP ${topP}, not in (0, 1]`);
  if (minP !== undefined && !(minP >= 0 && minP <= 1))
    throw new RangeError(`sample: minP ${minP}, not in [0, 1]`);
}

export interface SamplerOptions extends Truncation {
  readonly temperature: number;
  readonly steering?: Steering;
}

/** One drawn token and its log-probabilities. */
export interface Draw {
  readonly token: number;
  /** log pi: under the policy at the temperature, not truncated. */
  readonly logprob: number;
  /** log mu: under the distribution really drawn from. */
  readonly behaviourLogprob: number;
}

/**
 * Draws from mu: the policy's logits over the temperature, mixed with an expert where there is a
 * steering, then cut by `minP`, `topK` and `topP`, each of them applied to the whole distribution,
 * and normalised again.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #cuts: boolean;
  readonly #mu: Float64Array;

  constructor(vocabulary: number, options: SamplerOptions) {
    const { temperature, topK, topP = 1, minP = 0 } = options;
    if (!(temperature > 0)) throw new RangeError(`sample: temperature ${temperature}, not above 0`);
    checkTruncation(options);
    this.#options = options;
    this.#cuts = (topK !== undefined && topK < vocabulary) || topP < 1 || minP > 0;
    this.#mu = new Float64Array(vocabulary);
  }

  /** The token at quantile `u` in [0, 1) of mu, given log-probs [V] of the policy and of an expert. */
  draw(policy: Float32Array, expert: Float32Array | undefined, u: number): Draw {
    const { temperature, steering } = this.#options;
    const logPi = tempered(policy, temperature);
    if (steering === undefined && !this.#cuts) {
      const token = tokenAt(logPi, u);
      return { token, logprob: logPi[token]!, behaviourLogprob: logPi[token]! };
    }
    const mu = this.#mu;
    if (steering === undefined || expert === undefined) mu.set(logPi);
    else steeredLogprobs(logPi, expert, steering, mu);
    if (this.#cuts) truncate(mu, this.#options);
    const token = tokenAt(mu, u);
    return { token, logprob: logPi[token]!, behaviourLogprob: mu[token]! };
  }
}

/**
 * Cuts normalised log-probs [V] in place: tokens outside every kept set get -Infinity, the rest are
 * normalised again. Tokens as probable as the last one kept by rank are kept in order of their index.
 */
export function truncate(logprobs: Float64Array, { topK, topP = 1, minP = 0 }: Truncation): void {
  const V = logprobs.length;
  let top = -Infinity;
  for (let v = 0; v < V; v++) if (logprobs[v]! > top) top = logprobs[v]!;
  const floor = minP > 0 ? top + Math.log(minP) : -Infinity;
  let order: number[] | undefined;
  if ((topK !== undefined && topK < V) || topP < 1) {
    order = mostProbable(logprobs, top, topK ?? V, topP);
    const kept = new Uint8Array(V);
    for (const v of order) kept[v] = 1;
    for (let v = 0; v < V; v++) if (kept[v] === 0) logprobs[v] = -Infinity;
  }
  let total = 0;
  for (let v = 0; v < V; v++) {
    if (logprobs[v]! < floor) logprobs[v] = -Infinity;
    else if (logprobs[v]! > -Infinity) total += Math.exp(logprobs[v]! - top);
  }
  const shift = top + Math.log(total);
  for (let v = 0; v < V; v++) logprobs[v]! -= shift;
}

/** The tokens that `topK` and `topP` keep, most probable first. */
function mostProbable(logprobs: Float64Array, top: number, topK: number, topP: number): number[] {
  // Ranking a few candidates is much cheaper than ranking a vocabulary; all, where they do not do.
  for (const reach of [8, 16, Infinity]) {
    const candidates: number[] = [];
    for (let v = 0; v < logprobs.length; v++)
      if (logprobs[v]! > -Infinity && logprobs[v]! >= top - reach) candidates.push(v);
    candidates.sort((a, b) => logprobs[b]! - logprobs[a]! || a - b);
    let mass = 0;
    let kept = 0;
    while (kept < candidates.length && kept < topK && mass < topP)
      mass += Math.exp(logprobs[candidates[kept++]!]!);
    if (reach === Infinity || kept === topK || (topP < 1 && mass >= topP))
      return candidates.slice(0, kept);
  }
  return [];
}

/** log softmax(logits / temperature), from log-probs instead of logits. */
function tempered(logprobs: Float32Array, temperature: number): Float32Array {
  if (temperature === 1) return logprobs;
  let total = 0;
  const out = logprobs.map((l) => l / temperature);
  const top = out.reduce((a, b) => Math.max(a, b), -Infinity);
  for (const l of out) total += Math.exp(l - top);
  const shift = top + Math.log(total);
  return out.map((l) => l - shift);
}

/** The token at quantile `u` of exp(logprobs). */
function tokenAt(logprobs: Float32Array | Float64Array, u: number): number {
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
