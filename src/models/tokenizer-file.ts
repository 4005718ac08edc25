/**
 * What a `tokenizer.json` may hold (the format of the tokenizers library 0.23): byte-level BPE whose steps
 * `@huggingface/tokenizers` computes as that library does. Anything else is refused by name.
 */
import { z } from "zod";
import { ErrataError } from "../util/error.js";
import { issuesOf } from "../util/issues.js";

/** Ids above this are damage: no vocabulary is nearly as large. */
const largestId = 2 ** 22;

const id = z.int().min(0).max(largestId);
const blank = z.union([z.null(), z.literal("")]).optional();

const normalizerStep = z.strictObject({ type: z.enum(["NFC", "NFD", "NFKC", "NFKD"]) });
const normalizer = z
  .union([
    normalizerStep,
    z.strictObject({ type: z.literal("Sequence"), normalizers: z.array(normalizerStep) }),
  ])
  .nullable();

const pattern = z.union([
  z.strictObject({ Regex: z.string().min(1) }),
  z.strictObject({ String: z.string().min(1) }),
]);
const split = z.union([
  z.strictObject({
    type: z.literal("Split"),
    pattern,
    behavior: z.literal("Isolated"),
    invert: z.literal(false).optional(),
  }),
  z.strictObject({
    type: z.literal("Split"),
    pattern,
    behavior: z.literal("Removed"),
    invert: z.literal(true),
  }),
]);
const byteLevel = z.strictObject({
  type: z.literal("ByteLevel"),
  add_prefix_space: z.literal(false),
  trim_offsets: z.boolean().optional(),
  use_regex: z.boolean().optional(),
});
const digits = z.strictObject({
  type: z.literal("Digits"),
  individual_digits: z.boolean().optional(),
});
const preTokenizerStep = z.union([split, byteLevel, digits]);
const preTokenizer = z.union([
  preTokenizerStep,
  z.strictObject({ type: z.literal("Sequence"), pretokenizers: z.array(preTokenizerStep) }),
]);
type Step = z.infer<typeof preTokenizerStep>;

const named = (...types: string[]): z.ZodType<{ readonly type: string }> =>
  z.looseObject({ type: z.enum(types) });
const postProcessorStep = named("ByteLevel", "TemplateProcessing");
const postProcessor = z
  .union([
    postProcessorStep,
    z.strictObject({ type: z.literal("Sequence"), processors: z.array(postProcessorStep) }),
  ])
  .nullable();

const schema = z.strictObject({
  version: z.string().optional(),
  truncation: z.unknown().optional(), // transformers sets its own
  padding: z.unknown().optional(),
  added_tokens: z.array(
    z.strictObject({
      id,
      content: z.string().min(1),
      // @huggingface/tokenizers 0.2.0 finds such tokens inside words too.
      single_word: z.literal(false).optional(),
      lstrip: z.boolean().optional(),
      rstrip: z.boolean().optional(),
      normalized: z.boolean().optional(),
      special: z.boolean().optional(),
    }),
  ),
  normalizer,
  pre_tokenizer: preTokenizer,
  post_processor: postProcessor,
  decoder: named("ByteLevel"),
  model: z.strictObject({
    type: z.literal("BPE"),
    dropout: z.union([z.null(), z.literal(0)]).optional(),
    unk_token: z.string().nullish(),
    continuing_subword_prefix: blank,
    end_of_word_suffix: blank,
    fuse_unk: z.literal(false).optional(),
    byte_fallback: z.literal(false).optional(),
    ignore_merges: z.boolean().optional(),
    vocab: z.record(z.string(), id),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])),
  }),
});

type Parsed = z.infer<typeof schema>;

/** A tokenizer file as the encoder takes it. */
export interface TokenizerFile {
  readonly added_tokens: readonly {
    readonly id: number;
    readonly content: string;
    readonly special?: boolean | undefined;
  }[];
}

/**
 * Checks the parsed `tokenizer.json` of `path`, and writes steps that `@huggingface/tokenizers` computes
 * otherwise in a form that it computes alike: digits are those of Unicode, white space that of Unicode.
 * @throws ErrataError `TOKENIZER_FILE`, naming what is damaged or not supported.
 */
export function checkTokenizerFile(file: unknown, path: string): TokenizerFile {
  const refuse = (message: string): never => {
    throw new ErrataError(`${path}: ${message}`, {
      code: "TOKENIZER_FILE",
      hint: "only byte-level BPE tokenizers are supported, as those of Llama 3, Qwen and SmolLM2; if it is one, copy or download the checkpoint again",
    });
  };
  const decoder = z.looseObject({ decoder: z.looseObject({ type: z.string() }) }).safeParse(file);
  if (decoder.success && decoder.data.decoder.type !== "ByteLevel")
    refuse(`its tokenizer decodes by ${decoder.data.decoder.type}, not ByteLevel`);
  const parsed = schema.safeParse(file);
  if (!parsed.success) return refuse(issuesOf(parsed.error));
  const { data } = parsed;
  checkVocabulary(data, refuse);
  const alikeFile: Parsed = { ...data, pre_tokenizer: alike(data.pre_tokenizer) };
  return alikeFile;
}

function checkVocabulary(
  { model, added_tokens: added }: Parsed,
  refuse: (message: string) => never,
): void {
  const owners = new Map<number, string>();
  for (const [token, number] of Object.entries(model.vocab)) {
    const owner = owners.get(number);
    if (owner !== undefined)
      refuse(`${JSON.stringify(owner)} and ${JSON.stringify(token)} have the same id ${number}`);
    owners.set(number, token);
  }
  const contents = new Set<string>();
  for (const { id: number, content } of added) {
    const owner = owners.get(number);
    const own = Object.hasOwn(model.vocab, content) ? model.vocab[content] : undefined;
    if ((owner ?? content) !== content || (own ?? number) !== number || contents.has(content))
      refuse(
        `the added token ${JSON.stringify(content)} contradicts the vocabulary (id ${number})`,
      );
    owners.set(number, content);
    contents.add(content);
  }
  for (const merge of model.merges) {
    const parts = typeof merge === "string" ? merge.split(" ") : merge;
    if (
      parts.length !== 2 ||
      ![...parts, parts.join("")].every((t) => Object.hasOwn(model.vocab, t))
    )
      refuse(`the merge ${JSON.stringify(merge)} is not of two tokens whose union is one`);
  }
}

/** GPT-2's pattern, which a byte-level step without one of its own uses. */
const gpt2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

function alike(step: Parsed["pre_tokenizer"]): Parsed["pre_tokenizer"] {
  const steps = step.type === "Sequence" ? step.pretokenizers : [step];
  const isolated = (regex: string): Step => ({
    type: "Split",
    pattern: { Regex: regex },
    behavior: "Isolated",
    invert: false,
  });
  return {
    type: "Sequence",
    pretokenizers: steps.flatMap((s): Step[] => {
      if (s.type === "Digits")
        return [isolated(s.individual_digits === true ? String.raw`\p{N}` : String.raw`\p{N}+`)];
      if (s.type === "ByteLevel" && s.use_regex !== false)
        return [isolated(gpt2), { ...s, use_regex: false }];
      return [s];
    }),
  };
}
