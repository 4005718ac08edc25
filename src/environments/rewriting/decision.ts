/** Which goals can be proved, and how. */
import { afterFact, rewritten } from "./kernel.js";
import { isTrivial, lawsFor, type Order } from "./law.js";
import { goalRedex } from "./tactics.js";
import { ZERO } from "./term.js";

/** Fewest `use` and `zero` steps that prove an order between atoms; Infinity when none do. */
export function stepsToProve(goal: Order, facts: readonly Order[]): number {
  return shortestProof(goal, facts)?.length ?? Infinity;
}

/**
 * A shortest list of `use` and `zero` actions that proves an order between atoms: breadth-first
 * search over what is left to show, facts in their order, `zero` last. Complete for what follows
 * from such facts over the natural numbers: a consequence of difference constraints is a path of
 * theirs (Cormen et al., Introduction to Algorithms, 24.4).
 */
export function shortestProof(goal: Order, facts: readonly Order[]): readonly string[] | undefined {
  let front: { readonly goal: Order; readonly actions: readonly string[] }[] = [
    { goal, actions: [] },
  ];
  const seen = new Set<string>();
  while (front.length > 0) {
    const next: typeof front = [];
    for (const { goal: at, actions } of front) {
      if (isTrivial(at)) return actions;
      const key = `${at.relation}${at.right.text}`;
      if (seen.has(key)) continue;
      seen.add(key);
      facts.forEach((fact, i) => {
        const rest = afterFact(at, fact);
        if (rest !== undefined) next.push({ goal: rest, actions: [...actions, `use h${i}`] });
      });
      if (at.right.text !== ZERO.text)
        next.push({ goal: { ...at, right: ZERO }, actions: [...actions, "zero"] });
    }
    front = next;
  }
  return undefined;
}

/** Whether the tactics can prove a goal: rewrite while some condition holds, then chain facts. */
export function isProvable(goal: Order, facts: readonly Order[]): boolean {
  if (isTrivial(goal)) return true;
  const redex = goalRedex(goal);
  if (redex === undefined)
    return goal.left.kind === "atom" && goal.right.kind === "atom"
      ? shortestProof(goal, facts) !== undefined
      : false;
  const seen = new Set<string>();
  for (const { result, condition } of lawsFor(redex)) {
    if (seen.has(result.text)) continue; // `to` that atom means the first law
    seen.add(result.text);
    // Where several conditions hold the results are equal, so one way is as good as another.
    if (isProvable(condition, facts)) return isProvable(rewritten(goal, redex, result), facts);
  }
  return false;
}
