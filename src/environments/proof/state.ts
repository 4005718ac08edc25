/** One attempt at a theorem, as the environment sees it. */
import { ErrataError } from "../../error.js";
import type { Json, Turn } from "../environment.js";
import { parseSequent, sequentText } from "./sequent.js";
import {
  applyTactic,
  develop,
  type Development,
  isProved,
  parseTactic,
  type Rejection,
} from "./tactics.js";

/** Most tactics in one attempt. */
export const MAX_STEPS = 14;

/** Why an attempt ended before its goals did. */
export type Refusal = Rejection | { readonly code: "malformed"; readonly message: string };

/** Immutable: keeping an old state is a fork. */
export interface ProofState {
  readonly development: Development;
  /** Actions taken, refused ones included. */
  readonly steps: number;
  readonly refusal?: Refusal;
}

/**
 * The state before the first tactic of a theorem written by `sequentText`.
 * @throws ErrataError `PROOF_TASK` when `data` is no text, `PROOF_SYNTAX` when it is no sequent.
 */
export function initialState(data: Json): ProofState {
  if (typeof data !== "string") {
    throw new ErrataError(`a proof task holds a sequent as text, not ${JSON.stringify(data)}`, {
      code: "PROOF_TASK",
      hint: "take tasks from proof().draw or proofTask",
    });
  }
  return { development: develop(parseSequent(data)), steps: 0 };
}

/** The state after an action; a state that is over stays as it is. */
export function act(state: ProofState, action: string): ProofState {
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
export function isOver({ development, steps, refusal }: ProofState): boolean {
  return refusal !== undefined || development.goals.length === 0 || steps >= MAX_STEPS;
}

/** Whether nothing is open and the kernel agrees. */
export function isSolved({ development, refusal }: ProofState): boolean {
  return refusal === undefined && isProved(development);
}

/** What a policy sees of a state: the first open goal. */
export function turnAt(state: ProofState): Turn<ProofState> {
  const { development, refusal } = state;
  const terminated = refusal !== undefined || development.goals.length === 0;
  return {
    state,
    observation: isOver(state) ? "" : observe(development),
    terminated,
    truncated: !terminated && isOver(state),
  };
}

function observe({ goals }: Development): string {
  const { hypotheses, conclusion } = goals[0]!;
  return sequentText({ hypotheses: hypotheses.map(({ formula }) => formula), goal: conclusion });
}
