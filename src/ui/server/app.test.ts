import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  CostReport,
  GroupDetail,
  GroupPage,
  MistakeMap,
  MistakePage,
  ReviewQueue,
  RunList,
  Series,
} from "../api.js";
import { makeRun, stepLine } from "../testing.js";
import { createApp, type App } from "./app.js";

const root = mkdtempSync(join(tmpdir(), "errata-ui-"));
const folder = join(root, "runs", "made");
const token = "the-token";
const markup = "<img src=x onerror=alert(1)>";
let app: App;

beforeAll(() => {
  makeRun(folder, { text: markup });
  const page = new TextEncoder().encode("<!doctype html>");
  app = createApp({
    host: "127.0.0.1",
    port: () => 4180,
    token,
    root,
    runs: () => new Map([["made", folder]]),
    assets: new Map([["/index.html", { bytes: page, type: "text/html; charset=utf-8" }]]),
  });
});
afterAll(() => {
  app.close();
  rmSync(root, { recursive: true });
});

const ask = (
  path: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> =>
  Promise.resolve(
    app.request(`http://127.0.0.1:4180${path}`, {
      ...init,
      headers: { host: "127.0.0.1:4180", ...init.headers },
    }),
  );
const read = async <T>(path: string): Promise<T> => {
  const response = await ask(path);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
};

describe("what the page reads", () => {
  it("lists runs with their state, and says that without the token nothing can be written", async () => {
    const { runs, mayWrite } = await read<RunList>("/api/runs");
    expect(runs).toMatchObject([
      { name: "made", state: "finished", step: 6, steps: 6, accuracy: { first: 0, last: 0.9 } },
    ]);
    expect(mayWrite).toBe(false);
  });

  it("gives curves with an interval for held-out accuracy, alarms and who steers", async () => {
    const series = await read<Series>("/api/runs/made/series");
    expect(series.steps).toEqual([0, 1, 2, 3, 4, 5]);
    expect(series.columns["group/stuck"]).toEqual([2, 2, 2, 2, 2, 2]);
    // Wilson's interval of 45 in 50, as R's prop.test(45, 50, correct = FALSE) has it.
    const last = series.evaluations.at(-1)!;
    expect(last.low).toBeCloseTo(0.7864, 4);
    expect(last.high).toBeCloseTo(0.9565, 4);
    expect(series.happenings).toContainEqual({ step: 3, kind: "alarm", text: "lengthBlowUp" });
    expect(series.happenings).toContainEqual({
      step: 2,
      kind: "expert",
      text: "steering away from always-x on long",
    });
  });

  it("gives only what is new, and everything again where a resumed run cut its metrics", async () => {
    const path = join(folder, "metrics.jsonl");
    const before = readFileSync(path);
    appendFileSync(path, `${JSON.stringify(stepLine(6, 6, 5))}\n{"step": 7, "half`);
    const tail = await read<Series>("/api/runs/made/series?from=6");
    expect(tail.from).toBe(6);
    expect(tail.steps).toEqual([6]);
    truncateSync(path, before.indexOf(10, before.indexOf('"rollout/accuracy"')) + 1);
    const whole = await read<Series>("/api/runs/made/series?from=7");
    expect(whole.from).toBe(0);
    expect(whole.steps).toEqual([0]);
    writeFileSync(path, before);
  });

  it("pages and filters groups, newest first", async () => {
    const all = await read<GroupPage>("/api/runs/made/groups?limit=2&offset=1");
    expect(all).toMatchObject({ total: 18, complete: true });
    expect(all.rows.map(({ step, index }) => [step, index])).toEqual([
      [5, 1],
      [5, 2],
    ]);
    const rescued = await read<GroupPage>("/api/runs/made/groups?filter=rescued");
    expect(rescued.total).toBe(6);
    expect(rescued.rows[0]).toMatchObject({ right: 1, size: 4, steered: 2, stuck: true });
  });

  it("shows a group side by side: verdicts, the first wrong step, who steered, the weak partner", async () => {
    const group = await read<GroupDetail>("/api/runs/made/groups/0/0");
    expect(group.prompt).toBe("What is 0.0?");
    expect(group.attempts.map(({ by }) => by)).toEqual([
      "student",
      "student",
      "steered",
      "steered",
    ]);
    expect(group.attempts[3]).toMatchObject({ correct: true, steeredBy: "always-x" });
    expect(group.attempts[0]!.card.lines).toEqual([
      { text: "one" },
      { text: markup, mark: "wrong" },
      { text: "two", mark: "right" },
      { text: "three" },
    ]);
    const other = await read<GroupDetail>("/api/runs/made/groups/0/1");
    expect(other.partners[0]).toMatchObject({ by: "always-x" });
    expect((await ask("/api/runs/made/groups/0/99")).status).toBe(404);
  });

  it("maps mistakes: counts, sources, an example, and how the student's share goes", async () => {
    const map = await read<MistakeMap>("/api/runs/made/map");
    expect(map.entries.map(({ signature, mistakes }) => [signature, mistakes])).toEqual([
      ["always-x", 4],
      ["always-y", 1],
    ]);
    expect(map.entries[0]!.bySource).toEqual({ student: 1, "weak:always-x": 3 });
    expect(map.entries[0]!.share).toHaveLength(6);
    expect(map.entries[1]!.share.every((share) => share === 0)).toBe(true);
    const page = await read<MistakePage>("/api/runs/made/mistakes?signature=always-y&sort=new");
    expect(page).toMatchObject({ total: 1, rows: [{ id: 5 }] });
  });

  it("accounts the cost by role against the budget", async () => {
    const cost = await read<CostReport>("/api/runs/made/cost");
    expect(cost.roles.map(({ role }) => role)).toEqual(["student"]);
    expect(cost).toMatchObject({
      spent: { tokens: 2500 },
      budget: { tokens: 5000 },
      teacher: null,
    });
  });
});

describe("reviewing", () => {
  const headers = {
    origin: "http://127.0.0.1:4180",
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
  };
  const send = (body: unknown, over: Record<string, string> = {}): Promise<Response> =>
    ask("/api/runs/made/reviews", {
      method: "POST",
      headers: { ...headers, ...over },
      body: JSON.stringify(body),
    });
  const queue = (by: string): Promise<ReviewQueue> =>
    read<ReviewQueue>(`/api/runs/made/reviews?by=${by}`);

  it("writes the file that the terminal writes, says what changes, and undoes", async () => {
    const before = await queue("ada");
    expect(before).toMatchObject({ waiting: 5, pending: 0 });
    const [first] = before.queue;
    const { id: mistake, identity, effects } = first!;
    expect(effects.find(({ verdict }) => verdict === "invalid")!.text).toMatch(
      /^Out of use: the expert/,
    );
    const response = await send({ mistake, identity, by: "ada", verdict: "invalid", note: "fine" });
    expect(await response.json()).toEqual({ status: "human-invalid", pending: 1 });
    const lines = readFileSync(join(folder, "reviews.jsonl"), "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { mistake, identity, by: "ada", verdict: "invalid", note: "fine" },
    ]);
    const after = await queue("ada");
    expect(after).toMatchObject({ waiting: 4, pending: 1 });
    expect(after.queue.map(({ id }) => id)).not.toContain(mistake);
    expect((await send({ mistake, identity, by: "ada", undo: true })).status).toBe(200);
    expect((await queue("ada")).waiting).toBe(5);
    expect((await send({ mistake, identity, by: "ada", undo: true })).status).toBe(409);
  });

  it("measures the agreement of two reviewers", async () => {
    for (const by of ["ada", "bob"])
      for (const [i, card] of (await queue(by)).queue.entries()) {
        const verdict = by === "bob" && i === 2 ? "invalid" : i === 1 ? "invalid" : "valid";
        const { id: mistake, identity } = card;
        expect((await send({ mistake, identity, by, verdict })).status).toBe(200);
      }
    const { agreement, contested, reviewers } = await queue("ada");
    // valid, invalid, valid against valid, invalid, invalid: p_o = 2/3, p_e = 4/9.
    expect(agreement[0]).toMatchObject({ reviewers: ["ada", "bob"], items: 3, agree: 2 });
    expect(agreement[0]!.kappa).toBeCloseTo(0.4, 12);
    expect({ contested, reviewers }).toEqual({ contested: 1, reviewers: { ada: 3, bob: 3 } });
  });

  it("refuses a verdict on a mistake other than the one shown, and what is no verdict", async () => {
    const [card] = (await queue("cyd")).queue;
    const body = { mistake: card!.id, identity: card!.identity, by: "cyd", verdict: "valid" };
    expect((await send({ ...body, identity: "another" })).status).toBe(409);
    expect((await send({ ...body, mistake: 9999 })).status).toBe(409);
    expect((await send({ ...body, verdict: "maybe" })).status).toBe(400);
    expect((await send({ ...body, by: " " })).status).toBe(400);
    expect((await send({ ...body, file: "../../x" })).status).toBe(400);
  });

  it("refuses everything that is not this page with its token", async () => {
    const [card] = (await queue("eve")).queue;
    const body = { mistake: card!.id, identity: card!.identity, by: "eve", verdict: "valid" };
    const refused: readonly [Record<string, string>, number][] = [
      [{ authorization: "" }, 401],
      [{ authorization: "Bearer the-tokex" }, 401],
      [{ origin: "http://evil.example" }, 403],
      [{ origin: "null" }, 403],
      [{ origin: "http://127.0.0.1:9999" }, 403],
      [{ origin: "https://127.0.0.1:4180" }, 403],
      [{ host: "evil.example:4180", origin: "http://evil.example:4180" }, 421],
      [{ host: "127.0.0.1:9999", origin: "http://127.0.0.1:9999" }, 421],
      [{ "content-type": "text/plain" }, 415],
      [{ "content-type": "application/x-www-form-urlencoded" }, 415],
      [{ "sec-fetch-site": "cross-site" }, 403],
      [{ "sec-fetch-site": "same-site" }, 403],
    ];
    for (const [over, status] of refused) {
      const response = await send(body, over);
      expect([over, response.status]).toEqual([over, status]);
    }
    const { origin: _, ...without } = headers;
    const anonymous = await ask("/api/runs/made/reviews", {
      method: "POST",
      headers: without,
      body: JSON.stringify(body),
    });
    expect(anonymous.status).toBe(403);
    expect((await queue("eve")).reviewers).not.toHaveProperty("eve");
    expect((await send(body)).status).toBe(200);
    expect((await send(body, { "content-type": "application/json; charset=utf-8" })).status).toBe(
      200,
    );
  });

  it("refuses bodies that are too large, and methods other than reading and posting", async () => {
    expect((await send({ note: "x".repeat(20_000) })).status).toBe(413);
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const response = await ask("/api/runs/made/reviews", { method, headers });
      expect([method, response.status]).toEqual([method, 405]);
    }
  });
});

describe("what is refused to readers", () => {
  it("a page of another site, and another host's name", async () => {
    expect((await ask("/api/runs", { headers: { origin: "http://evil.example" } })).status).toBe(
      403,
    );
    expect((await ask("/api/runs", { headers: { "sec-fetch-site": "cross-site" } })).status).toBe(
      403,
    );
    expect((await ask("/api/runs", { headers: { host: "evil.example:4180" } })).status).toBe(421);
    expect((await ask("/", { headers: { host: "evil.example" } })).status).toBe(421);
    expect((await ask("/api/runs", { headers: { host: "localhost:4180" } })).status).toBe(200);
  });

  it("paths out of the list of runs, reports and files", async () => {
    const outside = [
      "/api/runs/..%2f..%2fetc/series",
      "/api/runs/made%2f..%2fmade/series",
      "/api/runs/made/groups/..%2f0/0",
      "/api/studies/..%2F..%2Fetc",
      "/api/studies/reports%2F..%2F..",
      "/..%2fpackage.json",
      "/assets/../../package.json",
      "/.stamp",
      "/%2e%2e/%2e%2e/etc/passwd",
    ];
    for (const path of outside) expect([path, (await ask(path)).status]).toEqual([path, 404]);
  });

  it("everything without the token, where it is bound elsewhere than to loopback", async () => {
    const open = createApp({
      host: "0.0.0.0",
      port: () => 4180,
      token,
      root,
      runs: () => new Map([["made", folder]]),
      assets: new Map(),
    });
    const status = async (authorization?: string): Promise<number> =>
      (
        await open.request("http://127.0.0.1:4180/api/runs", {
          headers: {
            host: "127.0.0.1:4180",
            ...(authorization === undefined ? {} : { authorization }),
          },
        })
      ).status;
    expect(await status()).toBe(401);
    expect(await status("Bearer wrong")).toBe(401);
    expect(await status(`Bearer ${token}`)).toBe(200);
  });

  it("inline scripts, frames and sniffing: the headers of every answer say so", async () => {
    for (const path of ["/", "/api/runs", "/nothing", "/api/runs/none/series"]) {
      const { headers } = await ask(path);
      const policy = headers.get("content-security-policy")!;
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).not.toContain("unsafe");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
    }
  });
});
