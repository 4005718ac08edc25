import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, expect, test } from "vitest";
import { Trackio } from "./trackio.js";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const send = (address: string): Promise<unknown> =>
  new Trackio({ project: "p", run: "r", runId: "1", config: {}, address, token: "opensesame" })
    .send([{ step: 1, scalars: { reward: 1 } }])
    .then(
      () => "sent",
      (error: unknown) => error,
    );

test("the write token follows no redirect", async () => {
  let asked = false;
  const other = await listening((_, response) => {
    asked = true;
    response.end("{}");
  });
  const error = await send(
    await listening((_, response) => response.writeHead(307, { location: other }).end()),
  );
  expect(error).toMatchObject({ name: "ErrataError", code: "TRACK_UNREACHABLE" });
  expect(asked).toBe(false);
});

test.each(["null", "<h1>Welcome</h1>", ""])("an answer of %j takes nothing", async (body) => {
  const error = await send(await listening((_, response) => response.end(body)));
  expect(error).toMatchObject({ name: "ErrataError", code: "TRACK_REFUSED" });
});

test("a refusal that quotes the write token is told without it", async () => {
  const error = await send(
    await listening((_, response) => response.writeHead(401).end('{"error":"not opensesame"}')),
  );
  expect(error).toMatchObject({ code: "TRACK_REFUSED" });
  expect(inspect(error)).not.toContain("opensesame");
});
