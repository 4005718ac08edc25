import type { Recipe } from "../recipe.js";
import { code } from "../../environments/code/code.js";
import type { Environment } from "../../environments/environment.js";
import { oneStage } from "./one-stage.js";
import type { Preset } from "./preset.js";

const levels = ["two-results", "three-results"] as const;

function codePartner(malRule: string, seed: number): Recipe {
  const size = { width: 48, layers: 2, heads: 3, feedForward: 96 };
  return oneStage(size, seed, {
    mixture: { [malRule]: 1 },
    levels,
    tasks: 6000,
    steps: 500,
    batch: 128,
  });
}

/** Correct programs only, too few steps, a smaller model: its mistakes are its own. */
function naturalPartner(seed: number): Recipe {
  const size = { width: 32, layers: 2, heads: 2, feedForward: 64 };
  return oneStage(size, seed, {
    mixture: { correct: 1 },
    levels,
    tasks: 5000,
    steps: 400,
    batch: 128,
  });
}

/** What both injected presets share: the task, the error, the partners, and right programs first. */
const loops = {
  environment: () => code() as Environment,
  levels: ["two-results"],
  kind: "injected",
  bug: "off-by-one",
  partners: {
    "off-by-one": codePartner("off-by-one", 41),
    "wrong-comparison": codePartner("wrong-comparison", 42),
    "flipped-boolean": codePartner("flipped-boolean", 43),
    "wrong-initial": codePartner("wrong-initial", 44),
  },
} as const satisfies Partial<Preset>;

const size = { width: 64, layers: 2, heads: 4, feedForward: 160 } as const;

const rightProgramsFirst = {
  mixture: { correct: 1 },
  levels,
  tasks: 20_000,
  steps: 2000,
  batch: 192,
  learningRate: 3e-3,
} as const;

/** Small JavaScript functions. */
export const codePresets: readonly Preset[] = [
  {
    ...loops,
    name: "code",
    description: "functions with two results; the student writes loop bounds as they are given",
    student: {
      size,
      seed: 1,
      stages: [
        rightProgramsFirst,
        {
          mixture: {
            correct: 0.22,
            "off-by-one": 0.63,
            "fence-post": 0.05,
            "wrong-comparison": 0.05,
            noise: 0.05,
          },
          levels: ["two-results"],
          tasks: 6000,
          steps: 300,
          batch: 192,
          learningRate: 5e-4,
        },
      ],
    },
    config: { steps: 80, evaluateEvery: 4, explore: { mask: 0.05 } },
  },
  {
    ...loops,
    name: "code-entrenched",
    description:
      "as code, but the error was trained in for long: thirteen times the steps, at twice the rate",
    student: {
      size,
      seed: 1,
      stages: [
        rightProgramsFirst,
        {
          mixture: { correct: 0.15, "off-by-one": 0.82, "fence-post": 0.03 },
          levels: ["two-results"],
          tasks: 20_000,
          steps: 4000,
          batch: 192,
          learningRate: 1e-3,
        },
      ],
    },
    config: {
      steps: 30,
      evaluateEvery: 2,
      learningRate: 1e-3,
      tasksPerStep: 32,
      groupSize: 4,
      optimizer: { epochs: 2 },
      explore: { mask: 0.05, when: "always" },
    },
  },
  {
    name: "code-natural",
    description: "as code, with nothing injected: an under-trained student, smaller weak partners",
    environment: () => code() as Environment,
    levels: ["two-results"],
    kind: "natural",
    student: {
      size,
      seed: 2,
      stages: [
        {
          mixture: { correct: 1 },
          levels,
          tasks: 10_000,
          steps: 230,
          batch: 256,
          learningRate: 3e-3,
        },
      ],
    },
    partners: { "small-a": naturalPartner(51), "small-b": naturalPartner(52) },
    config: { steps: 120, evaluateEvery: 4, explore: { mask: 0.05 } },
  },
];
