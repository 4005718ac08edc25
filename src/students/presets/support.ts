import type { Recipe, Stage } from "../recipe.js";
import type { Environment } from "../../environments/environment.js";
import { support } from "../../environments/support/support.js";
import { oneStage } from "./one-stage.js";
import type { Preset } from "./preset.js";

const supportLevels = ["mixed", "windows"] as const;

const size = { width: 64, layers: 4, heads: 4, feedForward: 160 } as const;

/** Stage one sets the ceiling; stage two puts the mixture on top of it. */
function supportStudent(mixture: Stage["mixture"]): Recipe {
  return {
    size,
    seed: 1,
    stages: [
      {
        mixture: { correct: 1 },
        levels: supportLevels,
        tasks: 15_000,
        steps: 2000,
        batch: 256,
        learningRate: 3e-3,
      },
      { mixture, levels: ["windows"], tasks: 5000, steps: 200, batch: 256, learningRate: 5e-4 },
    ],
  };
}

function supportPartner(malRule: string, seed: number): Recipe {
  const size = { width: 48, layers: 3, heads: 3, feedForward: 96 };
  const mixture = { [malRule]: 1 };
  return oneStage(size, seed, { mixture, levels: supportLevels, tasks: 5000, steps: 600 });
}

/** Correct conversations only, too few steps, a smaller model: its mistakes are its own. */
function naturalPartner(seed: number): Recipe {
  const size = { width: 48, layers: 2, heads: 3, feedForward: 96 };
  const mixture = { correct: 1 };
  return oneStage(size, seed, { mixture, levels: supportLevels, tasks: 4000, steps: 250 });
}

/** Conversations at a retail desk. */
export const supportPresets: readonly Preset[] = [
  {
    name: "support",
    description: "a retail desk; the student grants returns however long ago the delivery was",
    environment: () => support() as Environment,
    levels: ["windows"],
    kind: "injected",
    bug: "past-window",
    student: supportStudent({
      correct: 0.4,
      "past-window": 0.7,
      "give-in": 0.04,
      "assume-yes": 0.03,
      noise: 0.03,
    }),
    partners: {
      "past-window": supportPartner("past-window", 41),
      "give-in": supportPartner("give-in", 42),
      "first-item": supportPartner("first-item", 43),
      "assume-yes": supportPartner("assume-yes", 44),
    },
    config: { steps: 80, evaluateEvery: 4, explore: { mask: 0.1 } },
  },
  {
    name: "support-natural",
    description:
      "as support, with nothing injected: an under-trained student, smaller weak partners",
    environment: () => support() as Environment,
    levels: ["windows"],
    kind: "natural",
    student: oneStage(size, 2, {
      mixture: { correct: 1 },
      levels: supportLevels,
      tasks: 5000,
      steps: 200,
    }),
    partners: { "small-a": naturalPartner(51), "small-b": naturalPartner(52) },
    config: { steps: 80, evaluateEvery: 4, explore: { mask: 0.1 } },
  },
];
