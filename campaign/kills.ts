/** Runs that are killed at random times and resumed: they must end with the bytes of a run left alone. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random } from "../src/util/random.js";
import { differences } from "../test/outcome.js";

/** Partners, experts, probes, a corpus and three checkpoints, in six steps of two seconds in all. */
const settings = {
  preset: "arithmetic",
  steps: 6,
  tasksPerStep: 4,
  pool: 64,
  evaluationTasks: 16,
  evaluateEvery: 3,
  saveEvery: 2,
  saveSeconds: 3600,
  learningRate: 3e-4,
  probe: { every: 4, tasks: 8, attempts: 2 },
  expert: {
    minimumTraces: 16,
    maximumTraces: 64,
    steps: 10,
    batch: 32,
    refitEvery: 3,
  },
  corpus: { capacity: 256 },
  partners: { names: ["drop-carry"], every: 2, warmUpTraces: 24 },
};

/** Who is hit by what: the command with its trainer (`group`), or the command alone. */
const HITS = [
  { signal: "SIGKILL", group: true },
  { signal: "SIGKILL", group: false },
  { signal: "SIGTERM", group: true },
  { signal: "SIGTERM", group: false },
] as const;

/** A run that is resumed this often and has not ended never will. */
const mostSittings = 8;

interface Failure {
  readonly trial: number;
  readonly hits: readonly string[];
  readonly why: string;
}

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** `tries` trials, of one to three hits each, at times that the seed draws. */
export async function run({ seed, tries = 30 }: { seed: number; tries?: number }): Promise<{
  tried: number;
  held: number;
  failed: Failure[];
}> {
  const folder = mkdtempSync(join(tmpdir(), "errata-kills-"));
  const failed: Failure[] = [];
  try {
    const first = join(folder, "whole");
    prepareFolder(first);
    await sitting(first, false).ended;
    // The cache is warm from here on: the time of a second run is that of the trials.
    const whole = join(folder, "again");
    prepareFolder(whole, first);
    const { status, stderr, milliseconds } = await sitting(whole, false).ended;
    if (status !== 0) throw new Error(`the run left alone failed: ${stderr}`);
    const same = differences(runOf(first), runOf(whole));
    if (same.length > 0) throw new Error(`two runs left alone differ in ${same.join(", ")}`);
    for (let trial = 0; trial < tries; trial++) {
      const place = join(folder, `trial-${trial}`);
      prepareFolder(place, first);
      const random = Random.from(seed, `trial ${trial}`);
      let { hits, why } = await tryOne(place, runOf(whole), random, milliseconds);
      while (hits.length === 0 && why === undefined) {
        rmSync(runOf(place), { recursive: true });
        ({ hits, why } = await tryOne(place, runOf(whole), random, milliseconds));
      }
      if (why !== undefined) failed.push({ trial, hits, why });
      process.stderr.write(`trial ${trial}: ${hits.join(", ")}: ${why ?? "held"}\n`);
      rmSync(place, { recursive: true, force: true });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { tried: tries, held: tries - failed.length, failed };
}

const runOf = (place: string): string => join(place, "runs", "hit");

/** A folder to train in, with what an earlier one has in its cache. */
function prepareFolder(place: string, warm?: string): void {
  cpSync(fileURLToPath(new URL("../checkpoints", import.meta.url)), join(place, "cache"), {
    recursive: true,
  });
  if (warm !== undefined && existsSync(join(warm, "cache")))
    cpSync(join(warm, "cache"), join(place, "cache"), { recursive: true });
  writeFileSync(
    join(place, "hit.config.mjs"),
    `export default ${JSON.stringify(settings, null, 2)};\n`,
  );
}

async function tryOne(
  place: string,
  whole: string,
  random: Random,
  milliseconds: number,
): Promise<{ hits: string[]; why?: string }> {
  const hits: string[] = [];
  const planned = 1 + random.below(3);
  for (let count = 0; count < mostSittings; count++) {
    const { child, ended } = sitting(place, existsSync(runOf(place)));
    if (hits.length < planned) {
      const after = Math.round(random.uniform() * milliseconds);
      const hit = HITS[random.below(HITS.length)]!;
      await Promise.race([wait(after), ended]);
      if (child.exitCode === null && child.signalCode === null) {
        hits.push(`${hit.signal}${hit.group ? " to all" : ""} after ${after} ms`);
        process.kill(hit.group ? -child.pid! : child.pid!, hit.signal);
        await ended;
        continue;
      }
    }
    const { status, stderr } = await ended;
    if (status !== 0) return { hits, why: `status ${status}: ${stderr.slice(-600)}` };
    const differing = differences(whole, runOf(place));
    return differing.length === 0 ? { hits } : { hits, why: `differs in ${differing.join(", ")}` };
  }
  return { hits, why: `not finished after ${mostSittings} sittings` };
}

/** `errata train`, in a process group of its own. */
function sitting(place: string, resume: boolean): { child: ChildProcess; ended: Promise<Ended> } {
  const program = fileURLToPath(new URL("../bin/errata.js", import.meta.url));
  const args = ["train", "--name", "hit", "-c", "hit.config.mjs", ...(resume ? ["--resume"] : [])];
  const started = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    cwd: place,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ERRATA_CACHE: join(place, "cache"), NO_COLOR: "1" },
  });
  let stderr = "";
  child.stderr!.on("data", (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) =>
      resolve({ status, stderr, milliseconds: performance.now() - started }),
    );
  });
  return { child, ended };
}
