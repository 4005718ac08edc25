/** Stand-ins for fitted error experts: what should *not* work. */
import { z } from "zod";
import type { Engine, Policy } from "../engine/engine.js";
import type { Example } from "../models/imitate.js";
import { Random } from "../util/random.js";
import { expertShape } from "./expert.js";
import type { Options } from "../util/options.js";

/** The keys `ablate.*`. */
export const ablateSchema = z.strictObject({
  shuffleWeak: z
    .boolean()
    .default(false)
    .describe("Fit experts to actions shuffled among the states they were taken in."),
  randomReward: z
    .boolean()
    .default(false)
    .describe("Let learning see fair coin flips in place of outcomes (arXiv:2506.10947)."),
  expert: z
    .enum(["fitted", "random", "student"])
    .default("fitted")
    .describe(
      "Who steers stuck groups: experts `fitted` to mistakes, a network with `random` weights, or the `student` itself, which is temperature 1 / (1 - alpha) under the same mask.",
    ),
});

/** Replaces one ingredient of the method by something that should not work: controls of a study. */
export type AblateOptions = Options<typeof ablateSchema>;

/** A network with random weights in the shape of an expert: the same for equal seeds. */
export function randomExpert(engine: Engine, student: Policy, seed: number): Policy {
  return engine.initialise(expertShape(student.shape), Random.from(seed, "random expert"));
}

/**
 * Every state with an action that was taken in another: the share of each action stays, what it
 * depended on is gone.
 */
export function shuffledActions(
  traces: readonly (readonly Example[])[],
  random: Random,
): Example[][] {
  const actions = random.shuffle(traces.flat().map((e) => e.action));
  let next = 0;
  return traces.map((trace) => trace.map(({ prompt }) => ({ prompt, action: actions[next++]! })));
}

/** Outcomes in {0, 1}, or coin flips in their place (arXiv:2506.10947). */
export function outcomesSeen(
  outcomes: readonly number[],
  { randomReward }: Pick<AblateOptions, "randomReward">,
  random: Random,
): number[] {
  return outcomes.map((c) => (randomReward ? Number(random.uniform() < 0.5) : c));
}
