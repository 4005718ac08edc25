import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { localOf } from "../engine/local-policy.js";
import type { Recipe, Stage } from "../students/recipe.js";
import { parseConfig } from "../config/parse.js";
import { LocalEngine } from "../engine/local.js";
import { webgpuFault } from "../engine/graph/provider.js";
import type { Environment } from "../environments/environment.js";
import { baseStudent, prepare } from "./prepare.js";
import {
  modelFile,
  modelKey,
  presetModel,
  rightSolutions,
  type BuildProgress,
} from "../students/models.js";
import { cacheFolder } from "../util/cache-folder.js";
import { presetNamed } from "../students/presets/presets.js";
import { presets } from "../students/presets/presets.js";
import { cues, cueSetup, rightWith } from "../testing/testing.js";

const environment = cues as Environment;
const engine = new LocalEngine();
const stage: Stage = {
  mixture: { correct: 1 },
  levels: ["long"],
  tasks: 20,
  steps: 2,
  batch: 8,
  learningRate: 1e-2,
};
const recipe: Recipe = {
  size: { width: 16, layers: 1, heads: 2, feedForward: 16 },
  seed: 1,
  stages: [stage, { ...stage, mixture: { correct: 0.2, "always-x": 0.8 } }],
};

test("keys that only an open model has a use for are refused without one, and `none` asks for nothing", async () => {
  const prepared = (student: object) => prepare(parseConfig({ preset: "proof", student }));
  await expect(prepared({ lora: { rank: 4 }, maxTokens: 9 })).rejects.toMatchObject({
    code: "STUDENT_OPTION",
    message: expect.stringMatching(
      /^student\.maxTokens, student\.lora: only an open model/,
    ) as string,
  });
  await expect(prepared({ lora: "none" })).resolves.toHaveProperty("base");
});

const fault = await webgpuFault();

describe("the provider of a run", () => {
  const config = parseConfig({ engine: { provider: "webgpu" } });

  test("is asked for by a key, and is the processor by default", () => {
    expect(parseConfig({}).engine.provider).toBe("cpu");
    expect(config.engine.provider).toBe("webgpu");
    expect(() => parseConfig({ engine: { provider: "cuda" } })).toThrow(/provider/);
  });

  test.skipIf(fault === undefined)(
    "ends the preparation with the reason where no adapter can be used",
    async () => {
      await expect(prepare(config)).rejects.toMatchObject({
        code: "ENGINE_PROVIDER",
        message: expect.stringContaining(`(${fault})`) as string,
        hint: expect.stringContaining('engine.provider to "cpu"') as string,
      });
    },
  );
});

describe("the key of a model", () => {
  const key = (changes: Partial<Environment> = {}, of: Recipe = recipe): Promise<string> =>
    modelKey({ ...environment, ...changes }, of);

  test("stays the same while nothing changes", async () => {
    expect(await key()).toBe(await key());
    expect(await key()).toMatch(/^[0-9a-f]{12}$/);
    expect(await modelFile(environment, recipe)).toBe(`cues-${await key()}.safetensors`);
  });

  test("changes with every part of the recipe", async () => {
    const changed: Recipe[] = [
      { ...recipe, seed: 2 },
      { ...recipe, size: { ...recipe.size, width: 32 } },
      { ...recipe, stages: [stage] },
      ...(["tasks", "steps", "batch", "learningRate"] as const).map((name) => ({
        ...recipe,
        stages: [{ ...stage, [name]: stage[name] * 2 }, recipe.stages[1]!],
      })),
      { ...recipe, stages: [{ ...stage, levels: ["short"] }, recipe.stages[1]!] },
      { ...recipe, stages: [stage, { ...stage, mixture: { correct: 0.3, "always-x": 0.7 } }] },
    ];
    const keys = await Promise.all([recipe, ...changed].map((of) => key({}, of)));
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("changes with the vocabulary and the limits", async () => {
    const { symbols } = environment.lexicon!;
    const keys = await Promise.all([
      key(),
      key({ lexicon: { symbols: symbols.toReversed(), separator: "" } }),
      key({ lexicon: { symbols, separator: " " } }),
      key({ maxObservationSymbols: 2 }),
      key({ maxActionSymbols: 2 }),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("changes with what the environment draws, shows and does", async () => {
    const keys = await Promise.all([
      key(),
      key({ draw: (request) => environment.draw({ ...request, level: "short" }) }),
      key({ procedures: { ...environment.procedures, correct: () => "z" } }),
      key({ start: (task) => ({ ...environment.start(task), observation: "d" }) }),
    ]);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("does not change with what the recipe does not use", async () => {
    expect(await key({ procedures: { ...environment.procedures, noise: () => "z" } })).toBe(
      await key(),
    );
  });
});

describe("a preset's model", () => {
  const saved = process.env["ERRATA_CACHE"];
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "errata-prepare-"));
    process.env["ERRATA_CACHE"] = folder;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    if (saved === undefined) delete process.env["ERRATA_CACHE"];
    else process.env["ERRATA_CACHE"] = saved;
  });

  const { preset } = cueSetup({ student: rightWith(0.5) });

  /** The model of a recipe and the stages that were trained for it. */
  async function build(of: Recipe, options: { rebuild?: boolean } = {}) {
    const told: BuildProgress[] = [];
    const policy = await presetModel(preset, "student", of, engine, {
      ...options,
      onProgress: (p) => told.push(p),
    });
    expect(
      told.every((p) => p.model === "student" && p.stages === of.stages.length && p.steps === 2),
    ).toBe(true);
    return { policy, stages: told.filter((p) => p.step === 0).map((p) => p.stage) };
  }

  test("is kept where ERRATA_CACHE says", () => {
    expect(cacheFolder()).toBe(folder);
  });

  test("is trained once, and then read", async () => {
    const first = await build(recipe);
    expect(first.stages).toEqual([0, 1]);
    const second = await build(recipe);
    expect(second.stages).toEqual([]);
    expect(localOf(second.policy).weights).toEqual(localOf(first.policy).weights); // the rounding of the file included
    expect(readdirSync(folder).filter((name) => name.endsWith(".safetensors"))).toHaveLength(2);
  });

  test("shares the stages with which another recipe begins alike", async () => {
    await build(recipe);
    const other = {
      ...recipe,
      stages: [stage, { ...stage, mixture: { correct: 0.5, "always-x": 0.5 } }],
    };
    expect((await build(other)).stages).toEqual([1]);
    expect((await build({ ...recipe, stages: [stage] })).stages).toEqual([]);
    expect((await build({ ...recipe, seed: 2 })).stages).toEqual([0, 1]);
  });

  test("is trained again, to the same weights, when asked to be rebuilt", async () => {
    const first = await build(recipe);
    const again = await build(recipe, { rebuild: true });
    expect(again.stages).toEqual([0, 1]);
    expect(localOf(again.policy).weights).toEqual(localOf(first.policy).weights);
  });

  test("that was interrupted is not kept half trained", async () => {
    const controller = new AbortController();
    const run = presetModel(preset, "student", recipe, engine, {
      signal: controller.signal,
      onProgress: ({ stage: at }) => {
        if (at === 1) controller.abort();
      },
    });
    await expect(run).rejects.toThrow(/abort/);
    expect((await build(recipe)).stages).toEqual([1]); // the first stage was whole
  });

  test("of an unknown partner is refused before anything is trained", async () => {
    const config = parseConfig({ preset: "arithmetic", partners: { names: ["drop-cary"] } });
    const failure: unknown = expect.objectContaining({
      code: "PARTNER_UNKNOWN",
      hint: expect.stringContaining("drop-carry"),
    });
    await expect(prepare(config, { onProgress: () => expect.unreachable() })).rejects.toThrow(
      failure as Error,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("a preset's name", () => {
  test("finds the preset", () => {
    for (const name of Object.keys(presets)) expect(presetNamed(name).name).toBe(name);
  });

  test("that is wrong is told the nearest one", () => {
    const failure: unknown = expect.objectContaining({
      code: "PRESET_UNKNOWN",
      hint: expect.stringContaining('did you mean "arithmetic"?'),
    });
    expect(() => presetNamed("arithmetics")).toThrow(failure as Error);
    expect(() => presetNamed("constructor")).toThrow(
      expect.objectContaining({ code: "PRESET_UNKNOWN" }) as Error,
    );
  });
});

describe("the teacher of right solutions", () => {
  test.each(Object.keys(presets))("of %s has seen no error", (name) => {
    const preset = presetNamed(name);
    if (preset.student.stages.length === 0) return;
    const { stages } = rightSolutions(preset);
    expect(stages.map((s) => s.mixture)).toEqual([{ correct: 1 }]);
  });

  test("is the student's first stage where that has right solutions alone", () => {
    const { student } = presetNamed("proof");
    expect(rightSolutions(presetNamed("proof")).stages).toEqual(student.stages.slice(0, 1));
  });
});

test("a preset's partners are refused beside a student with another vocabulary", async () => {
  const checkpoint = join(import.meta.dirname, "..", "engine", "golden", "families", "smollm2");
  const student = { checkpoint, maxTokens: 6, context: 64 };
  await expect(prepare(parseConfig({ preset: "arithmetic", student }))).rejects.toMatchObject({
    code: "PARTNER_VOCABULARY",
    hint: expect.stringContaining("partners.names=[]") as string,
  });
  const alone = { preset: "arithmetic", student, partners: { names: [] } };
  const setup = await prepare(parseConfig(alone));
  expect(setup.partners.size).toBe(0);
  await setup.engine.close();
});

describe("an open model that is an adapter", () => {
  test.each(["none", { rank: 2 }] as const)(
    "trains on with what it has learned: lora %j",
    async (lora) => {
      const scratch = mkdtempSync(join(tmpdir(), "errata-student-"));
      const model = join(import.meta.dirname, "..", "engine", "golden", "families", "llama");
      cpSync(join(model, "adapter"), scratch, { recursive: true });
      const path = join(scratch, "adapter_config.json");
      const settings = JSON.parse(readFileSync(path, "utf8")) as object;
      writeFileSync(path, JSON.stringify({ ...settings, base_model_name_or_path: model }));
      const student = async (checkpoint: string): Promise<readonly number[]> => {
        const config = parseConfig({ preset: "proof", student: { checkpoint, lora } });
        const { base } = await baseStudent(config, engine);
        expect(localOf(base).adapter === undefined).toBe(lora === "none");
        const targets = [{ position: 1, token: 9 }];
        return engine.logprobs(base, [{ tokens: [5, 6, 7], targets }]).then((l) => [...l]);
      };
      const [adapted] = await student(scratch);
      const [plain] = await student(model);
      expect(Math.abs(adapted! - plain!)).toBeGreaterThan(1e-3);
      rmSync(scratch, { recursive: true });
    },
  );
});
