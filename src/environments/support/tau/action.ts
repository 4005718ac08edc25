/** What a language model writes in one turn: a message to the user, or one tool call as JSON. */
import { z } from "zod";
import type { ToolCall } from "../tool.js";

/** One turn of an agent. */
export type AgentAction =
  | { readonly kind: "say"; readonly text: string }
  | { readonly kind: "call"; readonly call: ToolCall }
  | { readonly kind: "malformed"; readonly message: string };

const callShape = z.object({ name: z.string(), arguments: z.record(z.string(), z.json()) });

/**
 * Reads a turn. A call is `{"name": ..., "arguments": {...}}` and nothing else, alone, in a code
 * fence, or between `<tool_call>` tags (Hermes), where text beside it is left out. Text that sets
 * out to be a call and is none is malformed; everything else is a message.
 */
export function parseAgentAction(text: string): AgentAction {
  const tagged = [...text.matchAll(/<tool_call>([\s\S]*?)(?:<\/tool_call>|$)/g)].map(
    (match) => match[1]!,
  );
  if (tagged.length > 1) return { kind: "malformed", message: "make one tool call at a time" };
  const source = tagged[0] ?? text.replace(/^\s*```(?:json)?\s*([\s\S]*?)\s*```\s*$/, "$1");
  const body = source.trim();
  if (tagged.length === 0 && !body.startsWith("{")) return { kind: "say", text: text.trim() };
  try {
    // Also what is nested deeper than a recursion goes is an error here.
    const parsed = callShape.safeParse(JSON.parse(body));
    if (parsed.success) return { kind: "call", call: parsed.data };
  } catch (cause) {
    return { kind: "malformed", message: `the tool call is not JSON: ${(cause as Error).message}` };
  }
  return { kind: "malformed", message: 'a tool call is {"name": ..., "arguments": {...}}' };
}

/** The text of a call. */
export function callText({ name, arguments: args }: ToolCall): string {
  return JSON.stringify({ name, arguments: args });
}
