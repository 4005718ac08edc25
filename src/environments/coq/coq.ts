/** The domain of theorem proving in Coq itself: one tactic sentence per action. */
import { ErrataError } from "../../util/error.js";
import { hashText, type Random } from "../../util/random.js";
import type { Environment, Json, Procedure, Split, Task } from "../environment.js";
import { coqVersion } from "../proof/coq.js";
import { play } from "../proof/forks.js";
import * as policies from "../proof/procedures.js";
import { proof } from "../proof/proof.js";
import { parseSequent } from "../proof/sequent.js";
import { judgeCoq } from "./judge.js";
import { CoqProver, type ProverOptions } from "./prover.js";
import { isLibrary } from "./sentence.js";
import {
  act,
  type CoqData,
  type CoqState,
  type Form,
  initialState,
  MAX_STEPS,
  sentenceOf,
  turnAt,
} from "./state.js";

export type { CoqState } from "./state.js";

/** A theorem given as text. */
export interface CoqTheorem {
  readonly id: string;
  /** Gallina, without the full stop: `forall n : nat, n + 0 = n`. */
  readonly statement: string;
  /** A right proof, one sentence an entry, where known: then `correct` plays it. */
  readonly proof?: readonly string[];
  /** Default: by a hash of the statement, one tenth each for validation and test. */
  readonly split?: Split;
}

/** Options of {@link coq} and {@link coqText}. */
export interface CoqEnvironmentOptions extends ProverOptions {
  /** Theorems instead of the propositional ones; only for {@link coqText}. */
  readonly theorems?: readonly CoqTheorem[];
}

const GIVEN = "given";

/**
 * The tasks, observations and actions of the `proof` domain, played and judged by a running Coq: a
 * from-scratch student of `proof` acts here unchanged. The goal that is observed is the one Coq
 * prints, and Coq's tactics do a little more than those of `proof`: `left` introduces premises first.
 */
export function coq(options: ProverOptions = {}): Environment<CoqState> {
  return build("coq", "lexicon", options);
}

/**
 * Theorems proved by Coq sentences as text, for models that bring their own tokenizer. Without
 * `theorems` the tasks are those of `proof`. Text is checked by `tacticFault` before it is sent.
 * @throws ErrataError `COQ_LIBRARY` on an import that is no library name.
 */
export function coqText(options: CoqEnvironmentOptions = {}): Environment<CoqState> {
  return build("coq-text", "text", options);
}

function build(name: string, form: Form, options: CoqEnvironmentOptions): Environment<CoqState> {
  const bad = options.imports?.find((each) => !isLibrary(each));
  if (bad !== undefined)
    throw new ErrataError(`"${bad}" is no name of a Coq library`, { code: "COQ_LIBRARY" });
  const prover = new CoqProver(options);
  const propositions = proof();
  const { theorems } = options;
  const given = theorems?.map((theorem) => theoremTask(name, theorem));
  const levels = given === undefined ? propositions.levels : [GIVEN];

  return {
    name,
    ...(form === "lexicon" ? { lexicon: propositions.lexicon! } : {}),
    levels,
    maxSteps: MAX_STEPS,
    maxActionSymbols: form === "lexicon" ? 1 : 96,
    maxObservationSymbols: form === "lexicon" ? propositions.maxObservationSymbols : 1024,
    procedures: {
      correct: onFirstGoal(policies.correct),
      left: onFirstGoal(policies.left),
      mention: onFirstGoal(policies.mention),
      exfalso: onFirstGoal(policies.exfalso),
      apply: onFirstGoal(policies.apply),
      noise: onFirstGoal(policies.noise),
    },

    draw({ split, level, random }) {
      requireCoq(options.executable);
      if (!levels.includes(level)) {
        throw new ErrataError(`${name} has no level "${level}"`, {
          code: "ENVIRONMENT_LEVEL",
          hint: `use one of ${levels.join(", ")}`,
        });
      }
      if (given === undefined) {
        const { id, data } = propositions.draw({ split, level, random });
        return { id, domain: name, level, split, data: { sequent: data } };
      }
      const tasks = given.filter((task) => task.split === split);
      if (tasks.length === 0)
        throw new ErrataError(`none of the theorems given is for ${split}`, { code: "COQ_TASK" });
      return random.pick(tasks);
    },

    ...(given === undefined
      ? {}
      : { tasks: (split: Split) => given.filter((task) => task.split === split) }),

    start: (task) => turnAt(initialState(task.data, form)),

    step: async (state, action) => turnAt(await act(prover, state, action)),

    judge: (trajectory) => judgeCoq(prover, trajectory, form),

    choices(state) {
      const { goal } = state;
      if (goal === undefined || goal.conclusion.kind !== "or") return [];
      const right = policies.correct(goal);
      if (right !== "left" && right !== "right") return [];
      if (policies.losesNothing(goal, right === "left" ? "right" : "left")) return [];
      return form === "lexicon" ? ["left", "right"] : ["left.", "right."];
    },

    corrupt: (task, actions, random) => corrupt(task, actions, random),
  };
}

/** The task of a theorem given as text. */
export function theoremTask(domain: string, theorem: CoqTheorem): Task {
  const { id, statement, proof: script, split } = theorem;
  const tenth = hashText(statement) % 10;
  const data: CoqData = script === undefined ? { statement } : { statement, proof: script };
  return {
    id,
    domain,
    level: GIVEN,
    split: split ?? (tenth === 0 ? "test" : tenth === 1 ? "validation" : "train"),
    data: data as Json,
  };
}

/** On goals of propositional logic the policies of `proof`; else the given proof, line by line. */
function onFirstGoal(policy: policies.GoalPolicy): Procedure<CoqState> {
  return (state, random) => {
    const { goal, form, data, script } = state;
    if (form === "text" && "statement" in data && policy === policies.correct)
      return data.proof?.[script.length] ?? "exact I.";
    if (goal === undefined) return form === "text" ? "auto." : policies.GIVE_UP;
    const action = policy(goal, random);
    return form === "lexicon" ? action : sentenceOf({ ...state, form: "lexicon" }, action)!;
  };
}

/**
 * A right proof with one disjunct chosen wrong, such that what is left cannot be proved by any
 * sentence; for theorems given as text, without its last sentence.
 */
function corrupt(task: Task, actions: readonly string[], random: Random): string[] | undefined {
  const data = task.data as CoqData;
  if (!("sequent" in data)) return actions.length > 0 ? actions.slice(0, -1) : undefined;
  const { moves } = play(parseSequent(data.sequent), policies.correct, { limit: MAX_STEPS });
  const head = (action: string): string => action.split(/[\s.]/)[0]!;
  const sides: Readonly<Record<string, string>> = { left: "right", right: "left" };
  const places = moves.flatMap(({ goal, action }, i) => {
    const other = sides[action];
    return other === undefined || head(actions[i] ?? "") !== action
      ? []
      : policies.losesNothing(goal, other)
        ? []
        : [i];
  });
  if (places.length === 0) return undefined;
  const place = random.pick(places);
  return actions.with(
    place,
    actions[place]!.replace(/left|right/, (side) => sides[side]!),
  );
}

const found = new Map<string, boolean>();

/** Says early that Coq is missing: a broken rollout later would only count as wrong. */
function requireCoq(executable = "coqtop"): void {
  if (!found.has(executable)) found.set(executable, coqVersion(executable) !== undefined);
  if (found.get(executable) === true) return;
  throw new ErrataError(`${executable} cannot be started`, {
    code: "COQ_MISSING",
    hint: "install Coq (Debian: apt-get install coq), or pass the path of coqtop",
  });
}
