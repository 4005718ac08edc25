/**
 * The untrusted part: tactics refine the first open goal and leave a proof term with holes.
 *
 * Names and meaning follow the subset shared by Coq and Lean. A mistake here cannot prove a
 * falsehood: the finished term still goes through the kernel.
 */
import { type Formula, falsity, headOf } from "./formula.js";
import { proves, type Term } from "./kernel.js";
import { HYPOTHESIS_NAMES, MAX_HYPOTHESES, type Sequent } from "./sequent.js";

/** A tactic; `hypothesis` is a position among the hypotheses of the goal. */
export type Tactic =
  | { readonly name: "intro" | "split" | "left" | "right" | "exfalso" }
  | { readonly name: "exact" | "apply" | "cases"; readonly hypothesis: number };

const TACTICS: ReadonlyMap<string, Tactic> = new Map<string, Tactic>([
  ...(["intro", "split", "left", "right", "exfalso"] as const).map(
    (name) => [name, { name }] as const,
  ),
  ...(["exact", "apply", "cases"] as const).flatMap((name) =>
    HYPOTHESIS_NAMES.map((h, hypothesis) => [`${name} ${h}`, { name, hypothesis }] as const),
  ),
]);

/** Every action: five bare tactics, and three that name one of eight hypotheses. */
export const ACTIONS: readonly string[] = [...TACTICS.keys()];

/** The tactic an action names, or undefined for a text that names none. */
export function parseTactic(action: string): Tactic | undefined {
  return TACTICS.get(action);
}

/** A hypothesis in scope; the variable stays the same while positions shift. */
export interface Hypothesis {
  readonly variable: number;
  readonly formula: Formula;
}

/** One open goal. */
export interface Goal {
  readonly hypotheses: readonly Hypothesis[];
  readonly conclusion: Formula;
}

/** Why a tactic does not apply. */
export type RejectionCode =
  /** No hypothesis stands at that position. */
  | "unknown-hypothesis"
  /** `exact`: the hypothesis is not the goal. `apply`: it does not conclude the goal. */
  | "type-mismatch"
  /** `intro`, `split`, `left`, `right`, `exfalso`: the goal has the wrong connective. */
  | "wrong-goal"
  /** `cases`: the hypothesis is neither False nor a conjunction nor a disjunction. */
  | "not-destructible"
  /** A goal would get more hypotheses than there are names. */
  | "too-many-hypotheses"
  /** Everything is proved already. */
  | "no-goal";

/** A refused tactic. */
export interface Rejection {
  readonly code: RejectionCode;
  readonly message: string;
}

/** A proof under way. Immutable: a fork is another reference. */
export interface Development {
  readonly sequent: Sequent;
  /** Open goals; tactics act on the first. */
  readonly goals: readonly Goal[];
  /** Variables handed out so far. */
  readonly variables: number;
  /** Terms of the tactics applied, latest first; each has one hole per goal it opened. */
  readonly trail: Trail | undefined;
}

interface Trail {
  readonly term: Term;
  readonly before: Trail | undefined;
}

interface Refinement {
  readonly goals: readonly Goal[];
  readonly term: Term;
}

const HOLE: Term = { kind: "hole" };

/** The proof of `sequent` before its first tactic. */
export function develop(sequent: Sequent): Development {
  const hypotheses = sequent.hypotheses.map((formula, variable) => ({ variable, formula }));
  return {
    sequent,
    goals: [{ hypotheses, conclusion: sequent.goal }],
    variables: hypotheses.length,
    trail: undefined,
  };
}

/** Applies a tactic to the first open goal. */
export function applyTactic(development: Development, tactic: Tactic): Development | Rejection {
  const [goal, ...rest] = development.goals;
  if (goal === undefined) return reject("no-goal", "no goal is open");
  const refinement = refine(goal, tactic, development.variables);
  if ("code" in refinement) return refinement;
  return {
    sequent: development.sequent,
    goals: [...refinement.goals, ...rest],
    variables: development.variables + 2,
    trail: { term: refinement.term, before: development.trail },
  };
}

/**
 * The goals that `tactic` turns `goal` into, and a term for `goal` with one hole for each, in
 * order. New hypotheses are called `fresh` and `fresh + 1`.
 */
export function refine(goal: Goal, tactic: Tactic, fresh: number): Refinement | Rejection {
  const { hypotheses, conclusion } = goal;
  switch (tactic.name) {
    case "intro": {
      if (conclusion.kind !== "implies") return wrongGoal(tactic, conclusion);
      if (hypotheses.length >= MAX_HYPOTHESES) return tooMany(hypotheses.length + 1);
      const assumed = { variable: fresh, formula: conclusion.left };
      return {
        goals: [{ hypotheses: [...hypotheses, assumed], conclusion: conclusion.right }],
        term: { kind: "lambda", variable: fresh, type: conclusion.left, body: HOLE },
      };
    }
    case "split":
      if (conclusion.kind !== "and") return wrongGoal(tactic, conclusion);
      return {
        goals: [
          { hypotheses, conclusion: conclusion.left },
          { hypotheses, conclusion: conclusion.right },
        ],
        term: { kind: "pair", left: HOLE, right: HOLE },
      };
    case "left":
      if (conclusion.kind !== "or") return wrongGoal(tactic, conclusion);
      return {
        goals: [{ hypotheses, conclusion: conclusion.left }],
        term: { kind: "left", body: HOLE, other: conclusion.right },
      };
    case "right":
      if (conclusion.kind !== "or") return wrongGoal(tactic, conclusion);
      return {
        goals: [{ hypotheses, conclusion: conclusion.right }],
        term: { kind: "right", body: HOLE, other: conclusion.left },
      };
    case "exfalso":
      if (conclusion === falsity) return wrongGoal(tactic, conclusion);
      return {
        goals: [{ hypotheses, conclusion: falsity }],
        term: { kind: "abort", absurdity: HOLE, type: conclusion },
      };
    case "exact":
    case "apply":
    case "cases": {
      const hypothesis = hypotheses[tactic.hypothesis];
      if (hypothesis === undefined) {
        return reject(
          "unknown-hypothesis",
          `there is no h${tactic.hypothesis}: the goal has ${hypotheses.length} hypotheses`,
        );
      }
      if (tactic.name === "exact") return exact(hypothesis, goal);
      if (tactic.name === "apply") return apply(hypothesis, goal);
      return cases(hypothesis, goal, fresh);
    }
  }
}

/** The proof term so far, with a hole for every open goal. */
export function proofTerm(development: Development): Term {
  const terms: Term[] = [];
  for (let t = development.trail; t !== undefined; t = t.before) terms.push(t.term);
  // Tactics act on the first open goal, so they come in the order of a depth-first walk.
  const next = (): Term => {
    const term = terms.pop();
    return term === undefined ? HOLE : fill(term, next);
  };
  return next();
}

/** Whether no goal is open and the kernel agrees that the term proves the sequent. */
export function isProved(development: Development): boolean {
  const { goals, sequent } = development;
  return goals.length === 0 && proves(proofTerm(development), sequent.hypotheses, sequent.goal);
}

function exact(hypothesis: Hypothesis, { conclusion }: Goal): Refinement | Rejection {
  if (hypothesis.formula !== conclusion) return mismatch("is", hypothesis, conclusion);
  return { goals: [], term: { kind: "variable", variable: hypothesis.variable } };
}

function apply(hypothesis: Hypothesis, { hypotheses, conclusion }: Goal): Refinement | Rejection {
  let term: Term = { kind: "variable", variable: hypothesis.variable };
  let rest = hypothesis.formula;
  const goals: Goal[] = [];
  while (rest !== conclusion) {
    if (rest.kind !== "implies") return mismatch("concludes", hypothesis, conclusion);
    goals.push({ hypotheses, conclusion: rest.left });
    term = { kind: "application", rule: term, argument: HOLE };
    rest = rest.right;
  }
  return { goals, term };
}

function cases(
  hypothesis: Hypothesis,
  { hypotheses, conclusion }: Goal,
  fresh: number,
): Refinement | Rejection {
  const { formula, variable } = hypothesis;
  const scrutinee: Term = { kind: "variable", variable };
  if (formula === falsity)
    return { goals: [], term: { kind: "abort", absurdity: scrutinee, type: conclusion } };
  if (formula.kind !== "and" && formula.kind !== "or") {
    return reject(
      "not-destructible",
      `${formula.text} is neither False nor a conjunction nor a disjunction`,
    );
  }
  const others = hypotheses.filter((other) => other !== hypothesis);
  const left = { variable: fresh, formula: formula.left };
  const right = { variable: fresh + 1, formula: formula.right };
  if (formula.kind === "or") {
    return {
      goals: [
        { hypotheses: [...others, left], conclusion },
        { hypotheses: [...others, right], conclusion },
      ],
      term: {
        kind: "case",
        either: scrutinee,
        left: fresh,
        right: fresh + 1,
        ifLeft: HOLE,
        ifRight: HOLE,
      },
    };
  }
  if (others.length + 2 > MAX_HYPOTHESES) return tooMany(others.length + 2);
  return {
    goals: [{ hypotheses: [...others, left, right], conclusion }],
    term: { kind: "unpair", pair: scrutinee, left: fresh, right: fresh + 1, body: HOLE },
  };
}

/** `term` with its holes replaced from left to right. */
function fill(term: Term, next: () => Term): Term {
  switch (term.kind) {
    case "hole":
      return next();
    case "variable":
      return term;
    case "lambda":
    case "left":
    case "right":
      return { ...term, body: fill(term.body, next) };
    case "unpair":
      return { ...term, pair: fill(term.pair, next), body: fill(term.body, next) };
    case "abort":
      return { ...term, absurdity: fill(term.absurdity, next) };
    case "application":
      return { ...term, rule: fill(term.rule, next), argument: fill(term.argument, next) };
    case "pair":
      return { ...term, left: fill(term.left, next), right: fill(term.right, next) };
    case "case":
      return {
        ...term,
        either: fill(term.either, next),
        ifLeft: fill(term.ifLeft, next),
        ifRight: fill(term.ifRight, next),
      };
  }
}

function reject(code: RejectionCode, message: string): Rejection {
  return { code, message };
}

function wrongGoal(tactic: Tactic, conclusion: Formula): Rejection {
  return reject("wrong-goal", `${tactic.name} does not apply to the goal ${conclusion.text}`);
}

function mismatch(verb: string, { formula }: Hypothesis, conclusion: Formula): Rejection {
  const shown = verb === "is" ? formula : headOf(formula);
  return reject(
    "type-mismatch",
    `the hypothesis ${verb} ${shown.text}, the goal is ${conclusion.text}`,
  );
}

function tooMany(count: number): Rejection {
  return reject(
    "too-many-hypotheses",
    `the goal would have ${count} hypotheses, at most ${MAX_HYPOTHESES} have names`,
  );
}
