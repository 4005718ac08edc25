/** Tokens to text, as they come. */
import type { Words } from "../take/source.js";

/** The text of a growing completion, cut before the first of `stops`. */
export class TextStream {
  readonly #words: Words;
  readonly #stops: readonly string[];
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #begun = false;
  /** What may be the beginning of a stop string. */
  #held = "";
  /** Whether a stop string was reached: nothing comes after it. */
  stopped = false;

  constructor(words: Words, stops: readonly string[]) {
    this.#words = words;
    this.#stops = stops.filter((stop) => stop !== "");
  }

  /** What `token` adds to the text that is sure to stay. */
  add(token: number): string {
    return this.#take(this.#decode(token), false);
  }

  /** What is left when no token follows. */
  end(): string {
    return this.#take(this.#words.kind === "text" ? this.#decoder.decode() : "", true);
  }

  #decode(token: number): string {
    const { tokenizer } = this.#words;
    if (this.#words.kind === "text")
      return this.#decoder.decode(this.#words.tokenizer.tokenBytes[token], { stream: true });
    const symbol = tokenizer.decode([token]);
    if (symbol === "") return "";
    const gap = this.#begun ? this.#words.lexicon.separator : "";
    this.#begun = true;
    return gap + symbol;
  }

  #take(fresh: string, last: boolean): string {
    if (this.stopped) return "";
    const text = this.#held + fresh;
    const cuts = this.#stops.map((stop) => text.indexOf(stop)).filter((at) => at !== -1);
    if (cuts.length > 0) {
      this.stopped = true;
      return text.slice(0, Math.min(...cuts));
    }
    const sure = last ? text.length : text.length - this.#mayBegin(text);
    this.#held = text.slice(sure);
    return text.slice(0, sure);
  }

  /** The length of the longest end of `text` that begins a stop string. */
  #mayBegin(text: string): number {
    let longest = 0;
    for (const stop of this.#stops)
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
        if (text.endsWith(stop.slice(0, length))) longest = length;
    return longest;
  }
}

/** How one token reads, for lists of log-probabilities. */
export function tokenText(words: Words, token: number): { token: string; bytes: number[] } {
  const bytes =
    words.kind === "text"
      ? (words.tokenizer.tokenBytes[token] ?? new Uint8Array(0))
      : new TextEncoder().encode(words.tokenizer.decode([token]));
  return { token: new TextDecoder().decode(bytes), bytes: [...bytes] };
}
