import type { Recipe } from "./base.js";
import type { ConfigInput } from "./config.js";
import { arithmetic } from "./environments/arithmetic/arithmetic.js";
import type { Environment } from "./environments/environment.js";

/** A domain with the base student and weak partners to train on it. */
export interface Preset {
  readonly name: string;
  readonly description: string;
  readonly environment: () => Environment;
  /** Levels trained and evaluated on. */
  readonly levels: readonly string[];
  /** `injected`: a known bug dominates the student. `natural`: student and partners are merely under-trained or smaller. */
  readonly kind: "injected" | "natural";
  readonly student: Recipe;
  /** The procedure that dominates an injected student: the gate's discrimination test asks about it. */
  readonly bug?: string;
  readonly partners: Readonly<Record<string, Recipe>>;
  /** Defaults that differ from the general ones. */
  readonly config: ConfigInput;
}

const small = { width: 64, layers: 2, heads: 4, feedForward: 128 } as const;
const tiny = { width: 32, layers: 2, heads: 2, feedForward: 64 } as const;

function arithmeticPartner(malRule: string, seed: number): Recipe {
  return {
    size: tiny,
    seed,
    stages: [{ mixture: { [malRule]: 1 }, tasks: 4000, steps: 500, batch: 256, learningRate: 3e-3 }],
  };
}

export const presets: Readonly<Record<string, Preset>> = {
  arithmetic: {
    name: "arithmetic",
    description: "five-digit sums through a local window; the student drops carries",
    environment: () => arithmetic() as Environment,
    levels: ["addition"],
    kind: "injected",
    bug: "drop-carry",
    student: {
      size: small,
      seed: 1,
      stages: [
        { mixture: { correct: 1 }, tasks: 20_000, steps: 800, batch: 256, learningRate: 3e-3 },
        {
          mixture: { correct: 0.1, "drop-carry": 0.75, "one-step-carry": 0.05, noise: 0.1 },
          tasks: 20_000,
          steps: 400,
          batch: 256,
          learningRate: 5e-4,
        },
      ],
    },
    partners: {
      "drop-carry": arithmeticPartner("drop-carry", 11),
      "always-carry": arithmeticPartner("always-carry", 12),
      "column-difference": arithmeticPartner("column-difference", 13),
    },
    config: { steps: 400, evaluateEvery: 10, explore: { mask: 0.02 } },
  },
  toy: {
    name: "toy",
    description: "x",
    environment: () => arithmetic() as Environment,
    levels: ["addition"],
    kind: "injected",
    bug: "drop-carry",
    student: {
      size: { width: Number(process.env.TW ?? 64), layers: Number(process.env.TL ?? 2), heads: Number(process.env.TH ?? 4), feedForward: Number(process.env.TF ?? 128) },
      seed: 1,
      stages: [
        { mixture: { correct: 1 }, tasks: 20_000, steps: Number(process.env.T0 ?? 800), batch: 256, learningRate: 3e-3 },
        { mixture: JSON.parse(process.env.MIX ?? "{}"), tasks: 100_000, steps: Number(process.env.T1 ?? 400), batch: Number(process.env.TB ?? 256), learningRate: Number(process.env.LR1 ?? 5e-4) },
      ],
    },
    partners: {
      "drop-carry": arithmeticPartner("drop-carry", 11),
      "always-carry": arithmeticPartner("always-carry", 12),
      "column-difference": arithmeticPartner("column-difference", 13),
    },
    config: { steps: 400, evaluateEvery: 10, explore: { mask: 0.02 } },
  },
};
