/** The domain of customer support: a retail desk with tools, a policy and a simulated customer. */
import { ErrataError } from "../../util/error.js";
import type { Random } from "../../util/random.js";
import type { Environment, Task } from "../environment.js";
import { ACTION_WORDS, MAX_ACTION_SYMBOLS } from "./action.js";
import { act, isOver, MAX_STEPS, openConversation, turnAt } from "./conversation.js";
import { drawTask, identify, MOST_LINES, MOST_VARIANTS } from "./draw.js";
import { judgeConversation } from "./judge.js";
import { type CustomerWays, LEVELS } from "./level.js";
import { correct, grantOrDeny, LAPSES, malRule, noise, plausibleActions } from "./procedures.js";
import type { SupportState } from "./state.js";
import * as world from "./world.js";

export type { SupportState } from "./state.js";

/** Options of {@link support}. */
export interface SupportOptions {
  /** Makes the customers of every level more or less difficult than the level says. */
  readonly customers?: Partial<CustomerWays>;
}

/** Longest observation: id 3, request 5, order 5 + 1 a line, product 2 + 2 a colour, offer 4, says 2. */
const MAX_OBSERVATION_SYMBOLS = 3 + 5 + (5 + MOST_LINES) + (2 + 2 * MOST_VARIANTS) + 4 + 2;

/**
 * Conversations at a retail desk after tau2-bench's retail domain: tables, tools, a policy, and a
 * customer with two or three errands who gives what is asked, confirms or refuses, changes their
 * mind, and pushes for exceptions.
 *
 * The observation is the agent's notes on the current request, an action one tool call or message
 * (action.ts has the forms). A broken rule of the policy ends the conversation; a wrong refusal, or a
 * wrong write that a careless customer agreed to, does not.
 *
 *     id u3 gold asks return #W4 lamp order #W4 u3 delivered 5w hat lamp says hello
 *     deny
 *
 * Levels: `mixed` (two errands, one of them granted) and `windows` (three; two are past the time to
 * send things back and one is in time, which takes the product, the tier and the weeks to see: no
 * number of weeks by itself decides a whole task).
 *
 * Procedures: `correct`, the mal-rules of {@link LAPSES}, and `noise`.
 */
export function support({ customers = {} }: SupportOptions = {}): Environment<SupportState> {
  return {
    name: "support",
    lexicon: { symbols: SYMBOLS, separator: " " },
    levels: LEVELS.map(({ name }) => name),
    maxSteps: MAX_STEPS,
    maxActionSymbols: MAX_ACTION_SYMBOLS,
    maxObservationSymbols: MAX_OBSERVATION_SYMBOLS,
    procedures: {
      correct,
      ...Object.fromEntries(Object.keys(LAPSES).map((name) => [name, malRule(name)])),
      noise,
    },

    draw({ split, level: name, random }) {
      const level = LEVELS.find((each) => each.name === name);
      if (level === undefined) {
        throw new ErrataError(`support has no level "${name}"`, {
          code: "ENVIRONMENT_LEVEL",
          hint: `use one of ${LEVELS.map((each) => each.name).join(", ")}`,
        });
      }
      return drawTask({ split, level, ways: { ...level.ways, ...customers }, random });
    },

    identify: ({ data }) => identify(data),

    start: (task) => turnAt(openConversation(task.data)),

    step: (state, action) => turnAt(act(state, action)),

    judge: judgeConversation,

    choices: grantOrDeny,

    corrupt: corruptConversation,
  };
}

/** Words of observations that are no ids, values or actions. */
const NOTE_WORDS =
  "claims id asks says ? status repair basic gold in out " +
  "hello yes no please never-mind waiting done error " +
  "pending processed delivered cancelled return-requested exchange-requested";

const SYMBOLS: readonly string[] = [
  ...new Set([
    ...ACTION_WORDS,
    ...NOTE_WORDS.split(" "),
    ...Array.from({ length: world.MAX_WEEKS }, (_, i) => world.weeksSymbol(i + 1)),
    ...world.NAMES,
    ...world.ZIPS,
    ...world.EMAILS,
    ...world.USERS,
    ...world.ORDERS,
    ...world.PRODUCTS,
    ...world.COLOURS,
  ]),
];

/**
 * A right conversation with one action replaced such that the task is not served any more. Places
 * and replacements are tried in random order; after a replacement the actions go on as they were.
 */
function corruptConversation(
  task: Task,
  actions: readonly string[],
  random: Random,
): readonly string[] | undefined {
  const states = [openConversation(task.data)];
  for (const action of actions) states.push(act(states.at(-1)!, action));
  for (const place of random.shuffle(actions.map((_, index) => index))) {
    for (const action of random.shuffle(plausibleActions(states[place]!))) {
      if (action === actions[place]) continue;
      const changed = actions.with(place, action);
      let state = states[place]!;
      for (const each of changed.slice(place)) if (!isOver(state)) state = act(state, each);
      const steps = changed.map((each) => ({ state, observation: "", action: each }));
      const end = { state, observation: "", terminated: true, truncated: false };
      if (!judgeConversation({ task, steps, end }).correct) return changed;
    }
  }
  return undefined;
}
