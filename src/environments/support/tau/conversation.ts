/** A conversation between an agent, a simulated user and a database, as tau-bench steps it. */
import type { Message } from "../../environment.js";
import type { Database } from "../database.js";
import { callTool, type Tool, type ToolCall } from "../tool.js";
import { callText, parseAgentAction } from "./action.js";
import type { TauTask } from "./task.js";
import { USER_ENDS } from "./user.js";

/** The tool that ends a conversation. */
export const TRANSFER_TOOL = "transfer_to_human_agents";

/** A tool call that the agent made. */
export interface MadeCall {
  /** Index of the agent's turn. */
  readonly step: number;
  readonly call: ToolCall;
  readonly kind: Tool["kind"];
  readonly error: boolean;
}

/** Immutable: keeping an old state is a fork. */
export interface TauState {
  readonly task: TauTask;
  readonly database: Database;
  /** Everything but the system message. */
  readonly messages: readonly Message[];
  readonly calls: readonly MadeCall[];
  /** Turns of the agent so far. */
  readonly steps: number;
  readonly end?: "stop" | "transfer" | "out-of-scope";
}

/** A domain's tools by name, whatever the types of its rows. */
export type Tools = ReadonlyMap<string, Tool>;

/** The state after the user's first message. */
export function openConversation(task: TauTask, database: Database, opening: string): TauState {
  return { task, database, messages: [{ role: "user", content: opening }], calls: [], steps: 0 };
}

/**
 * The state after one turn of the agent. A tool call is answered at once, a malformed one with an
 * error; a message leaves the state waiting for {@link afterUser}.
 */
export function afterAgent(state: TauState, text: string, tools: Tools): TauState {
  const action = parseAgentAction(text);
  const step = state.steps;
  const spoken = (content: string): Message => ({ role: "assistant", content });
  const base = { ...state, steps: step + 1 };
  if (action.kind === "say") return { ...base, messages: [...state.messages, spoken(action.text)] };
  const answered = (content: string): readonly Message[] => [
    ...state.messages,
    spoken(action.kind === "call" ? callText(action.call) : text),
    { role: "tool", content },
  ];
  if (action.kind === "malformed")
    return { ...base, messages: answered(`Error: ${action.message}`) };
  const { call } = action;
  const { database, text: content, error } = callTool(tools, state.database, call);
  const made: MadeCall = { step, call, kind: tools.get(call.name)?.kind ?? "generic", error };
  return {
    ...base,
    database,
    messages: answered(content),
    calls: [...state.calls, made],
    ...(call.name === TRANSFER_TOOL && !error ? { end: "transfer" } : {}),
  };
}

/** Whether the user is to speak next. */
export function awaitsUser({ messages, end }: TauState): boolean {
  return end === undefined && messages.at(-1)?.role === "assistant";
}

/** The state after the user's answer, which ends the conversation if it holds a word of {@link USER_ENDS}. */
export function afterUser(state: TauState, text: string): TauState {
  const end = text.includes(USER_ENDS.stop)
    ? "stop"
    : text.includes(USER_ENDS.transfer)
      ? "transfer"
      : text.includes(USER_ENDS.outOfScope)
        ? "out-of-scope"
        : undefined;
  const messages: Message[] = [...state.messages, { role: "user", content: text }];
  return { ...state, messages, ...(end === undefined ? {} : { end }) };
}

/** What the agent and the user said to each other, without tool calls and their answers. */
export function dialogue({ messages }: TauState): Message[] {
  return messages.filter(
    ({ role }, i) => role === "user" || (role === "assistant" && messages[i + 1]?.role !== "tool"),
  );
}
