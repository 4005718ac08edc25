/** Models behind an AI SDK provider or an OpenAI-compatible URL: text in, text out, no log-probs. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, type LanguageModel } from "ai";
import type { Bill } from "../util/bill.js";
import { ErrataError } from "../util/error.js";
import { limitedFetch } from "../util/limited-body.js";
import { keepSecret, redact } from "../util/secrets.js";
import { within } from "../util/within.js";
import { atMost } from "./at-most.js";
import { writtenAction, type Action, type Model } from "./model.js";
import type { Prompt, Tokenizer } from "./tokenizer.js";

/**
 * A language model of an AI SDK provider (specification v2 or v3): what it is known by. The rest is the
 * AI SDK's own, whose types would need more packages in every project that imports Errata.
 */
export interface SdkModel {
  readonly specificationVersion: "v2" | "v3";
  readonly provider: string;
  readonly modelId: string;
}

/** Longer answers are no model's: 32 MiB. */
const MOST_BYTES = 2 ** 25;

/** How a remote model is asked. */
export interface RemoteOptions {
  /** Encodes prompts and answers for those who train on them; the student's. */
  readonly tokenizer?: Tokenizer;
  /** Longest action of the environment: actions of one symbol have no stop token. Default: more than one. */
  readonly maxActionSymbols?: number;
  /** Default 1. */
  readonly temperature?: number;
  /** Longest answer, in its tokens. */
  readonly maxTokens?: number;
  /** Prompts in flight at once, over all calls. Default 4. */
  readonly concurrency?: number;
  /** Seconds one answer may take, retries included. Default 120. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Hears once that the server does not say how many tokens it used. Default: a warning of the process. */
  readonly notice?: (text: string) => void;
}

/** Any AI SDK language model as a {@link Model}. It can act and be learned from, not be trained. */
export class RemoteModel implements Model {
  readonly #model: SdkModel;
  readonly #options: RemoteOptions;
  #counts = false;
  #read = 0;
  #written = 0;
  readonly #turn: <T>(work: () => Promise<T>) => Promise<T>;

  constructor(model: SdkModel, options: RemoteOptions = {}) {
    this.#model = model;
    this.#options = options;
    this.#turn = atMost(options.concurrency ?? 4);
  }

  /** Tokens of this sitting. Where a server tells only their sum, they count as written. */
  get bill(): Bill {
    return { model: this.#model.modelId, read: this.#read, written: this.#written };
  }

  /**
   * One answer for each prompt; retried twice by the AI SDK. A reply without a text, or one that was cut
   * off, is an action with a `failure`. Where a server does not say how many tokens it used, they are
   * counted in the text: with the tokenizer, or four bytes a token.
   * @throws ErrataError `REMOTE_MODEL` when the server keeps failing, or takes too long.
   */
  act(prompts: readonly Prompt[]): Promise<Action[]> {
    return Promise.all(prompts.map((prompt) => this.#turn(() => this.#answer(prompt))));
  }

  #counted(texts: readonly string[]): number {
    if (!this.#counts) {
      this.#counts = true;
      const { notice = (text: string) => process.emitWarning(text) } = this.#options;
      notice(
        "the server does not say how many tokens its model used: they are counted in the text, and budgets go by that count",
      );
    }
    const { tokenizer } = this.#options;
    return texts.reduce((total, text) => total + tokensIn(text, tokenizer), 0);
  }

  async #answer(prompt: Prompt): Promise<Action> {
    const { temperature = 1, maxTokens, timeout = 120, signal } = this.#options;
    const messages = prompt.messages ?? [{ role: "user" as const, content: prompt.observation }];
    try {
      const { text, usage, finishReason, toolCalls } = await within(1000 * timeout + 250, (own) =>
        generateText({
          model: this.#model as LanguageModel,
          // A tool's answer needs the id of its call in the AI SDK's form: shown as the user's words.
          messages: messages.map(({ role, content }) =>
            role === "tool" ? { role: "user", content } : { role, content },
          ),
          allowSystemInMessages: true, // they come from the environment
          temperature,
          timeout: 1000 * timeout,
          ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
          abortSignal: signal === undefined ? own : AbortSignal.any([signal, own]),
        }),
      );
      const told = usage.totalTokens ?? sum(usage.inputTokens, usage.outputTokens);
      const paidTokens = told ?? this.#counted([...messages.map(({ content }) => content), text]);
      const read = Math.min(
        paidTokens,
        usage.inputTokens ?? paidTokens - (usage.outputTokens ?? paidTokens),
      );
      this.#read += read;
      this.#written += paidTokens - read;
      const failure = fault(text, finishReason, toolCalls.length);
      return {
        ...encoded(text, prompt, this.#options),
        paidTokens,
        finish: finishReason === "length" ? "length" : "stop",
        ...(failure === undefined ? {} : { failure }),
      };
    } catch (cause) {
      throw new ErrataError(`the remote model did not answer: ${reason(cause)}`, {
        code: "REMOTE_MODEL",
        hint: "check its URL, the model's name and the key's environment variable",
        cause,
      });
    }
  }
}

function tokensIn(text: string, tokenizer: Tokenizer | undefined): number {
  try {
    if (tokenizer !== undefined) return tokenizer.encode(text).length;
  } catch {
    // a lexicon has no word for it
  }
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** Tokens a server is asked for, and has written, where both are told. */
function sum(read: number | undefined, wrote: number | undefined): number | undefined {
  return read === undefined || wrote === undefined ? undefined : read + wrote;
}

/** What is wrong with a reply, or undefined where it is a whole text. */
function fault(text: string, finish: string, calls: number): string | undefined {
  if (finish === "length") return "the remote model's reply was cut off: raise its maxTokens";
  if (finish === "content-filter") return "the server withheld the remote model's reply";
  if (calls > 0) return "the remote model called a tool instead of answering";
  return text.trim() === "" ? "the remote model's reply was empty" : undefined;
}

function encoded(
  text: string,
  prompt: Prompt,
  { tokenizer, maxActionSymbols = 2 }: Pick<RemoteOptions, "tokenizer" | "maxActionSymbols">,
): Action {
  const empty: Action = { text, prompt: [], completion: [], logprobs: [], behaviourLogprobs: [] };
  if (tokenizer === undefined) return empty;
  try {
    return writtenAction(text, prompt, tokenizer, maxActionSymbols);
  } catch {
    return empty; // a lexicon has no word for what it wrote
  }
}

/** An error's message, without the request that an API error carries along. */
function reason(cause: unknown): string {
  return cause instanceof Error ? redact(cause.message).slice(0, 200) : String(cause);
}

/** Where an OpenAI-compatible model lives. */
export interface RemoteAddress {
  /** Up to and including `/v1`. */
  readonly url: string;
  readonly model: string;
  /** Environment variable with the key; none is sent where it is not set. */
  readonly keyVariable: string;
}

/**
 * A model behind an OpenAI-compatible URL. The key is read here and kept nowhere else.
 * @throws ErrataError `REMOTE_ADDRESS` on a URL that is not http(s), or without a model's name.
 */
export function remoteModel(
  { url, model, keyVariable }: RemoteAddress,
  options: RemoteOptions = {},
): RemoteModel {
  if (!/^https?:\/\//.test(url) || model === "")
    throw new ErrataError(`cannot ask model "${model}" at "${url}"`, {
      code: "REMOTE_ADDRESS",
      hint: "give an http(s) URL that ends in /v1, and the model's name",
    });
  const key = keepSecret(process.env[keyVariable]);
  const provider = createOpenAICompatible({
    name: "remote",
    baseURL: url,
    fetch: limitedFetch(MOST_BYTES),
    ...(key === undefined ? {} : { apiKey: key }),
  });
  return new RemoteModel(provider(model), options);
}
