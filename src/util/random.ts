/** The four 32-bit words of a {@link Random}, as saved in a checkpoint. */
export type RandomState = readonly [number, number, number, number];

/**
 * A seeded, serialisable generator: sfc32 (Doty-Humphrey, PractRand), period at least 2^32.
 *
 * One object per purpose (tasks, sampling, expert fits ...), so that switching one mechanism
 * off does not shift the draws of another.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  private constructor([a, b, c, d]: RandomState) {
    // Signed: such whole numbers are kept without a box.
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#d = d | 0;
  }

  /** A generator for `purpose` under `seed`; different purposes give unrelated streams. */
  static from(seed: number, purpose: string): Random {
    const random = new Random([seed >>> 0, hashText(purpose), 0x9e3779b9, 1]);
    for (let i = 0; i < 16; i++) random.uint32();
    return random;
  }

  /** The generator that continues where {@link Random.state} was read. */
  static restore(state: RandomState): Random {
    return new Random(state);
  }

  get state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /** Uniform integer in [0, 2^32). */
  uint32(): number {
    const t = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + t) | 0;
    return t >>> 0;
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** Uniform integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  /**
   * One element, uniformly.
   * @throws RangeError on an empty list.
   */
  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError("Random.pick: the list is empty");
    return items[this.below(items.length)]!;
  }

  /**
   * An index with probability proportional to its weight (weights >= 0).
   * @throws RangeError when no weight is positive.
   */
  weighted(weights: ArrayLike<number>): number {
    let total = 0;
    for (let i = 0; i < weights.length; i++) total += weights[i]!;
    if (!(total > 0)) throw new RangeError(`Random.weighted: the weights sum to ${total}`);
    let left = this.uniform() * total;
    let last = 0;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i]! <= 0) continue;
      last = i;
      left -= weights[i]!;
      if (left < 0) return i;
    }
    return last;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [out[i], out[j]] = [out[j]!, out[i]!];
    }
    return out;
  }
}

/**
 * 32-bit hash of UTF-16 code units: FNV-1a, then MurmurHash3's finaliser, for FNV's lowest bit is
 * only the parity of the text. Stable across platforms, not cryptographic.
 */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
