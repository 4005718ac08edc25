import type { Recipe, Stage } from "../recipe.js";
import type { Environment } from "../../environments/environment.js";
import { deepProof, proof } from "../../environments/proof/proof.js";
import { oneStage } from "./one-stage.js";
import type { Preset } from "./preset.js";

const proofLevels = ["few-forks", "many-forks"] as const;

const deepLevels = [...proofLevels, "deep"];

const size = { width: 64, layers: 4, heads: 4, feedForward: 160 } as const;

function proofStudent(mixture: Stage["mixture"], level: (typeof proofLevels)[number]): Recipe {
  return {
    size,
    seed: 1,
    stages: [
      {
        mixture: { correct: 1 },
        levels: proofLevels,
        tasks: 60_000,
        steps: 4000,
        batch: 256,
        learningRate: 3e-3,
      },
      { mixture, levels: [level], tasks: 10_000, steps: 250, batch: 256, learningRate: 5e-4 },
    ],
  };
}

function proofPartner(malRule: string, seed: number): Recipe {
  const size = { width: 48, layers: 3, heads: 3, feedForward: 96 };
  const mixture = { [malRule]: 1 };
  return oneStage(size, seed, { mixture, levels: proofLevels, tasks: 10_000, steps: 1000 });
}

/** Correct solutions only, too few steps, a smaller model: its mistakes are its own. */
function naturalPartner(seed: number): Recipe {
  const size = { width: 48, layers: 2, heads: 3, feedForward: 96 };
  const mixture = { correct: 1 };
  return oneStage(size, seed, { mixture, levels: proofLevels, tasks: 10_000, steps: 300 });
}

const proofPartners = {
  left: proofPartner("left", 21),
  mention: proofPartner("mention", 22),
  exfalso: proofPartner("exfalso", 23),
  apply: proofPartner("apply", 24),
};

/** Propositional theorems. */
export const proofPresets: readonly Preset[] = [
  {
    name: "proof",
    description: "propositional theorems; the student always goes left at a disjunction",
    environment: () => proof() as Environment,
    levels: ["few-forks"],
    transferLevels: ["many-forks"],
    kind: "injected",
    bug: "left",
    student: proofStudent(
      { correct: 0.1, left: 0.75, exfalso: 0.05, apply: 0.05, noise: 0.05 },
      "few-forks",
    ),
    partners: proofPartners,
    config: { steps: 80, evaluateEvery: 4, explore: { mask: 0.1 } },
  },
  {
    name: "proof-forks",
    description:
      "theorems with three or more misleading forks; the student trusts whatever a rule mentions",
    environment: () => proof() as Environment,
    levels: ["many-forks"],
    transferLevels: ["few-forks"],
    kind: "injected",
    bug: "mention",
    student: proofStudent(
      { correct: 0.16, mention: 0.74, exfalso: 0.03, apply: 0.03, noise: 0.04 },
      "many-forks",
    ),
    partners: proofPartners,
    config: { steps: 120, evaluateEvery: 4, explore: { mask: 0.1 } },
  },
  {
    name: "proof-cold",
    description:
      "theorems of seven to ten forks; the student goes left at nearly all of them: next to no attempt is right",
    environment: () => deepProof() as Environment,
    levels: ["deep"],
    transferLevels: ["few-forks"],
    kind: "injected",
    bug: "left",
    student: {
      size,
      seed: 1,
      stages: [
        {
          mixture: { correct: 1 },
          levels: deepLevels,
          tasks: 40_000,
          steps: 2500,
          batch: 256,
          learningRate: 3e-3,
        },
        {
          mixture: { correct: 0.004, left: 0.966, exfalso: 0.01, apply: 0.01, noise: 0.01 },
          levels: ["deep"],
          tasks: 10_000,
          steps: 600,
          batch: 256,
          learningRate: 5e-4,
        },
      ],
    },
    partners: {
      left: oneStage({ width: 32, layers: 2, heads: 2, feedForward: 64 }, 21, {
        mixture: { left: 1 },
        levels: deepLevels,
        tasks: 10_000,
        steps: 1000,
      }),
      exfalso: oneStage({ width: 32, layers: 2, heads: 2, feedForward: 64 }, 23, {
        mixture: { exfalso: 1 },
        levels: deepLevels,
        tasks: 10_000,
        steps: 1000,
      }),
    },
    config: {
      steps: 40,
      evaluateEvery: 2,
      learningRate: 6e-4,
      tasksPerStep: 32,
      groupSize: 4,
      // Below what the student gives to a right step that it has unlearnt.
      explore: { mask: 0.002, when: "always" },
    },
  },
  {
    name: "proof-natural",
    description: "as proof, with nothing injected: an under-trained student, smaller weak partners",
    environment: () => proof() as Environment,
    levels: ["few-forks"],
    transferLevels: ["many-forks"],
    kind: "natural",
    student: oneStage(size, 2, {
      mixture: { correct: 1 },
      levels: proofLevels,
      tasks: 10_000,
      steps: 200,
    }),
    partners: { "small-a": naturalPartner(31), "small-b": naturalPartner(32) },
    config: { steps: 120, evaluateEvery: 4, explore: { mask: 0.1 } },
  },
];
