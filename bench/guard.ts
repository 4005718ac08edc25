/** This engine against that of another commit (`ERRATA_BENCH_AGAINST`, by default the one before), in turn. */
import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "./engine.js";
import type { Round } from "./peers/guard-side.js";

/** One case on both sides. */
export interface GuardResult {
  readonly name: string;
  /** Median over the processes of the median over their rounds of processor time, ours over the other's. */
  readonly ratio: number;
  /** Least and largest over the processes. */
  readonly low: number;
  readonly high: number;
  /** The median of this side's processor time, in milliseconds. */
  readonly ours: number;
  readonly processes: number;
  readonly rounds: number;
  /** Slower in every process. */
  readonly slower: boolean;
}

const here = fileURLToPath(new URL("..", import.meta.url));

/** Beyond this ratio a process counts as slower. */
const tolerance = 1.03;

/** Processes, each with both sides and loaded in turn first: memory and compilation are luck. */
const processes = 6;

/** Runs every case whose name contains `ERRATA_BENCH_ONLY` on both sides, one thread each. */
export async function run(): Promise<Readonly<Record<string, unknown>>> {
  const against = process.env["ERRATA_BENCH_AGAINST"] ?? "HEAD~1";
  const rounds = Number(process.env["ERRATA_BENCH_ROUNDS"] ?? 9);
  const only = process.env["ERRATA_BENCH_ONLY"] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "errata-guard-"));
  const other = existsSync(against) ? against : join(folder, "other");
  if (other !== against) {
    execFileSync("git", ["worktree", "add", "--detach", other, against], { cwd: here });
    symlinkSync(join(here, "node_modules"), join(other, "node_modules"));
  }
  try {
    const names = await namesOf(here);
    const known = await namesOf(other);
    const results: GuardResult[] = [];
    for (const name of names.filter((n) => n.includes(only) && known.includes(n)))
      results.push(await compare(other, name, rounds));
    return { benchmark: "guard", against, tolerance, results };
  } finally {
    if (other !== against)
      execFileSync("git", ["worktree", "remove", "--force", other], { cwd: here });
    rmSync(folder, { recursive: true, force: true });
  }
}

async function namesOf(root: string): Promise<string[]> {
  const sides = new Sides([root]);
  try {
    return await sides.names(root);
  } finally {
    sides.close();
  }
}

async function compare(other: string, name: string, rounds: number): Promise<GuardResult> {
  const own: number[] = [];
  const ratios: number[] = [];
  for (let nth = 0; nth < processes; nth++) {
    const sides = new Sides(nth % 2 === 0 ? [here, other] : [other, here]);
    try {
      const { ours, ratio } = await onePair(sides, other, name, rounds);
      own.push(...ours);
      ratios.push(ratio);
    } finally {
      sides.close();
    }
  }
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  const result: GuardResult = {
    name,
    ratio: rounded(median(ratios)),
    low: rounded(low),
    high: rounded(high),
    ours: rounded(median(own)),
    processes,
    rounds,
    slower: low > tolerance,
  };
  process.stderr.write(`${JSON.stringify(result)}\n`);
  return result;
}

/** Rounds of both sides in turn, after two to warm up. */
async function onePair(
  sides: Sides,
  other: string,
  name: string,
  rounds: number,
): Promise<{ ours: readonly number[]; ratio: number }> {
  const own: number[] = [];
  const ratios: number[] = [];
  for (let i = -2; i < rounds; i++) {
    const order = i % 2 === 0 ? [here, other] : [other, here];
    const times = new Map<string, number>();
    for (const root of order) times.set(root, (await sides.round(root, name)).processor);
    if (i < 0) continue;
    own.push(times.get(here)!);
    ratios.push(times.get(here)! / times.get(other)!);
  }
  return { ours: own, ratio: median(ratios) };
}

const rounded = (x: number): number => Number(x.toPrecision(4));

/** The benches of checkouts, in one process: two processes of the same code differ by a tenth and more. */
class Sides {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(roots: readonly string[]) {
    const script = join(dirname(fileURLToPath(import.meta.url)), "peers", "guard-side.js");
    this.#child = fork(script, roots, { execArgv: [] });
    this.#ended = once(this.#child, "exit").then(([code]) => {
      throw new Error(`the bench of both sides ended with ${String(code)}`);
    });
    this.#ended.catch(() => {});
  }

  names(root: string): Promise<string[]> {
    return this.#ask({ root }) as Promise<string[]>;
  }

  round(root: string, name: string): Promise<Round> {
    return this.#ask({ root, name }) as Promise<Round>;
  }

  async #ask(question: { readonly root: string; readonly name?: string }): Promise<unknown> {
    this.#child.send(question);
    const answered = new Promise((resolve) => this.#child.once("message", resolve));
    return Promise.race([answered, this.#ended]);
  }

  close(): void {
    this.#child.kill();
  }
}
