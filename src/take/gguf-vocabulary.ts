/** Vocabularies as llama.cpp reads them from a GGUF file's metadata. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { GgufValue } from "../engine/files/gguf.js";
import type { Lexicon } from "../environments/environment.js";
import { ErrataError } from "../util/error.js";
import { issuesOf } from "../util/issues.js";
import { wordsFile, type Words } from "./source.js";

/** Kinds of tokens, as llama.cpp numbers them. */
const kinds = { normal: 1, unknown: 2, control: 3, defined: 4, unused: 5 } as const;

type Text = Extract<Words, { kind: "text" }>;
type Metadata = Record<string, GgufValue>;

/**
 * The vocabulary of `words`, filled up with unused tokens to `size`, the rows of the embedding.
 * @throws ErrataError `GGUF_TOKENIZER` for a way of cutting up text that llama.cpp has no name for.
 */
export function ggufVocabulary(words: Words, size: number): Metadata {
  return words.kind === "symbols" ? symbols(words.lexicon) : text(words, size);
}

/**
 * Symbols as llama.cpp's unigram vocabulary. Of all ways to cut a text into pieces it takes the most
 * probable; as all pieces are alike, that is the way with the fewest. A space becomes part of the piece
 * after it.
 */
function symbols({ symbols: list, separator }: Lexicon): Metadata {
  const spaced = separator === " ";
  const piece = (symbol: string): string => `${spaced ? "▁" : ""}${symbol.replaceAll(" ", "▁")}`;
  const tokens = ["<|pad|>", "<|stop|>", ...list.map(piece)];
  return {
    "tokenizer.ggml.model": "t5",
    "tokenizer.ggml.pre": "default",
    "tokenizer.ggml.tokens": { strings: tokens },
    "tokenizer.ggml.scores": { float32s: tokens.map((_, i) => (i < 2 ? 0 : -1)) },
    "tokenizer.ggml.token_type": {
      int32s: tokens.map((_, i) =>
        i === 0 ? kinds.unknown : i === 1 ? kinds.control : kinds.normal,
      ),
    },
    "tokenizer.ggml.unknown_token_id": 0,
    "tokenizer.ggml.padding_token_id": 0,
    "tokenizer.ggml.eos_token_id": 1,
    "tokenizer.ggml.add_bos_token": false,
    "tokenizer.ggml.add_eos_token": false,
    "tokenizer.ggml.add_space_prefix": spaced,
    "tokenizer.ggml.remove_extra_whitespaces": false,
  };
}

const tokenizerFile = z.looseObject({
  added_tokens: z.array(
    z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().optional() }),
  ),
  pre_tokenizer: z.unknown(),
  post_processor: z.unknown(),
  model: z.looseObject({
    type: z.literal("BPE"),
    vocab: z.record(z.string(), z.int()),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
});

function text(words: Text, size: number): Metadata {
  const { tokenizer } = words;
  const path = wordsFile(words, "tokenizer.json")!;
  const parsed = tokenizerFile.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!parsed.success) throw refused(path, issuesOf(parsed.error));
  const { model, added_tokens: added, pre_tokenizer: cut, post_processor: after } = parsed.data;
  const tokens = Array.from({ length: size }, (_, i) => `[PAD${i}]`);
  const types = tokens.map((): number => kinds.unused);
  for (const [token, id] of Object.entries(model.vocab)) {
    tokens[id] = token;
    types[id] = kinds.normal;
  }
  for (const { id, content, special } of added) {
    tokens[id] = content;
    types[id] = special === true ? kinds.control : kinds.defined;
  }
  const merges = model.merges.map((merge) => (typeof merge === "string" ? merge : merge.join(" ")));
  const [end, second] = tokenizer.stops;
  const begin = firstToken(after);
  return {
    "tokenizer.ggml.model": "gpt2",
    "tokenizer.ggml.pre": cutName(cut, path),
    "tokenizer.ggml.tokens": { strings: tokens },
    "tokenizer.ggml.token_type": { int32s: types },
    "tokenizer.ggml.merges": { strings: merges },
    "tokenizer.ggml.eos_token_id": end!,
    ...(second === undefined ? {} : { "tokenizer.ggml.eot_token_id": second }),
    ...(begin === undefined ? {} : { "tokenizer.ggml.bos_token_id": tokens.indexOf(begin) }),
    "tokenizer.ggml.add_bos_token": begin !== undefined,
    ...template(words),
  };
}

const split = z.looseObject({ type: z.literal("Split"), pattern: z.object({ Regex: z.string() }) });

/**
 * llama.cpp's name of a way to cut text before merges.
 * @throws ErrataError `GGUF_TOKENIZER`.
 */
function cutName(cut: unknown, path: string): string {
  const parts = (cut as { pretokenizers?: unknown[] } | null)?.pretokenizers ?? [cut];
  const types = parts.map((part) => (part as { type?: string } | null)?.type);
  const pattern = split.safeParse(parts[0]).data?.pattern.Regex;
  if (pattern?.includes("(?i:'s|'t|'re|'ve|'m|'ll|'d)") === true) {
    if (pattern.includes(String.raw`\p{N}{1,3}`)) return "llama-bpe";
    if (pattern.includes(String.raw`|\p{N}|`)) return "qwen2";
  }
  if (types.join() === "Digits,ByteLevel") return "smollm";
  if (types.join() === "ByteLevel") return "gpt-2";
  throw refused(path, `text is cut by ${pattern ?? types.join(", ")}`);
}

const refused = (path: string, what: string): ErrataError =>
  new ErrataError(`${path}: ${what}, which has no name in llama.cpp that is known here`, {
    code: "GGUF_TOKENIZER",
    hint: "export with --to hf, and convert that with llama.cpp's convert_hf_to_gguf.py",
  });

const processor = z.looseObject({
  type: z.literal("TemplateProcessing"),
  single: z.array(z.looseObject({ SpecialToken: z.looseObject({ id: z.string() }).optional() })),
});

/** The token that every text begins with, where there is one. */
function firstToken(after: unknown): string | undefined {
  const parts = (after as { processors?: unknown[] } | null)?.processors ?? [after];
  for (const part of parts) {
    const first = processor.safeParse(part).data?.single[0];
    if (first?.SpecialToken !== undefined) return first.SpecialToken.id;
  }
  return undefined;
}

/** The chat template, as the checkpoint's files hold it. */
function template(words: Text): Metadata {
  if (words.tokenizer.template === undefined) return {};
  const own = wordsFile(words, "chat_template.jinja");
  if (own !== undefined) return { "tokenizer.chat_template": readFileSync(own, "utf8") };
  const path = wordsFile(words, "tokenizer_config.json")!;
  const config = JSON.parse(readFileSync(path, "utf8")) as {
    chat_template: string | { name: string; template: string }[];
  };
  const { chat_template: held } = config;
  const source = typeof held === "string" ? held : held.find((t) => t.name === "default")?.template;
  return source === undefined ? {} : { "tokenizer.chat_template": source };
}
