/** The trusted part: what counts as a proof of an order between terms. */
import { instance, isTrivial, type Order, SCHEMAS } from "./law.js";
import type { Sequent } from "./sequent.js";
import { replace, type Term, ZERO } from "./term.js";

export type Proof =
  /** t <= t or 0 <= t. */
  | { readonly kind: "trivial" }
  /** A law, a proof of its side condition, and a proof of the goal with the redex replaced. */
  | {
      readonly kind: "rewrite";
      readonly law: string;
      readonly redex: Term;
      readonly condition: Proof;
      readonly rest: Proof;
    }
  /** Transitivity with a fact `w < v` or `w <= v`, v being the goal's right side. */
  | { readonly kind: "use"; readonly fact: number; readonly rest: Proof }
  /** Transitivity with `0 <= v`. */
  | { readonly kind: "zero"; readonly rest: Proof };

const SCHEMA_BY_NAME = new Map(SCHEMAS.flat().map((schema) => [schema.name, schema]));

/** Whether `proof` proves the sequent. Trusts nothing but the laws and transitivity. */
export function proves({ facts, goal }: Sequent, proof: Proof): boolean {
  switch (proof.kind) {
    case "trivial":
      return isTrivial(goal);
    case "rewrite": {
      const schema = SCHEMA_BY_NAME.get(proof.law);
      const law = schema && instance(schema, proof.redex);
      return (
        law !== undefined &&
        proves({ facts, goal: law.condition }, proof.condition) &&
        proves({ facts, goal: rewritten(goal, law.redex, law.result) }, proof.rest)
      );
    }
    case "use": {
      const rest = afterFact(goal, facts[proof.fact]);
      return rest !== undefined && proves({ facts, goal: rest }, proof.rest);
    }
    case "zero":
      return proves({ facts, goal: { ...goal, right: ZERO } }, proof.rest);
  }
}

/** The goal with every occurrence of a term replaced by its equal. */
export function rewritten(goal: Order, redex: Term, result: Term): Order {
  return {
    relation: goal.relation,
    left: replace(goal.left, redex.text, result),
    right: replace(goal.right, redex.text, result),
  };
}

/**
 * What is left to show of `u R v` given a fact `w S v`: `u <= w`, but `u < w` where R is `<` and
 * S is `<=`. Undefined where the fact speaks of another right side.
 */
export function afterFact(goal: Order, fact: Order | undefined): Order | undefined {
  if (fact === undefined || fact.right.text !== goal.right.text) return undefined;
  const relation = goal.relation === "<" && fact.relation === "<=" ? "<" : "<=";
  return { relation, left: goal.left, right: fact.left };
}
