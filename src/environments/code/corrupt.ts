/** A right program made wrong on purpose. */
import type { Random } from "../../util/random.js";
import type { Json } from "../environment.js";
import { casesFor } from "./cases.js";
import { placeAfter } from "./fragments.js";
import { interpret } from "./interpret.js";
import { needsCounter } from "./requirement.js";
import { currentRequirement, initialState, write } from "./state.js";

/** Changes tried before a program is given up. */
const ATTEMPTS = 20;

/**
 * One fragment replaced by another that may stand there, such that the block is still complete and
 * computes something else on its tests. Undefined when no such change is found.
 */
export function corruptProgram(
  data: Json,
  actions: readonly string[],
  random: Random,
): readonly string[] | undefined {
  const states = [initialState(data)];
  for (const action of actions) states.push(write(states.at(-1)!, action));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const at = random.below(actions.length);
    const { fragments } = states[at]!;
    const requirement = currentRequirement(states[at]!)!;
    const { legal } = placeAfter(fragments, needsCounter(requirement))!;
    const other = random.pick(legal);
    if (other === actions[at]) continue;
    const first = at - fragments.length;
    const length = states
      .slice(first)
      .findIndex((state) => state.blocks.length > states[at]!.blocks.length);
    const block = actions.slice(first, first + length).with(fragments.length, other);
    if (placeAfter(block, needsCounter(requirement))?.legal.length !== 0) continue;
    const computes = interpret(block);
    if (casesFor(requirement).every(({ elements, expected }) => computes(elements) === expected))
      continue;
    return actions.with(at, other);
  }
  return undefined;
}
