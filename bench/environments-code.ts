/** Verdicts a second on programs: embedded tasks, HumanEval-X in QuickJS, HumanEval in bubblewrap. */
import { code } from "../src/environments/code/code.js";
import { humaneval, humanevalJs } from "../src/environments/code/datasets/dataset.js";
import { JavaScriptSandbox } from "../src/environments/code/sandbox/javascript.js";
import { findData } from "../src/environments/data-folder.js";
import type { Environment } from "../src/environments/environment.js";
import { playProcedure } from "../src/environments/play-procedure.js";
import { Random } from "../src/util/random.js";

/** What was measured of one way of judging. */
export interface VerdictBenchmark {
  readonly what: string;
  readonly verdicts: number;
  readonly verdictsPerSecond: number;
}

async function measure<S>(
  what: string,
  environment: Environment<S>,
  { count, procedure, repeats }: { count: number; procedure: string; repeats: number },
): Promise<VerdictBenchmark> {
  const random = Random.from(0, "bench");
  const level = environment.levels[0]!;
  const tasks =
    environment.tasks?.("test").slice(0, count) ??
    Array.from({ length: count }, () => environment.draw({ split: "train", level, random }));
  const played = [];
  for (const task of tasks) played.push(await playProcedure(environment, task, procedure, random));
  const started = performance.now();
  for (let i = 0; i < repeats; i++) for (const one of played) await environment.judge(one);
  const seconds = (performance.now() - started) / 1000;
  const verdicts = played.length * repeats;
  return { what, verdicts, verdictsPerSecond: Math.round(verdicts / seconds) };
}

/** Runs the benchmark; data sets that are absent are left out. */
export async function run(): Promise<readonly VerdictBenchmark[]> {
  const results: VerdictBenchmark[] = [];
  const sandbox = new JavaScriptSandbox();
  const started = performance.now();
  const programs = 1000;
  for (let i = 0; i < programs; i++)
    await sandbox.run("const f = (x) => x + 1", [{ entry: "f", args: "[1]" }]);
  results.push({
    what: "QuickJS: a fresh context and one call",
    verdicts: programs,
    verdictsPerSecond: Math.round((programs * 1000) / (performance.now() - started)),
  });
  const embedded = { count: 400, repeats: 1 };
  results.push(
    await measure("code: right, tests to be chosen", code(), { ...embedded, procedure: "correct" }),
    await measure("code: wrong, tests to be chosen", code(), {
      ...embedded,
      procedure: "off-by-one",
    }),
  );
  const warm = code();
  await measure("", warm, { ...embedded, procedure: "off-by-one" });
  results.push(await measure("code: seen before", warm, { ...embedded, procedure: "off-by-one" }));
  if (findData("humaneval") !== undefined) {
    const one = { count: 164, procedure: "correct", repeats: 1 };
    results.push(await measure("humaneval-js: references", humanevalJs(), one));
    results.push(await measure("humaneval: references", humaneval(), one));
  }
  await sandbox.close();
  return results;
}
