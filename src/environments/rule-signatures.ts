/** Which signatures an environment gives to the errors of its mal-rules. */
import { Random } from "../util/random.js";
import type { Environment } from "./environment.js";
import { playProcedure } from "./play-procedure.js";

/** Tasks of each level that every mal-rule attempts. */
const attempted = 12;

/** Share of a mal-rule's errors from which a signature counts as its own. */
const leastShare = 0.25;

/**
 * The signatures that errors of the mal-rules are given, found by playing them: a domain may name what was
 * done (`wrong-disjunct-left`) and not the rule that does it (`left`).
 */
export async function ruleSignatures(
  environment: Environment,
  levels: readonly string[],
): Promise<string[]> {
  const found = new Set<string>();
  const random = Random.from(0, "rule-signatures");
  for (const rule of Object.keys(environment.procedures)) {
    if (rule === "correct" || rule === "noise") continue;
    const counts = new Map<string, number>();
    for (let i = 0; i < attempted * levels.length; i++) {
      const level = levels[i % levels.length]!;
      const task = environment.draw({ split: "train", level, random });
      const played = await playProcedure(environment, task, rule, random);
      const { signature } = await environment.judge(played);
      if (signature !== undefined) counts.set(signature, (counts.get(signature) ?? 0) + 1);
    }
    const errors = [...counts.values()].reduce((a, b) => a + b, 0);
    for (const [name, count] of counts) if (count >= leastShare * errors) found.add(name);
  }
  return [...found];
}
