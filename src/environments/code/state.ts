/** One attempt at a program, as the environment sees it. */
import { ErrataError } from "../../util/error.js";
import type { Json, Turn } from "../environment.js";
import { FRAGMENTS, placeAfter } from "./fragments.js";
import {
  type Requirement,
  parseRequirement,
  requirementText,
  needsCounter,
} from "./requirement.js";

/** Stands between what is asked and what is written. */
export const TURNSTILE = "|";

/** Why an attempt ended before its program did. */
export interface Refusal {
  readonly code: "malformed" | "syntax";
  readonly message: string;
}

/** Immutable: keeping an old state is a fork. */
export interface CodeState {
  readonly requirements: readonly Requirement[];
  /** Blocks written, one a requirement, in order. */
  readonly blocks: readonly (readonly string[])[];
  /** Fragments of the block being written. */
  readonly fragments: readonly string[];
  readonly refusal?: Refusal;
}

/**
 * The state before the first fragment of a task.
 * @throws ErrataError `CODE_TASK` when `data` is no list of texts, `CODE_REQUIREMENT` when one of
 * them is no requirement.
 */
export function initialState(data: Json): CodeState {
  if (!Array.isArray(data) || data.length === 0 || !data.every((x) => typeof x === "string")) {
    throw new ErrataError(`a code task holds requirements as texts, not ${JSON.stringify(data)}`, {
      code: "CODE_TASK",
      hint: "take tasks from code().draw or codeTask",
    });
  }
  return { requirements: data.map(parseRequirement), blocks: [], fragments: [] };
}

/** The state after a fragment; a state that is over stays as it is. */
export function write(state: CodeState, fragment: string): CodeState {
  const requirement = currentRequirement(state);
  if (requirement === undefined || state.refusal !== undefined) return state;
  if (!FRAGMENTS.includes(fragment)) {
    const message = `${JSON.stringify(fragment.slice(0, 40))} is no fragment`;
    return { ...state, refusal: { code: "malformed", message } };
  }
  const fragments = [...state.fragments, fragment];
  const place = placeAfter(fragments, needsCounter(requirement));
  if (place === undefined) {
    const message = `${fragment} cannot stand after ${state.fragments.join(" ") || "nothing"}`;
    return { ...state, refusal: { code: "syntax", message } };
  }
  return place.legal.length > 0
    ? { ...state, fragments }
    : { ...state, blocks: [...state.blocks, fragments], fragments: [] };
}

/** The requirement whose block is being written; undefined when the program is complete. */
export function currentRequirement({ requirements, blocks }: CodeState): Requirement | undefined {
  return requirements[blocks.length];
}

/** Complete or refused. */
export function isOver(state: CodeState): boolean {
  return state.refusal !== undefined || currentRequirement(state) === undefined;
}

/** What a policy sees of a state: one requirement, and what is written of its block. */
export function turnAt(state: CodeState): Turn<CodeState> {
  const terminated = isOver(state);
  return { state, observation: terminated ? "" : observe(state), terminated, truncated: false };
}

function observe(state: CodeState): string {
  return [requirementText(currentRequirement(state)!), TURNSTILE, ...state.fragments].join(" ");
}
