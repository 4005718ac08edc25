/**
 * Draws theorems whose every rewriting step hangs on a side condition.
 *
 * Numbers are drawn for the variables first, then facts that hold of them, then terms in which
 * every redex has exactly one law whose condition follows from the facts. Last the theorem is tried
 * out: the correct method must prove it, and no policy that chooses laws by a shallow cue may.
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
import { isProvable, stepsToProve } from "./decision.js";
import { instance, type Order, SCHEMAS } from "./law.js";
import type { Level } from "./level.js";
import { canonicalSequent, type Sequent, sequentKey } from "./sequent.js";
import { MAX_STEPS } from "./attempts.js";
import { ATOMS, atom, type Term } from "./term.js";
import { play, SHALLOW_POLICIES, walk, type Walk } from "./walk.js";

/** Most operand choices tried for one redex. */
const TRIES = 12;

/** Numbers of the variables are below this. */
const VALUES = 4;

/** Most facts of a theorem. */
export const MAX_FACTS = 5;

/** Chance to drop a redex whose condition takes 0, 1 or 2 steps: short ones abound. */
const REDRAW_BY_STEPS: readonly number[] = [0.7, 0.2, 0];

const drawing: Drawing<Sequent, Level> = {
  name: "rewriting",
  candidate: drawCandidate,
  canonical: canonicalSequent,
  key: sequentKey,
  fits: (sequent, level) => fits(sequent, level) !== undefined,
};

/**
 * One theorem of a split and level.
 * @throws ErrataError `REWRITING_GENERATOR` when none is found, which means that the level's rules clash.
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
  const solution = walk(sequent, most);
  if (solution === undefined || solution.actions.length < fewest) return undefined;
  const exceptions = solution.exceptions.filter(Boolean).length;
  if (!isWithin(solution.exceptions.length, level.forks)) return undefined;
  if (!isWithin(exceptions, level.exceptions)) return undefined;
  for (const policy of Object.values(SHALLOW_POLICIES))
    if (play(sequent, policy, MAX_STEPS).proved) return undefined;
  return solution;
}

function drawCandidate(random: Random, level: Level): Sequent | undefined {
  const facts = drawFacts(random);
  const atoms = [...new Set(facts.flatMap(({ left, right }) => [left.text, right.text]))];
  const [fewest, most] = level.forks;
  const forks = fewest + random.below(most - fewest + 1);
  const onLeft = random.below(forks + 1);
  const left = drawTerm(random, facts, atoms, onLeft, level);
  const right = left && drawTerm(random, facts, atoms, forks - onLeft, level);
  if (left === undefined || right === undefined) return undefined;
  if (left.exceptions + right.exceptions < level.exceptions[0]) return undefined;
  const relation = random.pick(["<", "<="] as const);
  const steps = stepsToProve({ relation, left: left.value, right: right.value }, facts);
  if (steps === 0 || steps > level.chain) return undefined;
  const goal: Order = { relation, left: left.term, right: right.term };
  return { facts, goal };
}

/** Four or five true statements about four variables and zero, in random order. */
function drawFacts(random: Random): Order[] {
  const variables = ATOMS.slice(1, 5);
  const value = new Map(variables.map((each) => [each, random.below(VALUES)]));
  const valueOf = (name: string): number => value.get(name) ?? 0;
  const wanted = 4 + random.below(MAX_FACTS - 3);
  const facts = new Map<string, Order>();
  for (let tries = 0; facts.size < wanted && tries < 60; tries++) {
    const [one, other] = [
      random.pick(ATOMS.slice(0, variables.length + 1)),
      random.pick(variables),
    ];
    if (one === other) continue;
    const [low, high] = valueOf(one) <= valueOf(other) ? [one, other] : [other, one];
    if (low === "0" && valueOf(high) === 0) {
      facts.set(`${high} 0`, { relation: "<=", left: atom(high), right: atom("0") });
      continue;
    }
    const strict = valueOf(low) < valueOf(high) && (low === "0" || random.uniform() < 0.5);
    if (facts.has(`${high} ${low}`)) continue; // one statement about each pair
    facts.set(`${low} ${high}`, {
      relation: strict ? "<" : "<=",
      left: atom(low),
      right: atom(high),
    });
  }
  return random.shuffle([...facts.values()]);
}

interface Drawn {
  readonly term: Term;
  /** The atom that the term rewrites to. */
  readonly value: Term;
  readonly exceptions: number;
}

/** A term with so many redexes, one inside the other, each a fork. */
function drawTerm(
  random: Random,
  facts: readonly Order[],
  atoms: readonly string[],
  forks: number,
  level: Level,
): Drawn | undefined {
  if (forks === 0) {
    const term = atom(random.pick(atoms));
    return { term, value: term, exceptions: 0 };
  }
  const inner = drawTerm(random, facts, atoms, forks - 1, level);
  if (inner === undefined) return undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const [first, second] = random.pick(SCHEMAS);
    // The inner term stands where the pattern has a variable only once.
    const names = first.pattern.text.split(" ");
    const single = ["u", "v"].filter((name) => names.filter((each) => each === name).length === 1);
    const slot = random.pick(single);
    const other = atom(random.pick(atoms));
    if (other.text === inner.value.text) continue;
    const fill = (value: Term): Term => substitute(first.pattern, slot, value, other);
    const redex = fill(inner.value);
    const [one, two] = [instance(first, redex)!, instance(second, redex)!];
    if (one.result.text === two.result.text) continue;
    const isFirst = isProvable(one.condition, facts);
    if (isFirst === isProvable(two.condition, facts)) continue;
    const law = isFirst ? one : two;
    const steps = stepsToProve(law.condition, facts);
    if (steps > level.chain || random.uniform() < REDRAW_BY_STEPS[steps]!) continue;
    return {
      term: fill(inner.term),
      value: law.result,
      exceptions: inner.exceptions + (isFirst ? 0 : 1),
    };
  }
  return undefined;
}

function substitute(pattern: Term, slot: string, inner: Term, other: Term): Term {
  if (pattern.kind === "atom") return pattern.text === slot ? inner : other;
  const left = substitute(pattern.left, slot, inner, other);
  const right = substitute(pattern.right, slot, inner, other);
  return { ...pattern, left, right, text: `${pattern.operator} ${left.text} ${right.text}` };
}
