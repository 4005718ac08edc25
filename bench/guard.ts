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
  /** Median over the rounds of processor time, this side's over the other's in the same round. */
  readonly ratio: number;
  /** Least and largest of those. */
  readonly low: number;
  readonly high: number;
  /** The least of this side's times over the least of the other's: what load from outside touches least. */
  readonly best: number;
  /** The median of this side's processor time, in milliseconds. */
  readonly ours: number;
  readonly rounds: number;
  readonly slower: boolean;
}

const here = fileURLToPath(new URL("..", import.meta.url));

/** Beyond this ratio a case counts as slower. */
const tolerance = 1.03;

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
  const sides = [new Side(here), new Side(other)] as const;
  try {
    const known = await sides[1].names();
    const names = (await sides[0].names()).filter((n) => n.includes(only) && known.includes(n));
    const results: GuardResult[] = [];
    for (const name of names) results.push(await compare(sides, name, rounds));
    return { benchmark: "guard", against, tolerance, results };
  } finally {
    for (const side of sides) side.close();
    if (other !== against)
      execFileSync("git", ["worktree", "remove", "--force", other], { cwd: here });
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compare(
  [ours, theirs]: readonly [Side, Side],
  name: string,
  rounds: number,
): Promise<GuardResult> {
  await ours.round(name);
  await theirs.round(name);
  const own: number[] = [];
  const others: number[] = [];
  const ratios: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const order = i % 2 === 0 ? [ours, theirs] : [theirs, ours];
    const times = new Map<Side, Round>();
    for (const side of order) times.set(side, await side.round(name));
    own.push(times.get(ours)!.processor);
    others.push(times.get(theirs)!.processor);
    ratios.push(own.at(-1)! / others.at(-1)!);
  }
  const sorted = ratios.toSorted((a, b) => a - b);
  const ratio = median(ratios);
  const result: GuardResult = {
    name,
    ratio: rounded(ratio),
    low: rounded(sorted[0]!),
    high: rounded(sorted.at(-1)!),
    best: rounded(Math.min(...own) / Math.min(...others)),
    ours: rounded(median(own)),
    rounds,
    slower: ratio > tolerance,
  };
  process.stderr.write(`${JSON.stringify(result)}\n`);
  return result;
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
