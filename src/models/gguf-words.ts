/** A GGUF file's vocabulary and chat template as the files that come with a checkpoint of transformers. */
import { z } from "zod";
import type { GgufFile } from "../engine/files/gguf-file.js";
import { ErrataError } from "../util/error.js";

/** Kinds of tokens, as llama.cpp numbers them. */
const kinds = { control: 3, defined: 4, unused: 5 } as const;

const byteLevel = (useRegex: boolean) => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});

/** Text cut by a pattern before merges, the letters of which differ in how many digits stay together. */
const cutBy = (digits: string) => [
  {
    type: "Split",
    pattern: {
      Regex: String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    },
    behavior: "Isolated",
    invert: false,
  },
  byteLevel(false),
];

interface Cut {
  readonly steps: readonly object[];
  readonly normalizer?: object;
  /** Whole words that are tokens are taken without merging. */
  readonly ignoreMerges?: true;
  /** Whether texts begin with a token where the file does not say. */
  readonly begins?: true;
}

/** How text is cut, by llama.cpp's names. */
const cuts: Readonly<Record<string, Cut>> = {
  "gpt-2": { steps: [byteLevel(true)] },
  smollm: { steps: [{ type: "Digits", individual_digits: true }, byteLevel(true)] },
  qwen2: { steps: cutBy(String.raw`\p{N}`), normalizer: { type: "NFC" } },
  "llama-bpe": { steps: cutBy(String.raw`\p{N}{1,3}`), ignoreMerges: true, begins: true },
};

const id = z.int().nonnegative();
const words = z.looseObject({
  "tokenizer.ggml.model": z.string(),
  "tokenizer.ggml.pre": z.string().optional(),
  "tokenizer.ggml.tokens": z.array(z.string()),
  "tokenizer.ggml.token_type": z.array(z.int()),
  "tokenizer.ggml.merges": z.array(z.string()).optional(),
  "tokenizer.ggml.bos_token_id": id.optional(),
  "tokenizer.ggml.eos_token_id": id,
  "tokenizer.ggml.eot_token_id": id.optional(),
  "tokenizer.ggml.unknown_token_id": id.optional(),
  "tokenizer.ggml.padding_token_id": id.optional(),
  "tokenizer.ggml.add_bos_token": z.boolean().optional(),
  "tokenizer.chat_template": z.string().optional(),
});

/**
 * By name, the contents of `tokenizer.json`, `tokenizer_config.json` and `generation_config.json`.
 * @throws ErrataError `GGUF_TOKENIZER` for a vocabulary of another kind, or a damaged one.
 */
export function ggufWords({ path, metadata }: GgufFile): Readonly<Record<string, object>> {
  const refuse = (message: string): never => {
    throw new ErrataError(`${path}: ${message}`, {
      code: "GGUF_TOKENIZER",
      hint: "read are byte-level BPE vocabularies, as those of Llama 3, Qwen and SmolLM2; for others use the model's safetensors",
    });
  };
  const parsed = words.safeParse(metadata);
  if (!parsed.success) return refuse(z.prettifyError(parsed.error));
  const of = <K extends string>(key: K) => parsed.data[`tokenizer.ggml.${key}`];
  const model = of("model") as string;
  if (model !== "gpt2") refuse(`a vocabulary of the kind ${model}`);
  const pre = (of("pre") as string | undefined) ?? "gpt-2";
  const cut = cuts[pre] ?? refuse(`text is cut by rules named ${pre}`);
  const tokens = of("tokens") as string[];
  const types = of("token_type") as number[];
  if (types.length !== tokens.length)
    refuse(`${tokens.length} tokens and the kinds of ${types.length}`);
  const token = (key: string): string | undefined => {
    const number = of(key) as number | undefined;
    if (number === undefined) return undefined;
    return tokens[number] ?? refuse(`${key} is ${number} of ${tokens.length} tokens`);
  };
  const isAdded = (type: number): boolean => type === kinds.control || type === kinds.defined;
  const begin = token("bos_token_id");
  const begins = (of("add_bos_token") as boolean | undefined) ?? cut.begins === true;
  const template = parsed.data["tokenizer.chat_template"];
  const stops = [of("eos_token_id"), of("eot_token_id")].filter((n) => n !== undefined);
  return {
    "tokenizer.json": {
      version: "1.0",
      added_tokens: tokens.flatMap((content, n) =>
        isAdded(types[n]!)
          ? [{ id: n, content, normalized: false, special: types[n] === kinds.control }]
          : [],
      ),
      normalizer: cut.normalizer ?? null,
      pre_tokenizer: { type: "Sequence", pretokenizers: cut.steps },
      post_processor:
        begins && begin !== undefined ? beginningWith(begin, tokens.indexOf(begin)) : null,
      decoder: byteLevel(true),
      model: {
        type: "BPE",
        ignore_merges: cut.ignoreMerges === true,
        vocab: Object.fromEntries(
          tokens.flatMap((text, n) =>
            isAdded(types[n]!) || types[n] === kinds.unused ? [] : [[text, n]],
          ),
        ),
        merges: of("merges") ?? [],
      },
    },
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: begin ?? null,
      eos_token: token("eos_token_id"),
      unk_token: token("unknown_token_id") ?? null,
      pad_token: token("padding_token_id") ?? null,
      add_bos_token: begins,
      ...(template === undefined ? {} : { chat_template: template }),
    },
    "generation_config.json": { eos_token_id: [...new Set(stops)] },
  };
}

const beginningWith = (content: string, number: number): object => ({
  type: "TemplateProcessing",
  single: [{ SpecialToken: { id: content, type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
  pair: [
    { SpecialToken: { id: content, type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
    { Sequence: { id: "B", type_id: 1 } },
  ],
  special_tokens: { [content]: { id: content, ids: [number], tokens: [content] } },
});
