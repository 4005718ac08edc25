/** Rules of the published policies that can be watched without knowing the right answer. */
import type { Json } from "../../environment.js";
import type { TauState } from "./conversation.js";

/** A rule that a write of the agent seems to break. */
export interface SuspectWrite {
  /** Index of the agent's turn. */
  readonly step: number;
  readonly rule: "confirmation" | "grounding";
  readonly detail: string;
}

const YES =
  /\b(yes|yeah|yep|sure|ok|okay|please do|go ahead|proceed|confirm|confirmed|correct|sounds good|that works|absolutely|definitely)\b/i;

/** Text that names something in the database: at least one digit, five characters or more. */
const ID = /^(?=.*\d)[\w#-]{5,}$/;

/**
 * Accepted writes that the user has not agreed to in their last message (`confirmation`, by a list of
 * words), or that use an id which neither the user nor a tool has mentioned (`grounding`).
 *
 * A heuristic: it takes no part in the reward and is no evidence of an error by itself.
 */
export function suspectWrites({ messages, calls }: TauState): SuspectWrite[] {
  const turns = messages.flatMap(({ role }, i) => (role === "assistant" ? [i] : []));
  return calls
    .filter(({ kind, error }) => kind === "write" && !error)
    .flatMap(({ step, call }): SuspectWrite[] => {
      const before = messages.slice(0, turns[step]);
      const last = before.findLast(({ role }) => role === "user")?.content ?? "";
      const known = before.filter(({ role }) => role !== "assistant").map(({ content }) => content);
      const unknown = idsIn(call.arguments).find((id) => !known.some((text) => text.includes(id)));
      return [
        ...(YES.test(last)
          ? []
          : [
              {
                step,
                rule: "confirmation",
                detail: `${call.name} after ${JSON.stringify(last)}`,
              } as const,
            ]),
        ...(unknown === undefined
          ? []
          : [
              {
                step,
                rule: "grounding",
                detail: `${call.name} with ${unknown}, which nobody mentioned`,
              } as const,
            ]),
      ];
    });
}

function idsIn(value: Json): string[] {
  if (typeof value === "string")
    return ID.test(value) && !/^\d{4}-\d\d-\d\d$/.test(value) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(idsIn);
}
