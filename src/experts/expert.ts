/**
 * Error experts: small models of one systematic error each.
 *
 * An expert is fitted to verified-wrong attempts of one signature, on all their actions: a model
 * fitted to attempts that are sometimes right infers from a right prefix that this is a good
 * attempt, predicts the truth, and would repel the student from it.
 */
import { z } from "zod";
import type { Engine, Policy } from "../engine/engine.js";
import type { ModelShape } from "../engine/shape.js";
import type { Tokenizer } from "../models/tokenizer.js";
import { count, positive, share, type Options } from "../util/options.js";
import type { Random } from "../util/random.js";
import { fit, type Example } from "../models/imitate.js";

/** The keys `expert.*`. */
export const expertSchema = z.strictObject({
  minimumTraces: count.default(256).describe("Fewest attempts an expert is fitted to."),
  maximumTraces: count.default(1024).describe("Most attempts an expert is fitted to, the newest."),
  steps: count
    .default(200)
    .describe(
      "Optimizer steps of a first fit; a refit takes a quarter of them from the old weights.",
    ),
  batch: count.default(128).describe("Attempts in a batch of a fit."),
  learningRate: positive
    .default(3e-3)
    .describe("Learning rate of a first fit; a refit takes half of it."),
  refitEvery: count.default(50).describe("Training steps between refits."),
  minimumShare: share
    .default(0.05)
    .describe(
      "Share of the student's mistakes below which a signature gets no expert; 0 fits all.",
    ),
});

/** How experts are fitted. */
export type ExpertOptions = Options<typeof expertSchema>;

export const defaultExpert: ExpertOptions = expertSchema.parse({});

/** A model of one error signature. */
export interface Expert {
  readonly signature: string;
  readonly policy: Policy;
  /** Attempts it was fitted to. */
  readonly traces: number;
  /** Training step of the last fit. */
  readonly fittedAt: number;
}

/** A small model: half the student's width and heads, at most two layers, same vocabulary and context. */
export function expertShape(student: ModelShape): ModelShape {
  const width = Math.max(16, Math.ceil(student.width / 2));
  const heads = Math.max(1, Math.floor(student.heads / 2));
  return {
    ...student,
    width,
    layers: Math.min(2, student.layers),
    heads,
    keyValueHeads: heads,
    headWidth: 2 * Math.ceil(width / heads / 2), // even, for the rotary positions
    feedForward: Math.max(32, Math.round(student.feedForward / 2 / 8) * 8),
  };
}

/** Rank of an expert that is an adapter. */
const expertRank = 8;

/** Fits an expert for `signature`, from `previous` when there is one. */
export async function fitExpert(
  engine: Engine,
  options: {
    readonly signature: string;
    readonly traces: readonly (readonly Example[])[];
    readonly shape: ModelShape;
    /** What it is to steer: of a student with an adapter, the expert is another over the same weights. */
    readonly student: Policy;
    readonly tokenizer: Tokenizer;
    readonly maxActionSymbols: number;
    readonly previous: Expert | undefined;
    readonly step: number;
    readonly random: Random;
  },
  settings: Omit<ExpertOptions, "refitEvery" | "minimumShare"> = defaultExpert,
): Promise<Expert> {
  const { signature, traces, shape, student, tokenizer } = options;
  const { maxActionSymbols, previous, step, random } = options;
  const { policy } = await fit(
    engine,
    previous?.policy ?? engine.initialiseBeside(student, { shape, rank: expertRank, random }),
    traces.flat(),
    tokenizer,
    random,
    {
      steps: previous === undefined ? settings.steps : Math.ceil(settings.steps / 4),
      batch: settings.batch,
      learningRate: settings.learningRate * (previous === undefined ? 1 : 0.5),
      maxActionSymbols,
    },
  );
  return { signature, policy, traces: traces.length, fittedAt: step };
}
