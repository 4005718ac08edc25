/** A policy played on one theorem, and the forks on the correct method's way. */
import { Random } from "../../util/random.js";
import type { TacticMove } from "../theorems/attempts.js";
import { playTactics } from "../theorems/play.js";
import { isProvable } from "./decision.js";
import { lawsFor, type Order } from "./law.js";
import { correct, firstLaw, type GoalPolicy, secondLaw, withLaw } from "./procedures.js";
import type { Sequent } from "./sequent.js";
import { applyTactic, develop, goalRedex, isProved, parseTactic } from "./tactics.js";

/** One step of {@link play}. */
export type Move = TacticMove<Order>;

const calculus = { parse: parseTactic, apply: applyTactic, isProved };

/** The moves of a policy up to the end of the proof, the first refused tactic or the limit. */
export function play(
  sequent: Sequent,
  policy: GoalPolicy,
  limit: number,
  random: Random = Random.from(0, "rewriting-play"),
): { readonly moves: readonly Move[]; readonly proved: boolean } {
  return playTactics(
    calculus,
    develop(sequent),
    (goal) => policy(goal, sequent.facts, random),
    limit,
  );
}

/** The correct method on one theorem. */
export interface Walk {
  readonly actions: readonly string[];
  /** For each fork on the way, in order: whether the first law is the wrong one. */
  readonly exceptions: readonly boolean[];
}

/** Follows the correct method; undefined when it does not prove the theorem within `limit` tactics. */
export function walk(sequent: Sequent, limit: number): Walk | undefined {
  const { moves, proved } = play(sequent, correct, limit);
  if (!proved) return undefined;
  return {
    actions: moves.map(({ action }) => action),
    exceptions: moves.flatMap(({ goal }) => forkAt(goal, sequent.facts)?.isException ?? []),
  };
}

/** A redex that one of its two laws rewrites, the other's condition being unprovable. */
export interface Fork {
  readonly actions: readonly [first: string, second: string];
  readonly isException: boolean;
}

/** The fork that a goal poses, if its first redex is one. */
export function forkAt(goal: Order, facts: readonly Order[]): Fork | undefined {
  const redex = goalRedex(goal);
  if (redex === undefined) return undefined;
  const [first, second] = lawsFor(redex);
  if (first === undefined || second === undefined || first.result.text === second.result.text)
    return undefined;
  const isFirst = isProvable(first.condition, facts);
  if (isFirst === isProvable(second.condition, facts)) return undefined;
  return {
    actions: [`to ${first.result.text}`, `to ${second.result.text}`],
    isException: !isFirst,
  };
}

/** Policies that choose every law by one shallow rule: none may prove a theorem that is drawn. */
export const SHALLOW_POLICIES: Readonly<Record<"first" | "second" | "left" | "right", GoalPolicy>> =
  {
    first: withLaw(firstLaw),
    second: withLaw(secondLaw),
    left: withLaw((laws) => operand(laws, 0)),
    right: withLaw((laws) => operand(laws, -1)),
  };

/** The law whose result is mentioned first, or last, in the redex; 0 counts as mentioned last. */
function operand<L extends ReturnType<typeof lawsFor>>(laws: L, end: 0 | -1): L[number] {
  const at = ({ redex, result }: L[number]): number => {
    const index = redex.text.split(" ").indexOf(result.text);
    return index < 0 ? Infinity : index;
  };
  return [...laws].sort((a, b) => at(a) - at(b)).at(end)!;
}
