/** Random hypotheses, and disjunctions that hang on them. */
import type { Random } from "../../util/random.js";
import { contradictionRound, reach, type Reach } from "./chaining.js";
import { and, atom, ATOMS, type Formula, falsity, implies, or } from "./formula.js";

const ATOM_FORMULAS: readonly Formula[] = ATOMS.map((_, index) => atom(index));

/** Three different atoms, in every order. */
const TRIPLES: readonly (readonly [Formula, Formula, Formula])[] = ATOM_FORMULAS.flatMap((x) =>
  ATOM_FORMULAS.flatMap((y) =>
    ATOM_FORMULAS.flatMap((z): [Formula, Formula, Formula][] =>
      x === y || y === z || z === x ? [] : [[x, y, z]],
    ),
  ),
);

/** Longest chain of rules that a drawn goal needs. */
export const MAX_HOPS = 2;

/** One way the case distinctions on the hypotheses can go, if it is not contradictory. */
export interface Branch {
  /** Atoms, implications and whatever a goal assumed. */
  readonly formulas: readonly Formula[];
  readonly rounds: Reach;
}

/**
 * Two to six hypotheses in random order: facts (or a disjunction of two), rules that fire, and
 * rules whose premise is out of reach, some of which conclude what can be had without them. A
 * disjunction is drawn with the chance `either`.
 */
export function drawTheory(random: Random, either: number): Formula[] {
  const atoms = random.shuffle(ATOM_FORMULAS);
  const hypotheses =
    random.uniform() < either ? drawEither(random, atoms) : drawFacts(random, atoms);
  return [...new Set(hypotheses)];
}

/** One or two facts, one or two rules that fire, one or two that do not. */
function drawFacts(random: Random, atoms: readonly Formula[]): Formula[] {
  const facts = 1 + random.below(2);
  const derived = facts === 2 ? 1 : 1 + random.below(2);
  const reached = atoms.slice(0, facts);
  const unreached = atoms.slice(facts + derived);
  const live: Formula[] =
    facts === 2 && random.uniform() < 0.25 ? [and(reached[0]!, reached[1]!)] : [...reached];
  for (const head of atoms.slice(facts, facts + derived)) {
    live.push(implies(drawPremise(random, reached, unreached), head));
    reached.push(head);
  }
  const dead: Formula[] = [];
  const chance = random.uniform();
  if (chance < 0.8) dead.push(drawDeadRule(random, reached, unreached, random.pick(reached)));
  if (chance > 0.3) dead.push(drawDeadRule(random, reached, unreached, random.pick(unreached)));
  if (chance > 0.9) dead.push(implies(random.pick(unreached), falsity));
  return random.uniform() < 0.6
    ? [...random.shuffle(dead), ...random.shuffle(live)]
    : random.shuffle([...dead, ...live]);
}

/** Something reached: an atom, or seldom two of them, or one of two. */
function drawPremise(
  random: Random,
  reached: readonly Formula[],
  unreached: readonly Formula[],
): Formula {
  const chance = random.uniform();
  const [x, y] = random.shuffle(reached) as [Formula, Formula | undefined];
  if (chance < 0.15 && y !== undefined) return and(x, y);
  if (chance < 0.25)
    return random.uniform() < 0.5 ? or(x, random.pick(unreached)) : or(random.pick(unreached), x);
  return x;
}

/** A rule for `head` whose premise asks for something out of reach. */
function drawDeadRule(
  random: Random,
  reached: readonly Formula[],
  unreached: readonly Formula[],
  head: Formula,
): Formula {
  const missing = random.pick(unreached.filter((formula) => formula !== head));
  if (random.uniform() >= 0.12) return implies(missing, head);
  const other = random.pick(reached.filter((formula) => formula !== head));
  return implies(random.uniform() < 0.5 ? and(missing, other) : and(other, missing), head);
}

/** A disjunction of two facts, a rule from one of them (or that it cannot be), rules between others. */
function drawEither(random: Random, atoms: readonly Formula[]): Formula[] {
  const [a, b, c, d, e] = atoms as [Formula, Formula, Formula, Formula, Formula];
  const hypotheses: Formula[] = [or(a, b)];
  const chance = random.uniform();
  if (chance < 0.5) hypotheses.push(implies(random.pick([a, b]), falsity));
  else hypotheses.push(implies(random.pick([a, b]), random.pick([c, d])));
  if (random.uniform() < 0.35) hypotheses.push(c);
  // No rule leads back to an atom that leads to it: going in circles is not the mistake to learn from.
  if (random.uniform() < 0.5) hypotheses.push(implies(random.pick([d, e]), c));
  else hypotheses.push(implies(e, random.pick([a, b])));
  if (random.uniform() < 0.4) hypotheses.push(implies(random.pick([a, e]), d));
  return random.shuffle(hypotheses);
}

/** The branches of a list of hypotheses that are not contradictory. */
export function branchesOf(hypotheses: readonly Formula[]): Branch[] {
  let open: Formula[][] = [[]];
  for (const hypothesis of hypotheses) {
    if (hypothesis.kind === "or") {
      const { left, right } = hypothesis;
      open = open.flatMap((formulas) => [
        [...formulas, left],
        [...formulas, right],
      ]);
    } else {
      for (const formulas of open) formulas.push(...conjuncts(hypothesis));
    }
  }
  return open.flatMap((formulas) => {
    const rounds = reach(formulas);
    return contradictionRound(rounds) < Infinity ? [] : [{ formulas, rounds }];
  });
}

/** A disjunction of atoms: mostly of two, of three with the chance `nested`, seldom with a conjunction. */
export function drawDisjunction(random: Random, nested: number): Formula {
  const [x, y, z] = random.pick(TRIPLES);
  const chance = random.uniform();
  if (chance >= nested + 0.08) return or(x, y);
  const join = chance < nested ? or : and;
  return random.uniform() < 0.5 ? or(join(x, y), z) : or(x, join(y, z));
}

function conjuncts(formula: Formula): Formula[] {
  return formula.kind === "and"
    ? [...conjuncts(formula.left), ...conjuncts(formula.right)]
    : [formula];
}
