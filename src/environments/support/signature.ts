/** Which systematic error a conversation shows. */
import type { StepVerdict } from "../environment.js";
import { LAPSES, malRule } from "./procedures.js";
import type { SupportState } from "./state.js";

/**
 * The mal-rule behind a first error: the one that would have done the same in that state. Of several,
 * the one that explains more of the actions before; of equals, the first in {@link LAPSES}.
 *
 * An error that no mal-rule makes is filed under its family; one known by heuristic alone, and
 * unreadable text, have no signature.
 */
export function signatureOf(
  states: readonly SupportState[],
  actions: readonly string[],
  { step, family, evidence }: StepVerdict,
): string | undefined {
  let best: string | undefined;
  let most = -1;
  for (const name of Object.keys(LAPSES)) {
    const rule = malRule(name);
    if (rule(states[step]!) !== actions[step]) continue;
    let explained = 0;
    for (let i = 0; i < step; i++) if (rule(states[i]!) === actions[i]) explained++;
    if (explained > most) {
      best = name;
      most = explained;
    }
  }
  if (best !== undefined && evidence !== "heuristic") return best;
  return evidence === "heuristic" || family === "tool_call_schema_error" ? undefined : family;
}
