/** A setup that trains in a second: tiny arithmetic models in a cache folder of their own. */
import { spawn, type ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { trainStage, type Recipe, type Stage } from "../src/students/recipe.js";
import type { ConfigInput } from "../src/config/config.js";
import { mergeConfig } from "../src/config/merge.js";
import { parseConfig } from "../src/config/parse.js";
import { loadPolicy, savePolicy } from "../src/engine/files/checkpoint.js";
import { LocalEngine } from "../src/engine/local.js";
import { lexiconTokenizer } from "../src/models/tokenizer.js";
import { prepare } from "../src/launch/prepare.js";
import { modelFile } from "../src/students/models.js";
import { presetNamed } from "../src/students/presets/presets.js";
import type { Setup } from "../src/run/setup.js";

export { differences, outcomeOf } from "./outcome.js";

const sharedModels = inject("tinyModels");

const stage = (mixture: Stage["mixture"], steps: number, learningRate: number): Stage => ({
  mixture,
  levels: ["addition"],
  tasks: 3000,
  steps,
  batch: 256,
  learningRate,
});

const student: Recipe = {
  size: { width: 32, layers: 1, heads: 2, feedForward: 64 },
  seed: 1,
  stages: [stage({ correct: 1 }, 300, 1e-2), stage({ correct: 0.2, "drop-carry": 0.8 }, 40, 2e-3)],
};

const partner: Recipe = {
  size: { width: 32, layers: 1, heads: 2, feedForward: 32 },
  seed: 2,
  stages: [stage({ "drop-carry": 1 }, 150, 1e-2)],
};

/** Runs in which experts are fitted, probed and refitted within eight steps. */
export const settings: ConfigInput = {
  preset: "arithmetic",
  steps: 8,
  tasksPerStep: 4,
  pool: 128,
  evaluationTasks: 32,
  evaluateEvery: 4,
  saveEvery: 3,
  saveSeconds: 3600,
  learningRate: 3e-4,
  probe: { every: 4, tasks: 8, attempts: 2 },
  expert: { minimumTraces: 16, maximumTraces: 64, steps: 20, batch: 32, refitEvery: 3 },
  corpus: { capacity: 256 },
  partners: { names: ["drop-carry"], every: 2, warmUpTraces: 24 },
};

/** The settings as `--set` overrides. */
export const overrides: readonly string[] = Object.entries(settings).flatMap(([key, value]) =>
  typeof value === "object"
    ? Object.entries(value).map(([inner, v]) => `${key}.${inner}=${JSON.stringify(v)}`)
    : [`${key}=${value}`],
);

/** A folder for one test file, with tiny models where the arithmetic preset looks for its own. */
export interface Place {
  readonly folder: string;
  readonly cache: string;
  setup(more?: ConfigInput): Promise<Setup>;
  remove(): void;
}

export async function tinyPlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "errata-"));
  const cache = join(folder, "cache");
  const preset = presetNamed("arithmetic");
  const environment = preset.environment();
  const tokenizer = lexiconTokenizer(environment);
  const engine = new LocalEngine();
  /** The file of a tiny model: trained once in a run of all tests, whichever file of tests is first. */
  const trained = async (recipe: Recipe): Promise<string> => {
    const path = join(sharedModels, await modelFile(environment, recipe));
    if (existsSync(path)) return path;
    const last = recipe.stages.length - 1;
    const before =
      last === 0
        ? undefined
        : await loadPolicy(await trained({ ...recipe, stages: recipe.stages.slice(0, last) }));
    const policy = await trainStage(engine, environment, tokenizer, recipe, last, before);
    await savePolicy(`${path}.${process.pid}`, policy, { precision: "bfloat16" });
    renameSync(`${path}.${process.pid}`, path);
    return path;
  };
  const first = ({ stages, ...recipe }: Recipe): Recipe => ({
    ...recipe,
    stages: stages.slice(0, 1),
  });
  const models = [
    [preset.student, await trained(student)],
    [first(preset.student), await trained(first(student))],
    [preset.partners["drop-carry"]!, await trained(partner)],
  ] as const;
  mkdirSync(cache);
  for (const [recipe, path] of models)
    copyFileSync(path, join(cache, await modelFile(environment, recipe)));
  return {
    folder,
    cache,
    setup: (more = {}) => {
      process.env["ERRATA_CACHE"] = cache;
      return prepare(parseConfig(mergeConfig(mergeConfig(preset.config, settings), more)));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What a command line printed and how it ended. */
export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `errata` in `place`; `during` sees the process while it runs; `env` is added to its environment. */
export function errata(
  place: Pick<Place, "folder" | "cache">,
  args: readonly string[],
  during: (child: ChildProcess) => void = () => undefined,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const program = fileURLToPath(new URL("../bin/errata.js", import.meta.url));
  const child = spawn(process.execPath, [program, ...args], {
    cwd: place.folder,
    env: { ...process.env, ERRATA_CACHE: place.cache, NO_COLOR: "1", ...env },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  during(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}
