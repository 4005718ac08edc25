/** Tokenizers that come with checkpoints: `tokenizer.json` and the chat template beside it. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as Encoder } from "@huggingface/tokenizers";
import { z } from "zod";
import { readJson } from "../engine/files/pretrained.js";
import { ErrataError } from "../util/error.js";
import { ChatTemplate } from "./chat-template.js";
import type { Prompt, Tokenizer } from "./tokenizer.js";
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

const tokenizerFile = z.looseObject({
  decoder: z.looseObject({ type: z.string() }).nullish(),
  added_tokens: z.array(
    z.looseObject({ id: z.int(), content: z.string(), special: z.boolean().optional() }),
  ),
});
const tokenizerConfig = z.looseObject({
  bos_token: named,
  eos_token: named,
  pad_token: named,
  unk_token: named,
  chat_template: z
    .union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))])
    .nullish(),
});
const generationConfig = z.looseObject({
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});

export interface PretrainedTokenizerOptions {
  /** Variables for the chat template, such as `{ enable_thinking: false }` for Qwen3. */
  readonly templateVariables?: Readonly<Record<string, unknown>>;
}

/** The files of a tokenizer, parsed; `template` is the text of `chat_template.jinja`. */
export interface TokenizerFiles {
  readonly tokenizer: unknown;
  readonly config?: unknown;
  readonly generation?: unknown;
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
  /** Every token after which the model has finished, `stop` among them (`generation_config.json`). */
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
  constructor(files: TokenizerFiles, { templateVariables = {} }: PretrainedTokenizerOptions = {}) {
    const { folder } = files;
    const model = parse(tokenizerFile, files.tokenizer, join(folder, "tokenizer.json"));
    const config = parse(
      tokenizerConfig,
      files.config ?? {},
      join(folder, "tokenizer_config.json"),
    );
    if (model.decoder?.type !== "ByteLevel")
      throw new ErrataError(
        `${folder}: its tokenizer decodes by ${model.decoder?.type ?? "nothing"}, not ByteLevel`,
        { code: "TOKENIZER_FILE", hint: "only byte-level BPE tokenizers are supported" },
      );
    this.#encoder = new Encoder(files.tokenizer as object, config);
    const vocabulary = this.#encoder.get_vocab();
    const special = new Set(model.added_tokens.filter((t) => t.special).map((t) => t.id));
    this.size = 1 + [...vocabulary.values()].reduce((most, n) => Math.max(most, n), -1);
    const none: Uint8Array = new Uint8Array(0);
    const bytes = Array.from({ length: this.size }, () => none);
    for (const [token, n] of vocabulary) if (!special.has(n)) bytes[n] = bytesOf(token);
    this.tokenBytes = bytes;
    const id = (token: z.infer<typeof named>): number | undefined => {
      const name = nameOf(token);
      return name === undefined ? undefined : this.#encoder.token_to_id(name);
    };
    const generation = parse(
      generationConfig,
      files.generation ?? {},
      join(folder, "generation_config.json"),
    );
    const own = id(config.eos_token);
    this.stops = [...new Set([own, generation.eos_token_id ?? []].flat())].filter(
      (stop) => stop !== undefined,
    );
    const [stop] = this.stops;
    if (stop === undefined)
      throw new ErrataError(`${folder}: no token ends an answer`, {
        code: "TOKENIZER_STOP",
        hint: "set eos_token in tokenizer_config.json or eos_token_id in generation_config.json",
      });
    this.stop = stop;
    const source = files.template ?? embeddedTemplate(config.chat_template);
    this.template =
      source === undefined
        ? undefined
        : new ChatTemplate(source, {
            path: `${folder}: its chat template`,
            variables: { ...specialNames(config), ...templateVariables },
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
  const optional = async (name: string): Promise<unknown> =>
    existsSync(join(folder, name)) ? readJson(join(folder, name)) : {};
  const template = join(folder, "chat_template.jinja");
  const files: TokenizerFiles = {
    folder,
    tokenizer: await readJson(join(folder, "tokenizer.json")),
    config: await optional("tokenizer_config.json"),
    generation: await optional("generation_config.json"),
    ...(existsSync(template) ? { template: await readFile(template, "utf8") } : {}),
  };
  return new PretrainedTokenizer(files, options);
}

function parse<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ErrataError(`${path}: ${z.prettifyError(parsed.error)}`, {
    code: "TOKENIZER_FILE",
    hint: "copy or download the checkpoint again",
  });
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
  const names = ["bos_token", "eos_token", "pad_token", "unk_token"] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const token = nameOf(config[name]);
      return token === undefined ? [] : [[name, token]];
    }),
  );
}
