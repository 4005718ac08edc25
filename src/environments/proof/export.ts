/** Proof scripts for other provers, whose tactics these are a subset of. */
import type { Formula } from "./formula.js";
import { type Sequent } from "./sequent.js";
import {
  applyTactic,
  develop,
  type Goal,
  type Hypothesis,
  parseTactic,
  type Tactic,
} from "./tactics.js";
import { ATOMS } from "./formula.js";

/** A script to write out. */
export interface Script {
  readonly sequent: Sequent;
  readonly actions: readonly string[];
  /** Name of the theorem. Default `example`. */
  readonly name?: string;
}

/** How one prover writes formulas and tactics; hypotheses are given by name. */
interface Dialect {
  readonly implies: string;
  readonly and: string;
  readonly or: string;
  intro(name: string): string;
  readonly split: string;
  readonly left: string;
  readonly right: string;
  readonly exfalso: string;
  exact(name: string): string;
  apply(name: string): string;
  /** A case distinction that opens no goal, one with two hypotheses, or two with one. */
  casesFalse(name: string): string;
  casesAnd(name: string, left: string, right: string): string;
  casesOr(name: string, left: string, right: string): string;
}

const COQ: Dialect = {
  implies: "->",
  and: "/\\",
  or: "\\/",
  intro: (name) => `intro ${name}.`,
  split: "split.",
  left: "left.",
  right: "right.",
  exfalso: "exfalso.",
  exact: (name) => `exact ${name}.`,
  apply: (name) => `apply ${name}.`,
  casesFalse: (name) => `destruct ${name}.`,
  casesAnd: (name, left, right) => `destruct ${name} as [${left} ${right}].`,
  casesOr: (name, left, right) => `destruct ${name} as [${left} | ${right}].`,
};

const LEAN: Dialect = {
  implies: "→",
  and: "∧",
  or: "∨",
  intro: (name) => `intro ${name}`,
  split: "apply And.intro",
  left: "apply Or.inl",
  right: "apply Or.inr",
  exfalso: "exfalso",
  exact: (name) => `exact ${name}`,
  apply: (name) => `apply ${name}`,
  casesFalse: (name) => `exact False.elim ${name}`,
  casesAnd: (name, left, right) => `rcases ${name} with ⟨${left}, ${right}⟩`,
  casesOr: (name, left, right) => `rcases ${name} with ${left} | ${right}`,
};

/**
 * A Coq theorem with the script as its proof.
 *
 * Hypotheses keep one name for good, while actions count positions. Actions from the first refused
 * one on are left out, after that one; Coq may accept it, as some of its tactics introduce premises
 * or unfold on their own.
 */
export function coqScript({ sequent, actions, name = "example" }: Script): string {
  return [
    coqTheorem(sequent, name),
    "Proof.",
    ...translate(sequent, actions, COQ).map((line) => `  ${line}`),
    "Qed.",
    "",
  ].join("\n");
}

/** The sentence that opens a Coq proof of the sequent, hypotheses named h0, h1, ... */
export function coqTheorem(sequent: Sequent, name = "example"): string {
  return `Theorem ${name} ${parametersOf(sequent, COQ)} : ${formulaText(sequent.goal, COQ)}.`;
}

/**
 * An action as a Coq sentence on a goal whose hypotheses are named by their variables; new ones are
 * named from `fresh` on. Undefined for a text that is no action.
 */
export function coqSentence(action: string, goal: Goal, fresh: number): string | undefined {
  const tactic = parseTactic(action);
  return tactic && lineFor(tactic, goal, fresh, COQ);
}

/** A Lean 4 theorem with the script as its proof; no library is needed. See {@link coqScript}. */
export function leanScript({ sequent, actions, name = "example_theorem" }: Script): string {
  return [
    `theorem ${name} ${parametersOf(sequent, LEAN)} : ${formulaText(sequent.goal, LEAN)} := by`,
    ...translate(sequent, actions, LEAN).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

function parametersOf({ hypotheses }: Sequent, dialect: Dialect): string {
  const named = hypotheses.map(
    (formula, variable) => `(${nameOf(variable)} : ${formulaText(formula, dialect)})`,
  );
  return [`(${ATOMS.join(" ")} : Prop)`, ...named].join(" ");
}

function translate(sequent: Sequent, actions: readonly string[], dialect: Dialect): string[] {
  const lines: string[] = [];
  let development = develop(sequent);
  for (const action of actions) {
    const goal = development.goals[0];
    const tactic = parseTactic(action);
    if (goal === undefined || tactic === undefined) break;
    lines.push(lineFor(tactic, goal, development.variables, dialect));
    const next = applyTactic(development, tactic);
    if ("code" in next) break;
    development = next;
  }
  return lines;
}

function lineFor(tactic: Tactic, { hypotheses }: Goal, fresh: number, dialect: Dialect): string {
  switch (tactic.name) {
    case "intro":
      return dialect.intro(nameOf(fresh));
    case "split":
    case "left":
    case "right":
    case "exfalso":
      return dialect[tactic.name];
    case "exact":
    case "apply":
    case "cases": {
      const hypothesis: Hypothesis | undefined = hypotheses[tactic.hypothesis];
      const name =
        hypothesis === undefined ? `no_h${tactic.hypothesis}` : nameOf(hypothesis.variable);
      if (tactic.name !== "cases") return dialect[tactic.name](name);
      const kind = hypothesis?.formula.kind;
      if (kind === "false") return dialect.casesFalse(name);
      if (kind === "or") return dialect.casesOr(name, nameOf(fresh), nameOf(fresh + 1));
      return dialect.casesAnd(name, nameOf(fresh), nameOf(fresh + 1));
    }
  }
}

function nameOf(variable: number): string {
  return `h${variable}`;
}

function formulaText(formula: Formula, dialect: Dialect): string {
  if (formula.kind === "atom" || formula.kind === "false") return formula.text;
  return `(${formulaText(formula.left, dialect)} ${dialect[formula.kind]} ${formulaText(formula.right, dialect)})`;
}
