import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cueTokenizer, promptsOf } from "../testing.js";
import { remoteModel } from "./remote.js";

interface Asked {
  readonly authorization: string | undefined;
  readonly body: { model: string; messages: { role: string; content: string }[] };
}

const asked: Asked[] = [];
let answer: (body: Asked["body"]) => { status: number; text: string };
const server = createServer((request, response) => {
  void respond(request).then(({ status, text }) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(
      JSON.stringify(
        status === 200
          ? {
              id: "1",
              object: "chat.completion",
              created: 0,
              model: "weak",
              choices: [
                { index: 0, finish_reason: "stop", message: { role: "assistant", content: text } },
              ],
              usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
            }
          : { error: { message: text } },
      ),
    );
  });
});

async function respond(request: IncomingMessage): Promise<{ status: number; text: string }> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const body = JSON.parse(text) as Asked["body"];
  asked.push({ authorization: request.headers.authorization, body });
  return answer(body);
}

let url: string;
beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
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

  test.each([
    ["ftp://x", "m"],
    ["http://x/v1", ""],
  ])("at %s named %j is refused", (address, model) => {
    expect(() => remoteModel({ url: address, model, keyVariable: "NONE" })).toThrow(
      expect.objectContaining({ code: "REMOTE_ADDRESS" }),
    );
  });
});
