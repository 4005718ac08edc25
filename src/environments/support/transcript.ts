/** Conversations at the desk in the forms that others use: OpenAI messages, tau2-bench tasks. */
import type { Json, Task, Trajectory } from "../environment.js";
import { type Action, type Deed, deedText, parseAction, toolCallOf } from "./action.js";
import { act, openConversation } from "./conversation.js";
import { deskTools } from "./desk-tools.js";
import { type DeskTask, type Errand, openTask } from "./errand.js";
import { referenceCalls } from "./judge.js";
import { POLICY } from "./policy.js";
import type { SupportState } from "./state.js";
import { callTool } from "./tool.js";
import { USER_ENDS } from "./tau/user.js";

/** One message as OpenAI-compatible servers take it. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string | null;
  readonly tool_calls?: readonly {
    readonly id: string;
    readonly type: "function";
    readonly function: { readonly name: string; readonly arguments: string };
  }[];
  readonly tool_call_id?: string;
}

/**
 * A conversation as OpenAI messages: the policy, then each compact action as the tool call or the
 * message it stands for, each answer of a tool, and what the customer said. What another agent did
 * before is part of it.
 */
export function chatMessages({ task, steps }: Trajectory<SupportState>): ChatMessage[] {
  const { history } = openTask(task.data);
  let state = openConversation({ ...(task.data as DeskTask), history: [] } as unknown as Json);
  const messages: ChatMessage[] = [
    { role: "system", content: POLICY },
    {
      role: "user",
      content: `Hi! ${identityText(state)} ${requestSentence(state)}`.replaceAll("  ", " "),
    },
  ];
  for (const [i, text] of [...history, ...steps.map(({ action }) => action)].entries()) {
    const action = parseAction(text);
    const next = act(state, text);
    const call = action && toolCallOf(action, state.desk, state.order?.id);
    if (call === undefined) {
      messages.push({
        role: "assistant",
        content: action === undefined ? text : spoken(state, action),
      });
      if (next.breach === undefined)
        messages.push({ role: "user", content: answerText(state, next) });
    } else {
      const id = `call_${i}`;
      const { name, arguments: args } = call;
      messages.push({
        role: "assistant",
        content: null,
        tool_calls: [{ id, type: "function", function: { name, arguments: JSON.stringify(args) } }],
      });
      const answer = callTool(deskTools, state.desk, call).text;
      const content = next.breach === undefined ? answer : `Error: ${next.breach.detail}`;
      messages.push({ role: "tool", tool_call_id: id, content });
    }
    if (next.breach !== undefined) break;
    state = next;
  }
  return messages;
}

/** A task of the desk in tau2-bench's form, the scripted user beside the text that tells of it. */
export function tau2Task(task: Task): Json {
  const { customer, desk } = openTask(task.data);
  const { name, zip, email } = desk.get("users", customer.user)!;
  const info = customer.forgetsZip ? `Your email is ${email}.` : `Your zip code is ${zip}.`;
  return {
    id: task.id,
    description: {
      purpose: `A conversation of level ${task.level}`,
      relevant_policies: null,
      notes: null,
    },
    user_scenario: {
      persona: customer.careless ? "You agree to offers without reading them closely." : null,
      instructions: {
        domain: "support",
        reason_for_call: customer.errands.map(errandText).join("\n"),
        known_info: `You are ${name}. Your user id is ${customer.user}. ${info}`,
        unknown_info: customer.forgetsZip ? "You do not remember your zip code." : null,
        task_instructions: "Bring up one request after the other.",
      },
    },
    user_script: customer as unknown as Json,
    initial_state: { initialization_data: { agent_data: (task.data as { tables: Json }).tables } },
    evaluation_criteria: {
      actions: referenceCalls(task).map((call, i) => ({
        action_id: `${task.id}_${i}`,
        ...call,
      })) as Json,
      communicate_info: customer.errands.flatMap(({ request }) => {
        const order = desk.get("orders", request.order);
        return request.verb === "status" && order?.user === customer.user ? [order.status] : [];
      }),
      nl_assertions: null,
      reward_basis: ["DB", "COMMUNICATE"],
    },
  };
}

function errandText({ request, change, pushes }: Errand): string {
  const { verb, order, product, colour } = request;
  const item = product === undefined ? "" : ` the ${product} of`;
  const wanted = colour === undefined ? "" : ` for a ${colour} one`;
  const turn =
    change === undefined
      ? ""
      : change === "withdraws"
        ? " When it is first offered, you decide against it."
        : ` When it is first offered, you make it the ${change.product} instead.`;
  const insisting = pushes === true ? " If it is refused, you ask for an exception once." : "";
  return `You want ${verb === "status" ? "to know the status of" : `to ${verb}`}${item} order ${order}${wanted}.${turn}${insisting}`;
}

function identityText({ claims, customer }: SupportState): string {
  if (claims.length === 0) return "";
  return claims.includes(customer.user)
    ? `My user id is ${customer.user}.`
    : `I am ${claims.join(", ")}.`;
}

function requestSentence({ request, told }: SupportState): string {
  const { verb, order, product, colour } = request;
  const item =
    product === undefined ? "" : told.product ? ` the ${product} from` : " something from";
  const which = told.order ? `order ${order}` : "an order";
  if (verb === "status") return `What is the status of ${which}?`;
  return `I would like to ${verb}${item} ${which}${colour === undefined ? "" : ` for a ${colour} one`}.`;
}

function spoken(state: SupportState, action: Action): string {
  switch (action.kind) {
    case "ask":
      return {
        identity: "Could you tell me your name and zip code, or your email?",
        order: "Which order is it about?",
        product: "Which item is it about?",
      }[action.about];
    case "offer":
      return `I can ${deedSentence(state, action.deed)}. Shall I go ahead (yes/no)?`;
    case "tell":
      return `Your order is ${action.status}.`;
    case "deny":
      return "I am sorry, but our policy does not allow that.";
    default:
      return "That is taken care of. Is there anything else?";
  }
}

function deedSentence({ order, product }: SupportState, deed: Deed): string {
  const line =
    deed.verb === "cancel"
      ? undefined
      : order?.row.lines.find((each) => each.product === deed.product);
  const what = line === undefined ? "" : ` the ${line.product} (${line.item}) of`;
  const variant =
    deed.verb === "exchange"
      ? product?.row.variants.find(({ colour }) => colour === deed.colour)
      : undefined;
  const into = variant === undefined ? "" : ` for the ${variant.colour} one (${variant.item})`;
  return `${deedText(deed).split(" ")[0]}${what} order ${order?.id}${into}`;
}

/** What the customer said between two states. */
function answerText(before: SupportState, after: SupportState): string {
  if (after.end !== undefined) return USER_ENDS.stop;
  if (after.errand !== before.errand) return `Thank you. ${requestSentence(after)}`;
  if (after.claims.length > before.claims.length) return `I am ${after.claims.join(", ")}.`;
  if (after.told !== before.told && after.request === before.request) return requestSentence(after);
  switch (after.heard) {
    case "yes":
      return "Yes.";
    case "no":
      return `No. ${requestSentence(after)}`;
    case "please":
      return "Please, could you make an exception for me?";
    case "never-mind":
      return "No, never mind. I will keep it as it is.";
    default:
      return `I am still waiting. ${requestSentence(after)}`;
  }
}
