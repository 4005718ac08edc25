/** The domain of theorem proving: one tactic per action, one goal per observation. */
import { ErrataError } from "../../util/error.js";
import type { Environment, Procedure, Task } from "../environment.js";
import { attemptsWithin, type ProofState } from "./attempts.js";
import { ATOMS, CONNECTIVES, falsity } from "./formula.js";
import { drawTheorem, splitOf } from "./generator.js";
import { DEEP, type Level, LEVELS } from "./level.js";
import * as policies from "./procedures.js";
import {
  canonicalSequent,
  HYPOTHESIS_NAMES,
  type Sequent,
  sequentText,
  TURNSTILE,
  parseSequent,
} from "./sequent.js";
import { ACTIONS } from "./tactics.js";

export type { ProofState } from "./attempts.js";

/**
 * Theorems of intuitionistic propositional logic, proved by tactics named as in Coq and Lean.
 *
 * The observation is the first open goal, hypotheses first: `h0 -> p q h1 p |- \/ q r`. An action
 * is one tactic: `intro`, `split`, `left`, `right`, `exfalso`, or `exact`, `apply` or `cases` with
 * h0 to h7. A refused tactic ends the episode, and so does the last goal.
 *
 * Levels: `few-forks` (mostly two disjunctions of which one side is a dead end) and `many-forks`
 * (four or more, at three or more of which the rule first in sight points the wrong way). No
 * shallow way of choosing sides proves any of the theorems drawn: not always left, not always right,
 * not the side that the rules speak of, not the other one.
 *
 * Mal-rules: `left` (always left), `mention` (the disjunct that some rule concludes, whether or not
 * its premise can be reached), `exfalso` (on anything not assumed), `apply` (the first rule for the
 * goal, whether or not its premise can be reached). Elsewhere they do as `correct` does.
 */
export function proof(): Environment<ProofState> {
  return theorems("proof", LEVELS);
}

/**
 * The same theorems, and a level `deep` of seven to ten forks, with at most 26 tactics: one whose student guesses at
 * forks proves next to none.
 */
export function deepProof(): Environment<ProofState> {
  return theorems("proof-deep", [...LEVELS, DEEP]);
}

function theorems(name: string, levels: readonly Level[]): Environment<ProofState> {
  const byName = new Map(levels.map((level) => [level.name, level]));
  const maxSteps = Math.max(...levels.map(({ steps }) => steps));
  const attempts = attemptsWithin(maxSteps);
  return {
    name,
    lexicon: {
      symbols: [
        ...ATOMS,
        falsity.text,
        ...Object.values(CONNECTIVES),
        TURNSTILE,
        ...HYPOTHESIS_NAMES,
        ...ACTIONS,
      ],
      separator: " ",
    },
    levels: [...byName.keys()],
    maxSteps,
    maxActionSymbols: 1,
    maxObservationSymbols: Math.max(...levels.map(({ symbols }) => symbols)),
    procedures: {
      correct: onFirstGoal(policies.correct),
      left: onFirstGoal(policies.left),
      mention: onFirstGoal(policies.mention),
      exfalso: onFirstGoal(policies.exfalso),
      apply: onFirstGoal(policies.apply),
      noise: onFirstGoal(policies.noise),
    },

    draw({ split, level: wanted, random }) {
      const level = byName.get(wanted);
      if (level === undefined) {
        throw new ErrataError(`${name} has no level "${wanted}"`, {
          code: "ENVIRONMENT_LEVEL",
          hint: `use one of ${[...byName.keys()].join(", ")}`,
        });
      }
      return { ...proofTask(drawTheorem({ split, level, random }), wanted), domain: name };
    },

    identify({ data, level }) {
      attempts.start(data);
      const { id, split } = proofTask(parseSequent(data as string), level);
      return { id, split };
    },

    start: (task) => attempts.turnAt(attempts.start(task.data)),

    step: (state, action) => attempts.turnAt(attempts.act(state, action)),

    judge: (trajectory) => attempts.judge(trajectory),

    /** The two sides of a disjunction, where the correct method takes one and the other is fatal. */
    choices(state) {
      const goal = state.development.goals[0];
      if (goal === undefined || attempts.isOver(state) || goal.conclusion.kind !== "or") return [];
      const right = policies.correct(goal);
      if (right !== "left" && right !== "right") return [];
      return policies.losesNothing(goal, right === "left" ? "right" : "left")
        ? []
        : ["left", "right"];
    },

    corrupt: (task, actions, random) => attempts.corrupt(task.data, actions, random),
  };
}

/** The task of a theorem. Its atoms are renamed in the order they are read, and the text is the id. */
export function proofTask(sequent: Sequent, level: string): Task {
  const text = sequentText(canonicalSequent(sequent));
  return { id: text, domain: "proof", level, split: splitOf(sequent), data: text };
}

function onFirstGoal(policy: policies.GoalPolicy): Procedure<ProofState> {
  return (state, random) => {
    const goal = state.development.goals[0];
    return goal === undefined ? policies.GIVE_UP : policy(goal, random);
  };
}
