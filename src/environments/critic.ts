/** The critic: an environment over finished attempts, in which an agent points to the first wrong step. */
import type { Environment, Message, Step, Task, Turn, Verdict } from "./environment.js";

interface CriticState {
  readonly fault: number;
  readonly steps: readonly Step<unknown>[];
  readonly at: number;
  /** What the agent said: the step it called wrong. */
  readonly claimed?: number;
  readonly malformed?: boolean;
}

/** A wrong attempt that a verifier localised. */
export interface Fault {
  readonly task: Task;
  readonly steps: readonly Step<unknown>[];
  readonly verdict: Verdict;
}

/** The two words a critic may say: of a lexicon, its first two symbols. */
export function criticWords({ lexicon }: Environment): { right: string; wrong: string } {
  const [right = "right", wrong = "wrong"] = lexicon?.symbols ?? [];
  return { right, wrong };
}

/** The start of a critic's episode over a localised wrong attempt. */
export function critique(
  environment: Environment,
  { task, steps, verdict }: Fault,
): { readonly task: Task; readonly steps: readonly []; readonly turn: Turn<unknown> } {
  const state: CriticState = { fault: verdict.firstError!.step, steps, at: 0 };
  const turn = see(environment, state);
  return {
    task: { ...task, id: `critic:${task.id}`, domain: `${task.domain}:critic` },
    steps: [],
    turn,
  };
}

/** What a critic is shown of an attempt, step by step. */
export function critiqueTurns(
  environment: Environment,
  { steps, verdict }: Omit<Fault, "task">,
): Turn<unknown>[] {
  return steps.map((_, at) => see(environment, { fault: verdict.firstError!.step, steps, at }));
}

function see(environment: Environment, state: CriticState): Turn<unknown> {
  const { steps, at } = state;
  const { observation, action } = steps[at]!;
  const { right, wrong } = criticWords(environment);
  const messages: Message[] = [
    {
      role: "system",
      content: `You check one step of an attempt that goes wrong somewhere. Every step before it is right. Answer with one word: ${right} or ${wrong}.`,
    },
    { role: "user", content: `${observation}\n\nThe step taken:\n${action}` },
  ];
  const separator = environment.lexicon?.separator ?? "\n";
  return {
    state,
    observation: `${observation}${separator}${action}`,
    messages,
    terminated: false,
    truncated: false,
  };
}

/**
 * The critic's side of `environment`: shown the steps of an attempt one by one, the agent says
 * `right` or `wrong`. The episode ends at the first `wrong`, which must be at the attempt's first error,
 * as the verifier has it. Episodes begin at {@link critique}; there is nothing to draw.
 */
export function criticOf(environment: Environment): Environment {
  const refuse = (): never => {
    throw new RangeError("a critic's episodes begin at critique(), not at a task");
  };
  const words = criticWords(environment);
  return {
    name: `${environment.name}:critic`,
    ...(environment.lexicon === undefined ? {} : { lexicon: environment.lexicon }),
    levels: environment.levels,
    maxSteps: environment.maxSteps,
    maxActionSymbols: environment.maxActionSymbols,
    maxObservationSymbols: environment.maxObservationSymbols + environment.maxActionSymbols,
    draw: refuse,
    start: refuse,
    step(opaque, action): Turn<unknown> {
      const state = opaque as CriticState;
      const said = action.trim().toLowerCase();
      const over = (end: CriticState): Turn<unknown> => ({
        state: end,
        observation: "",
        terminated: true,
        truncated: false,
      });
      if (said === words.wrong.toLowerCase()) return over({ ...state, claimed: state.at });
      if (said !== words.right.toLowerCase()) return over({ ...state, malformed: true });
      if (state.at + 1 === state.steps.length) return over(state);
      return see(environment, { ...state, at: state.at + 1 });
    },
    judge({ steps, end }): Verdict {
      const { fault, claimed, malformed = false } = end.state as CriticState;
      if (claimed === fault) return { correct: true, answer: String(claimed), stop: "solved" };
      const falseAlarm = claimed !== undefined && claimed < fault;
      const step = falseAlarm ? claimed : Math.min(fault, steps.length - 1);
      return {
        correct: false,
        answer: malformed ? "" : String(claimed ?? "none"),
        stop: malformed ? "malformed" : "wrong",
        firstError: {
          step,
          span: { start: 0, end: steps[step]?.action.length ?? 0 },
          evidence: "oracle",
          confidence: 1,
          family: falseAlarm ? "false-alarm" : "missed-error",
          detail: `the first wrong step is ${fault}`,
          expected: falseAlarm || step < fault ? words.right : words.wrong,
        },
      };
    },
    procedures: {
      correct: (opaque) => {
        const { at, fault } = opaque as CriticState;
        return at === fault ? words.wrong : words.right;
      },
    },
    corrupt: (_task, actions) => [...actions.slice(0, -1), words.right],
  };
}
