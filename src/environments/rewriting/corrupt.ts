/** Right scripts made wrong. */
import type { Random } from "../../random.js";
import type { Json } from "../environment.js";
import { legalActions } from "./procedures.js";
import { act, initialState, isSolved } from "./state.js";
import { ACTIONS } from "./tactics.js";

/**
 * The script with one action replaced such that it no longer proves the theorem, tried out on the
 * engine. A place is tried with every other tactic that applies there, in random order, before a
 * refused one. Undefined for a script that proves nothing.
 */
export function corruptScript(
  data: Json,
  actions: readonly string[],
  random: Random,
): string[] | undefined {
  const states = [initialState(data)];
  for (const action of actions) states.push(act(states.at(-1)!, action));
  if (!isSolved(states.at(-1)!)) return undefined;
  for (const place of random.shuffle(actions.map((_, index) => index))) {
    const { goals, sequent } = states[place]!.development;
    if (goals[0] === undefined) continue; // an action after the end
    const legal = legalActions(goals[0], sequent.facts);
    const refused = ACTIONS.filter((action) => !legal.includes(action));
    for (const action of [...random.shuffle(legal), ...random.shuffle(refused)]) {
      if (action === actions[place]) continue;
      const script = actions.with(place, action);
      if (!isSolved(script.slice(place).reduce(act, states[place]!))) return script;
    }
  }
  return undefined;
}
