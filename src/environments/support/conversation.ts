/** A conversation at the desk: how it begins, what an action does to it, what an agent sees of it. */
import type { Json, Task, Turn } from "../environment.js";
import { type Action, type Deed, deedText, parseAction, toolCallOf } from "./action.js";
import { nextErrand, reply } from "./customer.js";
import { deskTools } from "./desk-tools.js";
import { takeoverId } from "./draw.js";
import { type Customer, type DeskTask, openTask } from "./errand.js";
import { breachOf } from "./monitors.js";
import { isWanted, requestText, type SupportState } from "./state.js";
import { callTool } from "./tool.js";
import { type Desk, type OrderRow, type ProductRow, type Tier, weeksSymbol } from "./world.js";

/** Most actions in a conversation. */
export const MAX_STEPS = 26;

/** The state in which a task begins: after the customer's first message and the task's history. */
export function openConversation(data: Json): SupportState {
  const { desk, customer, history } = openTask(data);
  return history.reduce(act, initialState(desk, customer));
}

/**
 * The task of taking over from another agent after `actions`: what they said and did stands. Undefined
 * where the conversation is over by then, or can no longer come right.
 */
export function takeover(task: Task, actions: readonly string[]): Task | undefined {
  const { history } = openTask(task.data);
  const data = { ...(task.data as DeskTask), history: [...history, ...actions] } as unknown as Json;
  const state = openConversation(data);
  if (isOver(state) || state.loss !== undefined) return undefined;
  return { ...task, id: takeoverId(task.id, actions), data };
}

function initialState(desk: Desk, customer: Customer): SupportState {
  const user = desk.get("users", customer.user)!;
  const claims = {
    nothing: [],
    "name-and-zip": [user.name, user.zip],
    email: [user.email],
    "user-id": [customer.user],
  }[customer.opening];
  const start = {
    desk,
    customer,
    steps: 0,
    errand: -1,
    request: customer.errands[0]!.request,
    told: { order: false, product: false },
    claims,
    heard: "hello",
    annoyance: 0,
    pushed: false,
    changed: false,
    served: false,
  } as const;
  return nextErrand(start);
}

/** The state after an action; a state that is over stays as it is. */
export function act(state: SupportState, text: string): SupportState {
  if (isOver(state)) return state;
  const steps = state.steps + 1;
  const action = parseAction(text);
  if (action === undefined) {
    const detail = `${JSON.stringify(text)} is no action`;
    return { ...state, steps, breach: { rule: "malformed", detail } };
  }
  const breach = breachOf(state, action);
  if (breach !== undefined) return { ...state, steps, breach };
  const call = toolCallOf(action, state.desk, state.order?.id);
  if (call === undefined) return { ...reply(state, action), steps };
  const { database, content, error } = callTool(deskTools, state.desk, call);
  if (error) return { ...state, steps, heard: "error" };
  return { ...noted({ ...state, desk: database }, action, content), steps };
}

/** The state once a tool's answer is on the desk. */
function noted(state: SupportState, action: Action, content: unknown): SupportState {
  switch (action.kind) {
    case "find":
    case "email": {
      const { user_id: id, tier } = content as { user_id: string; tier: Tier };
      return { ...state, user: { id, tier } };
    }
    case "order":
      return { ...state, order: { id: action.order, row: content as OrderRow } };
    case "product":
      return { ...state, product: { name: action.product, row: content as ProductRow } };
    case "write": {
      const order = { id: state.order!.id, row: content as OrderRow };
      return { ...lossOfWrite(state, action.deed), order, served: true, heard: "done" };
    }
    case "transfer":
      return { ...state, end: "transfer" };
    default:
      return state;
  }
}

/** A write that was agreed on and is not what the customer wants: the offer is to blame. */
function lossOfWrite(state: SupportState, deed: Deed): SupportState {
  if (state.loss !== undefined || isWanted(state, deed)) return state;
  const family =
    deed.verb === state.request.verb ? "tool_call_argument_error" : "irrelevant_tool_call";
  const detail = `the customer wanted ${requestText(state)} and got ${deedText(deed)}`;
  return { ...state, loss: { step: state.steps, offer: state.offer!.step, family, detail } };
}

/** Ended by the customer, a transfer, a broken rule or the limit on actions. */
export function isOver({ end, breach, steps }: SupportState): boolean {
  return end !== undefined || breach !== undefined || steps >= MAX_STEPS;
}

/** The turn a state stands for. */
export function turnAt(state: SupportState): Turn<SupportState> {
  const terminated = state.end !== undefined || state.breach !== undefined;
  return {
    state,
    observation: isOver(state) ? "" : observe(state),
    terminated,
    truncated: !terminated && isOver(state),
  };
}

/**
 * The agent's notes on the current request: all of the conversation that still bears on what to do.
 *
 *     claims eve 60601 asks return #W4 lamp says hello
 *     id u3 gold asks exchange #W4 lamp red order #W4 u3 delivered 3w hat lamp
 *       product lamp red in blue out offer exchange lamp red says yes
 *
 * `?` stands for what the customer has left out. Items are named by product, and by colour.
 */
function observe(state: SupportState): string {
  const { user, claims, order, product, offer, heard } = state;
  const words = user === undefined ? ["claims", ...claims] : ["id", user.id, user.tier];
  words.push("asks", requestText(state));
  if (order !== undefined) {
    const { row } = order;
    words.push("order", order.id, row.user, row.status);
    if (row.status === "delivered") words.push(weeksSymbol(row.weeks));
    for (const line of row.lines) words.push(line.product);
  }
  if (product !== undefined) {
    words.push("product", product.name);
    for (const { colour, available } of product.row.variants)
      words.push(colour, available ? "in" : "out");
  }
  if (offer !== undefined) words.push("offer", deedText(offer.deed));
  words.push("says", heard);
  return words.join(" ");
}
