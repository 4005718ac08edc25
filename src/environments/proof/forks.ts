/** Where the correct method has to choose a disjunct, and what a wrong choice would cost. */
import { Random } from "../../util/random.js";
import type { TacticMove } from "../theorems/attempts.js";
import { playTactics } from "../theorems/play.js";
import {
  correct,
  firstMention,
  type GoalPolicy,
  isGoalProvable,
  mentionedSide,
  type Side,
  withSides,
} from "./procedures.js";
import type { Sequent } from "./sequent.js";
import { applyTactic, develop, type Goal, isProved, parseTactic } from "./tactics.js";

/** A disjunction that the correct method meets, one side of which cannot be proved. */
export interface Fork {
  /** The side that can be proved. */
  readonly side: Side;
  /** The side that some rule speaks of first, if any. */
  readonly mentioned: Side | undefined;
}

/** The correct method on one theorem. */
export interface Walk {
  readonly actions: readonly string[];
  /** Only the forks where the wrong side is fatal, in order. */
  readonly forks: readonly Fork[];
}

/** One step of {@link play}. */
export type Move = TacticMove<Goal>;

const calculus = { parse: parseTactic, apply: applyTactic, isProved };

/** How long to play, and where a policy that draws gets its draws. */
export interface PlayOptions {
  /** Most moves. */
  readonly limit: number;
  readonly random?: Random;
}

/** The moves of a policy up to the end of the proof, the first refused tactic or the limit. */
export function play(
  sequent: Sequent,
  policy: GoalPolicy,
  { limit, random = Random.from(0, "proof-play") }: PlayOptions,
): { readonly moves: readonly Move[]; readonly proved: boolean } {
  return playTactics(calculus, develop(sequent), (goal) => policy(goal, random), limit);
}

/** Follows the correct method; undefined when it does not prove the theorem within `limit` tactics. */
export function walk(sequent: Sequent, options: PlayOptions): Walk | undefined {
  const { moves, proved } = play(sequent, correct, options);
  if (!proved) return undefined;
  const forks: Fork[] = [];
  for (const { goal, action } of moves) {
    const { conclusion, hypotheses } = goal;
    if (conclusion.kind !== "or" || (action !== "left" && action !== "right")) continue;
    const other = action === "left" ? conclusion.right : conclusion.left;
    if (isGoalProvable({ hypotheses, conclusion: other })) continue;
    const formulas = hypotheses.map(({ formula }) => formula);
    forks.push({ side: action, mentioned: firstMention(formulas, conclusion) });
  }
  return { actions: moves.map(({ action }) => action), forks };
}

/**
 * Policies that choose every disjunct by one shallow rule. A level on which one of them proves much
 * would let a student do well without learning to check what can be reached.
 */
export const SHALLOW_POLICIES: Readonly<
  Record<"left" | "right" | "mentioned" | "unmentioned", GoalPolicy>
> = {
  left: withSides(() => "left"),
  right: withSides(() => "right"),
  mentioned: withSides(mentionedSide),
  unmentioned: withSides((goal) => (mentionedSide(goal) === "left" ? "right" : "left")),
};
