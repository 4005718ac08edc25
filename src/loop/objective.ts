/** What a step teaches: the policy gradient, or another objective in its place. */
import type { TrainingSequence } from "../engine/engine.js";
import { cloneSequences } from "../learn/clone.js";
import { preferencePairs, preferenceSequences } from "../learn/preference.js";
import type { Group } from "../play/play.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import type { Random } from "../util/random.js";

/**
 * What a step teaches under an objective: `policy`, its policy-gradient sequences; `clone`, the teacher's
 * traces among its `guided` groups; `dpo`, own right over weak wrong attempts.
 */
export async function sequencesOf(
  objective: Setup["config"]["objective"],
  step: {
    readonly run: Run;
    readonly setup: Setup;
    readonly policy: readonly TrainingSequence[];
    /** The step's groups before and after the teacher had its say. */
    readonly own: readonly Group[];
    readonly guided: readonly Group[];
    readonly random: Random;
  },
): Promise<readonly TrainingSequence[]> {
  const { run, setup, policy, own, guided, random } = step;
  if (objective === "policy") return policy;
  if (objective === "clone") return cloneSequences(guided);
  const players = { ...setup, partners: run.partners };
  const pairs = await run.ledger.charge("weak", 0, () => preferencePairs(players, own, random));
  return run.ledger.charge("student", 0, () =>
    preferenceSequences(setup.engine, run.state.student, setup.base, pairs),
  );
}
