/** Conversations that tau-bench recorded, played again on the database. */
import { z } from "zod";
import { ErrataError } from "../../../util/error.js";
import { issuesOf } from "../../../util/issues.js";
import type { Step, Task, Trajectory } from "../../environment.js";
import type { Arguments } from "../tool.js";
import { callText } from "./action.js";
import {
  afterAgent,
  afterUser,
  awaitsUser,
  openConversation,
  type TauState,
} from "./conversation.js";
import type { TauDomain } from "./load.js";
import { taskData, type TauTask } from "./task.js";

/** One message as OpenAI-compatible servers write it. */
export interface RecordedMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content?: string | null | undefined;
  readonly tool_calls?:
    | readonly { readonly function: { readonly name: string; readonly arguments: string } }[]
    | null
    | undefined;
}

/** One conversation with the reward it was given. */
export interface RecordedConversation {
  readonly task_id: number;
  readonly trial: number;
  readonly reward: number;
  readonly info: {
    readonly task: {
      readonly user_id: string;
      readonly instruction: string;
      readonly outputs: readonly string[];
      readonly actions: readonly { readonly name: string; readonly kwargs: Arguments }[];
    };
  };
  readonly traj: readonly RecordedMessage[];
}

const message: z.ZodType<RecordedMessage> = z.object({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.string().nullish(),
  tool_calls: z
    .array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) }))
    .nullish(),
});

const conversations: z.ZodType<RecordedConversation[]> = z.array(
  z.object({
    task_id: z.number(),
    trial: z.number(),
    reward: z.number(),
    info: z.object({
      task: z.object({
        user_id: z.string(),
        instruction: z.string(),
        outputs: z.array(z.string()),
        actions: z.array(z.object({ name: z.string(), kwargs: z.record(z.string(), z.json()) })),
      }),
    }),
    traj: z.array(message),
  }),
);

/**
 * Reads a file of tau-bench's historical_trajectories.
 * @throws ErrataError `TAU_TRAJECTORY` where it is none.
 */
export function parseRecorded(json: unknown, where: string): RecordedConversation[] {
  const parsed = conversations.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ErrataError(`${where} holds no tau-bench trajectories: ${issuesOf(parsed.error)}`, {
    code: "TAU_TRAJECTORY",
    hint: "use a file of historical_trajectories in https://github.com/sierra-research/tau-bench",
  });
}

/** The task of a recorded conversation, in tau2-bench's form. */
export function recordedTask({ task_id, info: { task } }: RecordedConversation): TauTask {
  return {
    id: `tau-bench-${task_id}`,
    user_scenario: { instructions: task.instruction },
    evaluation_criteria: {
      actions: task.actions.map(({ name, kwargs }) => ({ name, arguments: kwargs })),
      communicate_info: task.outputs,
      reward_basis: ["DB", "COMMUNICATE"],
    },
  };
}

/**
 * Plays a recorded conversation again: the agent's turns are carried out, what tools answered then is
 * ignored, and the user says what they said then. A message of the agent that the user never answered
 * ends it.
 */
export function replay(
  conversation: RecordedConversation,
  { database, tools }: TauDomain,
  name = "tau-airline",
): Trajectory<TauState> {
  const given = recordedTask(conversation);
  const task: Task = {
    id: `${name}-${given.id}`,
    domain: name,
    level: "recorded",
    split: "train",
    data: taskData(given),
  };
  const rest = conversation.traj.filter(({ role }) => role === "user" || role === "assistant");
  const opening = rest[0]?.role === "user" ? (rest.shift()!.content ?? "") : "";
  let state = openConversation(given, database, opening);
  const steps: Step<TauState>[] = [];
  for (const { role, content, tool_calls } of rest) {
    if (state.end !== undefined) break;
    if (role === "user") {
      if (awaitsUser(state)) state = afterUser(state, content ?? "");
      continue;
    }
    const call = tool_calls?.[0]?.function;
    const action =
      call === undefined
        ? (content ?? "")
        : callText({ name: call.name, arguments: JSON.parse(call.arguments) as Arguments });
    steps.push({
      state,
      observation: state.messages.map((m) => `${m.role}: ${m.content}`).join("\n\n"),
      messages: state.messages,
      action,
    });
    state = afterAgent(state, action, tools);
  }
  const terminated = state.end !== undefined;
  return { task, steps, end: { state, observation: "", terminated, truncated: !terminated } };
}
