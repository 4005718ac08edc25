/** Ten unlike runs: does what each takes lie in the ranges it was forecast to take? */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Forecast, Quantity } from "../src/watch/forecast.js";

const errata = fileURLToPath(new URL("../bin/errata.js", import.meta.url));

/** What a run says at its end. */
interface Summary {
  readonly finished: boolean;
  readonly forecast: Forecast;
  readonly taken: Readonly<Record<Quantity, number>>;
  readonly withinForecast: Readonly<Record<Quantity, boolean>>;
}

/** Trained first: its student is exported and taken up again. */
const first = ["--preset", "arithmetic", "--steps", "6", "--no-gate", "--name", "first"];

const grpo = ["explore.form=none", "reward.penalty=0", "reward.diverge=0", "partners.names=[]"];
const own = ["environment=./sums.jsonl", "student.checkpoint=./model", "student.maxTokens=3"];
const partner = JSON.stringify({ url: "http://127.0.0.1:PORT/v1", model: "seven", calls: 4000 });

/** Each run's arguments: a preset or none, steps, and keys. */
const runs: Readonly<Record<string, readonly [preset: string, steps: number, ...keys: string[]]>> =
  {
    arithmetic: ["arithmetic", 60],
    "GRPO, groups of 16": ["arithmetic", 60, ...grpo, "groupSize=16"],
    "teacher on": ["arithmetic", 60, "teacher.source=right-solutions"],
    "past self, no partner": [
      "arithmetic-mixture",
      40,
      "explore.steerBy=past-self",
      "partners.names=[]",
    ],
    "a partner behind a URL, with prices": [
      "arithmetic",
      30,
      "prices.file=prices.json",
      `partners.remote.served=${partner}`,
      'partners.names=["drop-carry"]',
    ],
    proof: ["proof", 30],
    "proof, traces of the solver, groups of 4": [
      "proof",
      30,
      "groupSize=4",
      "teacher.source=solver",
      "teacher.form=trace",
    ],
    "rewriting, one evaluation": ["rewriting", 25, "evaluateEvery=100"],
    "own student, all weights": ["", 40, ...own, "student.lora=none"],
    "own student, adapter, past self": [
      "",
      40,
      ...own,
      "explore.form=repulsive",
      "explore.steerBy=past-self",
    ],
  };

/** Runs those whose name contains `ERRATA_BENCH_ONLY`, one after the other, on this machine. */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const only = process.env["ERRATA_BENCH_ONLY"] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "errata-forecast-"));
  let server: Server | undefined;
  try {
    await call(folder, ["train", ...first]);
    await call(folder, ["export", "first", "--to", "hf", "model"]);
    writeFileSync(join(folder, "sums.jsonl"), sums());
    const prices = { currency: "USD", models: { seven: { input: 1, output: 3 } } };
    writeFileSync(join(folder, "prices.json"), JSON.stringify({ ...prices, hours: { cpu: 0.1 } }));
    server = await partnerServer();
    const { port } = server.address() as AddressInfo;
    const results: Record<string, unknown> = {};
    for (const [name, [preset, steps, ...keys]] of Object.entries(runs)) {
      if (!name.includes(only)) continue;
      const args = [
        ...(preset === "" ? [] : ["--preset", preset]),
        "--steps",
        String(steps),
        ...(keys.length === 0 ? [] : ["--set", ...keys]),
      ].map((arg) => arg.replace("PORT", String(port)));
      const run = `run-${Object.keys(results).length}`;
      const [load] = loadavg();
      const { forecast, taken, withinForecast } = await call<Summary>(folder, [
        "train",
        "--no-gate",
        "--name",
        run,
        ...args,
      ]);
      results[name] = { command: args.join(" "), load, forecast, taken, withinForecast };
      process.stderr.write(`${name}: ${JSON.stringify(withinForecast)}\n`);
    }
    return { benchmark: "forecast", results };
  } finally {
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Sums as tasks of one's own, in the symbols that the preset's student reads. */
function sums(): string {
  const line = (i: number): string => {
    const [a, b] = [i % 10, (i * 7) % 9];
    return JSON.stringify({ id: `sum-${i}`, prompt: `${a}${b}_=`, answer: String(a + b) });
  };
  return Array.from({ length: 400 }, (_, i) => `${line(i)}\n`).join("");
}

async function call<T = unknown>(folder: string, args: readonly string[]): Promise<T> {
  const child = spawn(process.execPath, [errata, ...args, "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (data: Buffer) => (out += String(data)));
  const [status] = (await once(child, "close")) as [number];
  if (status !== 0) throw new Error(`errata ${args.join(" ")} ended with ${status}: ${out}`);
  return JSON.parse(out) as T;
}

/** A partner that says 7 to everything, and what it is paid for. */
async function partnerServer(): Promise<Server> {
  const usage = { prompt_tokens: 20, completion_tokens: 2, total_tokens: 22 };
  const message = { role: "assistant", content: "7" };
  const answer = { choices: [{ index: 0, finish_reason: "stop", message }], usage };
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ id: "0", created: 0, model: "seven", ...answer }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
