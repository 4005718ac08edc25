/** What a server may do instead of answering. */
import type { IncomingMessage, ServerResponse } from "node:http";

interface Meeting {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Address of another server, which tells whether it was sent the key. */
  readonly elsewhere: string;
}

export type Kind = (meeting: Meeting) => void;

/** The key that a request carries. */
export function keyOf({ headers }: IncomingMessage): string | undefined {
  const own = headers["x-trackio-write-token"];
  return headers.authorization?.replace("Bearer ", "") ?? (Array.isArray(own) ? own[0] : own);
}

const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

/** A chat completion; `choice` replaces parts of its only choice, `rest` parts of the whole. */
const chat = (choice: object = {}, rest: object = {}): object => ({
  id: "1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [
    { index: 0, message: { role: "assistant", content: "7" }, finish_reason: "stop", ...choice },
  ],
  usage,
  ...rest,
});

const said = (message: object, finish_reason = "stop"): object =>
  chat({ message: { role: "assistant", ...message }, finish_reason });

const json =
  (body: unknown, status = 200): Kind =>
  ({ response }) =>
    void response
      .writeHead(status, { "content-type": "application/json" })
      .end(JSON.stringify(body));

const raw =
  (body: string | Buffer, status = 200, headers: Record<string, string> = {}): Kind =>
  ({ response }) =>
    void response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);

/** An error that quotes the key it was sent. */
const quoting =
  (status: number): Kind =>
  (meeting) => {
    const message = `Incorrect API key provided: ${keyOf(meeting.request)}`;
    json({ error: { message, code: "invalid_api_key" }, message }, status)(meeting);
  };

const call = { id: "1", type: "function", function: { name: "look", arguments: "{}" } };
const html = "<!doctype html><title>Sign in</title><h1>Welcome to the hotel</h1>";

export const KINDS: Readonly<Record<string, Kind>> = {
  "401 with the key": quoting(401),
  "403 with the key": quoting(403),
  "500 with the key": quoting(500),
  "200 with an error and the key": quoting(200),
  "HTML with the key": (meeting) =>
    raw(`${html}${keyOf(meeting.request)}`, 400, { "content-type": "text/html" })(meeting),
  "404": raw("not here", 404),
  "429": raw("slow down", 429, { "retry-after": "1" }),
  "429 for an hour": raw("slow down", 429, { "retry-after": "3600" }),
  "503 without a body": raw("", 503),
  "204": ({ response }) => void response.writeHead(204).end(),
  "empty body": raw(""),
  HTML: raw(html, 200, { "content-type": "text/html" }),
  "truncated JSON": raw(JSON.stringify(chat()).slice(0, 70)),
  "wrong types": json([1, { choices: "none", results: 5, sha: 3 }]),
  "wrong types inside": json(
    chat({ message: { role: 5, content: 7 } }, { usage: "many", results: [null], status: 4 }),
  ),
  null: json(null),
  "a string": json("yes"),
  "not UTF-8": raw(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
  "wrong content type": raw(JSON.stringify(chat()), 200, { "content-type": "image/png" }),
  "no choices": json(chat({}, { choices: [] })),
  "no usage": json(chat({}, { usage: undefined })),
  "usage of null": json(chat({}, { usage: null })),
  "content null": json(said({ content: null })),
  "tool call": json(said({ content: null, tool_calls: [call] }, "tool_calls")),
  "cut off": json(said({ content: "7 and then" }, "length")),
  withheld: json(said({ content: "" }, "content_filter")),
  "redirect to itself": ({ request, response }) =>
    void response.writeHead(307, { location: request.url ?? "/" }).end(),
  "redirect to another server": ({ response, elsewhere }) =>
    void response.writeHead(307, { location: elsewhere }).end(),
  reset: ({ request }) => void request.socket.resetAndDestroy(),
  "reset within the body": ({ request, response }) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "5000" });
    response.write('{"id": "1", ');
    setTimeout(() => request.socket.resetAndDestroy(), 50);
  },
  hang: () => undefined,
  "hang within the body": ({ response }) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write('{"id": "1", ');
  },
  "slow drip": ({ response }) => {
    response.writeHead(200, { "content-type": "application/json" });
    let left = 100;
    const timer = setInterval(() => {
      response.write(" ");
      if (--left === 0) response.end("{}");
      if (left === 0 || response.destroyed) clearInterval(timer);
    }, 100);
  },
  "64 MiB": ({ response }) => {
    response.writeHead(200, { "content-type": "application/json" });
    const part = Buffer.alloc(2 ** 20, " ");
    let left = 64;
    const more = (): void => {
      while (left-- > 0 && !response.destroyed)
        if (!response.write(part)) return void response.once("drain", more);
      response.end("{}");
    };
    more();
  },
};
