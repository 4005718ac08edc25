/** Attempts at propositional theorems. */
import { type AttemptState, TacticAttempts } from "../theorems/attempts.js";
import { correct, isGoalProvable, legalActions, losesNothing } from "./procedures.js";
import { parseSequent, sequentText } from "./sequent.js";
import { signatureOf } from "./signature.js";
import {
  ACTIONS,
  applyTactic,
  develop,
  type Development,
  type Goal,
  isProved,
  parseTactic,
  type Tactic,
} from "./tactics.js";

/** One attempt at a theorem written by `sequentText`. */
export type ProofState = AttemptState<Development>;

/** Families of fatal tactics: the tactic is legal, and some goal it leaves cannot be proved. */
export const FATAL_FAMILIES: Readonly<Record<string, string>> = {
  left: "wrong-disjunct",
  right: "wrong-disjunct",
  exfalso: "premature-exfalso",
  apply: "unreachable-premise",
};

/**
 * Playing and grading by tactics, at most so many. The families of a first error are
 *
 *     wrong-disjunct       left or right, and that side cannot be proved
 *     premature-exfalso    exfalso without a contradiction within reach
 *     unreachable-premise  apply with a premise that cannot be proved
 *     no-progress          nothing was lost, and the steps ran out
 *     fatal                any other tactic that lost a goal (none of them can)
 *     malformed            no tactic
 *     any rejection code   a refused tactic, for example type-mismatch
 */
export const attemptsWithin = (maxSteps: number): TacticAttempts<Goal, Development, Tactic> =>
  new TacticAttempts<Goal, Development, Tactic>({
    name: "proof",
    maxSteps,
    actions: ACTIONS,
    develop: (text) => develop(parseSequent(text)),
    parse: parseTactic,
    apply: applyTactic,
    isProved,
    observe: (_development, { hypotheses, conclusion }) =>
      sequentText({ hypotheses: hypotheses.map(({ formula }) => formula), goal: conclusion }),
    legal: legalActions,
    isProvable: isGoalProvable,
    blame: ({ goal, action }, lost) => ({
      family: FATAL_FAMILIES[parseTactic(action)!.name] ?? "fatal",
      detail: `${action} on ${goal.conclusion.text}: then ${lost.conclusion.text} cannot be proved`,
    }),
    expected(goal) {
      const action = correct(goal);
      return losesNothing(goal, action) ? action : undefined;
    },
    signature: signatureOf,
  });
