import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Tracking, type TrackingOptions } from "./track.js";

interface Entry {
  readonly step: number;
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly config: object | null;
  readonly log_id: string;
  readonly run_id: string;
}

let folder: string;
let server: Server;
let entries: Entry[];
let headers: (string | undefined)[];
let status: number;
let address: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "errata-track-"));
  mkdirSync(join(folder, "rollouts"));
  entries = [];
  headers = [];
  status = 200;
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      headers.push(request.headers["x-trackio-write-token"] as string | undefined);
      if (status === 200) entries.push(...(JSON.parse(text) as { logs: Entry[] }).logs);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(status === 200 ? { data: null } : { error: "no" }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const metrics = (): string => join(folder, "metrics.jsonl");
const step = (n: number): string =>
  `${JSON.stringify({ step: n, "rollout/accuracy": n / 10, "replication/bySignature": { a: 0.5 }, "alarm/names": [] })}\n`;
const evaluation = (n: number): string =>
  `${JSON.stringify({ step: n, "eval/accuracy": n / 8 })}\n`;

async function sitting(
  lines: readonly string[],
  names: TrackingOptions["names"] = ["trackio"],
  troubles: string[] = [],
): Promise<void> {
  const tracking = new Tracking({
    folder,
    names,
    config: { seed: 1, expert: { steps: 5 }, partners: { names: ["x"] } },
    onTrouble: (message) => troubles.push(message),
    environment: { TRACKIO_SERVER_URL: address, TRACKIO_WRITE_TOKEN: "secret" },
  });
  for (const line of lines) {
    appendFileSync(metrics(), line);
    tracking.wake();
  }
  await tracking.close();
}

describe("tracking", () => {
  it("sends each step once, whole, with the evaluation at it, and the last evaluation at the end", async () => {
    await sitting([evaluation(0), step(0), step(1), evaluation(2)]);
    expect(entries.map((entry) => [entry.step, entry.metrics])).toEqual([
      [0, { "eval/accuracy": 0, "rollout/accuracy": 0, "replication/bySignature/a": 0.5 }],
      [1, { "rollout/accuracy": 0.1, "replication/bySignature/a": 0.5 }],
      [2, { "eval/accuracy": 0.25 }],
    ]);
    expect(entries[0]!.config).toEqual({ seed: 1, "expert.steps": 5 });
    expect(new Set(headers)).toEqual(new Set(["secret"]));
  });

  it("continues the same run after a resume that wrote steps again, without a doubled point", async () => {
    await sitting([evaluation(0), step(0), step(1), step(2)]);
    // Killed; the checkpoint was of one step.
    writeFileSync(metrics(), evaluation(0) + step(0));
    await sitting([step(1), step(2), step(3)]);
    expect(entries.map((entry) => entry.step)).toEqual([0, 1, 2, 3]);
    expect(new Set(entries.map((entry) => entry.run_id)).size).toBe(1);
  });

  it("goes on where a tracker is down, says so once, and sends what is missing at the next sitting", async () => {
    status = 500;
    const troubles: string[] = [];
    const began = performance.now();
    await sitting([step(0), step(1)], ["trackio"], troubles);
    expect(performance.now() - began).toBeLessThan(6000);
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatch(/trackio cannot be reached: .*training goes on/);
    expect(troubles[0]).not.toContain("secret");
    status = 200;
    await sitting([step(2)]);
    expect(entries.map((entry) => entry.step)).toEqual([0, 1, 2]);
  });

  it("sends again under the same id where it was killed while sending", async () => {
    await sitting([step(0)]);
    const path = join(folder, "trackers.json");
    const state = JSON.parse(readFileSync(path, "utf8")) as object;
    const killed = { ...state, trackers: { trackio: { lines: 0, sending: true } } };
    writeFileSync(path, JSON.stringify(killed));
    await sitting([step(1)]);
    expect(entries.map((entry) => entry.step)).toEqual([0, 0, 1]);
    expect(entries[0]!.log_id).toBe(entries[1]!.log_id);
  });

  it("writes event files for TensorBoard and W&B together, one a sitting, with rollouts as text", async () => {
    const lines = [{ task: "1+1", correct: false, actions: ["```3"], firstError: { step: 0 } }];
    writeFileSync(
      join(folder, "rollouts", "step-000000.jsonl"),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
    await sitting([step(0)], ["tensorboard", "wandb"]);
    await sitting([step(1)], ["tensorboard", "wandb"]);
    const files = readdirSync(join(folder, "tensorboard")).toSorted();
    expect(files).toHaveLength(2);
    const text = readFileSync(join(folder, "tensorboard", files[0]!), "latin1");
    expect(text).toContain("    ```3");
    expect(text).toContain("hparams");
    expect(files.every((file) => file.startsWith("events.out.tfevents."))).toBe(true);
  });
});
