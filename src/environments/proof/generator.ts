/**
 * Draws theorems whose disjunctions take a short look ahead.
 *
 * A *theory* is drawn first: facts, rules that fire, and rules that never do. The goal is then
 * built from disjunctions of which exactly one side can be reached, so that every theorem holds by
 * construction. Last, the theorem is tried out: the correct method must prove it, and no policy
 * that picks sides by a shallow cue may.
 */
import type { Random } from "../../util/random.js";
import type { Split } from "../environment.js";
import {
  drawFrom,
  type Drawing,
  type DrawOptions,
  isWithin,
  splitOfKey,
} from "../theorems/draw.js";
import { roundOf } from "./chaining.js";
import { and, atom, ATOMS, type Formula, implies } from "./formula.js";
import { type Fork, play, SHALLOW_POLICIES, walk, type Walk } from "./forks.js";
import type { Level } from "./level.js";
import { firstMention } from "./procedures.js";
import { canonicalSequent, type Sequent, sequentKey } from "./sequent.js";
import { type Branch, branchesOf, drawDisjunction, drawTheory, MAX_HOPS } from "./theory.js";

/** Most disjunctions tried for one goal. */
const TRIES = 24;

/** Chance that a disjunction is to be proved from an atom assumed for it. */
const ASSUME = 0.1;

/** Chance to drop a goal of one disjunction: there are few such theorems. */
const REDRAW_SINGLE = 0.6;

/** Chance to drop a disjunction that no rule speaks of: there `mention` is a constant. */
const REDRAW_UNMENTIONED = 0.8;

/** Chance to drop a disjunction that misleads nobody, where the level asks for many that do. */
const REDRAW_STRAIGHT = 0.7;

const drawing: Drawing<Sequent, Level> = {
  name: "proof",
  candidate: drawCandidate,
  canonical: canonicalSequent,
  key: sequentKey,
  fits: (sequent, level) => fits(sequent, level) !== undefined,
};

/**
 * One theorem of a split and level.
 * @throws ErrataError `PROOF_GENERATOR` when none is found, which means that the level's rules clash.
 */
export function drawTheorem(options: DrawOptions<Level>): Sequent {
  return drawFrom(drawing, options);
}

/** The split of a theorem; renaming or reordering moves none. */
export function splitOf(sequent: Sequent): Split {
  return splitOfKey(sequentKey(sequent));
}

/** The correct method's walk, if the theorem meets the rules of the level. */
export function fits(sequent: Sequent, level: Level): Walk | undefined {
  const [fewest, most] = level.tactics;
  const solution = walk(sequent, { limit: most });
  if (solution === undefined || solution.actions.length < fewest) return undefined;
  if (!suits(solution.forks, level) || !isMixed(solution.forks)) return undefined;
  for (const policy of Object.values(SHALLOW_POLICIES)) {
    if (play(sequent, policy, { limit: level.steps }).proved) return undefined;
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

/** A theorem that holds by construction, within the level's number of symbols; undefined on a bad draw. */
function drawCandidate(random: Random, level: Level): Sequent | undefined {
  const hypotheses = drawTheory(random, level.either);
  const branches = branchesOf(hypotheses);
  const parts: Formula[] = [];
  const forks: Fork[] = [];
  // One more for each part: the conjunction before it, or the turnstile.
  let symbols = hypotheses.reduce((sum, hypothesis) => sum + 1 + symbolsOf(hypothesis), 0);
  for (let tries = 0; tries < TRIES; tries++) {
    const part = drawPart(random, hypotheses, branches, level);
    if (part === undefined || parts.includes(part.formula)) continue;
    symbols += symbolsOf(part.formula) + 1;
    if (symbols > level.symbols) return undefined;
    parts.push(part.formula);
    forks.push(...part.forks);
    if (forks.length >= level.forks[0] && isMixed(forks)) break;
  }
  if (!suits(forks, level) || !isMixed(forks)) return undefined;
  if (parts.length === 1 && random.uniform() < REDRAW_SINGLE) return undefined;
  return { hypotheses, goal: parts.reduceRight((rest, part) => and(part, rest)) };
}

/** One conjunct of a goal, with the forks on the way to its proof in every branch. */
function drawPart(
  random: Random,
  hypotheses: readonly Formula[],
  branches: readonly Branch[],
  level: Level,
): { readonly formula: Formula; readonly forks: readonly Fork[] } | undefined {
  const assumed = random.uniform() < ASSUME ? atom(random.below(ATOMS.length)) : undefined;
  const under = assumed === undefined ? branches : branchesOf([...hypotheses, assumed]);
  const disjunction = drawDisjunction(random, level.nested);
  const forks: Fork[] = [];
  for (const branch of under) if (!collectForks(disjunction, branch, forks)) return undefined;
  if (forks.length === 0) return undefined;
  if (forks.some(isUnmentioned) && random.uniform() < REDRAW_UNMENTIONED) return undefined;
  const straight = level.misleading[0] > 1 && !forks.some(isMisleading);
  if (straight && random.uniform() < REDRAW_STRAIGHT) return undefined;
  return { formula: assumed === undefined ? disjunction : implies(assumed, disjunction), forks };
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

/** Whether no rule speaks of the disjunction. */
function isUnmentioned({ mentioned }: Fork): boolean {
  return mentioned === undefined;
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
