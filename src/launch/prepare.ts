/** Makes a run's {@link Setup}: base models are taken prebuilt, from the cache, or trained. */
import type { Config } from "../config/config.js";
import { usesMistakes } from "../config/uses.js";
import { mergeAdapter } from "../engine/adapter.js";
import type { Engine, Policy } from "../engine/engine.js";
import { HaltingEngine } from "../engine/halting.js";
import { LocalEngine } from "../engine/local.js";
import { requireProvider } from "../engine/graph/provider.js";
import { ErrataError } from "../util/error.js";
import type { Environment } from "../environments/environment.js";
import { environmentNamed } from "../environments/from-file.js";
import { loadCheckpoint } from "../models/load-checkpoint.js";
import { lexiconTokenizer, type Tokenizer } from "../models/tokenizer.js";
import {
  partnerRecipe,
  presetModel,
  rightSolutions,
  type PrepareOptions,
} from "../students/models.js";
import { presetNamed, type Preset } from "../students/presets/presets.js";
import { Random } from "../util/random.js";
import { noPartner, Partners } from "../partners/partner.js";
import { remotePartners } from "../partners/remote.js";
import { outcomeOnly } from "../environments/outcome-only.js";
import { userFor } from "../partners/simulated-user.js";
import type { Setup } from "../run/setup.js";
import { withinCapabilities } from "./capabilities.js";
import { runTasks } from "./tasks.js";
import { steeringPartner } from "../play/forms.js";
import { teacherFor } from "../teacher/source.js";

/**
 * The preset of a configuration: the one it names; with `environment`, the same played there, where its
 * models have the words for that; and with an open model, nothing but that to train in the environment.
 * @throws ErrataError `PRESET_UNKNOWN`, `ENVIRONMENT_UNKNOWN`, `STUDENT_MISSING`; `USER_SOURCE`,
 *   `USER_UNUSED`, `REMOTE_ADDRESS` on a user that cannot play.
 */
export async function presetFor(config: Config): Promise<Preset> {
  const { environment: name, student } = config;
  const user = await userFor(config.user);
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
  engine: Engine,
  options: PrepareOptions & { readonly preset?: Preset } = {},
): Promise<BaseStudent> {
  const preset = options.preset ?? (await presetFor(config));
  const told = (preset.playedIn ?? preset.environment)();
  const environment = config.labels === "outcome" ? outcomeOnly(told) : told;
  const { checkpoint, lora, maxTokens, context, revision } = config.student;
  const { templateVariables, templateDate } = config.student;
  if (checkpoint === undefined) {
    const base = await presetModel(preset, "student", preset.student, engine, options);
    return { base, tokenizer: lexiconTokenizer(environment), environment };
  }
  const { policy, tokenizer } = await loadCheckpoint(checkpoint, {
    revision,
    templateVariables,
    ...(templateDate === undefined ? {} : { templateDate }),
    onNotice: (notice) => process.emitWarning(notice, "Notice"), // to stderr, from the run's process too
    ...(context === undefined ? {} : { context }),
  });
  // A checkpoint that is an adapter counts with what it has learned: a fresh one would take its place.
  const whole = mergeAdapter(policy);
  const base =
    lora === undefined || lora === "none"
      ? whole
      : engine.adapt(whole, lora, Random.from(config.seed, "adapter"));
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
 * Keys of `student` that only an open model has a use for are not passed over in silence.
 * @throws ErrataError `STUDENT_OPTION`.
 */
export function requireUsedOptions({ preset, student }: Pick<Config, "preset" | "student">): void {
  if (student.checkpoint !== undefined) return;
  const { lora, context, maxTokens, templateDate } = student;
  const given = Object.entries({ context, maxTokens, templateDate, lora })
    .filter(([, value]) => value !== undefined && value !== "none")
    .map(([key]) => `student.${key}`);
  if (given.length === 0) return;
  throw new ErrataError(
    `${given.join(", ")}: only an open model (student.checkpoint) has a use for it; the student of preset "${preset}" is small, built from scratch, and all its weights are trained`,
    {
      code: "STUDENT_OPTION",
      hint: `leave ${given.join(", ")} out, or set student.checkpoint to the folder or hub id of an open model`,
    },
  );
}

/** What a run without step labels cannot do though it is asked for. */
function unlabelled(config: Config): string[] {
  if (config.labels === "steps" || !usesMistakes(config)) return [];
  return [
    "labels is outcome: no wrong step is known, so no mistake is kept, charged or learned by an expert",
  ];
}

/**
 * Everything a run needs that does not change while it trains.
 * @throws ErrataError `PRESET_UNKNOWN`, `PARTNER_UNKNOWN`, `USER_PRIVATE`, `STUDENT_OPTION`, `ENGINE_PROVIDER`, all before
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
  requireUsedOptions(config);
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
  requireSameVocabulary(base, partners, preset.name);
  const remote = await remotePartners(
    config.partners.remote,
    { environment, tokenizer },
    new Set(Object.keys(preset.partners)),
  );
  const weak = steeringPartner(config.explore.steerBy);
  if (weak !== undefined && !partners.has(weak))
    noPartner(weak, new Partners({ partners, remotePartners: remote.partners }));
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
  const possible = withinCapabilities(config, engine.capabilities, environment);
  return {
    config: possible.config,
    notices: [...possible.notices, ...remote.notices, ...unlabelled(config)],
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

/** A preset's partners write its symbols: a student with other tokens can neither play them nor be steered by them. */
function requireSameVocabulary(
  { shape }: Policy,
  partners: ReadonlyMap<string, Policy>,
  preset: string,
): void {
  for (const [name, partner] of partners) {
    if (partner.shape.vocabulary === shape.vocabulary) continue;
    throw new ErrataError(
      `the partner "${name}" of preset ${preset} has a vocabulary of ${partner.shape.vocabulary}, the student of ${shape.vocabulary}`,
      {
        code: "PARTNER_VOCABULARY",
        hint: "--set partners.names=[] trains without the preset's partners; partners.remote takes models that answer in text",
      },
    );
  }
}
