import type { ModelSize, Recipe, Stage } from "../recipe.js";

/** What a model of one stage is taught: a mixture of procedures, from random weights. */
export interface Lessons {
  readonly mixture: Stage["mixture"];
  readonly levels: readonly string[];
  readonly tasks: number;
  readonly steps: number;
  /** Default 256. */
  readonly batch?: number;
}

/** A model that has had one round of lessons: weak partners, and students with too few steps. */
export function oneStage(
  size: ModelSize,
  seed: number,
  { mixture, levels, tasks, steps, batch = 256 }: Lessons,
): Recipe {
  const stage = { mixture, levels, tasks, steps, batch, learningRate: 3e-3 };
  return { size, seed, stages: [stage] };
}
