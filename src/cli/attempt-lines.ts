/** An attempt of the corpus as a person reads it. */
import type { Message } from "../environments/environment.js";
import type { TraceStep } from "../mistakes/corpus/mistake.js";

/**
 * One line for each step, `prompt  =>  action`; of a conversation one for each message that the step
 * before had not shown, then the action.
 */
export function attemptLines(trace: readonly TraceStep[]): string[] {
  let seen: readonly Message[] = [];
  return trace.flatMap(({ prompt, messages, action }, i) => {
    if (messages === undefined) return [`${prompt}  =>  ${action}`];
    const known = seen.findIndex(
      (m, n) => m.role !== messages[n]?.role || m.content !== messages[n]?.content,
    );
    const fresh = messages.slice(known === -1 ? seen.length : known);
    seen = messages;
    // The student's own last words, as the conversation repeats them.
    const repeated = fresh[0]?.role === "assistant" && fresh[0].content === trace[i - 1]?.action;
    return [
      ...fresh.slice(repeated ? 1 : 0).map(({ role, content }) => `${role}: ${content}`),
      `  =>  ${action}`,
    ];
  });
}
