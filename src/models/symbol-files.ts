/** The vocabulary of a from-scratch model as the `tokenizer.json` that transformers loads, and back. */
import { z } from "zod";
import type { Lexicon } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import { specialTokens } from "./tokenizer.js";

/** The texts of the special tokens, by id. */
const specialTexts = { [specialTokens.pad]: "<|pad|>", [specialTokens.stop]: "<|stop|>" } as const;

const escaped = (symbol: string): string => symbol.replaceAll(/[.*+?^${}()|[\]\\/-]/g, "\\$&");

/**
 * `tokenizer.json` and `tokenizer_config.json` that give the tokens of `LexiconTokenizer`: the text is
 * split into symbols, the longest first, and looked up. A text that no symbol matches is an error there
 * as it is here.
 */
export function symbolFiles({ symbols, separator }: Lexicon): {
  readonly tokenizer: Readonly<Record<string, unknown>>;
  readonly config: Readonly<Record<string, unknown>>;
} {
  const longestFirst = symbols.toSorted((a, b) => b.length - a.length).map(escaped);
  const any = `(?:${longestFirst.join("|")})`;
  const split = (pattern: string, behavior: "Isolated" | "Removed") => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior,
    invert: false,
  });
  const gap = escaped(separator);
  const splits =
    separator === ""
      ? [split(any, "Isolated")]
      : [split(`(?<![^ ])${any}(?=${gap}|\\z)`, "Isolated"), split(`\\A${gap}\\z`, "Removed")];
  const special = (id: 0 | 1) => ({
    id,
    content: specialTexts[id],
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const words = [specialTexts[0], specialTexts[1], ...symbols];
  const vocabulary = Object.fromEntries(words.map((word, id) => [word, id]));
  return {
    tokenizer: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: [special(0), special(1)],
      normalizer: null,
      pre_tokenizer: { type: "Sequence", pretokenizers: splits },
      post_processor: null,
      decoder: separator === "" ? { type: "Fuse" } : null, // without one, tokens are joined by spaces
      model: { type: "WordLevel", vocab: vocabulary, unk_token: "<|unknown|>" },
    },
    config: {
      tokenizer_class: "PreTrainedTokenizerFast",
      pad_token: specialTexts[0],
      eos_token: specialTexts[1],
      clean_up_tokenization_spaces: false,
      add_bos_token: false,
      add_eos_token: false,
    },
  };
}

const wordLevel = z.looseObject({
  decoder: z.looseObject({ type: z.string() }).nullish(),
  model: z.looseObject({
    type: z.literal("WordLevel"),
    vocab: z.record(z.string(), z.int().min(0)),
  }),
});

/**
 * The lexicon in a `tokenizer.json` that {@link symbolFiles} wrote; undefined where it holds another kind
 * of tokenizer.
 * @throws ErrataError `TOKENIZER_FILE` for a vocabulary of words that is not a lexicon's.
 */
export function lexiconIn(tokenizer: unknown, path: string): Lexicon | undefined {
  const parsed = wordLevel.safeParse(tokenizer);
  if (!parsed.success) return undefined;
  const { model, decoder } = parsed.data;
  const words = Object.entries(model.vocab).sort(([, a], [, b]) => a - b);
  const [pad, stop, ...symbols] = words.map(([word]) => word);
  const dense = words.every(([, id], i) => id === i);
  if (dense && pad === specialTexts[0] && stop === specialTexts[1])
    return { symbols, separator: decoder?.type === "Fuse" ? "" : " " };
  throw new ErrataError(`${path}: a vocabulary of whole words that errata did not write`, {
    code: "TOKENIZER_FILE",
    hint: "only byte-level BPE tokenizers, and the vocabularies of exported from-scratch models, are read",
  });
}
