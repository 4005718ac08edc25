/** The models of presets: prebuilt, cached, or trained now. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Engine, Policy } from "../engine/engine.js";
import type { Environment } from "../environments/environment.js";
import { playProcedure } from "../environments/play-procedure.js";
import { lexiconTokenizer } from "../models/tokenizer.js";
import { cacheFolder } from "../util/cache-folder.js";
import { ErrataError } from "../util/error.js";
import { Random } from "../util/random.js";
import { prebuiltModel } from "./prebuilt.js";
import type { Preset } from "./presets/preset.js";
import { trainStage, type Recipe } from "./recipe.js";

export interface PrepareOptions {
  readonly signal?: AbortSignal;
  /** Ends what the engine computes: see `HaltingEngine`. */
  readonly halt?: AbortSignal;
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

/** The name under which the cache keeps a model that a recipe makes. */
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
  engine: Engine,
  options: PrepareOptions = {},
): Promise<Policy> {
  const environment = preset.environment();
  const tokenizer = lexiconTokenizer(environment);
  const { signal, onProgress, rebuild = false } = options;
  const build = async (stages: number): Promise<Policy> => {
    const part = { ...recipe, stages: recipe.stages.slice(0, stages) };
    const file = await modelFile(environment, part);
    const cached = join(cacheFolder(), file);
    for (const path of [prebuiltModel(file), cached])
      if (!rebuild && path !== undefined && existsSync(path)) return engine.restore(path);
    const before = stages === 1 ? undefined : await build(stages - 1);
    const policy = await trainStage(engine, environment, tokenizer, recipe, stages - 1, before, {
      ...(signal === undefined ? {} : { signal }),
      onStep: (progress) =>
        onProgress?.({ model: name, stages: recipe.stages.length, ...progress }),
    });
    mkdirSync(dirname(cached), { recursive: true });
    await engine.save(cached, policy, { precision: "bfloat16" });
    return engine.restore(cached); // as every later run will see it: rounded to bfloat16
  };
  return build(recipe.stages.length);
}

/**
 * The recipe of a weak partner.
 * @throws ErrataError `PARTNER_UNKNOWN`.
 */
export function partnerRecipe(preset: Preset, name: string): Recipe {
  const recipe = Object.hasOwn(preset.partners, name) ? preset.partners[name] : undefined;
  if (recipe !== undefined) return recipe;
  throw new ErrataError(`preset "${preset.name}" has no weak partner "${name}"`, {
    code: "PARTNER_UNKNOWN",
    hint: `partners.names takes any of ${Object.keys(preset.partners).join(", ")}`,
  });
}

/** The student without any error put into it: its recipe's first stage, with right solutions alone. */
export function rightSolutions({ name, student }: Preset): Recipe {
  const [first] = student.stages;
  if (first === undefined)
    throw new ErrataError(
      `teacher.source "right-solutions": ${name} has no recipe to take it from`,
      {
        code: "TEACHER_SOURCE",
        hint: "name a checkpoint as the teacher, an URL, or the solver",
      },
    );
  return { ...student, stages: [{ ...first, mixture: { correct: 1 } }] };
}
