import { ErrataError } from "../../util/error.js";
import type { Random } from "../../util/random.js";
import type { Environment, Json, Split, Task, Trajectory, Turn, Verdict } from "../environment.js";
import { annotations } from "./annotation.js";
import { changedNumbers, statedForms, unstatedForms } from "../answers/forms.js";
import { sameNumber } from "../answers/number.js";
import { statedNumber } from "../answers/stated.js";
import { LEVELS, readTasks, type Gsm8kData } from "./data.js";
import { localise } from "./localise.js";

export interface Gsm8kOptions {
  /** Holds `train.jsonl` and `test.jsonl`. Default: `gsm8k` among the data folders. */
  readonly folder?: string;
}

/** A problem, and the solution once it is given. */
export interface Gsm8kState extends Gsm8kData {
  readonly solution?: string;
}

const INSTRUCTION =
  "Solve it step by step, one calculation a line. End with a line that has #### and the number alone.";

/**
 * Grade-school word problems (GSM8K, arXiv:2110.14168) for models with a tokenizer of their own: one
 * action is the whole worked solution, and right is one whose final number equals the reference's.
 *
 * Nothing but the number is graded. A right number after wrong lines passes.
 *
 * Files are read when tasks are first asked for.
 */
export function gsm8k({ folder }: Gsm8kOptions = {}): Environment<Gsm8kState> {
  let read: Readonly<Record<Split, readonly Task[]>> | undefined;
  const tasks = (split: Split): readonly Task[] => (read ??= readTasks(folder))[split];

  return {
    name: "gsm8k",
    levels: LEVELS,
    maxSteps: 1,
    maxActionSymbols: 512,
    maxObservationSymbols: 512,
    tasks,

    draw({ split, level, random }) {
      if (!LEVELS.includes(level)) {
        throw new ErrataError(`gsm8k has no level "${level}"`, {
          code: "ENVIRONMENT_LEVEL",
          hint: `use one of ${LEVELS.join(", ")}`,
        });
      }
      return random.pick(tasks(split).filter((task) => task.level === level));
    },

    start: (task) => turnAt(stateOf(task.data)),
    step: (state, action) => turnAt({ ...state, solution: action }),
    judge: judgeSolution,

    procedures: {
      correct: ({ answer }) => answer,
      "stops-early": ({ answer }) => withoutLastStep(answer),
      "arithmetic-slip": ({ answer }, random) => withSlip(answer, random),
    },

    restate: (_task, [solution]) => statedForms(statedNumber(solution!)!.value),
    tricks: (_task, [solution]) => {
      const { value } = statedNumber(solution!)!;
      const changed = /^-?[01]$/.test(value) ? {} : changedNumbers(value);
      return { ...unstatedForms(value), ...changed };
    },

    corrupt(_task, [solution], random) {
      const other = solution === undefined ? undefined : withOtherAnswer(solution, random);
      return other === undefined ? undefined : [other];
    },
  };
}

/** Grades a worked solution against the reference in its state. */
function judgeSolution({ steps, end }: Trajectory<Gsm8kState>): Verdict {
  const { answer: reference } = end.state;
  const solution = steps[0]?.action;
  if (solution === undefined) return { correct: false, answer: "", stop: "truncated" };
  const given = statedNumber(solution, steps[0]!.finish);
  const known = statedNumber(reference);
  if (given !== undefined && known !== undefined && sameNumber(given, known))
    return { correct: true, answer: given.value, stop: "solved" };
  const found = localise(solution, reference);
  return {
    correct: false,
    answer: given?.value ?? "",
    stop: given === undefined ? "malformed" : "wrong",
    ...(found === undefined
      ? {}
      : { firstError: { ...found.error, expected: reference }, signature: found.error.family }),
    ...(found?.departure === undefined ? {} : { wrongOutputs: { step: found.departure } }),
  };
}

function turnAt(state: Gsm8kState): Turn<Gsm8kState> {
  if (state.solution !== undefined)
    return { state, observation: "", terminated: true, truncated: false };
  const observation = `${state.question}\n\n${INSTRUCTION}`;
  return {
    state,
    observation,
    messages: [{ role: "user", content: observation }],
    terminated: false,
    truncated: false,
  };
}

function stateOf(data: Json): Gsm8kState {
  const { question, answer } = (data ?? {}) as Partial<Gsm8kData>;
  if (typeof question === "string" && typeof answer === "string") return { question, answer };
  throw new ErrataError("this is no task of gsm8k: it has no question and answer", {
    code: "ENVIRONMENT_TASK",
    hint: "use the tasks that gsm8k() lists or draws",
  });
}

/** The reference without its last line, the value of the step before given as the answer. */
function withoutLastStep(answer: string): string {
  const steps = annotations(answer);
  const before = steps.at(-2);
  if (before === undefined) return answer;
  return `${answer.slice(0, before.line.end)}\n#### ${before.value}`;
}

/** The reference with the value of its last annotation off by one to nine, and so the answer. */
function withSlip(answer: string, random: Random): string {
  const last = annotations(answer).at(-1);
  if (last === undefined) return withOtherAnswer(answer, random) ?? answer;
  const value = last.value + 1 + random.below(9);
  const line = answer.slice(last.line.start, last.line.end);
  const at = line.lastIndexOf(`<<${last.text}>>`);
  const wrong = `${line.slice(0, at)}<<${last.text.slice(0, last.text.lastIndexOf("="))}=${value}>>${value}`;
  return `${answer.slice(0, last.line.start)}${wrong}\n#### ${value}`;
}

/** A solution with another final number; undefined where it has none. */
function withOtherAnswer(solution: string, random: Random): string | undefined {
  const given = statedNumber(solution);
  if (given === undefined) return undefined;
  const digit = /\d(?=\D*$)/.exec(solution.slice(given.start, given.end))!.index + given.start;
  const other = (Number(solution[digit]) + 1 + random.below(9)) % 10;
  return solution.slice(0, digit) + other + solution.slice(digit + 1);
}
