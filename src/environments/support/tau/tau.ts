/** tau2-bench's retail domain and tau-bench's airline domain as environments for language models. */
import { createHash } from "node:crypto";
import { ErrataError } from "../../../util/error.js";
import type { Random } from "../../../util/random.js";
import type {
  Environment,
  Message,
  Split,
  Task,
  Trajectory,
  Turn,
  Verdict,
} from "../../environment.js";
import { canonicalJson } from "../digest.js";
import { toolDefinition } from "../tool.js";
import { callText } from "./action.js";
import {
  afterAgent,
  afterUser,
  awaitsUser,
  dialogue,
  openConversation,
  type TauState,
  type Tools,
  TRANSFER_TOOL,
} from "./conversation.js";
import { loadAirline, loadRetail, type TauDomain } from "./load.js";
import { localise, neededWrites } from "./localise.js";
import { tauReward } from "./reward.js";
import { communicateInfo, referenceActions, taskData, type TauTask } from "./task.js";
import { scriptedUser, type User } from "./user.js";

export type { TauState } from "./conversation.js";
export { loadAirline, loadRetail, type TauDomain } from "./load.js";

/** Options of {@link tau2Retail} and {@link tauAirline}. */
export interface TauOptions {
  /** Holds `tau2/` (and, for the airline, `tau-bench/`). Default: the data folders. */
  readonly folder?: string;
  /** Default {@link scriptedUser}, which is no partner to train with. */
  readonly user?: User;
  /** Most turns of the agent. Default 30, as in tau-bench. */
  readonly maxSteps?: number;
}

/** Levels by the number of writes in the reference. */
const LEVELS = ["no-write", "one-write", "several-writes"] as const;

/**
 * tau2-bench's retail desk: its tasks, policy and database unchanged, its fifteen tools, and a
 * simulated user. One action is a message to the user or one tool call as JSON.
 */
export function tau2Retail(options: TauOptions = {}): Environment<TauState> {
  return tauEnvironment("tau2-retail", () => loadRetail(options.folder), options);
}

/** tau2-bench's airline tasks and policy on tau-bench's airline database and tools. */
export function tauAirline(options: TauOptions = {}): Environment<TauState> {
  return tauEnvironment("tau-airline", () => loadAirline(options.folder), options);
}

/** An environment of a domain; `load` is called when its tasks are first asked for. */
export function tauEnvironment(
  name: string,
  load: () => TauDomain,
  { user = scriptedUser, maxSteps = 30 }: TauOptions = {},
): Environment<TauState> {
  let loaded: TauDomain | undefined;
  let prompt: Message | undefined;
  const domain = (): TauDomain => (loaded ??= load());
  const system = (): Message => (prompt ??= { role: "system", content: systemPrompt(domain()) });

  const toTask = (task: TauTask, split: Split): Task => {
    const { database, tools } = domain();
    const { length } = neededWrites(referenceActions(task), database, tools).needed;
    const level = LEVELS[Math.min(length, 2)]!;
    return { id: `${name}-${task.id}`, domain: name, level, split, data: taskData(task) };
  };

  const turnAt = (state: TauState): Turn<TauState> => {
    const terminated = state.end !== undefined;
    const truncated = !terminated && state.steps >= maxSteps;
    if (terminated || truncated) return { state, observation: "", terminated, truncated };
    const messages = [system(), ...state.messages];
    const observation = messages.map(({ role, content }) => `${role}: ${content}`).join("\n\n");
    return { state, observation, messages, terminated, truncated };
  };

  const answered = async (state: TauState, reply: Promise<string>): Promise<Turn<TauState>> =>
    turnAt(afterUser(state, await reply));

  const lists = new Map<Split, readonly Task[]>();
  const tasks = (split: Split): readonly Task[] => {
    if (!lists.has(split))
      lists.set(
        split,
        domain().tasks[split].map((task) => toTask(task, split)),
      );
    return lists.get(split)!;
  };

  return {
    name,
    levels: LEVELS,
    maxSteps,
    maxActionSymbols: 512,
    maxObservationSymbols: 32_768,
    tasks,

    draw({ split, level, random }) {
      const fitting = tasks(split).filter((task) => task.level === level);
      if (fitting.length > 0) return random.pick(fitting);
      throw new ErrataError(`${name} has no ${split} tasks of level "${level}"`, {
        code: "ENVIRONMENT_LEVEL",
        hint: `use one of ${LEVELS.join(", ")}; only some splits are published`,
      });
    },

    start({ data }) {
      const task = data as unknown as TauTask;
      return turnAt(openConversation(task, domain().database, user.opening(task)));
    },

    step(state, action) {
      if (state.end !== undefined || state.steps >= maxSteps) return turnAt(state);
      const next = afterAgent(state, action, domain().tools);
      if (!awaitsUser(next)) return turnAt(next);
      const reply = user.reply(next.task, dialogue(next));
      return typeof reply === "string" ? turnAt(afterUser(next, reply)) : answered(next, reply);
    },

    judge: (trajectory) => judgeTau(trajectory, domain()),

    procedures: {
      correct: (state) => reference(state, referenceCalls(state.task)),
      "omits-last-write": (state) => reference(state, withoutLastWrite(state.task, domain().tools)),
      "transfers-at-once": () =>
        callText({ name: TRANSFER_TOOL, arguments: { summary: "The user needs help." } }),
    },

    corrupt: (task, actions, random) =>
      corruptConversation(task.data as unknown as TauTask, actions, random, domain()),
  };
}

/**
 * The actions with one of the reference's writes left out; where that makes nothing wrong, or there is
 * none, with another task's write added. Each is tried out first.
 */
function corruptConversation(
  task: TauTask,
  actions: readonly string[],
  random: Random,
  domain: TauDomain,
): readonly string[] | undefined {
  const { tools, database } = domain;
  const writesOf = (each: TauTask): string[] =>
    neededWrites(referenceActions(each), database, tools).needed.map((action) => callText(action));
  const own = writesOf(task);
  const omitting = actions.flatMap((action, i) =>
    own.includes(action) ? [actions.toSpliced(i, 1)] : [],
  );
  const other = random
    .shuffle(domain.tasks.train)
    .find((each) => each.id !== task.id && writesOf(each).length > 0);
  const adding = other === undefined ? [] : writesOf(other).map((write) => [write, ...actions]);
  return [...random.shuffle(omitting), ...random.shuffle(adding)].find(
    (changed) => tauReward(played(task, changed, domain), database, tools).reward === 0,
  );
}

/** The state after a list of turns, with a user who stops at the last. */
function played(
  task: TauTask,
  actions: readonly string[],
  { database, tools }: TauDomain,
): TauState {
  let state = openConversation(task, database, "");
  for (const action of actions) state = afterAgent(state, action, tools);
  return { ...state, end: "stop" };
}

/** The reference's calls, without a transfer: that would end the conversation before all is said. */
function referenceCalls(task: TauTask): string[] {
  return referenceActions(task)
    .filter(({ name }) => name !== TRANSFER_TOOL)
    .map((action) => callText(action));
}

function withoutLastWrite(task: TauTask, tools: Tools): string[] {
  const actions = referenceActions(task).filter(({ name }) => name !== TRANSFER_TOOL);
  const last = actions.findLastIndex(({ name }) => tools.get(name)?.kind === "write");
  return actions.filter((_, i) => i !== last).map((action) => callText(action));
}

/** The next of a list of calls, then all that is to be said. */
function reference({ task, steps }: TauState, calls: readonly string[]): string {
  return calls[steps] ?? ["Done.", ...communicateInfo(task)].join(" ");
}

/**
 * Grades a conversation by its end state: right if every component that can be judged is 1.
 * `answer` is a digest of the writes it made, in order; `signature` the family of the first error with
 * the tool and the arguments it turned on.
 */
export function judgeTau({ steps, end }: Trajectory<TauState>, domain: TauDomain): Verdict {
  const { state } = end;
  const { database, tools } = domain;
  const reward = tauReward(state, database, tools);
  const writes = state.calls.filter(({ kind, error }) => kind === "write" && !error);
  const made = writes.map(({ call }) =>
    canonicalJson({ name: call.name, arguments: call.arguments }),
  );
  const answer =
    made.length === 0
      ? ""
      : createHash("sha256").update(made.join("\n")).digest("hex").slice(0, 16);
  if (reward.reward === 1) return { correct: true, answer, stop: "solved" };
  const stop = state.end === undefined ? "truncated" : "wrong";
  const fault = localise(state, reward, database, tools);
  if (fault === undefined) return { correct: false, answer, stop };
  const { differs, ...located } = fault;
  const action = steps[fault.step]?.action ?? "";
  const call = state.calls.find(({ step }) => step === fault.step)?.call;
  return {
    correct: false,
    answer,
    stop,
    firstError: { ...located, span: { start: 0, end: action.length } },
    signature: [
      fault.family,
      ...(call === undefined ? [] : [call.name]),
      ...(differs === "" ? [] : [differs]),
    ].join(":"),
    ...(call === undefined ? {} : { wrongOutputs: { [call.name]: canonicalJson(call.arguments) } }),
  };
}

/** Policy, tools and the form of an action, as the system message. */
export function systemPrompt({ policy, tools }: TauDomain): string {
  const definitions = [...tools.values()]
    .map((tool) => JSON.stringify(toolDefinition(tool)))
    .join("\n");
  return `${policy}
# Tools

${definitions}

In each turn either write a message to the user, or call one tool by writing nothing but a JSON object:
{"name": "...", "arguments": {...}}`;
}
