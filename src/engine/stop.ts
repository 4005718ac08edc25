/** When a completion ends. */

export interface StopOptions {
  /** A completion ends after any of these tokens; they are part of it. */
  readonly stopTokens?: readonly number[];
  /** A completion ends with the token that completes one of `strings`. */
  readonly stopStrings?: StopStrings;
}

export interface StopStrings {
  readonly strings: readonly string[];
  /** The bytes of each token's text, in UTF-8 [V]; empty for special tokens. */
  readonly tokenBytes: readonly Uint8Array[];
}

/** The end of one completion, asked token by token. */
export class StopRule {
  readonly #tokens: readonly number[];
  readonly #bytes: readonly Uint8Array[];
  readonly #strings: readonly Buffer[];
  readonly #longest: number;
  /** The last bytes of the completion, in which a stop string may have begun. */
  #tail: Buffer = Buffer.alloc(0);

  constructor({ stopTokens = [], stopStrings }: StopOptions) {
    this.#tokens = stopTokens;
    this.#bytes = stopStrings?.tokenBytes ?? [];
    this.#strings = (stopStrings?.strings ?? []).map((s) => Buffer.from(s, "utf8"));
    this.#longest = this.#strings.reduce((most, s) => Math.max(most, s.length), 0);
    if (this.#strings.some((s) => s.length === 0))
      throw new RangeError("sample: an empty stop string");
  }

  /** Whether the completion ends with `token`, its next one. */
  ends(token: number): boolean {
    if (this.#tokens.includes(token)) return true;
    if (this.#longest === 0) return false;
    const fresh = this.#bytes[token];
    if (fresh === undefined || fresh.length === 0) return false;
    const text = Buffer.concat([this.#tail, fresh]);
    this.#tail = text.subarray(Math.max(0, text.length - this.#longest + 1));
    return this.#strings.some((s) => text.includes(s));
  }
}
