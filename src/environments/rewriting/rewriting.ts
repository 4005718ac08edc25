/** The domain of rewriting under side conditions: one tactic per action, one goal per observation. */
import { ErrataError } from "../../util/error.js";
import type { Environment, Procedure, Task } from "../environment.js";
import { attempts, MAX_STEPS, type RewritingState } from "./attempts.js";
import { drawTheorem, MAX_FACTS, splitOf } from "./generator.js";
import { type Level, LEVELS } from "./level.js";
import * as policies from "./procedures.js";
import {
  canonicalSequent,
  FACT_NAMES,
  type Sequent,
  sequentText,
  TURNSTILE,
  parseSequent,
} from "./sequent.js";
import { SCHEMAS } from "./law.js";
import { ACTIONS } from "./tactics.js";
import { ATOMS, OPERATORS } from "./term.js";
import { forkAt } from "./walk.js";

export type { RewritingState } from "./attempts.js";

const LEVELS_BY_NAME: ReadonlyMap<string, Level> = new Map(
  LEVELS.map((level) => [level.name, level]),
);

const LONGEST_REDEX = Math.max(...SCHEMAS.map(([{ pattern }]) => pattern.text.split(" ").length));

/**
 * Orders between terms over the natural numbers, proved by rewriting under side conditions.
 *
 * A task is facts and a goal: `h0 <= b a h1 < a c |- < + - a b b c` (prefix form: (a - b) + b < c).
 * The observation is the facts and the first redex of the first open goal, `h0 <= b a h1 < a c |-
 * + - a b b`, or that goal where nothing is left to rewrite. An action is one tactic: `to x` rewrites
 * the redex to the atom x by the law that allows it and opens that law's side condition as the next
 * goal; `use h0` to `use h4` chain the goal with a fact that ends in its right side; `zero` with
 * 0 <= v. A refused tactic ends the episode, and so does the last goal.
 *
 * Subtraction is cut off at zero and division by zero gives zero, so (a - b) + b is a only if
 * b <= a, and (a * b) / b is a only if 0 < b. Every redex of the theorems drawn has two laws, of
 * which one side condition follows from the facts.
 *
 * Levels: `few-conditions` (three such forks, one or two of them exceptions to ordinary algebra, each
 * decided by one fact) and `many-conditions` (four or five, two or three, by up to two facts). No
 * shallow way of choosing laws proves any of the theorems drawn: not always the first law, not always
 * the second, not the operand that stands first or last.
 *
 * Mal-rules: `ignore` (the law of ordinary algebra, whatever its side condition), `exception`
 * (always the other one), `direct` (believes a condition that one fact states, else the first law; right on
 * `few-conditions`),
 * `hasty` (chains by the first fact that fits). Elsewhere they do as `correct` does.
 */
export function rewriting(): Environment<RewritingState> {
  return {
    name: "rewriting",
    lexicon: {
      symbols: [...ATOMS, "<", "<=", ...OPERATORS, TURNSTILE, ...FACT_NAMES, ...ACTIONS],
      separator: " ",
    },
    levels: LEVELS.map(({ name }) => name),
    maxSteps: MAX_STEPS,
    maxActionSymbols: 1,
    maxObservationSymbols: 4 * MAX_FACTS + 1 + LONGEST_REDEX,
    procedures: {
      correct: onFirstGoal(policies.correct),
      ignore: onFirstGoal(policies.ignore),
      exception: onFirstGoal(policies.exception),
      direct: onFirstGoal(policies.direct),
      hasty: onFirstGoal(policies.hasty),
      noise: onFirstGoal(policies.noise),
    },

    draw({ split, level: name, random }) {
      const level = LEVELS_BY_NAME.get(name);
      if (level === undefined) {
        throw new ErrataError(`rewriting has no level "${name}"`, {
          code: "ENVIRONMENT_LEVEL",
          hint: `use one of ${[...LEVELS_BY_NAME.keys()].join(", ")}`,
        });
      }
      return rewritingTask(drawTheorem({ split, level, random }), name);
    },

    identify({ data, level }) {
      attempts.start(data);
      const { id, split } = rewritingTask(parseSequent(data as string), level);
      return { id, split };
    },

    start: (task) => attempts.turnAt(attempts.start(task.data)),

    step: (state, action) => attempts.turnAt(attempts.act(state, action)),

    judge: (trajectory) => attempts.judge(trajectory),

    /** The two laws of a redex, where the side condition of one of them does not follow. */
    choices(state) {
      const { goals, sequent } = state.development;
      if (goals[0] === undefined || attempts.isOver(state)) return [];
      return forkAt(goals[0], sequent.facts)?.actions ?? [];
    },

    corrupt: (task, actions, random) => attempts.corrupt(task.data, actions, random),
  };
}

/** The task of a theorem. Its variables are renamed in the order they are read; the text is the id. */
export function rewritingTask(sequent: Sequent, level: string): Task {
  const text = sequentText(canonicalSequent(sequent));
  return { id: text, domain: "rewriting", level, split: splitOf(sequent), data: text };
}

function onFirstGoal(policy: policies.GoalPolicy): Procedure<RewritingState> {
  return ({ development }, random) => {
    const { goals, sequent } = development;
    return goals[0] === undefined ? policies.GIVE_UP : policy(goals[0], sequent.facts, random);
  };
}
