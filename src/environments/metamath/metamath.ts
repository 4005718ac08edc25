/** The domain of Metamath proofs: one label per action, the stack as the observation. */
import { existsSync } from "node:fs";
import { ErrataError } from "../../util/error.js";
import { hashText } from "../../util/random.js";
import type { Environment, Split, Task, Trajectory, Turn, Verdict } from "../environment.js";
import { type Assertion, type Database, expressionText } from "./database.js";
import { readDatabaseFile } from "./read.js";
import { applyLabel, conclude, type ProofFault, proofLabels, type Stack } from "./verify.js";

export interface MetamathOptions {
  /** A database. Default: `$ERRATA_METAMATH`, else set.mm where Debian puts it. */
  readonly file?: string;
}

/** One attempt at a theorem. Immutable. */
export interface MetamathState {
  readonly theorem: string;
  readonly stack: Stack;
  /** Labels played, a refused one included. */
  readonly labels: readonly string[];
  readonly fault?: ProofFault;
  /** The stack is the theorem and nothing else. */
  readonly done: boolean;
}

/** Levels by the number of labels of the proof that the database has. */
const LEVELS = [
  { name: "short", least: 2, most: 12 },
  { name: "long", least: 13, most: 40 },
] as const;

const MAX_STEPS = 48;

interface Loaded {
  readonly database: Database;
  readonly proofs: ReadonlyMap<string, readonly string[]>;
  readonly theorems: ReadonlyMap<string, Assertion>;
  readonly tasks: readonly Task[];
}

/**
 * Theorems of a Metamath database with a proof of at most 40 labels, for models that bring their own
 * tokenizer. An action is one label; the episode ends when the stack holds the theorem, or with the
 * first label that is refused.
 *
 * The first error is the refused label (evidence `kernel`), and its family says how: among others a
 * broken `$d` is a `missing-side-condition`. Nothing tells whether a stack can still become the
 * theorem, so an attempt that is cut off has its last step blamed with evidence `heuristic`.
 */
export function metamath(options: MetamathOptions = {}): Environment<MetamathState> {
  let loaded: Loaded | undefined;
  const load = (): Loaded => (loaded ??= loadTheorems(options.file));
  const theoremOf = (label: string): Assertion => {
    const theorem = load().theorems.get(label);
    if (theorem !== undefined) return theorem;
    throw new ErrataError(`the database has no theorem "${label}" to prove`, {
      code: "METAMATH_TASK",
      hint: "take tasks from tasks() or draw()",
    });
  };

  const initial = (task: Task): MetamathState => {
    theoremOf(task.data as string);
    return { theorem: task.data as string, stack: [], labels: [], done: false };
  };
  const act = (state: MetamathState, action: string): MetamathState => {
    if (isOver(state)) return state;
    const { database } = load();
    const theorem = theoremOf(state.theorem);
    const label = action.trim();
    const labels = [...state.labels, label];
    const next = applyLabel(database, theorem, state.stack, label, state.labels.length);
    if ("family" in next) return { ...state, labels, fault: next };
    const done = conclude(database, theorem, next, labels.length) === undefined;
    return { ...state, labels, stack: next, done };
  };
  const replay = (task: Task, actions: readonly string[]): MetamathState =>
    actions.reduce(act, initial(task));

  const turnAt = (state: MetamathState): Turn<MetamathState> => {
    const terminated = state.done || state.fault !== undefined;
    const over = isOver(state);
    return {
      state,
      observation: over ? "" : observe(load().database, theoremOf(state.theorem), state.stack),
      terminated,
      truncated: over && !terminated,
    };
  };

  return {
    name: "metamath",
    levels: LEVELS.map(({ name }) => name),
    maxSteps: MAX_STEPS,
    maxActionSymbols: 16,
    maxObservationSymbols: 2048,
    tasks: (split) => load().tasks.filter((task) => task.split === split),

    procedures: {
      correct: ({ theorem, labels }) => load().proofs.get(theorem)?.[labels.length] ?? "?",
      /** Any label of the proof that the database has, in any order. */
      noise: ({ theorem }, random) => random.pick(load().proofs.get(theorem) ?? ["?"]),
    },

    draw({ split, level, random }) {
      if (!LEVELS.some(({ name }) => name === level)) {
        throw new ErrataError(`metamath has no level "${level}"`, {
          code: "ENVIRONMENT_LEVEL",
          hint: `use one of ${LEVELS.map(({ name }) => name).join(", ")}`,
        });
      }
      const tasks = load().tasks.filter((task) => task.split === split && task.level === level);
      if (tasks.length > 0) return random.pick(tasks);
      throw new ErrataError(`the database has no ${level} proofs for ${split}`, {
        code: "METAMATH_TASK",
        hint: "use a larger database",
      });
    },

    start: (task) => turnAt(initial(task)),

    step: (state, action) => turnAt(act(state, action)),

    judge: ({ task, steps }) => judge(task, steps, replay, load().proofs),

    corrupt(task, actions, random) {
      const others = [...new Set([...actions, ...(load().proofs.get(task.data as string) ?? [])])];
      for (const place of random.shuffle(actions.map((_, i) => i)))
        for (const other of random.shuffle(others)) {
          const wrong = actions.with(place, other);
          if (other !== actions[place] && !replay(task, wrong).done) return wrong;
        }
      return actions.slice(0, -1);
    },
  };
}

function isOver({ done, fault, labels }: MetamathState): boolean {
  return done || fault !== undefined || labels.length >= MAX_STEPS;
}

function judge(
  task: Task,
  steps: Trajectory<MetamathState>["steps"],
  replay: (task: Task, actions: readonly string[]) => MetamathState,
  proofs: ReadonlyMap<string, readonly string[]>,
): Verdict {
  const end = replay(
    task,
    steps.map(({ action }) => action),
  );
  const answer = end.labels.join(" ");
  if (end.done) return { correct: true, answer, stop: "solved" };
  const stop = end.fault === undefined ? "truncated" : "rejected";
  const step = end.labels.length - 1;
  if (step < 0) return { correct: false, answer, stop };
  const reference = proofs.get(task.data as string) ?? [];
  const follows = end.labels.slice(0, step).every((label, i) => label === reference[i]);
  const family = end.fault?.family ?? "no-progress";
  const expected = follows ? reference[step] : undefined;
  return {
    correct: false,
    answer,
    stop,
    firstError: {
      step,
      span: { start: 0, end: steps[step]!.action.length },
      evidence: end.fault === undefined ? "heuristic" : "kernel",
      confidence: end.fault === undefined ? 0.3 : 1,
      family,
      detail: end.fault?.message ?? "the labels ran out",
      ...(expected === undefined ? {} : { expected }),
    },
    ...(family === "no-progress" ? {} : { signature: family }),
  };
}

function observe(database: Database, theorem: Assertion, stack: Stack): string {
  const text = (expression: readonly number[]): string => expressionText(database, expression);
  return [
    ...theorem.hypotheses.map(({ label, expression }) => `${label}: ${text(expression)}`),
    `prove ${text(theorem.expression)}`,
    "stack:",
    ...stack.map(text),
  ].join("\n");
}

function loadTheorems(
  file: string = process.env["ERRATA_METAMATH"] ?? "/usr/share/metamath/databases/set.mm",
): Loaded {
  if (!existsSync(file)) {
    throw new ErrataError(`there is no Metamath database at ${file}`, {
      code: "ENVIRONMENT_DATA",
      hint: "install one (Debian: apt-get install metamath-databases), or set ERRATA_METAMATH to a file",
    });
  }
  const database = readDatabaseFile(file);
  const proofs = new Map<string, readonly string[]>();
  const theorems = new Map<string, Assertion>();
  const tasks: Task[] = [];
  for (const theorem of database.theorems) {
    const labels = proofLabels(database, theorem, LEVELS.at(-1)!.most);
    const level = labels && LEVELS.find(({ most }) => labels.length <= most);
    if (labels === undefined || level === undefined || labels.length < level.least) continue;
    proofs.set(theorem.label, labels);
    theorems.set(theorem.label, theorem);
    tasks.push({
      id: theorem.label,
      domain: "metamath",
      level: level.name,
      split: splitOf(database, theorem),
      data: theorem.label,
    });
  }
  return { database, proofs, theorems, tasks };
}

/** By what is stated, so that a theorem stated twice is in one split. */
function splitOf(database: Database, { hypotheses, expression }: Assertion): Split {
  const statements = [...hypotheses.map((each) => each.expression), expression];
  const tenth = hashText(statements.map((each) => expressionText(database, each)).join(";")) % 10;
  return tenth === 0 ? "test" : tenth === 1 ? "validation" : "train";
}
