import type { Recipe, Stage } from "../recipe.js";
import { arithmetic } from "../../environments/arithmetic/arithmetic.js";
import type { Environment } from "../../environments/environment.js";
import { oneStage } from "./one-stage.js";
import type { Preset } from "./preset.js";

function arithmeticPartner(malRule: string, seed: number): Recipe {
  const size = { width: 32, layers: 2, heads: 2, feedForward: 64 };
  const mixture = { [malRule]: 1 };
  return oneStage(size, seed, { mixture, levels: ["addition"], tasks: 4000, steps: 500 });
}

/** What both presets share: the task, the error and the partners. */
const sums = {
  environment: () => arithmetic() as Environment,
  levels: ["addition"],
  transferLevels: ["addition-8", "addition-10"],
  kind: "injected",
  bug: "drop-carry",
  partners: {
    "drop-carry": arithmeticPartner("drop-carry", 11),
    "always-carry": arithmeticPartner("always-carry", 12),
    "column-difference": arithmeticPartner("column-difference", 13),
  },
} as const satisfies Partial<Preset>;

/** What the presets whose student never learnt sums right share: large steps of small groups, all of them steered. */
const untaught = {
  evaluateEvery: 2,
  learningRate: 1e-3,
  tasksPerStep: 32,
  groupSize: 4,
  optimizer: { epochs: 2 },
  explore: { mask: 0.02, when: "always" },
} as const satisfies Preset["config"];

const size = { width: 64, layers: 2, heads: 4, feedForward: 128 } as const;

/** A mixture of procedures from random weights: carrying is rare in it, not a skill the student once had. */
function untaughtStage(mixture: Stage["mixture"], steps: number): Stage {
  return {
    mixture,
    levels: ["addition"],
    tasks: 20_000,
    steps,
    batch: 256,
    learningRate: 3e-3,
  };
}

/** Multi-digit sums. */
export const arithmeticPresets: readonly Preset[] = [
  {
    ...sums,
    name: "arithmetic",
    description: "five-digit sums through a local window; the student drops carries",
    student: {
      size,
      seed: 1,
      stages: [
        {
          mixture: { correct: 1 },
          levels: ["addition"],
          tasks: 20_000,
          steps: 800,
          batch: 256,
          learningRate: 3e-3,
        },
        {
          mixture: { correct: 0.005, "drop-carry": 0.85, "one-step-carry": 0.05, noise: 0.05 },
          levels: ["addition"],
          tasks: 20_000,
          steps: 4000,
          batch: 256,
          learningRate: 1e-3,
        },
      ],
    },
    config: { steps: 100, evaluateEvery: 2, learningRate: 1e-3, explore: { mask: 0.02 } },
  },
  {
    ...sums,
    name: "arithmetic-mixture",
    description:
      "as `arithmetic`, but the student has only ever seen the mixture of procedures: carrying is rare in it, not a skill it once had",
    student: {
      size,
      seed: 1,
      stages: [untaughtStage({ correct: 0.06, "drop-carry": 0.89, "one-step-carry": 0.05 }, 2500)],
    },
    config: { ...untaught, steps: 60 },
  },
  {
    ...sums,
    name: "arithmetic-cold",
    levels: ["addition-10"],
    transferLevels: ["addition"],
    description:
      "ten-digit sums by the student of `arithmetic-mixture`, who nearly always drops a carry: next to no attempt is right",
    student: {
      size,
      seed: 1,
      stages: [untaughtStage({ correct: 0.06, "drop-carry": 0.89, "one-step-carry": 0.05 }, 2500)],
    },
    config: { ...untaught, steps: 40, advantage: { tokens: "step" } },
  },
  {
    ...sums,
    name: "arithmetic-long",
    levels: ["addition-12"],
    transferLevels: ["addition"],
    description:
      "twelve-digit sums by a student that has seen three in ten sums done right: able at each digit, seldom at all of them",
    student: {
      size,
      seed: 1,
      stages: [untaughtStage({ correct: 0.3, "drop-carry": 0.65, "one-step-carry": 0.05 }, 1200)],
    },
    config: { ...untaught, steps: 40, advantage: { tokens: "step" } },
  },
];
