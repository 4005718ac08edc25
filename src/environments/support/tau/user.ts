/** Simulated users of tau2-bench's scenarios. */
import type { Message } from "../../environment.js";
import { scenarioText, type TauTask } from "./task.js";

/** A user ends the conversation by a message that contains one of these. */
export const USER_ENDS = {
  stop: "###STOP###",
  transfer: "###TRANSFER###",
  outOfScope: "###OUT-OF-SCOPE###",
} as const;

/** Plays the customer. Stateless: what is to be said follows from the conversation so far. */
export interface User {
  /** The first message. */
  opening(task: TauTask): string;
  /**
   * The answer to the agent's last message. `conversation` holds what the two said to each other,
   * the agent as `assistant`; tool calls are not among it.
   */
  reply(task: TauTask, conversation: readonly Message[]): string | Promise<string>;
}

/** Most questions that {@link scriptedUser} answers. */
const MOST_ANSWERS = 12;

/**
 * A user without a language model: says all it knows at once, its instructions at the first question,
 * yes to any further one, and stops at a message that asks nothing. It does not compare what the agent
 * proposes with what it wants, so it serves tests and replays, not training.
 */
export const scriptedUser: User = {
  opening({ user_scenario: { instructions } }) {
    if (typeof instructions === "string") return instructions;
    return [instructions.reason_for_call, instructions.known_info ?? ""].join(" ").trim();
  },
  reply({ user_scenario: { instructions } }, conversation) {
    const asked = conversation.filter(({ role }) => role === "assistant").length;
    const question = conversation.at(-1)?.content.includes("?") ?? false;
    if (!question || asked > MOST_ANSWERS) return USER_ENDS.stop;
    if (asked === 1 && typeof instructions !== "string")
      return `${instructions.task_instructions} Yes.`;
    return "Yes.";
  },
};

/** Guidelines for a user model, in the shape of tau2-bench's simulation_guidelines.md. */
export const USER_GUIDELINES: string = `You play a customer who contacts a customer service agent. Act out the scenario you are given.

- Write one message at a time, in your own words, as a customer would.
- Keep strictly to the scenario. What it does not say, you do not know: never make anything up.
- Disclose information progressively: wait until the agent asks for it.
- When the goal of the scenario is reached, write ${USER_ENDS.stop}.
- When you are transferred to another agent, write ${USER_ENDS.transfer}.
- When the scenario does not say enough to go on, write ${USER_ENDS.outOfScope}.`;

/** Ways in which a model-driven user can be made worse than its scenario. */
export const userDegradations = ["vague", "contradictory", "pushing"] as const;
export type UserDegradation = (typeof userDegradations)[number];

const DEGRADATIONS: Readonly<Record<UserDegradation, string>> = {
  vague: "Be vague: leave out ids, names and details until you are asked for exactly that.",
  contradictory:
    "Change your mind once: when the agent first proposes what you want, correct a detail, then come back to the scenario.",
  pushing:
    "When the agent refuses something, insist on an exception several times before you give up.",
};

/** Options of {@link modelUser}. */
export interface ModelUserOptions {
  /** One completion of a chat, for example by an OpenAI-compatible server. */
  readonly complete: (messages: readonly Message[]) => Promise<string>;
  readonly guidelines?: string;
  readonly degraded?: readonly UserDegradation[];
}

/** A user played by a language model, to whom the agent is the user and who is the assistant. */
export function modelUser({
  complete,
  guidelines = USER_GUIDELINES,
  degraded = [],
}: ModelUserOptions): User {
  return {
    opening: () => "Hi! I need some help.",
    reply(task, conversation) {
      const ways = degraded.map((each) => `- ${DEGRADATIONS[each]}`).join("\n");
      const system = `${guidelines}${ways === "" ? "" : `\n${ways}`}\n\n<scenario>\n${scenarioText(task)}\n</scenario>`;
      const flipped = conversation.map(({ role, content }): Message => ({
        role: role === "assistant" ? "user" : "assistant",
        content,
      }));
      return complete([{ role: "system", content: system }, ...flipped]);
    },
  };
}
