/** Attempts at theorems by rewriting. */
import { Random } from "../../util/random.js";
import { type AttemptState, TacticAttempts } from "../theorems/attempts.js";
import { isProvable } from "./decision.js";
import { type Order, orderText } from "./law.js";
import { correct, legalActions, losesNothing } from "./procedures.js";
import { factsText, parseSequent, sequentText, TURNSTILE } from "./sequent.js";
import { signatureOf } from "./signature.js";
import {
  ACTIONS,
  applyTactic,
  develop,
  type Development,
  goalRedex,
  isProved,
  parseTactic,
  type Tactic,
} from "./tactics.js";

/** Most tactics in one attempt. */
export const MAX_STEPS = 16;

/** One attempt at a theorem written by `sequentText`. */
export type RewritingState = AttemptState<Development>;

/** `correct` draws nothing. */
const unused = Random.from(0, "unused");

/**
 * Playing and grading by tactics. A policy sees the facts, and of the first open goal the next redex, if
 * any. The families of a first error are
 *
 *     missing-side-condition  a law whose side condition does not follow from the facts
 *     dead-end                a fact or zero that leads where no chain of facts goes
 *     no-progress             nothing was lost, and the steps ran out
 *     malformed               no tactic
 *     any rejection code      a refused tactic, for example no-law
 */
export const attempts: TacticAttempts<Order, Development, Tactic> = new TacticAttempts<
  Order,
  Development,
  Tactic
>({
  name: "rewriting",
  maxSteps: MAX_STEPS,
  actions: ACTIONS,
  develop: (text) => develop(parseSequent(text)),
  parse: parseTactic,
  apply: applyTactic,
  isProved,
  observe({ sequent: { facts } }, goal) {
    const redex = goalRedex(goal);
    return redex === undefined
      ? sequentText({ facts, goal })
      : `${factsText(facts)} ${TURNSTILE} ${redex.text}`;
  },
  legal: (goal, { sequent }) => legalActions(goal, sequent.facts),
  isProvable: (goal, { sequent }) => isProvable(goal, sequent.facts),
  blame({ goal, action }, lost) {
    if (parseTactic(action)!.name !== "to")
      return {
        family: "dead-end",
        detail: `${action} on ${orderText(goal)}: then ${orderText(lost)} does not follow`,
      };
    return {
      family: "missing-side-condition",
      detail: `${goalRedex(goal)!.text} is only ${action.slice(3)} if ${orderText(lost)}, which does not follow`,
    };
  },
  expected(goal, { sequent: { facts } }) {
    const action = correct(goal, facts, unused);
    return losesNothing(goal, facts, action) ? action : undefined;
  },
  signature(moves, family) {
    const { goal, action } = moves.at(-1)!;
    return signatureOf(goal, action, family);
  },
});
