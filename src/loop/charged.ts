/** Who pays for what the student computes while another is charged. */
import type { Model } from "../models/model.js";
import type { Run } from "../run/run.js";

/** The student as it is called within another's charge: what it computes is its own. */
export function charged(run: Run, model: Model): Model {
  return {
    act: (prompts, random) => run.ledger.charge("student", 0, () => model.act(prompts, random)),
  };
}
