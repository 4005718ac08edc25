/** Uploads, to a server that takes what the hub takes and can be told to break off. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../config/parse.js";
import { ErrataError } from "../util/error.js";
import { pushFolder, requirePublishable, type PushOptions } from "./push.js";
import type { Taken } from "./source.js";

const token = "hf_only-for-this-test";

interface CommitLine {
  readonly key: "header" | "file" | "lfsFile";
  readonly value: { readonly path: string; readonly content: string; readonly oid: string };
}

/** A hub with at most one repository, `me/model`, whose safetensors go to a store. */
class FakeHub {
  visibility: string | undefined;
  readonly files = new Map<string, Buffer>();
  /** Bodies in the store, by SHA-256. */
  readonly store = new Map<string, Buffer>();
  /** Paths in the order in which their bytes arrived: in the store, or with a commit. */
  readonly received: string[] = [];
  readonly authorizations = new Set<string | undefined>();
  /** Which request is answered otherwise, and with which status; 0 hangs up. */
  failing: { readonly path: RegExp; readonly status: number } | undefined;
  readonly #server: Server = createServer((request, response) => {
    void this.#answer(request, response);
  });

  async start(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(0, "127.0.0.1", done));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path } = new URL(request.url!, "http://any");
    const { authorization } = request.headers;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const json = (value: unknown, status = 200): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    if (this.failing?.path.test(path) === true) {
      if (this.failing.status === 0) return void response.destroy();
      // A careless server that repeats what it was sent.
      return json({ error: `refused ${authorization}` }, this.failing.status);
    }
    if (path.startsWith("/store/")) {
      const oid = path.slice("/store/".length);
      this.store.set(oid, body);
      this.received.push(`store:${body.length}`);
      return json({});
    }
    this.authorizations.add(authorization);
    if (authorization !== `Bearer ${token}`) return json({ error: "who are you" }, 401);
    if (path === "/api/repos/create") {
      if (this.visibility !== undefined) return json({ error: "it exists" }, 409);
      ({ visibility: this.visibility } = JSON.parse(String(body)) as { visibility: string });
      return json({ url: `${this.endpoint}/me/model`, id: "1" });
    }
    if (path === "/api/models/me/model/tree/main")
      return json([...this.files].map(([name, bytes]) => listed(name, bytes)));
    if (path === "/api/models/me/model/preupload/main") {
      const { files } = JSON.parse(String(body)) as { files: { path: string }[] };
      return json({
        files: files.map((file) => ({
          path: file.path,
          uploadMode: file.path.endsWith(".safetensors") ? "lfs" : "regular",
          shouldIgnore: false,
        })),
      });
    }
    if (path === "/me/model.git/info/lfs/objects/batch") {
      const { objects } = JSON.parse(String(body)) as { objects: { oid: string; size: number }[] };
      return json({
        transfer: "basic",
        objects: objects.map(({ oid, size }) => ({
          oid,
          size,
          ...(this.store.has(oid)
            ? {}
            : { actions: { upload: { href: `${this.endpoint}/store/${oid}`, header: {} } } }),
        })),
      });
    }
    if (path === "/api/models/me/model/commit/main") {
      const lines = String(body).split("\n");
      for (const { key, value } of lines.map((line) => JSON.parse(line) as CommitLine)) {
        if (key === "header") continue;
        const bytes =
          key === "file" ? Buffer.from(value.content, "base64") : this.store.get(value.oid)!;
        this.files.set(value.path, bytes);
        this.received.push(value.path);
      }
      return json({ commitOid: "0".repeat(40), commitUrl: "", hookOutput: "" });
    }
    return json({ error: `no ${path}` }, 404);
  }
}

function listed(path: string, bytes: Buffer): object {
  const oid = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  const base = { type: "file", path, size: bytes.length, oid };
  if (!path.endsWith(".safetensors")) return base;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { ...base, oid: "0".repeat(40), lfs: { oid: sha256, size: bytes.length, pointerSize: 1 } };
}

const contents: Readonly<Record<string, string>> = {
  "README.md": "---\nlicense: mit\n---\nA card.\n",
  "config.json": "{}",
  "model.safetensors": "weights ".repeat(500),
  "tokenizer.json": '{"version":"1.0"}',
};
const names = Object.keys(contents);

let hub: FakeHub;
let folder = "";
beforeEach(async () => {
  hub = new FakeHub();
  await hub.start();
  folder = mkdtempSync(join(tmpdir(), "errata-push-"));
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(folder, name), text);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  rmSync(folder, { recursive: true });
});

const push = (options: Partial<PushOptions> = {}): Promise<string> =>
  pushFolder(folder, names, {
    repository: "me/model",
    visibility: "private",
    token,
    endpoint: hub.endpoint,
    ...options,
  });

describe("an upload", () => {
  test("makes a private repository, of the same bytes, the card last", async () => {
    vi.stubEnv("HF_TOKEN", token);
    vi.stubEnv("HF_ENDPOINT", `${hub.endpoint}/`);
    const url = await pushFolder(folder, names, { repository: "me/model", visibility: "private" });
    expect(url).toBe(`${hub.endpoint}/me/model`);
    expect(hub.visibility).toBe("private");
    expect(
      Object.fromEntries([...hub.files].map(([name, bytes]) => [name, String(bytes)])),
    ).toEqual(contents);
    expect([...hub.files.keys()].at(-1)).toBe("README.md");
    expect(hub.authorizations).toEqual(new Set([`Bearer ${token}`])); // not sent to the store
  });

  test("makes a public one where that is asked for, and leaves one that exists as it is", async () => {
    await push({ visibility: "public" });
    expect(hub.visibility).toBe("public");
    await push();
    expect(hub.visibility).toBe("public");
  });

  test.each([
    ["the weights' commit", /commit/, 2],
    ["the store", /^\/store/, 2],
  ])("that was cut off at %s goes on there: nothing is sent twice", async (_, path, status) => {
    hub.failing = { path: /preupload/, status: 0 };
    await expect(push()).rejects.toMatchObject({ code: "HUB_UNREACHABLE" });
    expect(hub.received).toEqual([]);
    // The first small file goes through, then the connection ends.
    hub.failing = undefined;
    const seen: string[] = [];
    const onFile = (name: string): void => {
      seen.push(name);
      if (seen.length === status) hub.failing = { path, status: 0 };
    };
    await expect(push({ onFile })).rejects.toMatchObject({
      code: "HUB_UNREACHABLE",
      hint: expect.stringContaining("run the same command again") as string,
    });
    expect(seen).toEqual(["config.json", "model.safetensors"]);
    hub.failing = undefined;
    await push();
    const once = ["config.json", "store:4000", "model.safetensors", "tokenizer.json", "README.md"];
    expect(hub.received).toEqual(once);
    await push();
    expect(hub.received).toEqual(once);
  });

  test("sends again what has changed", async () => {
    await push();
    writeFileSync(join(folder, "config.json"), '{"a":1}');
    hub.received.length = 0;
    await push();
    expect(hub.received).toEqual(["config.json"]);
  });

  test("shows no token, whatever a server repeats", async () => {
    hub.failing = { path: /commit/, status: 500 };
    const broken: unknown = await push().catch((error: unknown) => error);
    expect(broken).toBeInstanceOf(ErrataError);
    const { message, hint, stack, cause } = broken as ErrataError;
    const told = [
      message,
      hint,
      stack,
      String(cause),
      JSON.stringify(cause),
      (cause as Error).stack,
    ];
    expect(message).toContain("refused Bearer [key]");
    for (const text of told) expect(text).not.toContain(token);
  });

  test("that may not write says which right the token lacks; without one nothing is sent", async () => {
    await expect(push({ token: "hf_another-token" })).rejects.toMatchObject({ code: "HUB_ACCESS" });
    hub.authorizations.clear();
    vi.stubEnv("HF_TOKEN", "");
    const { token: _, ...rest } = { token, endpoint: hub.endpoint };
    await expect(
      pushFolder(folder, names, { repository: "me/model", visibility: "private", ...rest }),
    ).rejects.toMatchObject({
      code: "HUB_ACCESS",
      hint: expect.stringContaining("HF_TOKEN") as string,
    });
    expect(hub.authorizations.size).toBe(0);
  });
});

test.each([["teacher"], ["user"]])("a run whose %s is private is not uploaded", (who) => {
  const config = parseConfig({ [who]: { private: true } });
  const taken = { name: "mine", run: { config } } as unknown as Taken;
  expect(() => requirePublishable(taken)).toThrow(
    expect.objectContaining({
      code: "EXPORT_PRIVATE",
      message: `mine is marked private (${who}.private)`,
    }) as Error,
  );
  const open = { name: "mine", run: { config: parseConfig({}) } } as unknown as Taken;
  expect(() => requirePublishable(open)).not.toThrow();
});
