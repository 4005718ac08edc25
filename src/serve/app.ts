/** The OpenAI API over one model: https://platform.openai.com/docs/api-reference/completions and .../chat. */
import { randomUUID } from "node:crypto";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import type { ContinuousDecoder } from "../engine/continuous.js";
import type { Taken } from "../take/source.js";
import { chatForm, completionForm, usageOf, type AnswerForm, type Drawn } from "./answers.js";
import { errorBody, errorResponse, RequestError } from "./errors.js";
import { choice, freshSeed, type ChoiceOptions } from "./generate.js";
import { guard, type GuardOptions } from "./guard.js";
import {
  messagesOf,
  readChat,
  readCompletion,
  type ChatRequest,
  type CompletionRequest,
} from "./requests.js";

export interface AppOptions extends GuardOptions {
  readonly taken: Taken;
  readonly decoder: ContinuousDecoder;
  /** Choices that may be drawn or wait at once; beyond, requests are refused with 429. */
  readonly maxPending: number;
  /** Told of faults of the server's own. */
  readonly onFault?: (error: unknown) => void;
}

/** Most bytes of a request. */
const largestBody = 2 ** 20;

/** The routes: `/v1/models`, `/v1/completions`, `/v1/chat/completions`. */
export function openAiApp(options: AppOptions): Hono {
  const { taken, onFault } = options;
  const app = new Hono();
  const answering = new Answering(options);
  app.use("*", guard(options));
  app.use(
    "*",
    bodyLimit({
      maxSize: largestBody,
      onError: (context) =>
        errorResponse(context, new RequestError(413, `a request has at most ${largestBody} bytes`)),
    }),
  );
  app.onError((error, context) => {
    if (errorBody(error).status >= 500) onFault?.(error);
    return errorResponse(context, error);
  });
  app.notFound((context) =>
    errorResponse(
      context,
      new RequestError(404, `there is no ${context.req.method} ${context.req.path}`),
    ),
  );
  const model = { id: taken.name, object: "model", created: started, owned_by: "errata" };
  app.get("/v1/models", (context) => context.json({ object: "list", data: [model] }));
  app.get("/v1/models/:id{.+}", (context) => {
    requireModel(taken, context.req.param("id"));
    return context.json(model);
  });
  app.post("/v1/completions", async (context) => {
    const request = readCompletion(await json(context));
    requireModel(taken, request.model);
    return answering.answer(
      context,
      request,
      promptsOf(taken, request),
      completionForm(taken, request),
    );
  });
  app.post("/v1/chat/completions", async (context) => {
    const request = readChat(await json(context));
    requireModel(taken, request.model);
    return answering.answer(
      context,
      request,
      [chatPrompt(taken, request)],
      chatForm(taken, request),
    );
  });
  return app;
}

const started = Math.floor(Date.now() / 1000);

async function json(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch {
    throw new RequestError(400, "the request is no JSON");
  }
}

function requireModel({ name }: Taken, asked: string): void {
  if (asked === name) return;
  throw new RequestError(404, `the model "${asked}" is not served here, "${name}" is`, {
    code: "model_not_found",
    param: "model",
  });
}

/** The prompts of a completion, in tokens. */
function promptsOf({ words, policy }: Taken, { prompt }: CompletionRequest): number[][] {
  const list = typeof prompt === "string" || typeof prompt[0] === "number" ? [prompt] : prompt;
  return (list as (string | number[])[]).map((one) => {
    const tokens = typeof one === "string" ? encoded(words, one) : one;
    if (tokens.some((token) => token >= policy.shape.vocabulary))
      throw new RequestError(400, `prompt: tokens lie below ${policy.shape.vocabulary}`, {
        param: "prompt",
      });
    if (tokens.length === 0)
      throw new RequestError(400, "prompt: it is empty", { param: "prompt" });
    return tokens;
  });
}

function encoded(words: Taken["words"], text: string): number[] {
  return words.kind === "text" ? words.tokenizer.encode(text) : words.tokenizer.encode(text.trim());
}

/** @throws RequestError 400 where the model has no chat. */
function chatPrompt({ words, name }: Taken, request: ChatRequest): number[] {
  if (words.kind === "text" && words.tokenizer.template !== undefined)
    return words.tokenizer.encodePrompt({ observation: "", messages: messagesOf(request) });
  const what =
    words.kind === "text"
      ? "has no chat template"
      : `reads and writes ${words.lexicon.symbols.length} symbols${words.lexicon.separator === "" ? "" : ", separated by spaces"}: ${words.lexicon.symbols.join(" ")}`;
  throw new RequestError(400, `"${name}" ${what}; it has no chat: use /v1/completions`, {
    code: "no_chat",
    param: "messages",
  });
}

/** Draws the choices of requests, as many at once as are allowed. */
class Answering {
  readonly #options: AppOptions;
  #pending = 0;

  constructor(options: AppOptions) {
    this.#options = options;
  }

  async answer(
    context: Context,
    request: CompletionRequest | ChatRequest,
    prompts: readonly number[][],
    form: AnswerForm,
  ): Promise<Response> {
    const { taken, maxPending, onFault } = this.#options;
    const n = request.n ?? 1;
    const count = prompts.length * n;
    if (this.#pending + count > maxPending)
      throw new RequestError(
        429,
        `${this.#pending} choices are being drawn, at most ${maxPending} may: ask again later`,
        { code: "busy" },
      );
    const seed = request.seed ?? freshSeed();
    const abort = new AbortController();
    const gone = (): void => abort.abort(new RequestError(400, "the client is gone"));
    context.req.raw.signal.addEventListener("abort", gone);
    const all = prompts.flatMap((prompt) => new Array<number[]>(n).fill(prompt));
    const choices = all.map((prompt, i): ChoiceOptions => ({
      prompt,
      maxTokens: form.maxTokens(prompt.length),
      temperature: request.temperature ?? 1,
      topP: request.top_p ?? 1,
      ...(request.top_k === undefined || request.top_k === null ? {} : { topK: request.top_k }),
      minP: request.min_p ?? 0,
      seed: (seed + i) >>> 0,
      stops: typeof request.stop === "string" ? [request.stop] : (request.stop ?? []),
      top: form.top,
      signal: abort.signal,
    }));
    for (const { prompt, maxTokens } of choices) requireRoom(taken, prompt.length, maxTokens);
    this.#pending += count;
    let done = false;
    const release = (): void => {
      if (!done) this.#pending -= count;
      done = true;
      context.req.raw.signal.removeEventListener("abort", gone);
    };
    const head = {
      id: `${form.prefix}-${randomUUID()}`,
      created: Math.floor(Date.now() / 1000),
      model: taken.name,
    };
    const promptTokens = prompts.reduce((sum, prompt) => sum + prompt.length, 0);
    if (request.stream !== true)
      try {
        const drawn = await Promise.all(choices.map((one) => this.#whole(one)));
        const usage = usageOf(promptTokens, drawn);
        return context.json({
          ...head,
          object: form.object,
          choices: drawn.map((one, i) => form.choice(one, i)),
          usage,
        });
      } catch (error) {
        abort.abort(error); // the other choices are of no use
        throw error;
      } finally {
        release();
      }
    return streamSSE(context, async (stream) => {
      stream.onAbort(gone);
      try {
        const drawn = await Promise.all(
          choices.map((one, i) => this.#streamed(one, i, form, head, stream)),
        );
        if (request.stream_options?.include_usage === true) {
          const usage = usageOf(promptTokens, drawn);
          await stream.writeSSE({
            data: JSON.stringify({ ...head, object: form.chunk, choices: [], usage }),
          });
        }
        await stream.writeSSE({ data: "[DONE]" });
      } catch (error) {
        abort.abort(error);
        if (errorBody(error).status >= 500) onFault?.(error);
        await stream.writeSSE({ data: JSON.stringify(errorBody(error).body) });
      } finally {
        release();
      }
    });
  }

  async #whole(options: ChoiceOptions): Promise<Drawn> {
    const { taken, decoder } = this.#options;
    const pieces = [];
    for await (const piece of choice(decoder, taken.words, options)) pieces.push(piece);
    return { pieces };
  }

  async #streamed(
    options: ChoiceOptions,
    index: number,
    form: AnswerForm,
    head: Readonly<Record<string, unknown>>,
    stream: SSEStreamingApi,
  ): Promise<Drawn> {
    const { taken, decoder } = this.#options;
    const pieces = [];
    let offset = 0;
    for await (const piece of choice(decoder, taken.words, options)) {
      const choices = [form.delta(piece, index, { first: pieces.length === 0, offset })];
      await stream.writeSSE({ data: JSON.stringify({ ...head, object: form.chunk, choices }) });
      offset += piece.text.length;
      pieces.push(piece);
    }
    return { pieces };
  }
}

/** @throws RequestError 400 where prompt and answer do not fit into the context. */
function requireRoom({ policy }: Taken, prompt: number, maxTokens: number): void {
  const { context } = policy.shape;
  if (maxTokens >= 1 && prompt + maxTokens - 1 <= context) return;
  throw new RequestError(
    400,
    `a prompt of ${prompt} tokens and an answer of ${Math.max(1, maxTokens)} exceed the context of ${context}`,
    { code: "context_length_exceeded", param: "max_tokens" },
  );
}
