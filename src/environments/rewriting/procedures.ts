/** Scripted policies on one goal: the correct method, and systematic wrong ones. */
import type { Random } from "../../util/random.js";
import { isProvable, shortestProof } from "./decision.js";
import { afterFact } from "./kernel.js";
import { isTrivial, type Law, lawsFor, type Order } from "./law.js";
import { ACTIONS, goalRedex, parseTactic, refine } from "./tactics.js";

/** Chooses an action for a goal. Total: on a lost goal it still names an action. */
export type GoalPolicy = (goal: Order, facts: readonly Order[], random: Random) => string;

/** Chooses between the laws of a redex. */
export type LawChoice = (laws: readonly Law[], facts: readonly Order[]) => Law;

/** Played on an order that no fact ends in. */
export const GIVE_UP = "use h0";

/**
 * The correct method: rewrite the first redex by the first law whose condition can be proved; when
 * nothing is left to rewrite, the first step of a shortest chain of facts.
 */
export const correct: GoalPolicy = withLaw(provableLaw);

/** Mal-rule: takes the law of ordinary algebra and never asks about its side condition. */
export const ignore: GoalPolicy = withLaw(firstLaw);

/** Mal-rule: always expects the exception: subtraction cut off, a zero divisor, the second operand. */
export const exception: GoalPolicy = withLaw(secondLaw);

/** Mal-rule: looks for one fact that states the condition; finding none, takes the first law. */
export const direct: GoalPolicy = withLaw(statedLaw);

/** Mal-rule: chains by the first fact with the right end, wherever it leads. */
export const hasty: GoalPolicy = (goal, facts, random) => {
  if (goalRedex(goal) !== undefined) return correct(goal, facts, random);
  const usable = facts.findIndex((fact) => afterFact(goal, fact) !== undefined);
  return usable < 0 ? correct(goal, facts, random) : `use h${usable}`;
};

/** A tactic that applies, uniformly; any action where none does. */
export const noise: GoalPolicy = (goal, facts, random) => {
  const legal = legalActions(goal, facts);
  return random.pick(legal.length > 0 ? legal : ACTIONS);
};

/**
 * Rewrites by a fixed choice of law and chains facts as the correct method does; on an order that
 * does not follow from the facts it tries the first one that fits.
 */
export function withLaw(choose: LawChoice): GoalPolicy {
  return (goal, facts) => {
    const redex = goalRedex(goal);
    if (redex !== undefined) return `to ${choose(lawsFor(redex), facts).result.text}`;
    return shortestProof(goal, facts)?.[0] ?? firstUsable(goal, facts);
  };
}

function firstUsable(goal: Order, facts: readonly Order[]): string {
  const usable = facts.findIndex((fact) => afterFact(goal, fact) !== undefined);
  return usable < 0 ? GIVE_UP : `use h${usable}`;
}

/** The law of a redex that {@link ignore} takes. */
export function firstLaw(laws: readonly Law[]): Law {
  return laws[0]!;
}

/** The law of a redex that {@link exception} takes. */
export function secondLaw(laws: readonly Law[]): Law {
  return laws.at(-1)!;
}

function provableLaw(laws: readonly Law[], facts: readonly Order[]): Law {
  return laws.find(({ condition }) => isProvable(condition, facts)) ?? laws[0]!;
}

function statedLaw(laws: readonly Law[], facts: readonly Order[]): Law {
  const isStated = ({ condition }: Law): boolean =>
    isTrivial(condition) ||
    facts.some((fact) => {
      const rest = afterFact(condition, fact);
      return rest !== undefined && isTrivial(rest);
    });
  return laws.find(isStated) ?? laws[0]!;
}

/** Every action that applies to the goal. */
export function legalActions(goal: Order, facts: readonly Order[]): string[] {
  return ACTIONS.filter((action) => !("code" in refine(goal, facts, parseTactic(action)!)));
}

/** Whether the tactic applies and leaves every goal provable, given that this one is. */
export function losesNothing(goal: Order, facts: readonly Order[], action: string): boolean {
  const tactic = parseTactic(action);
  if (tactic === undefined) return false;
  const refinement = refine(goal, facts, tactic);
  return !("code" in refinement) && refinement.goals.every((each) => isProvable(each, facts));
}
