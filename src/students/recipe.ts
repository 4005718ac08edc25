/** Base students and weak partners: small models trained from scratch on scripted procedures. */
import { drawTasks } from "../play/curriculum.js";
import type { Engine, Policy } from "../engine/engine.js";
import type { ModelShape } from "../engine/transformer.js";
import type { Environment, Task } from "../environments/environment.js";
import { playProcedure } from "../environments/play-procedure.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { Random } from "../util/random.js";
import { fit, type Example } from "../models/imitate.js";

/** One round of imitation. */
export interface Stage {
  /** Attempts by each procedure, relative to one another; a procedure is chosen once per attempt. */
  readonly mixture: Readonly<Record<string, number>>;
  /** Levels the tasks are drawn from. */
  readonly levels: readonly string[];
  /** Training tasks drawn, one attempt each. */
  readonly tasks: number;
  readonly steps: number;
  readonly batch: number;
  readonly learningRate: number;
}

/** The size of a from-scratch model; the vocabulary and context follow from the environment. */
export interface ModelSize {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly feedForward: number;
}

/** How one model is made: stages in order, each from the last one's weights. */
export interface Recipe {
  readonly size: ModelSize;
  readonly stages: readonly Stage[];
  readonly seed: number;
}

/** The model shape of a size in an environment. */
export function shapeFor(
  environment: Environment,
  tokenizer: Tokenizer,
  size: ModelSize,
): ModelShape {
  return {
    vocabulary: tokenizer.size,
    width: size.width,
    layers: size.layers,
    heads: size.heads,
    keyValueHeads: size.heads,
    headWidth: size.width / size.heads,
    feedForward: size.feedForward,
    context: environment.maxObservationSymbols + environment.maxActionSymbols + 1,
    tied: false,
    ropeTheta: 10_000,
    normEpsilon: 1e-5,
  };
}

/** Attempts by a mixture of procedures on `tasks`, as decisions to imitate. */
export async function imitationExamples(
  environment: Environment,
  tasks: readonly Task[],
  mixture: Readonly<Record<string, number>>,
  random: Random,
): Promise<Example[]> {
  const names = Object.keys(mixture);
  const weights = Object.values(mixture);
  const examples: Example[] = [];
  for (const task of tasks) {
    const name = names[random.weighted(weights)]!;
    const { steps } = await playProcedure(environment, task, name, random);
    for (const { observation, action } of steps) examples.push({ prompt: observation, action });
  }
  return examples;
}

/** Told after every optimizer step of a stage. */
export type StageProgress = (progress: {
  stage: number;
  step: number;
  steps: number;
  loss: number;
}) => void;

/**
 * Trains stage `stage` of a recipe from the weights of the stage before (random ones for the
 * first). A function of the recipe up to that stage alone, so recipes that begin alike share work.
 */
export async function trainStage(
  engine: Engine,
  environment: Environment,
  tokenizer: Tokenizer,
  recipe: Recipe,
  stage: number,
  before: Policy | undefined,
  options: { readonly signal?: AbortSignal; readonly onStep?: StageProgress } = {},
): Promise<Policy> {
  const { levels, mixture, tasks: count, ...settings } = recipe.stages[stage]!;
  const random = Random.from(recipe.seed, `base:${stage}`);
  const policy = before ?? engine.initialise(shapeFor(environment, tokenizer, recipe.size), random);
  const tasks = drawTasks(environment, { split: "train", levels, count, random });
  const examples = await imitationExamples(environment, tasks, mixture, random);
  const { signal, onStep } = options;
  const result = await fit(engine, policy, examples, tokenizer, random, {
    ...settings,
    maxActionSymbols: environment.maxActionSymbols,
    ...(signal === undefined ? {} : { signal }),
    onStep: (step, loss) => onStep?.({ stage, step, steps: settings.steps, loss }),
  });
  return result.policy;
}
