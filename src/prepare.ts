/** Makes a run's {@link Setup}: base models are taken prebuilt, from the cache, or trained. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { trainStage, type Recipe } from "./base.js";
import type { Config } from "./config.js";
import { nearest } from "./spelling.js";
import { loadPolicy, savePolicy } from "./engine/checkpoint.js";
import type { Policy } from "./engine/engine.js";
import { LocalEngine } from "./engine/local.js";
import { ErrataError } from "./error.js";
import { playProcedure } from "./environments/play-procedure.js";
import type { Environment } from "./environments/environment.js";
import { lexiconTokenizer } from "./models/tokenizer.js";
import { presets, type Preset } from "./presets.js";
import { Random } from "./random.js";
import { runTasks, type Setup } from "./setup.js";
import { explorationForm } from "./exploration.js";
import { teacherFor } from "./teacher-source.js";

/** Where models that this machine trained are kept; `ERRATA_CACHE` moves it. */
export function cacheFolder(): string {
  return process.env["ERRATA_CACHE"] ?? join(process.cwd(), "cache");
}

/** Checkpoints that come with the package. */
export const prebuiltFolder: string = join(
  dirname(fileURLToPath(import.meta.url)),
  "..",
  "checkpoints",
);

export interface PrepareOptions {
  readonly signal?: AbortSignal;
  /** Told what is being trained and how far it is. */
  readonly onProgress?: (progress: BuildProgress) => void;
  /** Train even where a prebuilt or cached model exists. */
  readonly rebuild?: boolean;
}

/** How far the training of a base model is. */
export interface BuildProgress {
  readonly model: string;
  readonly stage: number;
  readonly stages: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
}

/**
 * The preset of a name.
 * @throws ErrataError `PRESET_UNKNOWN`.
 */
export function presetNamed(name: string): Preset {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset !== undefined) return preset;
  const known = Object.keys(presets);
  const guess = nearest(name, known);
  throw new ErrataError(`there is no preset "${name}"`, {
    code: "PRESET_UNKNOWN",
    hint: `${guess === undefined ? "" : `did you mean "${guess}"? `}known: ${known.join(", ")}`,
  });
}

/**
 * A key that changes with anything that would change the model: the recipe, the vocabulary, and
 * what the environment draws and does.
 */
export async function modelKey(environment: Environment, recipe: Recipe): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify({ recipe, lexicon: environment.lexicon }));
  hash.update(`${environment.maxObservationSymbols},${environment.maxActionSymbols}`);
  const random = Random.from(0, "model-key");
  for (const { levels, mixture } of recipe.stages)
    for (const level of levels)
      for (const procedure of Object.keys(mixture))
        for (let i = 0; i < 10; i++) {
          const task = environment.draw({ split: "train", level, random });
          const { steps } = await playProcedure(environment, task, procedure, random);
          hash.update(JSON.stringify([task.id, steps.map((s) => [s.observation, s.action])]));
        }
  return hash.digest("hex").slice(0, 12);
}

/** The name of the file of a model that a recipe makes, wherever it is kept. */
export async function modelFile(environment: Environment, recipe: Recipe): Promise<string> {
  return `${environment.name}-${await modelKey(environment, recipe)}.safetensors`;
}

/**
 * A preset's model: prebuilt, cached, or trained now. Every stage is cached, so recipes that begin
 * alike are trained alike only once.
 */
export async function presetModel(
  preset: Preset,
  name: string,
  recipe: Recipe,
  engine: LocalEngine,
  options: PrepareOptions = {},
): Promise<Policy> {
  const environment = preset.environment();
  const tokenizer = lexiconTokenizer(environment);
  const { signal, onProgress, rebuild = false } = options;
  const build = async (stages: number): Promise<Policy> => {
    const part = { ...recipe, stages: recipe.stages.slice(0, stages) };
    const file = await modelFile(environment, part);
    const cached = join(cacheFolder(), file);
    for (const path of [join(prebuiltFolder, file), cached])
      if (!rebuild && existsSync(path)) return loadPolicy(path);
    const before = stages === 1 ? undefined : await build(stages - 1);
    const policy = await trainStage(engine, environment, tokenizer, recipe, stages - 1, before, {
      ...(signal === undefined ? {} : { signal }),
      onStep: (progress) =>
        onProgress?.({ model: name, stages: recipe.stages.length, ...progress }),
    });
    mkdirSync(dirname(cached), { recursive: true });
    await savePolicy(cached, policy, { precision: "bfloat16" });
    return loadPolicy(cached); // as every later run will see it: rounded to bfloat16
  };
  return build(recipe.stages.length);
}

function partnerRecipe(preset: Preset, name: string): Recipe {
  const recipe = Object.hasOwn(preset.partners, name) ? preset.partners[name] : undefined;
  if (recipe !== undefined) return recipe;
  throw new ErrataError(`preset "${preset.name}" has no weak partner "${name}"`, {
    code: "PARTNER_UNKNOWN",
    hint: `partners.names takes any of ${Object.keys(preset.partners).join(", ")}`,
  });
}

/**
 * Everything a run needs that does not change while it trains.
 * @throws ErrataError `PRESET_UNKNOWN`, `PARTNER_UNKNOWN`, both before anything is trained.
 */
export async function prepare(config: Config, options: PrepareOptions = {}): Promise<Setup> {
  const preset = presetNamed(config.preset);
  const recipes = (config.partners.names ?? Object.keys(preset.partners)).map(
    (name) => [name, partnerRecipe(preset, name)] as const,
  );
  const environment = preset.environment();
  const engine = new LocalEngine({ threads: config.engine.threads });
  const base = await presetModel(preset, "student", preset.student, engine, options);
  const partners = new Map<string, Policy>();
  for (const [name, recipe] of recipes)
    partners.set(name, await presetModel(preset, name, recipe, engine, options));
  const tokenizer = lexiconTokenizer(environment);
  const tasks = runTasks({ environment, preset, config });
  const teacher = await teacherFor({
    config: config.teacher,
    engine,
    environment,
    tokenizer,
    rightSolutions: () => {
      const stages = preset.student.stages.slice(0, 1);
      return presetModel(preset, "teacher", { ...preset.student, stages }, engine, options);
    },
  });
  const { form, reason } = explorationForm(config.explore.form, engine.capabilities, environment);
  return {
    config: { ...config, explore: { ...config.explore, form } },
    notices: reason === undefined ? [] : [reason],
    engine,
    environment,
    tokenizer,
    preset,
    base,
    partners,
    ...(teacher === undefined ? {} : { teacher }),
    ...tasks,
  };
}
