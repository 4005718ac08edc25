/** Models behind an AI SDK provider or an OpenAI-compatible URL: text in, text out, no log-probs. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, type LanguageModel } from "ai";
import { ErrataError } from "../error.js";
import type { Action, Model } from "./model.js";
import type { Prompt, Tokenizer } from "./tokenizer.js";

/** How a remote model is asked. */
export interface RemoteOptions {
  /** Encodes prompts and answers for those who train on them; the student's. */
  readonly tokenizer?: Tokenizer;
  /** Default 1. */
  readonly temperature?: number;
  /** Longest answer, in its tokens. */
  readonly maxTokens?: number;
  /** Prompts in flight at once. Default 4. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
}

/** Any AI SDK language model as a {@link Model}. It can act and be learned from, not be trained. */
export class RemoteModel implements Model {
  readonly #model: LanguageModel;
  readonly #options: RemoteOptions;

  constructor(model: LanguageModel, options: RemoteOptions = {}) {
    this.#model = model;
    this.#options = options;
  }

  /**
   * One answer for each prompt; retried twice by the AI SDK.
   * @throws ErrataError `REMOTE_MODEL` when the server keeps failing.
   */
  async act(prompts: readonly Prompt[]): Promise<Action[]> {
    const { concurrency = 4 } = this.#options;
    const actions: Action[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let i = next++; i < prompts.length; i = next++)
        actions[i] = await this.#answer(prompts[i]!);
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, prompts.length) }, worker));
    return actions;
  }

  async #answer(prompt: Prompt): Promise<Action> {
    const { tokenizer, temperature = 1, maxTokens, signal } = this.#options;
    const messages = prompt.messages ?? [{ role: "user" as const, content: prompt.observation }];
    try {
      const { text, usage } = await generateText({
        model: this.#model,
        // A tool's answer needs the id of its call in the AI SDK's form: shown as the user's words.
        messages: messages.map(({ role, content }) =>
          role === "tool" ? { role: "user", content } : { role, content },
        ),
        temperature,
        ...(maxTokens === undefined ? {} : { maxOutputTokens: maxTokens }),
        ...(signal === undefined ? {} : { abortSignal: signal }),
      });
      const paidTokens = usage.totalTokens ?? 0;
      return { ...encoded(text, prompt, tokenizer), paidTokens };
    } catch (cause) {
      throw new ErrataError(`the remote model did not answer: ${reason(cause)}`, {
        code: "REMOTE_MODEL",
        hint: "check its URL, the model's name and the key's environment variable",
        cause,
      });
    }
  }
}

function encoded(text: string, prompt: Prompt, tokenizer: Tokenizer | undefined): Action {
  const empty: Action = { text, prompt: [], completion: [], logprobs: [], behaviourLogprobs: [] };
  if (tokenizer === undefined) return empty;
  try {
    const completion = [...tokenizer.encode(text), tokenizer.stop];
    const logprobs = completion.map(() => 0);
    const tokens = tokenizer.encodePrompt(prompt);
    return { text, prompt: tokens, completion, logprobs, behaviourLogprobs: logprobs };
  } catch {
    return empty; // a lexicon has no word for what it wrote
  }
}

/** An error's message, without the request that an API error carries along. */
function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
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
  const key = process.env[keyVariable];
  const provider = createOpenAICompatible({
    name: "remote",
    baseURL: url,
    ...(key === undefined ? {} : { apiKey: key }),
  });
  return new RemoteModel(provider(model), options);
}
