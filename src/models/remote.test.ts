import { setImmediate } from "node:timers/promises";
import { MockLanguageModelV3 } from "ai/test";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cueTokenizer, promptsOf } from "../testing/testing.js";
import { remoteModel, RemoteModel } from "./remote.js";
import { chatServer, type Answer, type Asked, type ChatServer } from "./testing.js";

let answer: (body: Asked["body"]) => Answer;
let server: ChatServer;
let url: string;
let asked: Asked[];
beforeAll(async () => {
  server = await chatServer(({ body }) => answer(body));
  ({ url, asked } = server);
});
afterAll(() => server.close());

describe("a remote model", () => {
  test("answers each prompt in its place, with the tokens it was paid for and the key from its variable", async () => {
    process.env["TEST_KEY"] = "secret-of-the-test";
    answer = ({ messages }) => ({
      status: 200,
      text: messages.at(-1)!.content === "a" ? "x" : "y",
    });
    const model = remoteModel(
      { url, model: "weak", keyVariable: "TEST_KEY" },
      { tokenizer: cueTokenizer },
    );
    const actions = await model.act(promptsOf("a", "b", "a"));
    expect(actions.map((a) => a.text)).toEqual(["x", "y", "x"]);
    expect(actions.map((a) => a.paidTokens)).toEqual([7, 7, 7]);
    expect(actions[0]!.completion).toEqual([...cueTokenizer.encode("x"), cueTokenizer.stop]);
    expect(asked.every((a) => a.authorization === "Bearer secret-of-the-test")).toBe(true);
    expect(JSON.stringify(actions)).not.toContain("secret-of-the-test");
  });

  test("is shown a conversation where there is one", async () => {
    asked.length = 0;
    answer = () => ({ status: 200, text: "fine" });
    const messages = [
      { role: "system", content: "be brief" },
      { role: "tool", content: "found" },
      { role: "user", content: "well?" },
    ] as const;
    await remoteModel({ url, model: "weak", keyVariable: "NONE" }).act([
      { observation: "", messages },
    ]);
    expect(asked[0]!.body.messages.map((m) => m.role)).toEqual(["system", "user", "user"]);
    expect(asked[0]!.authorization).toBeUndefined();
  });

  const choice = (message: object, finish_reason: string): Readonly<Record<string, unknown>> => ({
    choices: [{ index: 0, finish_reason, message: { role: "assistant", ...message } }],
  });
  const call = { id: "1", type: "function", function: { name: "f", arguments: "{}" } };
  test.each([
    ["cut off", choice({ content: "so x" }, "length")],
    ["was empty", choice({ content: null }, "stop")],
    ["was empty", choice({ content: "" }, "stop")],
    ["called a tool", choice({ content: null, tool_calls: [call] }, "tool_calls")],
    ["withheld", choice({ content: "x" }, "content_filter")],
  ])("whose reply %s has failed, and its attempt counts for nothing", async (part, completion) => {
    answer = () => ({ status: 200, text: "", completion });
    const [action] = await remoteModel({ url, model: "weak", keyVariable: "NONE" }).act(
      promptsOf("a"),
    );
    expect(action!.failure).toContain(part);
  });

  test("says how a whole reply ended", async () => {
    answer = () => ({ status: 200, text: "x" });
    const [action] = await remoteModel({ url, model: "weak", keyVariable: "NONE" }).act(
      promptsOf("a"),
    );
    expect(action).toMatchObject({ finish: "stop" });
    expect(action!.failure).toBeUndefined();
  });

  test("that does not say what it used is counted by its text, and says so once", async () => {
    answer = () => ({ status: 200, text: "12345678", completion: { usage: undefined } });
    const notices: string[] = [];
    const model = remoteModel(
      { url, model: "weak", keyVariable: "NONE" },
      { notice: (text) => notices.push(text) },
    );
    const actions = await model.act(promptsOf("abcd", "abcd"));
    expect(actions.map(({ paidTokens }) => paidTokens)).toEqual([3, 3]);
    expect(notices).toEqual([expect.stringContaining("counted in the text")]);
  });

  test("keeps text that the student has no tokens for", async () => {
    answer = () => ({ status: 200, text: "¿qué?" });
    const model = remoteModel(
      { url, model: "weak", keyVariable: "NONE" },
      { tokenizer: cueTokenizer },
    );
    const [action] = await model.act(promptsOf("a"));
    expect(action).toMatchObject({ text: "¿qué?", completion: [] });
  });

  test("that refuses is a clear error, without the key", async () => {
    process.env["TEST_KEY"] = "secret-of-the-test";
    answer = () => ({ status: 401, text: "wrong key" });
    const failure = await remoteModel({ url, model: "weak", keyVariable: "TEST_KEY" })
      .act(promptsOf("a"))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "REMOTE_MODEL" });
    expect(String(failure)).toContain("wrong key");
    expect(String(failure)).not.toContain("secret-of-the-test");
  });

  test("that never stops writing is an error, and no more of it is read", async () => {
    answer = () => ({ status: 200, text: "y".repeat(2 ** 25) });
    const failure = await remoteModel({ url, model: "weak", keyVariable: "NONE" })
      .act(promptsOf("a"))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "REMOTE_MODEL" });
  });

  test("that never answers is an error once the time is over, and holds up no other prompt", async () => {
    answer = ({ messages }) =>
      messages.at(-1)!.content === "a" ? undefined : { status: 200, text: "y" };
    const model = remoteModel(
      { url, model: "weak", keyVariable: "NONE" },
      { timeout: 0.2, concurrency: 1 },
    );
    const [silent, other] = await Promise.allSettled([
      model.act(promptsOf("a")),
      model.act(promptsOf("b")),
    ]);
    expect(silent).toMatchObject({ status: "rejected", reason: { code: "REMOTE_MODEL" } });
    expect(other).toMatchObject({ value: [{ text: "y" }] });
  });

  test("is asked no more than so many prompts at once, over all calls", async () => {
    let [open, most] = [0, 0];
    const model = new MockLanguageModelV3({
      doGenerate: async () => {
        most = Math.max(most, ++open);
        await setImmediate();
        open--;
        return {
          content: [{ type: "text", text: "x" }],
          finishReason: { unified: "stop", raw: "stop" },
          usage: {
            inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
            outputTokens: { total: 1, text: 1, reasoning: 0 },
          },
          warnings: [],
        };
      },
    });
    const remote = new RemoteModel(model, { concurrency: 2 });
    const calls = [promptsOf("a", "b", "c"), promptsOf("d", "e")];
    const actions = await Promise.all(calls.map((prompts) => remote.act(prompts)));
    expect(actions.flat()).toHaveLength(5);
    expect(most).toBe(2);
  });

  test.each([
    ["ftp://x", "m"],
    ["http://x/v1", ""],
  ])("at %s named %j is refused", (address, model) => {
    expect(() => remoteModel({ url: address, model, keyVariable: "NONE" })).toThrow(
      expect.objectContaining({ code: "REMOTE_ADDRESS" }),
    );
  });
});
