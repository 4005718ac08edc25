/** Scripted policies on one goal: the correct method, and systematic wrong ones. */
import type { Random } from "../../util/random.js";
import { contradictionRound, reach, type Reach, roundOf } from "./chaining.js";
import { isProvable } from "./decision.js";
import { type Formula, falsity, headOf, occursIn } from "./formula.js";
import { ACTIONS, type Goal, parseTactic, refine } from "./tactics.js";

/** Chooses an action for a goal. Total: on a lost goal it still names an action. */
export type GoalPolicy = (goal: Goal, random: Random) => string;

/** A side of a disjunction. */
export type Side = "left" | "right";

/** What {@link correct} plays on a goal that cannot be proved: refused, so the attempt ends. */
export const GIVE_UP = "exact h0";

/**
 * The correct method. One fixed order:
 *  1. `exact` the first hypothesis that is the goal;
 *  2. `cases` on the first False, conjunction or disjunction among the hypotheses;
 *  3. where a contradiction can be reached, `exfalso`;
 *  4. `intro` an implication, `split` a conjunction;
 *  5. `left` if the left disjunct can be reached, else `right` if the right one can;
 *  6. `apply` the rule for the goal whose premises are reached soonest, the first of equals.
 * "Reached" is forward chaining. Where that sees no way but there is one, it takes the first tactic
 * that loses nothing; where there is none, it gives up.
 */
export function correct(goal: Goal): string {
  const formulas = goal.hypotheses.map(({ formula }) => formula);
  const { conclusion } = goal;

  const same = formulas.indexOf(conclusion);
  if (same >= 0) return `exact h${same}`;
  const compound = formulas.findIndex(
    ({ kind }) => kind === "false" || kind === "and" || kind === "or",
  );
  if (compound >= 0) return orElse(`cases h${compound}`, goal);

  const rounds = reach(formulas);
  if (contradictionRound(rounds) < Infinity && conclusion !== falsity) return "exfalso";
  if (conclusion.kind === "implies") return orElse("intro", goal);
  if (conclusion.kind === "and") return "split";
  if (conclusion.kind === "or") {
    if (roundOf(conclusion.left, rounds, formulas) < Infinity) return "left";
    if (roundOf(conclusion.right, rounds, formulas) < Infinity) return "right";
  } else {
    const rule = soonestRule(formulas, conclusion, rounds);
    if (rule !== undefined) return `apply h${rule}`;
  }
  return safeAction(goal);
}

/** Mal-rule: always `left` on a disjunction. */
export const left: GoalPolicy = withSides(() => "left");

/**
 * Mal-rule: goes for the disjunct that some rule speaks of, and never asks whether the rule's
 * premise can be reached.
 */
export const mention: GoalPolicy = withSides(mentionedSide);

/** Mal-rule: `exfalso` on any atom or disjunction that is not a hypothesis. */
export const exfalso: GoalPolicy = (goal) => {
  const { kind } = goal.conclusion;
  const open = kind === "atom" || kind === "or";
  return open && !isAssumed(goal.conclusion, goal) ? "exfalso" : correct(goal);
};

/** Mal-rule: applies the first implication that concludes the goal, reachable premise or not. */
export const apply: GoalPolicy = (goal) => {
  const rule = goal.hypotheses.findIndex(
    ({ formula }) => formula.kind === "implies" && concludes(formula, goal.conclusion),
  );
  return rule >= 0 ? `apply h${rule}` : correct(goal);
};

/** A tactic that applies, uniformly; any action where none does. */
export const noise: GoalPolicy = (goal, random) => {
  const legal = legalActions(goal);
  return random.pick(legal.length > 0 ? legal : ACTIONS);
};

/** Plays a fixed choice of side on every disjunction and the correct method elsewhere. */
export function withSides(choose: (goal: Goal) => Side): GoalPolicy {
  return (goal) => (goal.conclusion.kind === "or" ? choose(goal) : correct(goal));
}

/** Where `mention` goes: {@link firstMention}, and right (the last read) where no rule speaks. */
export function mentionedSide(goal: Goal): Side {
  const formulas = goal.hypotheses.map(({ formula }) => formula);
  return firstMention(formulas, goal.conclusion) ?? "right";
}

/**
 * The side of a disjunction that holds the conclusion of the first rule to conclude in one of its
 * atoms; left where that atom stands on both sides, undefined where no rule does.
 */
export function firstMention(
  hypotheses: readonly Formula[],
  conclusion: Formula,
): Side | undefined {
  if (conclusion.kind !== "or") return undefined;
  for (const formula of hypotheses) {
    if (formula.kind !== "implies") continue;
    const head = headOf(formula);
    if (head === falsity) continue;
    if (occursIn(head, conclusion.left)) return "left";
    if (occursIn(head, conclusion.right)) return "right";
  }
  return undefined;
}

/** Every action that applies to the goal. */
export function legalActions(goal: Goal): string[] {
  return ACTIONS.filter((action) => !("code" in refine(goal, parseTactic(action)!, 0)));
}

/** Whether the tactic applies and leaves every goal provable, given that this one is. */
export function losesNothing(goal: Goal, action: string): boolean {
  const tactic = parseTactic(action);
  if (tactic === undefined) return false;
  const refinement = refine(goal, tactic, 0);
  return !("code" in refinement) && refinement.goals.every(isGoalProvable);
}

/** Whether the goal has a proof at all. */
export function isGoalProvable({ hypotheses, conclusion }: Goal): boolean {
  return isProvable(
    hypotheses.map(({ formula }) => formula),
    conclusion,
  );
}

function soonestRule(
  formulas: readonly Formula[],
  conclusion: Formula,
  rounds: Reach,
): number | undefined {
  let soonest: number | undefined;
  let least = Infinity;
  formulas.forEach((formula, index) => {
    let round = 0;
    let rest = formula;
    for (; rest.kind === "implies" && rest !== conclusion; rest = rest.right) {
      round = Math.max(round, roundOf(rest.left, rounds, formulas));
    }
    if (rest === conclusion && round < least) {
      least = round;
      soonest = index;
    }
  });
  return soonest;
}

function isAssumed(formula: Formula, { hypotheses }: Goal): boolean {
  return hypotheses.some((hypothesis) => hypothesis.formula === formula);
}

function concludes(rule: Formula, conclusion: Formula): boolean {
  let rest = rule;
  while (rest !== conclusion && rest.kind === "implies") rest = rest.right;
  return rest === conclusion;
}

/** `action` unless there are too many hypotheses for it. */
function orElse(action: string, goal: Goal): string {
  return "code" in refine(goal, parseTactic(action)!, 0) ? safeAction(goal) : action;
}

/** The first action that loses nothing; gives up where all do. */
function safeAction(goal: Goal): string {
  return ACTIONS.find((action) => losesNothing(goal, action)) ?? GIVE_UP;
}
