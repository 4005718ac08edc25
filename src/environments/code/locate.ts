/**
 * Where a wrong program goes wrong, when no oracle can say: by finishing its beginnings, or by what
 * its failing tests execute.
 */
import { type Node, parse } from "acorn";
import MagicString from "magic-string";
import type { Evidence } from "../environment.js";
import type { JavaScriptSandbox } from "./sandbox/javascript.js";

/** A suspected part of a program: characters [start, end). */
export interface Suspect {
  readonly start: number;
  readonly end: number;
  readonly evidence: Evidence;
  /** For `rollout` the probability of being the first error, for `heuristic` a mere score, both in [0, 1]. */
  readonly confidence: number;
}

export interface PrefixOptions {
  /** Parts of the program in order, for example of {@link statementsOf}; they need not touch. */
  readonly statements: readonly { readonly start: number; readonly end: number }[];
  /** A program that begins with `prefix`, sampled. */
  readonly sample: (prefix: string) => Promise<string>;
  /** Whether a program passes its tests. */
  readonly passes: (program: string) => Promise<boolean>;
  /** Completions sampled for each prefix tried. */
  readonly samples: number;
}

/**
 * The first statement after which sampled completions no longer pass, by bisection over the
 * program's prefixes: O(log n) prefixes for n statements, assuming that a prefix which cannot be
 * saved stays so when it grows.
 *
 * With m samples of each prefix, and pass rate p (Laplace's rule) before the statement, the
 * confidence is 1 - (1 - p)^m: how unlikely no success is if nothing was lost. Undefined where the
 * sampler cannot solve the task from nothing, or still can from the whole program. The idea of
 * rollouts from prefixes as step labels: Math-Shepherd (arXiv 2312.08935).
 */
export async function locateByPrefix(
  program: string,
  { statements, sample, passes, samples }: PrefixOptions,
): Promise<Suspect | undefined> {
  const successes = async (kept: number): Promise<number> => {
    const prefix =
      kept === 0
        ? program.slice(0, statements[0]?.start ?? 0)
        : program.slice(0, statements[kept - 1]!.end);
    const outcomes = await Promise.all(
      Array.from({ length: samples }, async () => passes(await sample(prefix))),
    );
    return outcomes.filter(Boolean).length;
  };
  let alive = 0; // most statements known to leave a way to pass
  let dead = statements.length; // fewest known to leave none
  let rate = await successes(alive);
  if (dead === 0 || rate === 0 || (await successes(dead)) > 0) return undefined;
  while (dead - alive > 1) {
    const middle = (alive + dead) >> 1;
    const found = await successes(middle);
    if (found > 0) [alive, rate] = [middle, found];
    else dead = middle;
  }
  const { start, end } = statements[dead - 1]!;
  const p = (rate + 1) / (samples + 2);
  return { start, end, evidence: "rollout", confidence: 1 - (1 - p) ** samples };
}

/** The statements of a JavaScript program, in order of their beginnings; none where it does not parse. */
export function statementsOf(program: string): readonly { start: number; end: number }[] {
  return nodesOf(program)
    .filter(isStatement)
    .map(({ start, end }) => ({ start, end }))
    .toSorted((a, b) => a.start - b.start || b.end - a.end);
}

/**
 * Statements by how much the failing assertions execute them and the passing ones do not, most
 * suspect first (Ochiai: failed / sqrt(all failed * executed); Abreu et al. 2006,
 * doi 10.1109/PRDC.2006.18). Weak evidence on small functions: a soft weight, never a label. Empty
 * where the program does not parse, nothing failed, or it could not be run to an end.
 */
export async function suspectStatements(
  program: string,
  suite: string,
  sandbox: JavaScriptSandbox,
): Promise<readonly Suspect[]> {
  const statements = nodesOf(program).filter(isCoverable);
  const text = new MagicString(program);
  for (const [k, { start }] of statements.entries()) text.appendLeft(start, `__hit(${k});`);
  const source = `const __hits = new Set(); const __hit = (k) => __hits.add(k);\n${text.toString()}`;
  const entry = `() => {
    const rows = [];
    const row = (held) => { rows.push([!!held, [...__hits]]); __hits.clear(); };
    const console = { log() {}, error() {}, assert: row };
    try { (function () {\n${suite}\n})(); } catch (error) { row(false); }
    return rows;
  }`;
  const limits = { outputCharacters: 1_000_000 };
  const [result] = await sandbox.run(source, [{ entry, args: "[]" }], limits);
  if (result?.outcome !== "returned") return [];
  const rows = JSON.parse(result.output) as [boolean, number[]][];
  const failed = rows.filter(([held]) => !held).length;
  if (failed === 0) return [];
  return statements
    .map(({ start, end }, k): Suspect => {
      const executed = rows.filter(([, hits]) => hits.includes(k));
      const executedFailed = executed.filter(([held]) => !held).length;
      const score =
        executed.length === 0 ? 0 : executedFailed / Math.sqrt(failed * executed.length);
      return { start, end, evidence: "heuristic", confidence: score };
    })
    .filter(({ confidence }) => confidence > 0)
    .toSorted((a, b) => b.confidence - a.confidence);
}

/** A node with the list it stands in, if any. */
interface Found {
  readonly start: number;
  readonly end: number;
  readonly type: string;
  readonly listed: boolean;
}

function nodesOf(program: string): readonly Found[] {
  const found: Found[] = [];
  const visit = (value: unknown, listed: boolean): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, true);
    } else if (isNode(value)) {
      found.push({ start: value.start, end: value.end, type: value.type, listed });
      for (const child of Object.values(value)) visit(child, false);
    }
  };
  try {
    visit(parse(program, { ecmaVersion: "latest", sourceType: "script" }), false);
  } catch {
    return [];
  }
  return found;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value;
}

function isStatement({ type }: Found): boolean {
  return (
    (type.endsWith("Statement") && type !== "BlockStatement") || type === "VariableDeclaration"
  );
}

/** Statements before which another may be written: those of a list, declarations of a loop aside. */
function isCoverable(node: Found): boolean {
  return node.listed && isStatement(node);
}
