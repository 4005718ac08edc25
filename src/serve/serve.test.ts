/** The server, asked by the official OpenAI client and by the AI SDK. */
import { request } from "node:http";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LocalEngine } from "../engine/local.js";
import { goldenModel } from "../take/testing.js";
import type { Taken } from "../take/source.js";
import { serveModel, type RunningServer, type ServeOptions } from "./server.js";

const defaults: ServeOptions = {
  port: 0,
  host: "127.0.0.1",
  keys: [],
  threads: 1,
  maxRows: 4,
  maxPending: 8,
};
const running: RunningServer[] = [];
afterAll(() => Promise.all(running.map((server) => server.close())));

async function start(taken: Taken, options: Partial<ServeOptions> = {}): Promise<RunningServer> {
  const server = await serveModel(taken, { ...defaults, ...options });
  running.push(server);
  return server;
}

const clientOf = ({ url }: RunningServer, apiKey = "none"): OpenAI =>
  new OpenAI({ baseURL: url, apiKey, maxRetries: 0 });

let text: Taken;
let symbols: Taken;
let server: RunningServer;
let client: OpenAI;
let sums: OpenAI;
beforeAll(async () => {
  text = (await goldenModel("smollm2")).taken;
  symbols = (await goldenModel("arithmetic")).taken;
  server = await start(text);
  client = clientOf(server);
  sums = clientOf(await start(symbols));
});

const hello = [{ role: "user" as const, content: "What is 2 + 2?" }];
const chat = { model: "smollm2", messages: hello, seed: 7, max_tokens: 24 } as const;

describe("a text model", () => {
  test("is listed", async () => {
    const models = await client.models.list();
    expect(models.data.map((model) => model.id)).toEqual(["smollm2"]);
    expect((await client.models.retrieve("smollm2")).owned_by).toBe("errata");
  });

  test("answers the same to the same seed, whatever else is decoded beside it", async () => {
    const alone = await client.chat.completions.create(chat);
    const others = [1, 2, 3, 4, 5].map((seed) => client.chat.completions.create({ ...chat, seed }));
    const again = await client.chat.completions.create(chat);
    expect(again.choices).toEqual(alone.choices);
    const texts = (await Promise.all(others)).map((answer) => answer.choices[0]!.message.content);
    expect(new Set(texts).size).toBe(5);
    expect(alone.usage!.total_tokens).toBe(
      alone.usage!.prompt_tokens + alone.usage!.completion_tokens,
    );
  });

  test("streams what it answers as a whole, with usage where it is asked for", async () => {
    const whole = await client.chat.completions.create({ ...chat, n: 2 });
    const stream = await client.chat.completions.create({
      ...chat,
      n: 2,
      stream: true,
      stream_options: { include_usage: true },
    });
    const streamed = ["", ""];
    const finished: string[] = [];
    let usage;
    for await (const chunk of stream) {
      for (const { index, delta, finish_reason } of chunk.choices) {
        streamed[index] += delta.content ?? "";
        if (finish_reason !== null) finished[index] = finish_reason;
      }
      usage = chunk.usage ?? usage;
    }
    expect(streamed).toEqual(whole.choices.map((c) => c.message.content));
    expect(streamed[0]).not.toBe(streamed[1]);
    expect(finished).toEqual(whole.choices.map((c) => c.finish_reason));
    expect(usage).toEqual(whole.usage);
  });

  test("gives the log-probabilities that its engine computes, whatever the temperature", async () => {
    const answer = await client.chat.completions.create({
      ...chat,
      max_tokens: 8,
      temperature: 0.5,
      logprobs: true,
      top_logprobs: 3,
    });
    const { content } = answer.choices[0]!.logprobs!;
    const { tokenizer } = text.words;
    const prompt = tokenizer.encodePrompt({ observation: "", messages: hello });
    const completion = await client.completions.create({
      model: "smollm2",
      prompt,
      seed: 7,
      temperature: 0.5,
      max_tokens: 8,
      logprobs: 3,
    });
    expect(completion.choices[0]!.logprobs!.token_logprobs).toEqual(content!.map((t) => t.logprob));
    for (const { logprob, top_logprobs: top } of content!) {
      expect(top).toHaveLength(3);
      expect(top[0]!.logprob).toBeGreaterThanOrEqual(logprob);
      expect(top.map((t) => t.logprob)).toEqual(
        top.map((t) => t.logprob).toSorted((a, b) => b - a),
      );
    }
    const first = content![0]!;
    const V = text.policy.shape.vocabulary;
    const targets = Array.from({ length: V }, (_, token) => ({
      position: prompt.length - 1,
      token,
    }));
    const all = await new LocalEngine().logprobs(text.policy, [{ tokens: prompt, targets }]);
    expect(Math.max(...all)).toBeCloseTo(first.top_logprobs[0]!.logprob, 4);
    expect([...all].some((l) => Math.abs(l - first.logprob) < 1e-4)).toBe(true);
  });

  test("ends before a stop string, also one that tokens cut in two", async () => {
    const free = (await client.chat.completions.create(chat)).choices[0]!.message.content!;
    const stop = free.slice(4, 7);
    const cut = await client.chat.completions.create({ ...chat, stop: ["never", stop] });
    expect(cut.choices[0]!.message.content).toBe(free.slice(0, free.indexOf(stop)));
    expect(cut.choices[0]!.finish_reason).toBe("stop");
  });

  test("at temperature 0 takes the most probable tokens", async () => {
    const create = (seed: number) =>
      client.chat.completions.create({ ...chat, seed, temperature: 0 });
    expect((await create(1)).choices).toEqual((await create(2)).choices);
  });

  test("talks to the AI SDK, whole and streamed", async () => {
    const provider = createOpenAICompatible({ name: "errata", baseURL: server.url });
    const options = {
      model: provider("smollm2"),
      prompt: "Who wrote Hamlet?",
      seed: 3,
      maxOutputTokens: 12,
    };
    const { text: whole, usage } = await generateText(options);
    expect(usage.outputTokens).toBeGreaterThan(0);
    const parts: string[] = [];
    for await (const part of streamText(options).textStream) parts.push(part);
    expect(parts.join("")).toBe(whole);
    expect(parts.length).toBeGreaterThan(1);
  });
});

describe("a student with a vocabulary of symbols", () => {
  test("completes its symbols", async () => {
    const { choices, usage } = await sums.completions.create({
      model: "arithmetic",
      prompt: ["12_345", "98_765"],
      n: 2,
      max_tokens: 1,
    });
    expect(choices.map((c) => c.index)).toEqual([0, 1, 2, 3]);
    for (const choice of choices) expect(choice.text).toMatch(/^[0-9_=]?$/);
    expect(usage).toEqual({ prompt_tokens: 12, completion_tokens: 4, total_tokens: 16 });
  });

  test("has no chat: the refusal names its vocabulary", async () => {
    const asked = sums.chat.completions.create({ ...chat, model: "arithmetic" });
    await expect(asked).rejects.toMatchObject({ status: 400, code: "no_chat" });
    await expect(asked).rejects.toThrow("12 symbols: 0 1 2 3");
  });

  test("names what it cannot read", async () => {
    const asked = sums.completions.create({ model: "arithmetic", prompt: "hello" });
    await expect(asked).rejects.toMatchObject({
      status: 400,
      param: "prompt",
      code: "tokenizer_symbol",
    });
  });
});

describe("a request that cannot be answered", () => {
  test.each([
    [{ ...chat, model: "gpt-4" }, 404, "model_not_found"],
    [{ ...chat, temperature: 3 }, 400, "invalid_value"],
    [{ ...chat, max_tokens: 100_000 }, 400, "context_length_exceeded"],
    [{ ...chat, n: 9 }, 429, "busy"],
    [
      { ...chat, tools: [{ type: "function" as const, function: { name: "f" } }] },
      400,
      "invalid_value",
    ],
  ])("is refused with its reason (%#)", async (asked, status, code) => {
    await expect(client.chat.completions.create(asked)).rejects.toMatchObject({ status, code });
  });

  test("is an error in OpenAI's form, also where it is no JSON or no route", async () => {
    const post = (path: string, body: string): Promise<Response> =>
      fetch(`${server.url}${path}`, { method: "POST", body });
    const bad = await post("/chat/completions", "{");
    expect(bad.status).toBe(400);
    expect(await bad.json()).toEqual({
      error: {
        message: "the request is no JSON",
        type: "invalid_request_error",
        param: null,
        code: null,
      },
    });
    expect((await post("/embeddings", "{}")).status).toBe(404);
    expect((await post("/completions", "x".repeat(2 ** 20 + 1))).status).toBe(413);
  });

  test("by a client that leaves gives its place to others", async () => {
    const leaving = new AbortController();
    const body = { ...chat, n: 8, max_tokens: 200, stream: true } as const;
    const stream = await client.chat.completions.create(body, { signal: leaving.signal });
    for await (const _ of stream) break;
    leaving.abort();
    await expect
      .poll(
        () =>
          client.chat.completions.create({ ...chat, n: 8 }).then(
            () => "answered",
            () => "busy",
          ),
        { timeout: 20_000 },
      )
      .toBe("answered");
  });
});

/** The status of a request with these headers. */
function statusOf(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`${url}/models`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

describe("the guard", () => {
  test("refuses other host names, and pages from elsewhere", async () => {
    expect(await statusOf(server.url, {})).toBe(200);
    expect(await statusOf(server.url, { host: "evil.example" })).toBe(403);
    expect(await statusOf(server.url, { origin: "https://evil.example" })).toBe(403);
    expect(await statusOf(server.url, { origin: "null" })).toBe(403);
    expect(await statusOf(server.url, { origin: "http://localhost:3000" })).toBe(200);
  });

  test("asks for a key where there are keys, and for one on other addresses", async () => {
    const guarded = await start(symbols, { keys: ["one", "two"] });
    await expect(clientOf(guarded, "three").models.list()).rejects.toMatchObject({ status: 401 });
    expect((await clientOf(guarded, "two").models.list()).data).toHaveLength(1);
    await expect(start(symbols, { host: "0.0.0.0" })).rejects.toMatchObject({ code: "SERVE_KEY" });
  });

  test("a port that is taken is told", async () => {
    const port = Number(new URL(server.url).port);
    await expect(start(symbols, { port })).rejects.toMatchObject({ code: "SERVE_PORT" });
  });
});
