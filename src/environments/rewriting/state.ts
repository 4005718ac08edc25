/** One attempt at a theorem, as the environment sees it. */
import { ErrataError } from "../../error.js";
import type { Json, Turn } from "../environment.js";
import type { Order } from "./law.js";
import { factsText, parseSequent, sequentText, TURNSTILE } from "./sequent.js";
import {
  applyTactic,
  develop,
  type Development,
  goalRedex,
  isProved,
  parseTactic,
  type Rejection,
} from "./tactics.js";

/** Most tactics in one attempt. */
export const MAX_STEPS = 16;

/** Why an attempt ended before its goals did. */
export type Refusal = Rejection | { readonly code: "malformed"; readonly message: string };

/** Immutable: keeping an old state is a fork. */
export interface RewritingState {
  readonly development: Development;
  /** Actions taken, refused ones included. */
  readonly steps: number;
  readonly refusal?: Refusal;
}

/**
 * The state before the first tactic of a theorem written by `sequentText`.
 * @throws ErrataError `REWRITING_TASK` when `data` is no text, `REWRITING_SYNTAX` when it is no sequent.
 */
export function initialState(data: Json): RewritingState {
  if (typeof data !== "string") {
    throw new ErrataError(`a rewriting task holds a sequent as text, not ${JSON.stringify(data)}`, {
      code: "REWRITING_TASK",
      hint: "take tasks from rewriting().draw or rewritingTask",
    });
  }
  return { development: develop(parseSequent(data)), steps: 0 };
}

/** The state after an action; a state that is over stays as it is. */
export function act(state: RewritingState, action: string): RewritingState {
  if (isOver(state)) return state;
  const steps = state.steps + 1;
  const tactic = parseTactic(action);
  if (tactic === undefined) {
    const message = `${JSON.stringify(action)} is no tactic`;
    return { development: state.development, steps, refusal: { code: "malformed", message } };
  }
  const next = applyTactic(state.development, tactic);
  if ("code" in next) return { development: state.development, steps, refusal: next };
  return { development: next, steps };
}

/** Proved, refused or out of steps. */
export function isOver({ development, steps, refusal }: RewritingState): boolean {
  return refusal !== undefined || development.goals.length === 0 || steps >= MAX_STEPS;
}

/** Whether nothing is open and the kernel agrees. */
export function isSolved({ development, refusal }: RewritingState): boolean {
  return refusal === undefined && isProved(development);
}

/** What a policy sees of a state: the facts, and of the first open goal the next redex, if any. */
export function turnAt(state: RewritingState): Turn<RewritingState> {
  const { development, refusal } = state;
  const terminated = refusal !== undefined || development.goals.length === 0;
  const { facts } = development.sequent;
  return {
    state,
    observation: isOver(state) ? "" : observe(facts, development.goals[0]!),
    terminated,
    truncated: !terminated && isOver(state),
  };
}

function observe(facts: readonly Order[], goal: Order): string {
  const redex = goalRedex(goal);
  return redex === undefined
    ? sequentText({ facts, goal })
    : `${factsText(facts)} ${TURNSTILE} ${redex.text}`;
}
