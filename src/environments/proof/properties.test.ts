/** What holds of every formula, every sequent and every way of playing tactics. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { reach, roundOf } from "./chaining.js";
import { isProvable } from "./decision.js";
import {
  and,
  atom,
  ATOMS,
  type Formula,
  falsity,
  implies,
  occursIn,
  or,
  parseFormula,
  renameAtoms,
} from "./formula.js";
import { proves } from "./kernel.js";
import { isGoalProvable, legalActions, losesNothing } from "./procedures.js";
import {
  canonicalSequent,
  MAX_HYPOTHESES,
  parseSequent,
  type Sequent,
  sequentKey,
  sequentText,
} from "./sequent.js";
import {
  ACTIONS,
  applyTactic,
  develop,
  type Development,
  isProved,
  parseTactic,
  proofTerm,
} from "./tactics.js";

const ATOM_COUNT = ATOMS.length;

describe("formulas and sequents", () => {
  test("read back as the same object", () => {
    fc.assert(fc.property(formulas(), (formula) => parseFormula(formula.text) === formula));
    fc.assert(
      fc.property(sequents(), (sequent) => {
        expect(parseSequent(sequentText(sequent))).toEqual(sequent);
      }),
    );
  });

  test("an atom occurs where its name is written", () => {
    fc.assert(
      fc.property(formulas(), fc.nat(ATOM_COUNT - 1), (formula, index) => {
        expect(occursIn(atom(index), formula)).toBe(
          formula.text.split(" ").includes(ATOMS[index]!),
        );
      }),
    );
  });

  test("renaming atoms changes neither the canonical form nor the key", () => {
    fc.assert(
      fc.property(sequents(), permutations(), ({ hypotheses, goal }, renaming) => {
        const renamed = {
          hypotheses: hypotheses.map((hypothesis) => renameAtoms(hypothesis, renaming)),
          goal: renameAtoms(goal, renaming),
        };
        expect(canonicalSequent(renamed)).toEqual(canonicalSequent({ hypotheses, goal }));
        expect(sequentKey(renamed)).toBe(sequentKey({ hypotheses, goal }));
      }),
    );
  });

  test("reordering hypotheses leaves the key as it is", () => {
    fc.assert(
      fc.property(sequents(), fc.integer(), ({ hypotheses, goal }, seed) => {
        const reordered = Random.from(seed, "order").shuffle(hypotheses);
        expect(sequentKey({ hypotheses: reordered, goal })).toBe(sequentKey({ hypotheses, goal }));
      }),
    );
  });
});

describe("the decision procedure", () => {
  test("takes hypotheses as premises", () => {
    fc.assert(
      fc.property(sequents(3), ({ hypotheses, goal }) => {
        const whole = hypotheses.reduceRight<Formula>(
          (rest, hypothesis) => implies(hypothesis, rest),
          goal,
        );
        expect(isProvable([], whole)).toBe(isProvable(hypotheses, goal));
      }),
    );
  });

  test("loses no proof to more hypotheses", () => {
    fc.assert(
      fc.property(sequents(3), sequents(3), ({ hypotheses, goal }, more) => {
        if (isProvable(hypotheses, goal))
          expect(isProvable([...hypotheses, ...more.hypotheses], goal)).toBe(true);
      }),
    );
  });

  test("confirms whatever forward chaining reaches", () => {
    fc.assert(
      fc.property(sequents(3), ({ hypotheses, goal }) => {
        if (roundOf(goal, reach(hypotheses), hypotheses) < Infinity)
          expect(isProvable(hypotheses, goal)).toBe(true);
      }),
    );
  });
});

describe("tactics", () => {
  test("a finished proof satisfies the kernel and the decision procedure", () => {
    let finished = 0;
    fc.assert(
      fc.property(sequents(2), fc.integer(), (sequent, seed) => {
        const end = wander(sequent, Random.from(seed, "wander")).at(-1)!;
        if (end.goals.length > 0) return;
        finished++;
        expect(isProved(end)).toBe(true);
        expect(isProvable(sequent.hypotheses, sequent.goal)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(finished).toBeGreaterThan(100);
  });

  test("no way of playing makes the kernel accept a theorem that cannot be proved", () => {
    fc.assert(
      fc.property(sequents(2), fc.integer(), ({ hypotheses, goal }, seed) => {
        const development = wander({ hypotheses, goal }, Random.from(seed, "wander")).at(-1)!;
        if (!isProvable(hypotheses, goal))
          expect(proves(proofTerm(development), hypotheses, goal)).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  test("an unfinished term has holes, which the kernel refuses", () => {
    fc.assert(
      fc.property(sequents(2), fc.integer(), (sequent, seed) => {
        for (const development of wander(sequent, Random.from(seed, "wander"))) {
          if (development.goals.length > 0) expect(isProved(development)).toBe(false);
        }
      }),
    );
  });

  test("goals that a tactic leaves provable were provable before it", () => {
    fc.assert(
      fc.property(sequents(2), fc.constantFrom(...ACTIONS), (sequent, action) => {
        const [goal] = develop(sequent).goals;
        if (losesNothing(goal!, action)) expect(isGoalProvable(goal!)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("a state is a fork: it stays as it is when it is played on", () => {
    fc.assert(
      fc.property(sequents(2), fc.integer(), (sequent, seed) => {
        const states = wander(sequent, Random.from(seed, "wander"));
        const before = JSON.stringify(states);
        for (const state of states)
          for (const action of ACTIONS) applyTactic(state, parseTactic(action)!);
        expect(JSON.stringify(states)).toBe(before);
      }),
      { numRuns: 50 },
    );
  });

  test("hypotheses never outgrow their names", () => {
    fc.assert(
      fc.property(sequents(2), fc.integer(), (sequent, seed) => {
        for (const { goals } of wander(sequent, Random.from(seed, "wander"))) {
          for (const { hypotheses } of goals)
            expect(hypotheses.length).toBeLessThanOrEqual(MAX_HYPOTHESES);
        }
      }),
    );
  });
});

/** Up to 20 random tactics that apply; every state on the way. */
function wander(sequent: Sequent, random: Random): Development[] {
  const states = [develop(sequent)];
  for (let i = 0; i < 20; i++) {
    const goal = states.at(-1)!.goals[0];
    if (goal === undefined) break;
    const legal = legalActions(goal);
    if (legal.length === 0) break;
    const closing = legal.find((action) => action.startsWith("exact"));
    const next = applyTactic(states.at(-1)!, parseTactic(closing ?? random.pick(legal))!);
    if ("code" in next) throw new Error(next.message);
    states.push(next);
  }
  return states;
}

/** Formulas over the first `atoms` atoms and False. */
function formulas(atoms: number = ATOM_COUNT): fc.Arbitrary<Formula> {
  const leaf = fc.oneof(
    { weight: 5, arbitrary: fc.nat(atoms - 1).map(atom) },
    { weight: 1, arbitrary: fc.constant(falsity) },
  );
  return fc.letrec<{ formula: Formula }>((tie) => {
    const pair = fc.tuple(tie("formula"), tie("formula"));
    return {
      formula: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        leaf,
        pair.map(([left, right]) => implies(left, right)),
        pair.map(([left, right]) => and(left, right)),
        pair.map(([left, right]) => or(left, right)),
      ),
    };
  }).formula;
}

/** Sequents of up to four hypotheses over the first `atoms` atoms. */
function sequents(atoms: number = ATOM_COUNT): fc.Arbitrary<Sequent> {
  return fc.record({
    hypotheses: fc.array(formulas(atoms), { maxLength: 4 }),
    goal: formulas(atoms),
  });
}

function permutations(): fc.Arbitrary<number[]> {
  return fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5, maxLength: 5 });
}
