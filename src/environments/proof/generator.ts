/**
 * Draws theorems whose disjunctions take a short look ahead.
 *
 * A *theory* is drawn first: facts, rules that fire, and rules that never do. The goal is then
 * built from disjunctions of which exactly one side can be reached, so that every theorem holds by
 * construction. Last, the theorem is tried out: the correct method must prove it, and no policy
 * that picks sides by a shallow cue may.
 */
import { ErrataError } from "../../error.js";
import { hashText, type Random } from "../../random.js";
import type { Split } from "../environment.js";
import { roundOf } from "./chaining.js";
import { and, atom, ATOMS, type Formula, implies } from "./formula.js";
import { type Fork, play, SHALLOW_POLICIES, walk, type Walk } from "./forks.js";
import { firstMention } from "./procedures.js";
import { canonicalSequent, type Sequent, sequentKey } from "./sequent.js";
import { MAX_STEPS } from "./state.js";
import { type Branch, branchesOf, drawDisjunction, drawTheory, MAX_HOPS } from "./theory.js";

/** What sets a level apart. */
export interface Level {
  readonly name: string;
  /** Range of the number of fatal forks. */
  readonly forks: readonly [number, number];
  /** Range of the number of forks at which the `mention` mal-rule goes wrong. */
  readonly misleading: readonly [number, number];
  /** Most symbols of the first observation. */
  readonly symbols: number;
  /** Range of the length of the correct script, in tactics. */
  readonly tactics: readonly [number, number];
  /** Chance that a disjunction has three disjuncts. */
  readonly nested: number;
  /** Chance that the hypotheses call for a case distinction. */
  readonly either: number;
}

/** The levels, easiest first. */
export const LEVELS: readonly Level[] = [
  {
    name: "few-forks",
    forks: [1, 4],
    misleading: [1, 2],
    symbols: 22,
    tactics: [3, 10],
    nested: 0.15,
    either: 0.2,
  },
  {
    name: "many-forks",
    forks: [4, 6],
    misleading: [3, 5],
    symbols: 32,
    tactics: [6, 12],
    nested: 0.6,
    either: 0.2,
  },
];

/** Most theories tried for one theorem. */
const ATTEMPTS = 100_000;

/** Most disjunctions tried for one goal. */
const TRIES = 24;

/**
 * One theorem of a split and level.
 * @throws ErrataError `PROOF_GENERATOR` when none is found, which means that the level's rules clash.
 */
export function drawTheorem({
  split,
  level,
  random,
}: {
  readonly split: Split;
  readonly level: Level;
  readonly random: Random;
}): Sequent {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const candidate = drawCandidate(random, level);
    if (candidate === undefined || splitOf(candidate) !== split) continue;
    const sequent = canonicalSequent(candidate);
    if (fits(sequent, level) !== undefined) return sequent;
  }
  throw new ErrataError(`no theorem of level ${level.name} in ${ATTEMPTS} attempts`, {
    code: "PROOF_GENERATOR",
  });
}

/** A tenth of all theorems is for testing, a tenth for validation; renaming or reordering moves none. */
export function splitOf(sequent: Sequent): Split {
  const tenth = hashText(sequentKey(sequent)) % 10;
  return tenth === 0 ? "test" : tenth === 1 ? "validation" : "train";
}

/** The correct method's walk, if the theorem meets the rules of the level. */
export function fits(sequent: Sequent, level: Level): Walk | undefined {
  const [fewest, most] = level.tactics;
  const solution = walk(sequent, { limit: most });
  if (solution === undefined || solution.actions.length < fewest) return undefined;
  if (!suits(solution.forks, level) || !isMixed(solution.forks)) return undefined;
  for (const policy of Object.values(SHALLOW_POLICIES)) {
    if (play(sequent, policy, { limit: MAX_STEPS }).proved) return undefined;
  }
  return solution;
}

/** Whether the forks are as many as the level wants, and of every kind. */
function suits(forks: readonly Fork[], level: Level): boolean {
  return (
    isWithin(forks.length, level.forks) &&
    isWithin(forks.filter(isMisleading).length, level.misleading)
  );
}

function isWithin(count: number, [least, most]: readonly [number, number]): boolean {
  return least <= count && count <= most;
}

/** A theorem that holds by construction, within the level's number of symbols; undefined on a bad draw. */
function drawCandidate(random: Random, level: Level): Sequent | undefined {
  const hypotheses = drawTheory(random, level.either);
  let symbols = 1;
  for (const hypothesis of hypotheses) symbols += 1 + symbolsOf(hypothesis);
  const branches = branchesOf(hypotheses);
  if (branches.length === 0) return undefined;
  const forks: Fork[] = [];
  const parts: Formula[] = [];
  for (let tries = 0; tries < TRIES; tries++) {
    const part = drawPart(random, hypotheses, branches, level, forks);
    if (part === undefined || parts.includes(part)) continue;
    const size = symbolsOf(part) + (parts.length > 0 ? 1 : 0);
    if (symbols + size > level.symbols) return undefined;
    symbols += size;
    parts.push(part);
    if (forks.length >= Math.max(2, level.forks[0]) && isMixed(forks)) break;
  }
  if (!suits(forks, level) || !isMixed(forks)) return undefined;
  if (parts.length === 1 && random.uniform() < 0.6) return undefined; // there are few such theorems
  return { hypotheses, goal: parts.reduceRight((rest, part) => and(part, rest)) };
}

/** One conjunct of a goal; its forks are added to `forks`. */
function drawPart(
  random: Random,
  hypotheses: readonly Formula[],
  branches: readonly Branch[],
  level: Level,
  forks: Fork[],
): Formula | undefined {
  const assumed = random.uniform() < 0.1 ? atom(random.below(ATOMS.length)) : undefined;
  const under = assumed === undefined ? branches : branchesOf([...hypotheses, assumed]);
  const disjunction = drawDisjunction(random, level.nested);
  const found: Fork[] = [];
  for (const branch of under) if (!collectForks(disjunction, branch, found)) return undefined;
  if (found.length === 0) return undefined;
  if (found.some(({ mentioned }) => mentioned === undefined) && random.uniform() < 0.8)
    return undefined;
  if (level.misleading[0] > 1 && !found.some(isMisleading) && random.uniform() < 0.7)
    return undefined;
  forks.push(...found);
  return assumed === undefined ? disjunction : implies(assumed, disjunction);
}

/** Adds the forks on the way to a proof; false unless exactly one side of each can be reached. */
function collectForks(formula: Formula, branch: Branch, forks: Fork[]): boolean {
  if (formula.kind !== "or") return true;
  const { formulas, rounds } = branch;
  const left = roundOf(formula.left, rounds, formulas);
  const right = roundOf(formula.right, rounds, formulas);
  if (left < Infinity === right < Infinity || Math.min(left, right) > MAX_HOPS) return false;
  const side = left < Infinity ? "left" : "right";
  forks.push({ side, mentioned: firstMention(formulas, formula) });
  return collectForks(formula[side], branch, forks);
}

/** Whether the `mention` mal-rule takes the wrong side. */
function isMisleading({ side, mentioned = "right" }: Fork): boolean {
  return side !== mentioned;
}

/** Whether every shallow way of choosing sides goes wrong somewhere. */
function isMixed(forks: readonly Fork[]): boolean {
  const some = (test: (fork: Fork) => boolean): boolean => forks.some(test);
  return (
    some(({ side }) => side === "left") &&
    some(({ side }) => side === "right") &&
    some(isMisleading) &&
    some((fork) => !isMisleading(fork))
  );
}

function symbolsOf(formula: Formula): number {
  return formula.kind === "atom" || formula.kind === "false"
    ? 1
    : 1 + symbolsOf(formula.left) + symbolsOf(formula.right);
}
