/** Commands that are killed at random times and started again: they must end with the bytes of one left alone. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random } from "../src/util/random.js";
import { WORKS, type Outcome, type Work } from "./kills/works.js";

/** Who is hit by what: the command with its trainer (`group`), or the command alone. */
const HITS = [
  { signal: "SIGKILL", group: true },
  { signal: "SIGKILL", group: false },
  { signal: "SIGTERM", group: true },
  { signal: "SIGTERM", group: false },
] as const;

/** A work that is started again this often and has not ended never will. */
const mostSittings = 10;

interface Failure {
  readonly trial: number;
  readonly work: string;
  readonly hits: readonly string[];
  readonly why: string;
}

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** `tries` trials, shared out among the works or all of one (`only`), of one to three hits each, at times that the seed draws. */
export async function run({
  seed,
  only,
  tries = 200,
}: {
  seed: number;
  only?: string;
  tries?: number;
}): Promise<{ tried: number; held: number; failed: Failure[] }> {
  const folder = mkdtempSync(join(tmpdir(), "errata-kills-"));
  const works = Object.entries(WORKS).filter(([name]) => only === undefined || name === only);
  const shares = works.reduce((sum, [, { share }]) => sum + share, 0);
  const failed: Failure[] = [];
  let tried = 0;
  try {
    for (const [name, work] of works) {
      const left = Math.round((tries * work.share) / shares);
      if (left === 0) continue;
      const { whole, made, milliseconds } = await leftAlone(work, join(folder, name));
      for (let trial = 0; trial < left; trial++) {
        const place = join(folder, name, `trial-${trial}`);
        const random = Random.from(seed, `${name} ${trial}`);
        let hits: string[] = [];
        let why: string | undefined;
        while (hits.length === 0 && why === undefined) {
          rmSync(place, { recursive: true, force: true });
          cpSync(made, place, { recursive: true, preserveTimestamps: true });
          ({ hits, why } = await tryOne(work, place, whole, random, milliseconds));
        }
        tried++;
        if (why !== undefined) failed.push({ trial, work: name, hits, why });
        process.stderr.write(`${name} ${trial}: ${hits.join(", ")}: ${why ?? "held"}\n`);
        rmSync(place, { recursive: true, force: true });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { tried, held: tried - failed.length, failed };
}

/** A work as it is before its commands and what comes of them, done twice to see that both are the same. */
async function leftAlone(
  work: Work,
  folder: string,
): Promise<{ made: string; whole: Outcome; milliseconds: number }> {
  const made = join(folder, "made");
  await work.make(made, async (args) => (await sitting(made, args).ended).status);
  const outcomes: Outcome[] = [];
  let milliseconds = 0;
  for (const name of ["first", "again"]) {
    const place = join(folder, name);
    cpSync(made, place, { recursive: true, preserveTimestamps: true });
    milliseconds = 0;
    for (const command of work.commands) {
      const ended = await sitting(place, command(place)).ended;
      if (ended.status !== 0) throw new Error(`a work left alone failed: ${ended.stderr}`);
      milliseconds += ended.milliseconds;
    }
    outcomes.push(work.outcome(place));
    rmSync(place, { recursive: true, force: true });
  }
  const [whole, again] = outcomes;
  const same = differences(whole!, again!);
  if (same.length > 0) throw new Error(`two works left alone differ in ${same.join(", ")}`);
  return { made, whole: whole!, milliseconds };
}

/** The names under which two outcomes differ, byte for byte. */
function differences(a: Outcome, b: Outcome): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => {
    const [x, y] = [a.get(name), b.get(name)];
    return x === undefined || y === undefined || !x.equals(y);
  });
}

async function tryOne(
  work: Work,
  place: string,
  whole: Outcome,
  random: Random,
  milliseconds: number,
): Promise<{ hits: string[]; why?: string }> {
  const hits: string[] = [];
  const planned = 1 + random.below(3);
  const from = performance.now();
  let due = random.uniform() * milliseconds;
  let sittings = 0;
  for (const command of work.commands) {
    for (;;) {
      if (sittings++ === mostSittings)
        return { hits, why: `not finished after ${mostSittings} sittings` };
      const { child, ended } = sitting(place, command(place));
      if (hits.length < planned) {
        await Promise.race([wait(Math.max(0, due - (performance.now() - from))), ended]);
        if (child.exitCode === null && child.signalCode === null) {
          const hit = HITS[random.below(HITS.length)]!;
          hits.push(`${hit.signal}${hit.group ? " to all" : ""} after ${Math.round(due)} ms`);
          process.kill(hit.group ? -child.pid! : child.pid!, hit.signal);
          // What was done is done again, so that a later hit comes at any place, too.
          due = performance.now() - from + random.uniform() * milliseconds;
          const { status } = await ended;
          if (status === 0) break; // it had ended, or saved, before it was hit
          continue;
        }
      }
      const { status, stderr } = await ended;
      if (status === 0) break;
      return { hits, why: `status ${status}: ${stderr.slice(-600)}` };
    }
  }
  const differing = differences(whole, work.outcome(place));
  return differing.length === 0 ? { hits } : { hits, why: `differs in ${differing.join(", ")}` };
}

/** `errata args`, in a process group of its own. */
function sitting(
  place: string,
  args: readonly string[],
): { child: ChildProcess; ended: Promise<Ended> } {
  const program = fileURLToPath(new URL("../bin/errata.js", import.meta.url));
  const started = performance.now();
  const child = spawn(process.execPath, [program, ...args], {
    cwd: place,
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ERRATA_CACHE: join(place, "cache"), NO_COLOR: "1", TMPDIR: place },
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
