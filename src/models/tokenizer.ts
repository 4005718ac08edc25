import type { Environment, Lexicon, Turn } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";

/** What a model sees before it acts. */
export type Prompt = Pick<Turn<unknown>, "observation" | "messages">;

/** Text to tokens and back. */
export interface Tokenizer {
  /** V: how many tokens there are. */
  readonly size: number;
  /** The token that ends an action. */
  readonly stop: number;
  /** All tokens that end one, where there are more. */
  readonly stops?: readonly number[];
  /** Token ids of a prompt, rendered as the model expects it. */
  encodePrompt(prompt: Prompt): number[];
  /** Token ids of plain text, without a stop token. */
  encode(text: string): number[];
  /** The text of `tokens`, special tokens left out. */
  decode(tokens: readonly number[]): string;
  /** The characters [start, end) of `decode(tokens)` that each token stands for; none for special tokens. */
  spans(tokens: readonly number[]): { readonly start: number; readonly end: number }[];
}

/** Every token that ends an action. */
export function stopsOf({ stop, stops }: Pick<Tokenizer, "stop" | "stops">): readonly number[] {
  return stops ?? [stop];
}

/** Tokens that every from-scratch vocabulary has, before the lexicon's symbols. */
export const specialTokens = { pad: 0, stop: 1 } as const;

/**
 * The tokenizer of a from-scratch policy: one token a lexicon symbol, longest symbol first.
 *
 * `decode(encode(text))` is `text` for every text the environment writes.
 */
export class LexiconTokenizer implements Tokenizer {
  readonly #lexicon: Lexicon;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #longest: number;

  constructor(lexicon: Lexicon) {
    this.#lexicon = lexicon;
    this.#ids = new Map(lexicon.symbols.map((s, i) => [s, i + 2]));
    this.#longest = lexicon.symbols.reduce((n, s) => Math.max(n, s.length), 0);
  }

  /** V: the symbols, `pad` and `stop`. */
  get size(): number {
    return this.#lexicon.symbols.length + 2;
  }

  get stop(): number {
    return specialTokens.stop;
  }

  encodePrompt({ observation }: Prompt): number[] {
    return this.encode(observation);
  }

  /**
   * Token ids of `text`, without a stop token.
   * @throws ErrataError `TOKENIZER_SYMBOL` where no symbol matches.
   */
  encode(text: string): number[] {
    const { separator } = this.#lexicon;
    const tokens: number[] = [];
    let at = 0;
    while (at < text.length) {
      let end = Math.min(text.length, at + this.#longest);
      let id: number | undefined;
      for (; end > at; end--) {
        if (separator !== "" && end < text.length && !text.startsWith(separator, end)) continue;
        id = this.#ids.get(text.slice(at, end));
        if (id !== undefined) break;
      }
      if (id === undefined)
        throw new ErrataError(
          `no symbol of the lexicon matches ${JSON.stringify(text.slice(at, at + 20))} at character ${at}`,
          {
            code: "TOKENIZER_SYMBOL",
            hint: "an environment's observations and actions may use only the symbols of its lexicon",
          },
        );
      tokens.push(id);
      at = end;
      if (separator !== "" && text.startsWith(separator, at)) at += separator.length;
    }
    return tokens;
  }

  /** The text of `tokens`, special tokens left out. */
  decode(tokens: readonly number[]): string {
    return tokens
      .filter((id) => id >= 2)
      .map((id) => this.#lexicon.symbols[id - 2] ?? "?")
      .join(this.#lexicon.separator);
  }

  /** The characters [start, end) of `decode(tokens)` that each token stands for; none for special tokens. */
  spans(tokens: readonly number[]): { readonly start: number; readonly end: number }[] {
    let at = 0;
    let first = true;
    return tokens.map((id) => {
      if (id < 2) return { start: at, end: at };
      const start = first ? 0 : at + this.#lexicon.separator.length;
      first = false;
      at = start + this.decode([id]).length;
      return { start, end: at };
    });
  }
}

/**
 * The tokenizer of from-scratch policies in an environment.
 * @throws ErrataError `ENVIRONMENT_LEXICON` where the environment has no lexicon.
 */
export function lexiconTokenizer(
  environment: Pick<Environment, "name" | "lexicon">,
): LexiconTokenizer {
  if (environment.lexicon !== undefined) return new LexiconTokenizer(environment.lexicon);
  throw new ErrataError(`the environment "${environment.name}" has no lexicon`, {
    code: "ENVIRONMENT_LEXICON",
    hint: "only a model with a tokenizer of its own can act in it: set student.checkpoint",
  });
}
