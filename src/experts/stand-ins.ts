/** Stand-ins for fitted error experts: what should *not* work. */
import type { AblateOptions } from "../config/config.js";
import { expertShape, unfitted, type Expert } from "./expert.js";
import { Random } from "../util/random.js";
import type { RunState } from "../run/state.js";
import type { Setup } from "../run/setup.js";
import type { Example } from "../models/imitate.js";

/**
 * The policy that steers stuck groups where `ablate.expert` is not `fitted`: a network with
 * `random` weights, or the `student` itself, which is sampling at temperature 1 / (1 - alpha) under the
 * same mask.
 */
export function standIn(state: Pick<RunState, "student">, setup: Setup): Expert {
  const { config, engine, base } = setup;
  const name = config.ablate.expert;
  if (name === "student") return unfitted(name, state.student, () => state.student);
  return unfitted(name, setup, () =>
    engine.initialise(expertShape(base.shape), Random.from(config.seed, "random expert")),
  );
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
