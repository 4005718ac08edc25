/** Scripted writers: the right method, the mal-rules, and noise. */
import type { Random } from "../../util/random.js";
import type { Environment, Procedure } from "../environment.js";
import { rightBodies } from "./completions.js";
import { placeAfter } from "./fragments.js";
import { type MalRule, MAL_RULES, nextFragment, referencePlan } from "./plans.js";
import { type Requirement, needsCounter } from "./requirement.js";
import { type CodeState, currentRequirement } from "./state.js";

/** Chance that `noise` writes any fragment that may stand, instead of the right one. */
const NOISE = 0.15;

/** What the right method writes next; at a block begun otherwise, how that one can still be finished. */
export function rightFragment(fragments: readonly string[], requirement: Requirement): string {
  return nextFragment(fragments, requirement, referencePlan(requirement), () =>
    rightBodies(requirement),
  );
}

/** What a mal-rule writes next. */
export function malRuleFragment(
  rule: MalRule,
  fragments: readonly string[],
  requirement: Requirement,
): string {
  return nextFragment(fragments, requirement, rule(requirement), () => rightBodies(requirement));
}

const writer =
  (
    next: (fragments: readonly string[], requirement: Requirement, random: Random) => string,
  ): Procedure<CodeState> =>
  (state, random) => {
    const requirement = currentRequirement(state);
    return requirement === undefined ? "}" : next(state.fragments, requirement, random);
  };

/** `correct`, every mal-rule, and `noise`. */
export const procedures: Environment<CodeState>["procedures"] = {
  correct: writer(rightFragment),
  ...Object.fromEntries(
    Object.entries(MAL_RULES).map(([name, rule]) => [
      name,
      writer((fragments, requirement) => malRuleFragment(rule, fragments, requirement)),
    ]),
  ),
  noise: writer((fragments, requirement, random) =>
    random.uniform() < NOISE
      ? random.pick(placeAfter(fragments, needsCounter(requirement))?.legal ?? ["}"])
      : rightFragment(fragments, requirement),
  ),
};
