import { ErrataError } from "../../util/error.js";
import type { Random } from "../../util/random.js";
import type { Environment, Procedure, Task } from "../environment.js";
import { drawText, splitOf } from "./draw.js";
import { judgeArithmetic } from "./judge.js";
import { parseLevel } from "./level.js";
import { malRuleAnswer, malRuleNames } from "./mal-rules.js";
import { LONGEST_OPERAND, type Problem, type ProblemKind, problemFromData } from "./problem.js";
import {
  type ArithmeticState,
  type ArithmeticView,
  WINDOW_SYMBOLS,
  answered,
  carryChoices,
  turnAt,
} from "./state.js";

export type { ArithmeticState, ArithmeticView } from "./state.js";

export interface ArithmeticOptions {
  /** Digits of each operand at the levels `addition` and `subtraction`, 1 to 12. Default 5. */
  readonly digits?: number;
  /** Default `window`. */
  readonly view?: ArithmeticView;
}

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] as const;

/** Chance that `noise` replaces a digit by a random one (which may be the same). */
const NOISE = 0.3;

const KINDS: Readonly<Record<ArithmeticView, readonly ProblemKind[]>> = {
  window: ["addition"],
  whole: ["addition", "subtraction", "expressions"],
};

/**
 * Sums, differences and nested expressions: tasks on which a wrong method is a deterministic
 * function of the input, hence a systematic error.
 *
 * A sum of n-digit numbers is answered with n + 1 digits, least significant first; a difference
 * with its sign (`+` or `-`, always written) and then n digits, least significant first: the sign
 * stands first because every digit of the magnitude depends on it. An expression is answered with
 * a plain integer. Answers are compared exactly, leading zeros included.
 *
 * The view `window` (the default) is the setting of the study this domain reproduces: sums only,
 * one digit per action, seen through a window of six symbols that names no position, so what is
 * learnt at five digits can be asked at any length, and a carry must be worked out from the digit
 * answered before.
 *
 *     column 0 of 37512+90466   26___=   digits of the column; nothing before it
 *     column 1 after answering  16268=   digits of the column; digits and answer of the one before
 *     past the last column      __392=
 *
 * A wrong digit does not end the episode. `correct` and the mal-rules answer from the whole task,
 * whatever digits were given before.
 *
 * The view `whole` shows the whole task once and takes the whole answer: `21573+66409=`,
 * `21573-66409=` (least significant digit first: a digit and the two it depends on are always the
 * same distance apart) and `3-(4-2)*5=`.
 *
 * Beside the listed levels, `draw` takes `addition-<n>` and (view `whole`) `subtraction-<n>` for
 * n in 1..12, for example to test at a length never trained on. The limits `maxSteps`,
 * `maxActionSymbols` and `maxObservationSymbols` cover these too.
 *
 * A procedure that is not about a task's kind answers as `correct` does ({@link proceduresFor}).
 * @throws ErrataError `ENVIRONMENT_OPTION` when `digits` is not an integer in 1..12.
 */
export function arithmetic({
  digits = 5,
  view = "window",
}: ArithmeticOptions = {}): Environment<ArithmeticState> {
  if (!Number.isInteger(digits) || digits < 1 || digits > LONGEST_OPERAND) {
    throw new ErrataError(`arithmetic: digits is ${digits}`, {
      code: "ENVIRONMENT_OPTION",
      hint: `set digits to an integer in 1..${LONGEST_OPERAND}`,
    });
  }
  const kinds = KINDS[view];
  const window = view === "window";

  return {
    name: "arithmetic",
    lexicon: {
      symbols: window ? [...DIGITS, "_", "="] : [...DIGITS, "+", "-", "*", "(", ")", "="],
      separator: "",
    },
    levels: kinds,
    maxSteps: window ? LONGEST_OPERAND + 1 : 1,
    maxActionSymbols: window ? 1 : LONGEST_OPERAND + 1,
    maxObservationSymbols: window ? WINDOW_SYMBOLS : 2 * LONGEST_OPERAND + 2,
    procedures: proceduresOf(view),

    draw({ split, level, random }): Task {
      const parsed = parseLevel(level, { kinds, digits });
      const text = drawText(parsed, split, random);
      const { kind } = parsed;
      return { id: `${kind}:${text}`, domain: "arithmetic", level, split, data: { kind, text } };
    },

    identify({ data }) {
      problemFromData(data);
      const { kind, text } = data as { readonly kind: ProblemKind; readonly text: string };
      return { id: `${kind}:${text}`, split: splitOf(kind, text) };
    },

    start(task) {
      const problem = problemFromData(task.data);
      if (!kinds.includes(problem.kind)) {
        throw new ErrataError(`the view "${view}" has no tasks of kind ${problem.kind}`, {
          code: "ENVIRONMENT_TASK",
          hint: 'use arithmetic({ view: "whole" })',
        });
      }
      return turnAt({ problem, answer: "", malformed: false }, view);
    },

    step: (state, action) => turnAt(answered(state, action, view), view),

    judge: (trajectory) => judgeArithmetic(trajectory, view),

    choices: (state) => carryChoices(state, view),

    corrupt: (_task, actions, random) => withOneDigitChanged(actions, random),
  };
}

/** The task of a problem written out, for example `arithmeticTask("addition", "37512+90466")`. */
export function arithmeticTask(kind: ProblemKind, text: string): Task {
  return {
    id: `${kind}:${text}`,
    domain: "arithmetic",
    level: kind,
    split: splitOf(kind, text),
    data: { kind, text },
  };
}

/**
 * The procedures that say something of their own at a level: `correct`, its mal-rules, `noise`.
 * @throws ErrataError `ENVIRONMENT_LEVEL` on an unknown level.
 */
export function proceduresFor(level: string): readonly string[] {
  const { kind } = parseLevel(level, { kinds: KINDS.whole, digits: 1 });
  return ["correct", ...malRuleNames(kind), "noise"];
}

type Procedures = Environment<ArithmeticState>["procedures"];

function proceduresOf(view: ArithmeticView): Procedures {
  const part = (answer: string, { answer: given }: ArithmeticState): string =>
    view === "window" ? answer.charAt(given.length) : answer;
  const right = (problem: Problem): string => problem.answer;

  const names = KINDS[view].flatMap((kind) => malRuleNames(kind));
  const malRules = names.map((name): [string, Procedure<ArithmeticState>] => [
    name,
    (state) => part(malRuleAnswer(name, state.problem) ?? right(state.problem), state),
  ]);
  return {
    correct: (state) => part(right(state.problem), state),
    ...Object.fromEntries(malRules),
    noise: (state, random) => withNoise(part(right(state.problem), state), random),
  };
}

function withNoise(symbols: string, random: Random): string {
  return symbols.replaceAll(/[0-9]/g, (digit) =>
    random.uniform() < NOISE ? String(random.below(10)) : digit,
  );
}

function withOneDigitChanged(
  actions: readonly string[],
  random: Random,
): readonly string[] | undefined {
  const places = actions.flatMap((action, step) =>
    [...action.matchAll(/[0-9]/g)].map((match) => ({ step, at: match.index })),
  );
  if (places.length === 0) return undefined;
  const { step, at } = random.pick(places);
  const action = actions[step]!;
  const digit = (Number(action[at]) + 1 + random.below(9)) % 10;
  const changed = [...actions];
  changed[step] = action.slice(0, at) + digit + action.slice(at + 1);
  return changed;
}
