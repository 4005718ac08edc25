import type { Recipe } from "../recipe.js";
import type { Environment } from "../../environments/environment.js";
import { rewriting } from "../../environments/rewriting/rewriting.js";
import type { Preset } from "./preset.js";

const levels = ["few-conditions"] as const;

function partner(malRule: string, seed: number): Recipe {
  return {
    size: { width: 48, layers: 3, heads: 3, feedForward: 96 },
    seed,
    stages: [
      {
        mixture: { [malRule]: 1 },
        levels,
        tasks: 5000,
        steps: 400,
        batch: 256,
        learningRate: 3e-3,
      },
    ],
  };
}

/** Rewriting under side conditions. */
export const rewritingPresets: readonly Preset[] = [
  {
    name: "rewriting",
    description:
      "natural-number terms rewritten under side conditions; the student takes conditions for granted",
    environment: () => rewriting() as Environment,
    levels,
    kind: "injected",
    bug: "ignore",
    student: {
      size: { width: 64, layers: 3, heads: 4, feedForward: 160 },
      seed: 1,
      stages: [
        {
          mixture: { correct: 1 },
          levels,
          tasks: 15_000,
          steps: 2400,
          batch: 256,
          learningRate: 3e-3,
        },
        {
          mixture: { correct: 0.13, ignore: 0.79, hasty: 0.03, exception: 0.02, noise: 0.03 },
          levels,
          tasks: 8000,
          steps: 200,
          batch: 256,
          learningRate: 5e-4,
        },
      ],
    },
    partners: {
      ignore: partner("ignore", 41),
      exception: partner("exception", 42),
      hasty: partner("hasty", 43),
    },
    config: { steps: 100, evaluateEvery: 4, explore: { mask: 0.1 } },
  },
];
