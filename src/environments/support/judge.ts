/** The verdict on a conversation: the end state, what was said, the rules, and where it first went wrong. */
import type { StepVerdict, Task, Trajectory, Verdict } from "../environment.js";
import { type Deed, writeCall } from "./action.js";
import { act, isOver, MAX_STEPS, openConversation } from "./conversation.js";
import { deskTools } from "./desk-tools.js";
import { type Errand, openTask } from "./errand.js";
import { TAGS } from "./monitors.js";
import { isGranted } from "./policy.js";
import { correct } from "./procedures.js";
import { signatureOf } from "./signature.js";
import type { SupportState } from "./state.js";
import { callTool, type ToolCall } from "./tool.js";
import type { Desk } from "./world.js";

/** Confidence that the last step of a conversation that was cut off is its error. */
export const CUT_OFF_CONFIDENCE = 0.3;

/** The components of the reward, as tau2-bench names them; 1 or 0 each, and the reward is their product. */
export interface RewardBasis {
  /** The tables at the end are those that the reference calls leave. */
  readonly DB: 0 | 1;
  /** What was to be told was told, and nothing false. Refusals of what is allowed count here. */
  readonly COMMUNICATE: 0 | 1;
  /** No monitor was set off, and the conversation came to its end. */
  readonly ACTION: 0 | 1;
}

/** The write that each errand of a task should end in, in order. */
export function referenceCalls(task: Task): readonly ToolCall[] {
  const { desk, customer } = openTask(task.data);
  return customer.errands.flatMap((errand) => referenceCall(desk, customer.user, errand) ?? []);
}

function referenceCall(
  desk: Desk,
  user: string,
  { request, change }: Errand,
): ToolCall | undefined {
  if (!isGranted(desk, request, user) || change === "withdraws") return undefined;
  const wanted = change === undefined ? request : { ...request, product: change.product };
  if (!isGranted(desk, wanted, user)) return undefined;
  const { verb, order, product = "", colour = "" } = wanted;
  if (verb === "cancel") return writeCall({ verb }, desk, order);
  const deed: Deed = verb === "return" ? { verb, product } : { verb: "exchange", product, colour };
  return writeCall(deed, desk, order);
}

/** The tables that the reference calls leave. */
export function referenceDesk(task: Task): Desk {
  return referenceCalls(task).reduce(
    (desk, call) => callTool(deskTools, desk, call).database,
    openTask(task.data).desk,
  );
}

/** The reward of an end state, component by component. */
export function rewardOf(task: Task, { desk, loss, breach, end }: SupportState): RewardBasis {
  const lostWrite =
    loss?.family === "tool_call_argument_error" || loss?.family === "irrelevant_tool_call";
  return {
    DB: desk.equals(referenceDesk(task)) ? 1 : 0,
    COMMUNICATE: loss === undefined || lostWrite ? 1 : 0,
    ACTION: breach === undefined && (end === "stop" || end === "transfer") ? 1 : 0,
  };
}

/**
 * Grades by replaying the actions on the task alone: correct if every component of the reward is 1.
 *
 * The first error is the first step that broke a rule (evidence `monitor`), or after which the
 * reference end state could not be reached any more (evidence `oracle`), whichever comes first; an
 * agreed write of the wrong thing is blamed on the offer that was agreed to, and a customer who loses
 * patience on the message that was one too many. A conversation that was cut off has its last step
 * blamed, with evidence `heuristic`. Families are tau2-bench's tags:
 *
 *     wrong_sequence            access before identity, write before a yes, word before a look
 *     guideline_violation       offers or does what the policy forbids
 *     hallucination             an id nobody gave, or a status that is not so
 *     tool_call_argument_error  the wrong item was agreed to and written
 *     irrelevant_tool_call      another tool than the one asked for was agreed to and used
 *     missed_required_action    something allowed was refused or never done
 *     premature_termination     a transfer although a tool could have served
 *     tool_call_schema_error    no action
 */
export function judgeConversation({ task, steps }: Trajectory<SupportState>): Verdict {
  const states = [openConversation(task.data)];
  for (const { action } of steps) {
    if (isOver(states.at(-1)!)) break;
    states.push(act(states.at(-1)!, action));
  }
  const last = states.at(-1)!;
  const actions = steps.slice(0, states.length - 1).map(({ action }) => action);
  const reward = rewardOf(task, last);
  if (reward.DB * reward.COMMUNICATE * reward.ACTION === 1) {
    return { correct: true, answer: actions.join("; "), stop: "solved" };
  }
  const stop = stopOf(last);
  const fault = faultOf(last, actions, states[0]!.steps);
  if (fault === undefined) return { correct: false, answer: "", stop };
  const { step, detail } = fault;
  const action = actions[step]!;
  const before = states[step]!;
  const expected = correct(before);
  const firstError: StepVerdict = {
    ...fault,
    span: { start: 0, end: action.length },
    detail: `${action}: ${detail}`,
    ...(expected === action ? {} : { expected }),
  };
  const signature = signatureOf(states, actions, firstError);
  return {
    correct: false,
    answer: actions.slice(0, step + 1).join("; "),
    stop,
    firstError,
    ...(signature === undefined ? {} : { signature }),
    wrongOutputs: { [`errand ${before.errand + 1}`]: action },
  };
}

type Fault = Pick<StepVerdict, "step" | "evidence" | "confidence" | "family" | "detail">;

/** The error of a conversation whose first `given` actions were another agent's. */
function faultOf(
  { loss, breach }: SupportState,
  actions: readonly string[],
  given: number,
): Fault | undefined {
  if (loss !== undefined) {
    const { offer = loss.step, family, detail } = loss;
    // Whoever goes on from another's offer should have made a better one.
    const step = (offer >= given ? offer : loss.step) - given;
    return step < 0 ? undefined : { step, evidence: "oracle", confidence: 1, family, detail };
  }
  const step = actions.length - 1;
  if (step < 0) return undefined;
  if (breach !== undefined) {
    const { rule, detail } = breach;
    return { step, evidence: "monitor", confidence: 1, family: TAGS[rule], detail };
  }
  const detail = `the conversation ended after ${actions.length} actions, of at most ${MAX_STEPS}`;
  const confidence = CUT_OFF_CONFIDENCE;
  return { step, evidence: "heuristic", confidence, family: "missed_required_action", detail };
}

function stopOf({ breach, end }: SupportState): Verdict["stop"] {
  if (breach !== undefined) return breach.rule === "malformed" ? "malformed" : "rejected";
  return end === undefined ? "truncated" : "wrong";
}
