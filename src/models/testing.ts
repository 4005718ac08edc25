/** A fake OpenAI-compatible server on the loopback interface. Not part of the package. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A request for a completion. */
export interface Asked {
  readonly authorization: string | undefined;
  readonly body: {
    readonly model: string;
    readonly temperature?: number;
    readonly messages: readonly { readonly role: string; readonly content: string }[];
  };
}

/** What the server says: an answer for 200, an error's message otherwise; nothing at all where undefined. */
export type Answer =
  | {
      readonly status: number;
      readonly text: string;
      /** Laid over the completion that the server would send. */
      readonly completion?: Readonly<Record<string, unknown>>;
    }
  | undefined;

export interface ChatServer {
  /** Up to and including `/v1`. */
  readonly url: string;
  /** All requests so far. */
  readonly asked: Asked[];
  close(): void;
}

/** Every answer is billed as 5 tokens read and 2 written. */
export async function chatServer(answer: (asked: Asked) => Answer): Promise<ChatServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void read(request).then((one) => {
      asked.push(one);
      const said = answer(one);
      if (said === undefined) return;
      response.writeHead(said.status, { "content-type": "application/json" });
      response.end(
        JSON.stringify(
          said.status === 200
            ? { ...completion(said.text), ...said.completion }
            : failure(said.text),
        ),
      );
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${port}/v1`, asked, close };
}

async function read(request: IncomingMessage): Promise<Asked> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return {
    authorization: request.headers.authorization,
    body: JSON.parse(text) as Asked["body"],
  };
}

const failure = (message: string): unknown => ({ error: { message } });

const completion = (content: string): object => ({
  id: "1",
  object: "chat.completion",
  created: 0,
  model: "fake",
  choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
});
