/** Stand-ins for fitted error experts: what should *not* work. */
import type { Engine, Policy } from "../engine/engine.js";
import type { Example } from "../models/imitate.js";
import { Random } from "../util/random.js";
import { expertShape } from "./expert.js";

/** Replaces one ingredient of the method by something that should not work: controls of a study. */
export interface AblateOptions {
  /** Experts are fitted to actions shuffled among the states they were taken in. Default false. */
  readonly shuffleWeak: boolean;
  /** Outcomes that learning sees are fair coin flips (arXiv:2506.10947). Default false. */
  readonly randomReward: boolean;
  /**
   * Who steers stuck groups: experts `fitted` to mistakes; or, without a probe, a network with
   * `random` weights, or the `student` itself (mu ~ pi^(1 - alpha): temperature 1 / (1 - alpha) under
   * the same mask). Default `fitted`.
   */
  readonly expert: "fitted" | "random" | "student";
}

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
