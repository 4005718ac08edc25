/** Makes a run's {@link Setup}: base models are taken prebuilt, from the cache, or trained. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { trainStage, type Recipe } from "../students/recipe.js";
import { usesMistakes, type Config } from "../config/config.js";
import { nearest } from "../util/spelling.js";
import { loadPolicy, savePolicy } from "../engine/files/checkpoint.js";
import { initialAdapter } from "../engine/adapter.js";
import type { Policy } from "../engine/engine.js";
import { HaltingEngine } from "../engine/halting.js";
import { LocalEngine } from "../engine/local.js";
import { requireProvider } from "../engine/graph/provider.js";
import { ErrataError } from "../util/error.js";
import { playProcedure } from "../environments/play-procedure.js";
import type { Environment } from "../environments/environment.js";
import { lexiconTokenizer, type Tokenizer } from "../models/tokenizer.js";
import { prebuiltModel } from "../students/prebuilt.js";
import { presets, type Preset } from "../students/presets/presets.js";
import { Random } from "../util/random.js";
import { remotePartners } from "../partners/remote.js";
import { runTasks, type Setup } from "../run/setup.js";
import { explorationForm } from "../play/forms.js";
import { teacherFor } from "../teacher/source.js";

/** Where models that this machine trained are kept; `ERRATA_CACHE` moves it. */
export function cacheFolder(): string {
  return process.env["ERRATA_CACHE"] ?? join(process.cwd(), "cache");
}

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
    for (const path of [prebuiltModel(file), cached])
      if (!rebuild && path !== undefined && existsSync(path)) return loadPolicy(path);
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

/**
 * The preset of a configuration: the one it names; with `environment`, the same played there, where its
 * models have the words for that; and with an open model, nothing but that to train in the environment.
 * @throws ErrataError `PRESET_UNKNOWN`, `ENVIRONMENT_UNKNOWN`, `STUDENT_MISSING`; `USER_SOURCE`,
 *   `USER_UNUSED`, `REMOTE_ADDRESS` on a user that cannot play.
 */
export async function presetFor(config: Config): Promise<Preset> {
  const { environment: name, student } = config;
  const [{ environmentNamed }, { userFor }] = await Promise.all([
    import("../environments/from-file.js"),
    import("../partners/simulated-user.js"),
  ]);
  const user = userFor(config.user);
  const playing = user === undefined ? {} : { user };
  if (name === undefined) {
    const preset = presetNamed(config.preset);
    if (user !== undefined) await environmentNamed(preset.environment().name, playing);
    return preset;
  }
  const environment = await environmentNamed(name, playing);
  if (student.checkpoint === undefined) {
    const preset = presetNamed(config.preset);
    if (canPlay(preset, environment))
      return {
        ...preset,
        description: `${preset.description}; played in ${name}`,
        playedIn: () => environment,
      };
    throw new ErrataError(`there is no student to train in "${name}"`, {
      code: "STUDENT_MISSING",
      hint: `set student.checkpoint to the folder or hub id of an open model, or use a preset with its lexicon, maxActionSymbols and levels, and no smaller maxObservationSymbols ("${config.preset}" is none)`,
    });
  }
  return {
    name: environment.name,
    description: `an open model in ${name}`,
    environment: () => environment,
    ...playing,
    levels: environment.levels,
    kind: "natural",
    student: { size: { width: 2, layers: 1, heads: 1, feedForward: 1 }, seed: 0, stages: [] },
    partners: {},
    config: {},
  };
}

/** Whether a preset's models have the words, and its levels, for another environment. */
export function canPlay(
  { environment: trainedIn, levels }: Preset,
  environment: Environment,
): boolean {
  const { lexicon, maxActionSymbols, maxObservationSymbols } = trainedIn();
  return (
    lexicon !== undefined &&
    JSON.stringify(lexicon) === JSON.stringify(environment.lexicon) &&
    maxActionSymbols === environment.maxActionSymbols &&
    maxObservationSymbols >= environment.maxObservationSymbols &&
    levels.every((level) => environment.levels.includes(level))
  );
}

/** The student before training, and what it sees and says. */
export interface BaseStudent {
  readonly base: Policy;
  readonly tokenizer: Tokenizer;
  readonly environment: Environment;
}

/**
 * The student of a configuration: the preset's, or an open model, with a fresh adapter where one is to be
 * trained.
 * @throws ErrataError those of `presetFor` (where `options` brings none), of `loadCheckpoint`,
 *   `ADAPTER_SHAPE`, `ENVIRONMENT_LEXICON`.
 */
export async function baseStudent(
  config: Config,
  engine: LocalEngine,
  options: PrepareOptions & { readonly preset?: Preset } = {},
): Promise<BaseStudent> {
  const preset = options.preset ?? (await presetFor(config));
  const environment = (preset.playedIn ?? preset.environment)();
  const { checkpoint, lora, maxTokens, context, revision } = config.student;
  if (checkpoint === undefined) {
    const base = await presetModel(preset, "student", preset.student, engine, options);
    return { base, tokenizer: lexiconTokenizer(environment), environment };
  }
  const { loadCheckpoint } = await import("../models/load-checkpoint.js");
  const { policy, tokenizer } = await loadCheckpoint(checkpoint, {
    revision,
    ...(context === undefined ? {} : { context }),
  });
  const base =
    lora === undefined || lora === "none"
      ? policy
      : {
          ...policy,
          adapter: initialAdapter(policy.shape, lora, Random.from(config.seed, "adapter")),
        };
  return {
    base,
    tokenizer,
    environment: {
      ...environment,
      ...(maxTokens === undefined ? {} : { maxActionSymbols: maxTokens }),
    },
  };
}

/**
 * Everything a run needs that does not change while it trains.
 * @throws ErrataError `PRESET_UNKNOWN`, `PARTNER_UNKNOWN`, `USER_PRIVATE`, `ENGINE_PROVIDER`, all before
 *   anything is trained.
 */
export async function prepare(config: Config, options: PrepareOptions = {}): Promise<Setup> {
  if (config.user.private && (usesMistakes(config) || config.selfPlay.share > 0))
    throw new ErrataError(
      "user.private: mistakes are kept with the conversation they were made in",
      {
        code: "USER_PRIVATE",
        hint: "train without a corpus (--set explore.form=none reward.penalty=0 reward.diverge=0 selfPlay.share=0), or without user.private",
      },
    );
  const preset = await presetFor(config);
  const recipes = (config.partners.names ?? Object.keys(preset.partners)).map(
    (name) => [name, partnerRecipe(preset, name)] as const,
  );
  await requireProvider(config.engine.provider);
  const { halt } = options;
  const engine =
    halt === undefined ? new LocalEngine(config.engine) : new HaltingEngine(config.engine, halt);
  const { base, tokenizer, environment } = await baseStudent(config, engine, {
    ...options,
    preset,
  });
  const partners = new Map<string, Policy>();
  for (const [name, recipe] of recipes)
    partners.set(name, await presetModel(preset, name, recipe, engine, options));
  const remote = await remotePartners(
    config.partners.remote,
    { environment, tokenizer },
    new Set(Object.keys(preset.partners)),
  );
  const tasks = runTasks({ environment, preset, config });
  const teacher = await teacherFor({
    config: config.teacher,
    engine,
    environment,
    tokenizer,
    rightSolutions: () => presetModel(preset, "teacher", rightSolutions(preset), engine, options),
    wrongSolutions: async () => {
      const wrong = new Map<string, Policy>();
      for (const [name, recipe] of Object.entries(preset.partners))
        wrong.set(name, await presetModel(preset, name, recipe, engine, options));
      return wrong;
    },
  });
  const { form, reason } = explorationForm(config.explore.form, engine.capabilities, environment);
  return {
    config: { ...config, explore: { ...config.explore, form } },
    notices: [...(reason === undefined ? [] : [reason]), ...remote.notices],
    engine,
    environment,
    tokenizer,
    preset,
    base,
    partners,
    ...(remote.partners.size === 0 ? {} : { remotePartners: remote.partners }),
    ...(teacher === undefined ? {} : { teacher }),
    ...tasks,
  };
}
