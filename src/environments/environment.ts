/**
 * What a domain is: tasks, an explicit state that can be forked and replayed, and verdicts that
 * say where a wrong attempt first went wrong.
 *
 * An environment knows nothing of rewards, students or weak partners. A *verdict* is what it
 * says; the *reward* is what the algorithm makes of it.
 */
import type { Random } from "../util/random.js";

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** `validation` chooses settings and feeds the gate; `test` is only ever reported. */
export type Split = "train" | "validation" | "test";

export interface Task {
  /** Stable within the domain: equal tasks (up to renaming) have equal ids. */
  readonly id: string;
  readonly domain: string;
  /** Difficulty level; experts are committed and accuracies reported per level. */
  readonly level: string;
  readonly split: Split;
  /** What the environment needs to rebuild the task, as JSON. */
  readonly data: Json;
}

/** One message of a conversation, as chat templates and OpenAI-compatible servers take them. */
export interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
}

/** One decision point, or the end of an episode. */
export interface Turn<S> {
  /** Immutable: keeping an old state is a fork. */
  readonly state: S;
  /** The whole prompt a policy sees before its next action. Empty when the episode is over. */
  readonly observation: string;
  /**
   * The same prompt as a conversation, for models with a chat template. Absent: such models see
   * `observation` as one user message.
   */
  readonly messages?: readonly Message[];
  /** The environment ended the episode: solved or refused. */
  readonly terminated: boolean;
  /** A limit ended it. */
  readonly truncated: boolean;
}

/** How a label was obtained: a heuristic must never be trained on like a kernel's word. */
export const evidences = ["kernel", "oracle", "test", "monitor", "rollout", "heuristic"] as const;
/** One of {@link evidences}. */
export type Evidence = (typeof evidences)[number];

/** A statement about one step of a trajectory. */
export interface StepVerdict {
  /** Index into {@link Trajectory.steps}. */
  readonly step: number;
  /** Characters of that step's action the statement is about: [start, end). */
  readonly span: { readonly start: number; readonly end: number };
  readonly evidence: Evidence;
  /** Probability that the statement is right, in [0, 1]. */
  readonly confidence: number;
  /** Error family, for example `wrong-disjunct`. */
  readonly family: string;
  readonly detail: string;
  /** A right action at this state, where known. */
  readonly expected?: string;
}

/** The environment's word on a finished trajectory. */
export interface Verdict {
  readonly correct: boolean;
  /**
   * Canonical form of what was answered: two wrong rollouts of one task repeat each other when
   * their answers are equal. Empty when nothing was answered.
   */
  readonly answer: string;
  /** Why the episode ended. `malformed` is an action the environment could not read. */
  readonly stop: "solved" | "wrong" | "rejected" | "malformed" | "truncated";
  /** The first wrong step, when wrong and localisable. Steps before it are right. */
  readonly firstError?: StepVerdict;
  /**
   * What a wrong attempt gave where it was wrong, in canonical form: the value at each failing test,
   * the arguments of a wrong write. Two attempts at one task gave the same wrong output when some
   * key has equal values. Finer than `answer`, which is all of the attempt.
   */
  readonly wrongOutputs?: Readonly<Record<string, string>>;
  /**
   * Name of the systematic error the attempt shows (a rule-matcher's word), when wrong and
   * recognised. Errors of one signature share one error expert.
   */
  readonly signature?: string;
}

/**
 * How a model's text ended: by itself (`stop`), cut off by a limit (`length`), or, where the prompt opened a
 * model's reasoning, before that was closed (`reasoning`).
 */
export type Finish = "stop" | "length" | "reasoning";

export interface Step<S> {
  readonly state: S;
  readonly observation: string;
  /** The conversation that was seen, where there was one: see {@link Turn.messages}. */
  readonly messages?: readonly Message[];
  readonly action: string;
  /** How the action ended, where that is known: an answer that was cut off may be none. */
  readonly finish?: Finish;
}

/** One attempt at one task: what was seen and done, and the turn it ended on. */
export interface Trajectory<S> {
  readonly task: Task;
  readonly steps: readonly Step<S>[];
  readonly end: Turn<S>;
}

/**
 * A scripted policy: the correct method, or a mal-rule (a systematic wrong method, after Brown &
 * VanLehn 1980). Returns an action for a state. Must depend on nothing but its arguments.
 */
export type Procedure<S> = (state: S, random: Random) => string;

/** Symbols of a from-scratch policy's vocabulary. Every observation and action is a sequence of them. */
export interface Lexicon {
  readonly symbols: readonly string[];
  /** What stands between two symbols in text: `" "` or `""`. */
  readonly separator: "" | " ";
}

export interface Environment<S = unknown> {
  readonly name: string;
  /** Absent where only models that bring their own tokenizer can act. */
  readonly lexicon?: Lexicon;
  /** Difficulty levels, easiest first. */
  readonly levels: readonly string[];
  /** Longest episode, in actions. */
  readonly maxSteps: number;
  /** Longest action, in lexicon symbols (without a lexicon, in tokens of the model). An action ends with the stop token unless this is 1. */
  readonly maxActionSymbols: number;
  /** Longest observation, in lexicon symbols (without a lexicon, in tokens of the model). */
  readonly maxObservationSymbols: number;

  /**
   * Draws one task of a split and level. Splits never share a task: membership is decided by a
   * hash of the canonical task, not by the draw.
   * @throws ErrataError `ENVIRONMENT_LEVEL` on an unknown level.
   */
  draw(options: { readonly split: Split; readonly level: string; readonly random: Random }): Task;

  /**
   * The id and the split of the task that data stand for, where they follow from the data. Records of others'
   * attempts are placed by it: a split that they state is not believed.
   * @throws ErrataError on data that are no task.
   */
  identify?(task: Pick<Task, "data" | "level">): Pick<Task, "id" | "split">;

  /** All tasks of a split, where they can be listed: a data set read from files. */
  tasks?(split: Split): readonly Task[];

  start(task: Task): Turn<S>;

  /** Applies one action. Never throws on a policy's text: a malformed action ends the episode. */
  step(state: S, action: string): Turn<S> | Promise<Turn<S>>;

  /** Grades a finished trajectory and localises its first error. */
  judge(trajectory: Trajectory<S>): Verdict | Promise<Verdict>;

  /** `correct` solves every task; the others are mal-rules and noise. */
  readonly procedures: { readonly correct: Procedure<S> } & Readonly<Record<string, Procedure<S>>>;

  /**
   * A second, independent checker: whether it accepts an attempt that `judge` refused. Asked only
   * about "wrong" answers that nearly all models agree on; where it accepts, they are held back.
   */
  recheck?(
    task: Task,
    steps: readonly Pick<Step<S>, "observation" | "action">[],
  ): boolean | Promise<boolean>;

  /**
   * The mutually exclusive actions between which an error can be made at a state, or none. The
   * gate uses it to test that a student tells the cases apart instead of preferring one action.
   */
  choices?(state: S): readonly string[];

  /** How a person knows a task: the place in its file, its question. Default: the first words of what is asked. */
  describe?(task: Task): string;

  /** Other ways of saying a right answer, by name: `errata env check` requires every one to be accepted. */
  restate?(task: Task, actions: readonly string[]): Readonly<Record<string, readonly string[]>>;

  /** Attempts that know nothing and try to be called right, by kind: `errata env check` requires every one to be refused. */
  tricks?(task: Task, actions: readonly string[]): Readonly<Record<string, readonly string[]>>;

  /**
   * A solved trajectory made wrong on purpose, as a list of actions; `errata env check` requires
   * every one of them to be refused. Undefined when this solution cannot be corrupted.
   */
  corrupt(task: Task, actions: readonly string[], random: Random): readonly string[] | undefined;
}
