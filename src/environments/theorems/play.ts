/** A policy of tactics played on one theorem. */
import type { Calculus, ProofUnderWay, TacticMove } from "./attempts.js";

/** What playing needs of a calculus. */
export type Playable<G, D extends ProofUnderWay<G>, T> = Pick<
  Calculus<G, D, T>,
  "parse" | "apply" | "isProved"
>;

/** The moves of a policy from `start` to the end of the proof, the first refused tactic or the limit. */
export function playTactics<G, D extends ProofUnderWay<G>, T>(
  { parse, apply, isProved }: Playable<G, D, T>,
  start: D,
  policy: (goal: G) => string,
  limit: number,
): { readonly moves: readonly TacticMove<G>[]; readonly proved: boolean } {
  const moves: TacticMove<G>[] = [];
  let end = start;
  while (end.goals.length > 0 && moves.length < limit) {
    const goal = end.goals[0]!;
    const action = policy(goal);
    moves.push({ goal, action });
    const tactic = parse(action);
    const next = tactic && apply(end, tactic);
    if (next === undefined || "code" in next) break;
    end = next;
  }
  return { moves, proved: isProved(end) };
}
