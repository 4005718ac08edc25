/** Where a failed conversation first went wrong, by its writes. */
import type { StepVerdict } from "../../environment.js";
import { type Database } from "../database.js";
import { type Arguments, callTool } from "../tool.js";
import type { MadeCall, TauState, Tools } from "./conversation.js";
import { agrees, differing, type TauReward } from "./reward.js";
import { type ReferenceAction, referenceActions } from "./task.js";

/** Confidence that a write the reference does not make is the error: it may have been mended later. */
export const DIVERGING_CONFIDENCE = 0.8;

/** Confidence that an omission is to be charged to the turn where the agent stopped. */
export const OMISSION_CONFIDENCE = 0.5;

/** A located error, and the value it turned on. */
export interface Fault extends Omit<StepVerdict, "span"> {
  /** Arguments in which a write differs from the reference's, comma-separated; else empty. */
  readonly differs: string;
}

/**
 * The first error of a failed conversation, in this order:
 *
 *     guideline_violation       a write, and the reference makes none: it should have been refused
 *     tool_call_argument_error  a write of a tool that the reference uses too, with other arguments
 *     irrelevant_tool_call      a write of a tool that the reference does not use (any more)
 *     wrong_sequence            all the right writes, in an order that matters
 *     premature_termination     a write is missing, and the agent transferred the user
 *     missed_required_action    a write is missing, or something that was to be said
 *
 * The first three are found at the first write that the reference does not make (evidence `test`); the
 * others are charged to the agent's last turn. Only writes that were accepted count. Tags are
 * tau2-bench's.
 */
export function localise(
  { task, calls, end, steps }: TauState,
  { components, unsaid }: TauReward,
  start: Database,
  tools: Tools,
): Fault | undefined {
  if (steps === 0) return undefined;
  const writes = calls.filter(({ kind, error }) => kind === "write" && !error);
  const { needed } = neededWrites(referenceActions(task), start, tools);
  const missing = [...needed];
  let diverging: MadeCall | undefined;
  for (const made of writes) {
    const match = missing.findIndex((action) => agrees(action, made.call));
    if (match >= 0) missing.splice(match, 1);
    else diverging ??= made;
  }
  const last = {
    step: steps - 1,
    evidence: "heuristic",
    confidence: OMISSION_CONFIDENCE,
    differs: "",
  } as const;
  if (components["DB"] === false && diverging !== undefined) {
    const { step, call } = diverging;
    const meant = nearest(missing, call);
    const found = {
      step,
      evidence: "test",
      confidence: DIVERGING_CONFIDENCE,
      differs: "",
    } as const;
    if (needed.length === 0) {
      return {
        ...found,
        family: "guideline_violation",
        detail: `${call.name}, though nothing was to be written`,
      };
    }
    if (meant === undefined) {
      return {
        ...found,
        family: "irrelevant_tool_call",
        detail: `${call.name} was not to be called`,
      };
    }
    const differs = different(meant, call.arguments).join(",");
    const detail = `${call.name} with other ${differs} than the reference`;
    const expected = JSON.stringify({ name: meant.name, arguments: meant.arguments });
    return { ...found, differs, family: "tool_call_argument_error", detail, expected };
  }
  if (components["DB"] === false && missing.length > 0) {
    const detail = `${missing.map(({ name }) => name).join(", ")} never made`;
    const family = end === "transfer" ? "premature_termination" : "missed_required_action";
    return { ...last, family, detail };
  }
  if (components["DB"] === false) {
    return { ...last, family: "wrong_sequence", detail: "the right writes in another order" };
  }
  const detail =
    unsaid.length > 0
      ? `did not say ${unsaid.join(", ")}`
      : "the conversation did not come to its end";
  return { ...last, family: "missed_required_action", detail };
}

/** The reference's writes that are accepted and change something. */
export function neededWrites(
  actions: readonly ReferenceAction[],
  start: Database,
  tools: Tools,
): { readonly needed: readonly ReferenceAction[]; readonly refused: readonly ReferenceAction[] } {
  const needed: ReferenceAction[] = [];
  const refused: ReferenceAction[] = [];
  let database = start;
  for (const action of actions) {
    const outcome = callTool(tools, database, action);
    if (outcome.error) refused.push(action);
    else if (tools.get(action.name)?.kind === "write") needed.push(action);
    ({ database } = outcome);
  }
  return { needed, refused };
}

/** The missing reference write of the same tool that differs in the fewest arguments. */
function nearest(
  missing: readonly ReferenceAction[],
  call: { readonly name: string; readonly arguments: Arguments },
): ReferenceAction | undefined {
  return missing
    .filter(({ name }) => name === call.name)
    .toSorted(
      (a, b) => different(a, call.arguments).length - different(b, call.arguments).length,
    )[0];
}

function different({ arguments: wanted }: ReferenceAction, given: Arguments): string[] {
  return differing(wanted as Arguments, given, [
    ...new Set([...Object.keys(wanted), ...Object.keys(given)]),
  ]);
}
