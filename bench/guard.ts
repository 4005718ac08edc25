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
  /** Median over the pairs of processes of processor time, this side's over the other's. */
  readonly ratio: number;
  /** Least and largest over the pairs. */
  readonly low: number;
  readonly high: number;
  /** The median of this side's processor time, in milliseconds. */
  readonly ours: number;
  readonly pairs: number;
  readonly rounds: number;
  /** Slower in every pair: two processes of the same code differ by a tenth and more. */
  readonly slower: boolean;
}

const here = fileURLToPath(new URL("..", import.meta.url));

/** Beyond this ratio a pair counts as slower. */
const tolerance = 1.03;

/** Pairs of processes, each new: a process keeps what luck it had with memory and compilation. */
const pairs = 5;

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
  const side = new Side(root);
  try {
    return await side.names();
  } finally {
    side.close();
  }
}

async function compare(other: string, name: string, rounds: number): Promise<GuardResult> {
  const own: number[] = [];
  const ratios: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const roots = pair % 2 === 0 ? [here, other] : [other, here];
    const sides = new Map(roots.map((root) => [root, new Side(root)]));
    try {
      const { ours, ratio } = await onePair([sides.get(here)!, sides.get(other)!], name, rounds);
      own.push(...ours);
      ratios.push(ratio);
    } finally {
      for (const side of sides.values()) side.close();
    }
  }
  const [low, high] = [Math.min(...ratios), Math.max(...ratios)];
  const result: GuardResult = {
    name,
    ratio: rounded(median(ratios)),
    low: rounded(low),
    high: rounded(high),
    ours: rounded(median(own)),
    pairs,
    rounds,
    slower: low > tolerance,
  };
  process.stderr.write(`${JSON.stringify(result)}\n`);
  return result;
}

/** Rounds of both sides in turn, after two to warm up. */
async function onePair(
  [ours, theirs]: readonly [Side, Side],
  name: string,
  rounds: number,
): Promise<{ ours: readonly number[]; ratio: number }> {
  const own: number[] = [];
  const ratios: number[] = [];
  for (let i = -2; i < rounds; i++) {
    const order = i % 2 === 0 ? [ours, theirs] : [theirs, ours];
    const times = new Map<Side, number>();
    for (const side of order) times.set(side, (await side.round(name)).processor);
    if (i < 0) continue;
    own.push(times.get(ours)!);
    ratios.push(times.get(ours)! / times.get(theirs)!);
  }
  return { ours: own, ratio: median(ratios) };
}

const rounded = (x: number): number => Number(x.toPrecision(4));

/** The bench of one checkout, in a process of its own. */
class Side {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(root: string) {
    const script = join(dirname(fileURLToPath(import.meta.url)), "peers", "guard-side.js");
    this.#child = fork(script, [root], { execArgv: [] });
    this.#ended = once(this.#child, "exit").then(([code]) => {
      throw new Error(`the bench of one side ended with ${String(code)}`);
    });
    this.#ended.catch(() => {});
  }

  names(): Promise<string[]> {
    return this.#ask({}) as Promise<string[]>;
  }

  round(name: string): Promise<Round> {
    return this.#ask({ name }) as Promise<Round>;
  }

  async #ask(question: { readonly name?: string }): Promise<unknown> {
    this.#child.send(question);
    const answered = new Promise((resolve) => this.#child.once("message", resolve));
    return Promise.race([answered, this.#ended]);
  }

  close(): void {
    this.#child.kill();
  }
}
