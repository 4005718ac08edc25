/** One attempt at a theorem, as Coq sees it. */
import { ErrataError } from "../../util/error.js";
import type { Json, Message, Turn } from "../environment.js";
import { coqSentence, coqTheorem } from "../proof/export.js";
import { MAX_HYPOTHESES, parseSequent, sequentText } from "../proof/sequent.js";
import type { Goal } from "../proof/tactics.js";
import { parseInfix, type PrintedGoal } from "./goal.js";
import { type CoqProver, type Played, THEOREM } from "./prover.js";
import { statementFault, tacticFault } from "./sentence.js";

/** Most sentences in one attempt. */
export const MAX_STEPS = 16;

/** `lexicon`: actions and observations of the `proof` domain. `text`: Coq's own. */
export type Form = "lexicon" | "text";

/** What a task holds: a sequent of the `proof` domain, or a statement with a proof where one is known. */
export type CoqData =
  | { readonly sequent: string }
  | { readonly statement: string; readonly proof?: readonly string[] };

/** Immutable: keeping an old state is a fork. */
export interface CoqState {
  readonly form: Form;
  readonly data: CoqData;
  /** The sentence that opens the proof. */
  readonly theorem: string;
  /** Sentences that Coq accepted. */
  readonly script: readonly string[];
  /** Actions taken, refused ones included. */
  readonly steps: number;
  /** Coq's goals; before the first action the statement. */
  readonly text: string;
  /** The first open goal, where it is one of propositional logic. */
  readonly goal: Goal | undefined;
  /** Coq says that nothing is left to prove. */
  readonly finished: boolean;
  readonly refusal?: { readonly family: string; readonly message: string };
}

/**
 * The state before the first tactic.
 * @throws ErrataError `COQ_TASK` when the task holds no sequent or a statement that may not be sent.
 */
export function initialState(json: Json, form: Form): CoqState {
  const data = json as CoqData;
  const fresh = { form, data, script: [], steps: 0, finished: false };
  if (typeof data === "object" && data !== null && "sequent" in data) {
    const sequent = parseSequent(data.sequent);
    const goal: Goal = {
      hypotheses: sequent.hypotheses.map((formula, variable) => ({ formula, variable })),
      conclusion: sequent.goal,
    };
    const theorem = coqTheorem(sequent, THEOREM);
    return { ...fresh, theorem, text: theorem, goal };
  }
  const statement = typeof data?.statement === "string" ? data.statement : undefined;
  const fault = statement === undefined ? "no statement" : statementFault(statement);
  if (fault !== undefined || form === "lexicon") {
    throw new ErrataError(
      `a Coq task cannot be ${JSON.stringify(json)}: ${fault ?? "text alone"}`,
      {
        code: "COQ_TASK",
        hint: "take tasks from draw or coqTask; goals given as text need the form `text`",
      },
    );
  }
  const theorem = `Theorem ${THEOREM} : ${statement}.`;
  return { ...fresh, theorem, text: theorem, goal: undefined };
}

/** The sentence that an action stands for in a state; undefined for a text that stands for none. */
export function sentenceOf({ form, goal }: CoqState, action: string): string | undefined {
  if (form === "text") return action.trim();
  return goal && coqSentence(action, goal, freshName(goal));
}

/** The state after an action; a state that is over stays as it is. */
export async function act(prover: CoqProver, state: CoqState, action: string): Promise<CoqState> {
  return isOver(state) ? state : (await tryAction(prover, state, action)).state;
}

/** The state after an action, with Coq's word on it where it was asked. */
export async function tryAction(
  prover: CoqProver,
  state: CoqState,
  action: string,
): Promise<{ readonly state: CoqState; readonly played?: Played }> {
  const steps = state.steps + 1;
  const refused = (family: string, message: string): CoqState => ({
    ...state,
    steps,
    refusal: { family, message },
  });
  const sentence = sentenceOf(state, action);
  const fault = sentence === undefined ? "no tactic" : tacticFault(sentence);
  if (sentence === undefined || fault !== undefined)
    return { state: refused("malformed", `${JSON.stringify(action.slice(0, 80))}: ${fault}`) };
  const script = [...state.script, sentence];
  const played = await prover.play(state.theorem, script);
  if (!played.ok) {
    const family = played.fault === "error" ? familyOf(played.message) : played.fault;
    return { state: refused(family, played.message), played };
  }
  const { proof } = played;
  const goal = proof.first === undefined ? undefined : propositional(proof.first);
  const next = { ...state, script, steps, text: proof.text, goal, finished: proof.finished };
  if (state.form === "lexicon" && !proof.finished) {
    if (goal === undefined || goal.hypotheses.length > MAX_HYPOTHESES)
      return { state: refused("outside-lexicon", `no words for ${proof.text}`), played };
  }
  return { state: next, played };
}

/** Finished, refused or out of steps. */
export function isOver({ finished, refusal, steps }: CoqState): boolean {
  return finished || refusal !== undefined || steps >= MAX_STEPS;
}

/** What a policy sees: the first goal in the words of `proof`, or all goals as Coq prints them. */
export function turnAt(state: CoqState): Turn<CoqState> {
  const terminated = state.finished || state.refusal !== undefined;
  const observation = isOver(state) ? "" : observe(state);
  return {
    state,
    observation,
    ...(state.form === "text" && observation !== ""
      ? { messages: [{ role: "system", content: INSTRUCTION }, user(observation)] }
      : {}),
    terminated,
    truncated: !terminated && isOver(state),
  };
}

const INSTRUCTION =
  "You prove a theorem in Coq. Each of your messages is exactly one tactic sentence, ending with a full stop.";

function user(content: string): Message {
  return { role: "user", content };
}

function observe({ form, goal, text, theorem, script }: CoqState): string {
  if (form === "lexicon") {
    const { hypotheses, conclusion } = goal!;
    return sequentText({ hypotheses: hypotheses.map(({ formula }) => formula), goal: conclusion });
  }
  return script.length === 0 ? text : [theorem, "Proof.", ...script, "", text].join("\n");
}

/**
 * A printed goal in the terms of `proof`, hypotheses in the order they came up: `destruct` puts new ones
 * where the old one stood, `proof` puts them last. Undefined where it is not propositional.
 */
export function propositional({ hypotheses, conclusion }: PrintedGoal): Goal | undefined {
  const goal = parseInfix(conclusion);
  if (goal === undefined) return undefined;
  const known: { variable: number; formula: Goal["conclusion"] }[] = [];
  for (const { name, type } of hypotheses) {
    if (type === "Prop") continue;
    const formula = parseInfix(type);
    const number = /^h(\d+)$/.exec(name);
    if (formula === undefined || number === null) return undefined;
    known.push({ variable: Number(number[1]), formula });
  }
  known.sort((a, b) => a.variable - b.variable);
  return { hypotheses: known, conclusion: goal };
}

function freshName({ hypotheses }: Goal): number {
  return hypotheses.reduce((most, { variable }) => Math.max(most, variable + 1), 0);
}

const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/Syntax error|Lexer/i, "syntax"],
  [/was not found in the current environment|No such hypothesis/, "unknown-hypothesis"],
  [
    /expected to have type|[Uu]nable to unify|[Ii]mpossible to unify|Unable to find an instance/,
    "type-mismatch",
  ],
  [/No product|Not an inductive (goal|product)|Not a (negated|equality)/, "wrong-goal"],
  [/No such goal|no more subgoals|No more goals/i, "no-goal"],
  [/Found no subterm matching|did not find/i, "no-match"],
  [/Tactic failure|Cannot find witness|No applicable tactic/, "tactic-failure"],
];

/** The family of an error, from Coq's message. */
export function familyOf(message: string): string {
  return FAMILIES.find(([pattern]) => pattern.test(message))?.[1] ?? "refused";
}
