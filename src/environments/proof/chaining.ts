/**
 * Forward chaining: which atoms can be reached from the facts, and in how many rounds.
 *
 * It is what the `correct` procedure does in its head. On the drawn theorems it agrees with the
 * decision procedure; in general it is sound but sees no proof that needs a case distinction.
 */
import { ATOMS, type Formula } from "./formula.js";

/** `rounds[i]`: the round in which atom i is reached (facts: 0), False last; Infinity if never. */
export type Reach = readonly number[];

interface Rule {
  readonly premises: readonly Formula[];
  readonly head: number;
}

const FALSE = ATOMS.length;

/** What follows from `hypotheses` by their implications. Disjunctions among them are left alone. */
export function reach(hypotheses: readonly Formula[]): Reach {
  const rounds: number[] = Array.from({ length: FALSE + 1 }, () => Infinity);
  const rules: Rule[] = [];
  for (const hypothesis of hypotheses) assume(hypothesis, [], rounds, rules);
  for (let grown = true; grown;) {
    grown = false;
    const before = [...rounds];
    for (const { premises, head } of rules) {
      let round = 0;
      for (const premise of premises) round = Math.max(round, roundOf(premise, before, hypotheses));
      if (round + 1 < rounds[head]!) {
        rounds[head] = round + 1;
        grown = true;
      }
    }
  }
  return rounds;
}

/** The round in which `formula` holds, given what is reached from `hypotheses`. */
export function roundOf(formula: Formula, rounds: Reach, hypotheses: readonly Formula[]): number {
  switch (formula.kind) {
    case "atom":
      return rounds[formula.index]!;
    case "false":
      return rounds[FALSE]!;
    case "and":
      return Math.max(
        roundOf(formula.left, rounds, hypotheses),
        roundOf(formula.right, rounds, hypotheses),
      );
    case "or":
      return Math.min(
        roundOf(formula.left, rounds, hypotheses),
        roundOf(formula.right, rounds, hypotheses),
      );
    case "implies": {
      if (hypotheses.includes(formula.left)) return roundOf(formula.right, rounds, hypotheses); // ends the recursion
      const assumed = [...hypotheses, formula.left];
      return roundOf(formula.right, reach(assumed), assumed);
    }
  }
}

/** The round in which a contradiction is reached; Infinity if never. */
export function contradictionRound(rounds: Reach): number {
  return rounds[FALSE]!;
}

/** Files a hypothesis under facts or rules. A rule that concludes a disjunction says nothing here. */
function assume(
  formula: Formula,
  premises: readonly Formula[],
  rounds: number[],
  rules: Rule[],
): void {
  switch (formula.kind) {
    case "implies":
      return assume(formula.right, [...premises, formula.left], rounds, rules);
    case "and":
      assume(formula.left, premises, rounds, rules);
      return assume(formula.right, premises, rounds, rules);
    case "atom":
    case "false": {
      const head = formula.kind === "atom" ? formula.index : FALSE;
      if (premises.length === 0) rounds[head] = 0;
      else rules.push({ premises, head });
      return;
    }
    case "or":
      return;
  }
}
