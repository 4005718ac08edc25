/** Environments as most real tasks have them: attempts are right or wrong, and nobody says where. */
import type { Environment } from "./environment.js";

/**
 * `environment` without what its verdicts say of a wrong attempt's steps: no first wrong step, no wrong outputs,
 * no signature. Whether an attempt is right, what it answered and why it ended stay.
 */
export function outcomeOnly<S>(environment: Environment<S>): Environment<S> {
  return {
    ...environment,
    judge: async (trajectory) => {
      const { correct, answer, stop } = await environment.judge(trajectory);
      return { correct, answer, stop };
    },
  };
}
