/** Behaviour cloning: the teacher's attempts as examples to imitate. */
import type { Target, TrainingSequence } from "../engine/engine.js";
import type { Group } from "../play/play.js";

/**
 * Cross-entropy on the teacher's traces among a step's groups, right or wrong, mean over traces:
 * loss = -1/R sum over traces and tokens of log pi. Nothing else in the groups teaches.
 */
export function cloneSequences(groups: readonly Group[]): TrainingSequence[] {
  const traces = groups.flatMap((g) => g.rollouts.filter((r) => r.guided === "trace"));
  return traces.flatMap(({ actions }) =>
    actions.map(({ prompt, completion }) => ({
      tokens: [...prompt, ...completion.slice(0, -1)],
      targets: completion.map((token, t): Target => ({
        position: prompt.length - 1 + t,
        token,
        component: "crossEntropy",
        coefficient: 1 / traces.length,
        logprob: 0,
      })),
    })),
  );
}
