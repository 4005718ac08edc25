/** Tokenizers that come with checkpoints: `tokenizer.json` and the chat template beside it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Tokenizer as Encoder } from "@huggingface/tokenizers";
import { z } from "zod";
import { readJson } from "../engine/files/pretrained.js";
import { ErrataError } from "../util/error.js";
import { issuesOf } from "../util/issues.js";
import { readText } from "../util/read-text.js";
import { ChatTemplate } from "./chat-template.js";
import type { Prompt, Tokenizer } from "./tokenizer.js";
import { checkTokenizerFile, type TokenizerFile } from "./tokenizer-file.js";
import { decodedCharacters } from "./utf8.js";

/** The 256 characters under which byte-level BPE writes bytes (GPT-2). */
const byteOf: ReadonlyMap<string, number> = (() => {
  const printable = (b: number): boolean =>
    (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  let next = 256;
  return new Map(
    Array.from({ length: 256 }, (_, b) => [String.fromCodePoint(printable(b) ? b : next++), b]),
  );
})();

const named = z.union([z.string(), z.looseObject({ content: z.string() })]).nullish();
const nameOf = (token: z.infer<typeof named>): string | undefined =>
  typeof token === "string" ? token : token?.content;

const tokenizerConfig = z.looseObject({
  bos_token: named,
  eos_token: named,
  pad_token: named,
  unk_token: named,
  sep_token: named,
  cls_token: named,
  mask_token: named,
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish(),
  added_tokens_decoder: z
    .record(z.string(), z.looseObject({ content: z.string(), single_word: z.boolean().optional() }))
    .nullish(),
});
const stopIds = z.looseObject({
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});

export interface PretrainedTokenizerOptions {
  /** Folder whose `generation_config.json` and `config.json` are read where the tokenizer's has none. */
  readonly fallback?: string;
  /** Variables for the chat template, such as `{ enable_thinking: false }` for Qwen3. */
  readonly templateVariables?: Readonly<Record<string, unknown>>;
  /** The day that templates are told, `YYYY-MM-DD`; those that ask for it are refused without one. */
  readonly templateDate?: string;
}

/** The files of a tokenizer, parsed; `template` is the text of `chat_template.jinja`. */
export interface TokenizerFiles {
  readonly tokenizer: unknown;
  readonly config?: unknown;
  /** `generation_config.json`. */
  readonly generation?: unknown;
  /** `config.json` of the model. */
  readonly model?: unknown;
  readonly template?: string;
  /** The folder they came from, for messages. */
  readonly folder: string;
}

/**
 * A byte-level BPE tokenizer (Llama 3, Qwen, SmolLM2). Half a surrogate pair in a text becomes U+FFFD.
 */
export class PretrainedTokenizer implements Tokenizer {
  readonly size: number;
  readonly stop: number;
  /**
   * Every token after which the model has finished, `stop` among them: the tokenizer's `eos_token`, and the
   * `eos_token_id` of `generation_config.json`, else of `config.json`.
   */
  readonly stops: readonly number[];
  /** Absent where the checkpoint has none: prompts are then the observation as it is. */
  readonly template: ChatTemplate | undefined;
  /** The bytes each token decodes to [V]; none for special tokens. */
  readonly tokenBytes: readonly Uint8Array[];
  readonly #encoder: Encoder;

  /**
   * @throws ErrataError `TOKENIZER_FILE` (damaged, or not byte-level), `TOKENIZER_STOP` (nothing ends
   * an action), `CHAT_TEMPLATE`.
   */
  constructor(
    files: TokenizerFiles,
    { templateVariables = {}, templateDate }: PretrainedTokenizerOptions = {},
  ) {
    const { folder } = files;
    const path = join(folder, "tokenizer.json");
    const model = checkTokenizerFile(files.tokenizer, path);
    const configPath = join(folder, "tokenizer_config.json");
    const config = parse(tokenizerConfig, files.config ?? {}, configPath);
    this.#encoder = encoderOf(model, path);
    checkAddedTokens(config, this.#encoder, configPath);
    const vocabulary = this.#encoder.get_vocab();
    const special = new Set(model.added_tokens.filter((t) => t.special).map((t) => t.id));
    this.size = 1 + [...vocabulary.values()].reduce((most, n) => Math.max(most, n), -1);
    const none: Uint8Array = new Uint8Array(0);
    const bytes = Array.from({ length: this.size }, () => none);
    // Ids that no token has are none.
    for (const [token, n] of vocabulary as Map<string | undefined, number>)
      if (token !== undefined && !special.has(n)) bytes[n] = bytesOf(token);
    this.tokenBytes = bytes;
    const id = (token: z.infer<typeof named>): number | undefined => {
      const name = nameOf(token);
      return name === undefined ? undefined : this.#encoder.token_to_id(name);
    };
    const listed = (file: unknown, name: string): number[] =>
      [parse(stopIds, file ?? {}, join(folder, name)).eos_token_id ?? []].flat();
    const generation = listed(files.generation, "generation_config.json");
    const others = generation.length > 0 ? generation : listed(files.model, "config.json");
    const own = id(config.eos_token);
    // -1 and its like stand for no token in some files.
    this.stops = [...new Set([own ?? [], others].flat())].filter((n) => n >= 0 && n < this.size);
    const [stop] = this.stops;
    if (stop === undefined)
      throw new ErrataError(`${folder}: no token ends an answer`, {
        code: "TOKENIZER_STOP",
        hint: "set eos_token in tokenizer_config.json, or eos_token_id in generation_config.json or config.json",
      });
    this.stop = stop;
    const source = files.template ?? embeddedTemplate(config.chat_template);
    this.template =
      source === undefined
        ? undefined
        : new ChatTemplate(source, {
            path:
              files.template === undefined
                ? `${configPath}: its chat_template`
                : join(folder, "chat_template.jinja"),
            variables: { ...specialNames(config), ...templateVariables },
            ...(templateDate === undefined ? {} : { date: templateDate }),
          });
  }

  /**
   * The conversation (or the observation as one user message) through the chat template; without a
   * template, the observation with the tokens that the model expects at the start.
   */
  encodePrompt({ observation, messages }: Prompt): number[] {
    if (this.template === undefined)
      return this.#encoder.encode(observation, { add_special_tokens: true }).ids;
    return this.encode(this.template.render(messages ?? [{ role: "user", content: observation }]));
  }

  encode(text: string): number[] {
    return this.#encoder.encode(text, { add_special_tokens: false }).ids;
  }

  decode(tokens: readonly number[]): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.#join(tokens));
  }

  /** Tokens that share a character, as those of one emoji do, each span all of it. */
  spans(tokens: readonly number[]): { readonly start: number; readonly end: number }[] {
    const bytes = this.#join(tokens);
    const starts = new Uint32Array(bytes.length + 1);
    const ends = new Uint32Array(bytes.length);
    let at = 0;
    for (const { start, end, units } of decodedCharacters(bytes)) {
      starts.fill(at, start, end);
      at += units;
      ends.fill(at, start, end);
    }
    starts[bytes.length] = at;
    let offset = 0;
    return tokens.map((token) => {
      const from = offset;
      offset += this.tokenBytes[token]?.length ?? 0;
      const start = starts[from]!;
      return { start, end: offset === from ? start : ends[offset - 1]! };
    });
  }

  #join(tokens: readonly number[]): Uint8Array {
    return Buffer.concat(tokens.map((token) => this.tokenBytes[token] ?? new Uint8Array(0)));
  }
}

/**
 * The tokenizer in the folder of a checkpoint.
 * @throws ErrataError `CHECKPOINT_FILE` (no `tokenizer.json`), or those of {@link PretrainedTokenizer}.
 */
export async function loadTokenizer(
  folder: string,
  options: PretrainedTokenizerOptions = {},
): Promise<PretrainedTokenizer> {
  const optional = async (name: string, ...folders: (string | undefined)[]): Promise<unknown> => {
    for (const place of [folder, ...folders])
      if (place !== undefined && existsSync(join(place, name))) return readJson(join(place, name));
    return {};
  };
  const { fallback } = options;
  const template = join(folder, "chat_template.jinja");
  const files: TokenizerFiles = {
    folder,
    tokenizer: await readJson(join(folder, "tokenizer.json")),
    config: await optional("tokenizer_config.json"),
    generation: await optional("generation_config.json", fallback),
    model: await optional("config.json", fallback),
    ...(existsSync(template) ? { template: templateIn(template) } : {}),
  };
  return new PretrainedTokenizer(files, options);
}

function templateIn(path: string): string {
  try {
    return readText(path);
  } catch (cause) {
    throw new ErrataError(`cannot read ${path}: ${(cause as Error).message}`, {
      code: "CHAT_TEMPLATE",
      hint: "copy or download the checkpoint again",
      cause,
    });
  }
}

function parse<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ErrataError(`${path}: ${issuesOf(parsed.error)}`, {
    code: "TOKENIZER_FILE",
    hint: "copy or download the checkpoint again",
  });
}

/** The encoder of a checked file; what else its library objects to is an error of the file too. */
function encoderOf(model: TokenizerFile, path: string): Encoder {
  try {
    // Of `tokenizer_config.json` only what transformers' own fast tokenizers would heed: nothing.
    const encoder = new Encoder(model, {});
    encoder.encode("Probe 1 é\n", { add_special_tokens: true });
    return encoder;
  } catch (cause) {
    throw new ErrataError(
      `${path} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      { code: "TOKENIZER_FILE", hint: "copy or download the checkpoint again", cause },
    );
  }
}

/** Refuses tokens that transformers would add from `tokenizer_config.json`, beside those of `tokenizer.json`. */
function checkAddedTokens(
  { added_tokens_decoder: listed }: z.infer<typeof tokenizerConfig>,
  encoder: Encoder,
  path: string,
): void {
  for (const [id, { content, single_word: word }] of Object.entries(listed ?? {}))
    if (encoder.token_to_id(content) !== Number(id) || word === true)
      throw new ErrataError(
        `${path}: added_tokens_decoder has ${JSON.stringify(content)} as ${id}${word === true ? ", a single word" : ""}, which tokenizer.json has not`,
        {
          code: "TOKENIZER_FILE",
          hint: "save the tokenizer again with transformers: tokenizer.save_pretrained(folder)",
        },
      );
}

function bytesOf(token: string): Uint8Array {
  const bytes = Array.from(token, (character) => byteOf.get(character));
  const whole = bytes.filter((b) => b !== undefined);
  return whole.length === bytes.length ? Uint8Array.from(whole) : new TextEncoder().encode(token);
}

function embeddedTemplate(
  template: z.infer<typeof tokenizerConfig>["chat_template"],
): string | undefined {
  if (typeof template === "string") return template;
  return template?.find(({ name }) => name === "default")?.template;
}

/** Special tokens by the names under which templates read them. */
function specialNames(config: z.infer<typeof tokenizerConfig>): Record<string, string> {
  const names = [
    ...(["bos_token", "eos_token", "pad_token", "unk_token"] as const),
    ...(["sep_token", "cls_token", "mask_token"] as const),
  ];
  return Object.fromEntries(
    names.flatMap((name) => {
      const token = nameOf(config[name]);
      return token === undefined ? [] : [[name, token]];
    }),
  );
}
