/** Downloads, against a server that speaks the hub's protocol and can be told to misbehave. */
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ErrataError } from "../util/error.js";
import { isHubId } from "./hub-id.js";
import { hubSnapshot, type HubOptions, type HubProgress } from "./hub.js";

const families = join(import.meta.dirname, "..", "engine", "golden", "families");
const commit = "0123456789abcdef0123456789abcdef01234567";

/** Every file of a family's folder, by name. */
const filesOf = (family: string): Map<string, Buffer> =>
  new Map(
    readdirSync(join(families, family), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [entry.name, readFileSync(join(families, family, entry.name))]),
  );

interface Seen {
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  readonly host: string;
}

/** A hub with one repository, `tiny/model`, whose large files lie on another host. */
class FakeHub {
  files = filesOf("smollm2");
  commit = commit;
  token: string | undefined;
  /** Connections cut after this many bytes of a body, one entry a request for weights. */
  cuts: number[] = [];
  /** Requests for weights answered with one byte changed. */
  corrupted = 0;
  /** Whether it takes requests and never answers. */
  silent = false;
  /** Whether weights come a byte at a time. */
  drips = false;
  /** Bytes of a body after which weights stall, one entry a request. */
  stalls: number[] = [];
  /** Statuses that the next requests for files are answered with. */
  failures: number[] = [];
  readonly seen: Seen[] = [];
  readonly #hub: Server = createServer((request, response) => this.#answer(request, response));
  readonly #store: Server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<void> {
    for (const server of [this.#hub, this.#store])
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const server of [this.#hub, this.#store]) {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  /** Ranges asked of the store, without the first bytes that ask for a size. */
  get ranges(): (string | undefined)[] {
    return this.seen
      .filter((s) => s.path.startsWith("/store") && s.range !== "bytes=0-0")
      .map((s) => s.range);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname: path } = new URL(request.url!, "http://any");
    const { range, authorization, host = "" } = request.headers;
    this.seen.push({ path, range, authorization, host });
    if (this.silent) return;
    const fail = (status: number): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ error: `status ${status}` }));
    };
    if (path.startsWith("/store/"))
      return this.#send(path.slice("/store/".length), range, response);
    const status = path.includes("/resolve/") ? this.failures.shift() : undefined;
    if (status !== undefined) return fail(status);
    if (this.token !== undefined && authorization !== `Bearer ${this.token}`) return fail(401);
    const json = (value: unknown): void => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    };
    if (/^\/api\/models\/tiny\/model\/revision\/(main|v1|0123456789abcdef.*)$/.test(path))
      return json({ _id: "1", id: "tiny/model", sha: this.commit, lastModified: 0 });
    if (path === `/api/models/tiny/model/tree/${this.commit}`)
      return json([...this.files].map(([name, bytes]) => listed(name, bytes)));
    const file = path.slice(`/tiny/model/resolve/${this.commit}/`.length);
    const bytes = this.files.get(file);
    if (bytes === undefined) return fail(404);
    if (!file.endsWith(".safetensors")) return this.#send(file, range, response);
    const store = `http://localhost:${(this.#store.address() as AddressInfo).port}/store/${file}`;
    response.writeHead(302, { location: store }).end();
  }

  #drip(response: ServerResponse, body: Buffer): void {
    let at = 0;
    const timer = setInterval(() => response.write(body.subarray(at, ++at)), 20);
    response.on("close", () => clearInterval(timer));
  }

  #send(name: string, range: string | undefined, response: ServerResponse): void {
    const whole = this.files.get(name)!;
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? "");
    const [from, to] = match ? [Number(match[1]), Number(match[2]) + 1] : [0, whole.length];
    const body = Buffer.from(whole.subarray(from, to));
    const weights = name.endsWith(".safetensors") && range !== "bytes=0-0";
    if (weights && this.corrupted-- > 0) body[body.length - 1]! ^= 1;
    const cut = weights ? this.cuts.shift() : undefined;
    const stall = weights ? this.stalls.shift() : undefined;
    response.writeHead(match ? 206 : 200, {
      "content-length": body.length,
      etag: '"any"',
      ...(match ? { "content-range": `bytes ${from}-${to - 1}/${whole.length}` } : {}),
    });
    if (stall !== undefined) response.write(body.subarray(0, stall));
    else if (weights && this.drips) this.#drip(response, body);
    else if (cut === undefined) response.end(body);
    else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
  }
}

function listed(path: string, bytes: Buffer): object {
  const oid = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
  const base = { type: "file", path, size: bytes.length, oid };
  if (!path.endsWith(".safetensors")) return base;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { ...base, oid: "0".repeat(40), lfs: { oid: sha256, size: bytes.length, pointerSize: 1 } };
}

let hub: FakeHub;
let cache = "";
beforeEach(async () => {
  hub = new FakeHub();
  await hub.start();
  cache = mkdtempSync(join(tmpdir(), "errata-hub-"));
});
afterEach(async () => {
  await hub.stop();
  rmSync(cache, { recursive: true });
});

const snapshot = (options: HubOptions = {}): ReturnType<typeof hubSnapshot> =>
  hubSnapshot("tiny/model", { cache, endpoint: hub.endpoint, ...options });
const weightsAt = (folder: string): Buffer => readFileSync(join(folder, "model.safetensors"));

/** The error that `work` fails with. */
async function failure(work: Promise<unknown>): Promise<ErrataError> {
  const error: unknown = await work.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(ErrataError);
  return error as ErrataError;
}

describe("a snapshot", () => {
  test("holds what describes the checkpoint and its weights, and nothing else", async () => {
    hub.files.set("training_args.bin", Buffer.from("no"));
    const { folder, commit: at } = await snapshot();
    expect(at).toBe(commit);
    for (const name of [
      "config.json",
      "tokenizer.json",
      "chat_template.jinja",
      "model.safetensors",
    ])
      expect(readFileSync(join(folder, name)).equals(hub.files.get(name)!)).toBe(true);
    expect(existsSync(join(folder, "training_args.bin"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });

  test("has all shards of its index", async () => {
    hub.files = filesOf("qwen3");
    const { folder } = await snapshot();
    expect(readdirSync(folder).filter((name) => name.startsWith("model-"))).toHaveLength(3);
  });

  test("is not downloaded twice; a commit is taken without asking the hub", async () => {
    const first = await snapshot();
    hub.seen.length = 0;
    expect(await snapshot()).toEqual(first);
    expect(hub.seen.map((s) => s.path)).toEqual(["/api/models/tiny/model/revision/main"]);
    hub.seen.length = 0;
    expect(await snapshot({ revision: commit })).toEqual(first);
    expect(hub.seen).toEqual([]);
  });

  test("follows a branch that moved, and shares nothing with the old commit", async () => {
    const first = await snapshot();
    hub.commit = commit.replace("0", "f");
    hub.files.set("config.json", Buffer.from("{}"));
    const second = await snapshot();
    expect(second.folder).not.toBe(first.folder);
    expect(readFileSync(join(second.folder, "config.json"), "utf8")).toBe("{}");
  });

  test("may lack what is not needed", async () => {
    hub.files.delete("generation_config.json");
    const { folder } = await snapshot();
    expect(existsSync(join(folder, "generation_config.json"))).toBe(false);
  });

  test("may be an adapter alone", async () => {
    hub.files = filesOf("llama/adapter");
    const { folder } = await snapshot();
    expect(readdirSync(folder).sort()).toEqual([
      ".complete",
      "adapter_config.json",
      "adapter_model.safetensors",
    ]);
  });

  test("reports its progress in bytes", async () => {
    const seen: HubProgress[] = [];
    await snapshot({ onProgress: (progress) => seen.push(progress) });
    const size = hub.files.get("model.safetensors")!.length;
    expect(seen.filter((p) => p.file === "model.safetensors").at(-1)).toEqual({
      file: "model.safetensors",
      received: size,
      size,
    });
  });

  test("is found through HF_ENDPOINT and kept in ERRATA_CACHE", async () => {
    const before = { ...process.env };
    process.env["HF_ENDPOINT"] = `${hub.endpoint}/`;
    process.env["ERRATA_CACHE"] = cache;
    try {
      const { folder } = await hubSnapshot("tiny/model");
      expect(folder.startsWith(cache)).toBe(true);
    } finally {
      process.env = before;
    }
  });
});

describe("a connection that breaks", () => {
  test("is taken up where it broke, as often as bytes come", async () => {
    hub.cuts = [1000, 2000, 3000, 4000, 5000, 6000];
    const { folder } = await snapshot();
    expect(weightsAt(folder).equals(hub.files.get("model.safetensors")!)).toBe(true);
    const starts = hub.ranges.map((range) => Number(/^bytes=(\d+)-/.exec(range ?? "bytes=0-")![1]));
    expect(starts).toEqual([0, 1000, 3000, 6000, 10000, 15000, 21000]);
  });

  test("for good leaves a part that the next process goes on with", async () => {
    hub.cuts = [7000, 0, 0, 0, 0];
    const error = await failure(snapshot());
    expect(error.code).toBe("HUB_UNREACHABLE");
    const folder = join(cache, "hub", "tiny--model", commit);
    const [partial] = readdirSync(folder).filter((name) => name.endsWith(".partial"));
    expect(readFileSync(join(folder, partial!)).length).toBe(7000);
    expect(existsSync(join(folder, "model.safetensors"))).toBe(false);
    // As if the process that left it were gone: no process has this id.
    const orphan = readFileSync(join(folder, partial!));
    rmSync(join(folder, partial!));
    writeFileSync(join(folder, "model.safetensors.999999999.partial"), orphan);
    hub.seen.length = 0;
    const { folder: whole } = await snapshot();
    expect(hub.ranges[0]).toMatch(/^bytes=7000-/);
    expect(weightsAt(whole).equals(hub.files.get("model.safetensors")!)).toBe(true);
  });

  test("by falling silent is given up, and taken up where it fell silent", async () => {
    hub.stalls = [5000, 3000];
    const { folder } = await snapshot({ silence: 300 });
    expect(weightsAt(folder).equals(hub.files.get("model.safetensors")!)).toBe(true);
    expect(hub.ranges).toHaveLength(3);
  });

  test("to a hub that takes requests and never answers is given up", async () => {
    hub.silent = true;
    const error = await failure(snapshot({ silence: 300 }));
    expect(error.code).toBe("HUB_UNREACHABLE");
    expect(error.message).toContain("nothing came for 0.3 seconds");
  });

  test("by a byte now and then is given up once all of it has taken too long", async () => {
    hub.drips = true;
    const error = await failure(snapshot({ silence: 5000, limit: 500 }));
    expect(error.code).toBe("HUB_UNREACHABLE");
    expect(error.message).toContain("within 0.5 seconds");
  });

  test("at a busy hub is tried again", async () => {
    hub.failures = [503, 429];
    const { folder } = await snapshot();
    expect(readFileSync(join(folder, "config.json")).equals(hub.files.get("config.json")!)).toBe(
      true,
    );
  });
});

describe("a wrong byte", () => {
  test("is noticed, and the file downloaded again from the start", async () => {
    hub.corrupted = 1;
    const { folder } = await snapshot();
    expect(weightsAt(folder).equals(hub.files.get("model.safetensors")!)).toBe(true);
    expect(hub.ranges).toHaveLength(2);
  });

  test("that comes again is an error, and nothing is kept", async () => {
    hub.corrupted = 2;
    const error = await failure(snapshot());
    expect(error).toMatchObject({ code: "HUB_CHECKSUM" });
    expect(error.message).toContain("model.safetensors");
    const folder = join(cache, "hub", "tiny--model", commit);
    expect(readdirSync(folder).filter((name) => name.startsWith("model"))).toEqual([]);
  });
});

describe("access", () => {
  const token = "hf_averysecrettoken";

  test("with a token: sent to the hub, not to the host that holds the weights", async () => {
    hub.token = token;
    const { folder } = await snapshot({ token });
    expect(weightsAt(folder).length).toBeGreaterThan(0);
    for (const { path, authorization } of hub.seen)
      expect(authorization).toBe(path.startsWith("/store") ? undefined : `Bearer ${token}`);
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name), "utf8")).not.toContain(token);
  });

  test.each([
    ["without a token", {}, /set HF_TOKEN/],
    ["with another's token", { token: "hf_other" }, /was granted access to tiny\/model/],
  ])("refused %s says what to do, and no token", async (_, options, hint) => {
    hub.token = token;
    const error = await failure(snapshot(options));
    expect(error).toMatchObject({ code: "HUB_ACCESS", hint: expect.stringMatching(hint) });
    expect(`${error.message} ${error.hint} ${String(error.cause)}`).not.toContain("hf_other");
  });

  test("with something that is no token is refused without repeating it", async () => {
    const error = await failure(snapshot({ token: "secret" }));
    expect(error.code).toBe("HUB_ACCESS");
    expect(`${error.message} ${error.hint} ${error.stack}`).not.toContain("secret");
  });

  test("to a model or revision that is not there is refused", async () => {
    expect(await failure(snapshot({ revision: "v9" }))).toMatchObject({
      code: "HUB_NOT_FOUND",
      message: expect.stringContaining("v9"),
    });
    const other = hubSnapshot("tiny/other", { cache, endpoint: hub.endpoint });
    expect((await failure(other)).code).toBe("HUB_NOT_FOUND");
    expect((await failure(hubSnapshot("no slash"))).code).toBe("HUB_ID");
    expect((await failure(hubSnapshot("../up"))).code).toBe("HUB_ID");
  });

  test("to a model without safetensors is refused, saying what it has", async () => {
    hub.files = new Map([
      ["config.json", Buffer.from("{}")],
      ["pytorch_model.bin", Buffer.from("x")],
    ]);
    expect(await failure(snapshot())).toMatchObject({
      code: "HUB_WEIGHTS",
      message: expect.stringContaining("pytorch_model.bin"),
    });
  });
});

describe("a hub that cannot be reached", () => {
  /** The address of a server that has gone. */
  async function nowhere(): Promise<string> {
    const other = new FakeHub();
    await other.start();
    const { endpoint } = other;
    await other.stop();
    return endpoint;
  }

  test("is an error where nothing is cached", async () => {
    const error = await failure(snapshot({ endpoint: await nowhere() }));
    expect(error).toMatchObject({
      code: "HUB_UNREACHABLE",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });

  test("is a notice where the revision is cached", async () => {
    const known = await snapshot();
    const notices: string[] = [];
    const endpoint = await nowhere();
    const again = await snapshot({ endpoint, onNotice: (text) => notices.push(text) });
    expect(again).toEqual(known);
    expect(notices).toEqual([expect.stringContaining(commit)]);
    expect((await failure(snapshot({ endpoint, revision: "v1" }))).code).toBe("HUB_UNREACHABLE");
  });
});

test("ids read owner/name", () => {
  for (const id of ["a/b", "HuggingFaceTB/SmolLM2-135M-Instruct", "Qwen/Qwen2.5-0.5B"])
    expect(isHubId(id)).toBe(true);
  for (const id of ["a", "a/b/c", "./a", "../a", "/a/b", "a/..", "a b/c", ""])
    expect(isHubId(id)).toBe(false);
});
