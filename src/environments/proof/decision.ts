/**
 * Decides provability: the contraction-free sequent calculus G4ip, also called LJT
 * (Dyckhoff 1992, "Contraction-free sequent calculi for intuitionistic logic").
 *
 * Every rule shrinks the sequent, so depth-first search ends without a loop check.
 */
import { type Compound, type Formula, falsity, implies } from "./formula.js";

/** Most verdicts remembered; the memo is emptied when it is full. */
export const MEMO_LIMIT = 200_000;

const memo = new Map<string, boolean>();

/** Whether `goal` follows from `hypotheses` in intuitionistic logic. */
export function isProvable(hypotheses: Iterable<Formula>, goal: Formula): boolean {
  const context = new Set<Formula>();
  for (const hypothesis of hypotheses) if (assume(hypothesis, context)) return true;
  return decide(context, goal);
}

/**
 * Adds a hypothesis, decomposed by the invertible left rules that do not branch; returns whether it
 * is absurd. The context then holds atoms, disjunctions, and implications from an atom or from an
 * implication.
 */
function assume(formula: Formula, context: Set<Formula>): boolean {
  switch (formula.kind) {
    case "false":
      return true;
    case "and":
      return assume(formula.left, context) || assume(formula.right, context);
    case "implies": {
      const { left, right } = formula;
      if (left === falsity) return false; // says nothing
      if (left.kind === "and")
        return assume(implies(left.left, implies(left.right, right)), context);
      if (left.kind === "or") {
        return (
          assume(implies(left.left, right), context) || assume(implies(left.right, right), context)
        );
      }
      context.add(formula);
      return false;
    }
    case "atom":
    case "or":
      context.add(formula);
      return false;
  }
}

/** `context` without `removed` and with `added`; undefined when that is absurd. */
function replaced(
  context: ReadonlySet<Formula>,
  removed: Formula | undefined,
  ...added: readonly Formula[]
): Set<Formula> | undefined {
  const out = new Set(context);
  if (removed !== undefined) out.delete(removed);
  for (const formula of added) if (assume(formula, out)) return undefined;
  return out;
}

/** {@link decide} on a changed context; an absurd one proves everything. */
function decideReplaced(
  context: ReadonlySet<Formula>,
  removed: Formula | undefined,
  goal: Formula,
  ...added: readonly Formula[]
): boolean {
  const out = replaced(context, removed, ...added);
  return out === undefined || decide(out, goal);
}

function decide(context: ReadonlySet<Formula>, goal: Formula): boolean {
  // Invertible rules first: none of them can lose a proof.
  if (context.has(goal)) return true;
  if (goal.kind === "implies") return decideReplaced(context, undefined, goal.right, goal.left);
  if (goal.kind === "and") return decide(context, goal.left) && decide(context, goal.right);
  for (const formula of context) {
    if (formula.kind === "implies" && formula.left.kind === "atom" && context.has(formula.left)) {
      return decideReplaced(context, formula, goal, formula.right);
    }
  }
  for (const formula of context) {
    if (formula.kind !== "or") continue;
    return (
      decideReplaced(context, formula, goal, formula.left) &&
      decideReplaced(context, formula, goal, formula.right)
    );
  }
  if (goal.kind !== "or" && ![...context].some(isNested)) return false;

  const key = `${[...context]
    .map(({ id }) => id)
    .sort((a, b) => a - b)
    .join()}|${goal.id}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const verdict = choose(context, goal);
  if (memo.size >= MEMO_LIMIT) memo.clear();
  memo.set(key, verdict);
  return verdict;
}

/** The rules that can lose a proof: a disjunct, or an implication whose premise is an implication. */
function choose(context: ReadonlySet<Formula>, goal: Formula): boolean {
  if (goal.kind === "or" && (decide(context, goal.left) || decide(context, goal.right)))
    return true;
  for (const formula of context) {
    if (!isNested(formula)) continue;
    const { left: premise, right: conclusion } = formula;
    if (
      decideReplaced(
        context,
        formula,
        premise.right,
        implies(premise.right, conclusion),
        premise.left,
      ) &&
      decideReplaced(context, formula, goal, conclusion)
    ) {
      return true;
    }
  }
  return false;
}

function isNested(formula: Formula): formula is Compound & { readonly left: Compound } {
  return formula.kind === "implies" && formula.left.kind === "implies";
}
