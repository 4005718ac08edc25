/** The verdict on a program: its tests in the sandbox, the first fragment it cannot recover from. */
import type { StepVerdict, Trajectory, Verdict } from "../environment.js";
import { canBeFinished } from "./completions.js";
import { LENGTHS, type Slot, placeAfter, programText } from "./fragments.js";
import { casesFor } from "./cases.js";
import { Memory } from "./memory.js";
import { type MalRule, MAL_RULES, HEADER } from "./plans.js";
import { malRuleFragment, rightFragment } from "./procedures.js";
import { type Input, type Requirement, evaluate, needsCounter } from "./requirement.js";
import type { CallResult, JavaScriptSandbox } from "./sandbox/javascript.js";
import { type CodeState, currentRequirement, initialState, isOver, write } from "./state.js";

/**
 * Confidence of a first error in the body of a block with a counter, whose right bodies are known by
 * hand and not by trying all; elsewhere it is 1.
 */
export const LISTED_CONFIDENCE = 0.95;

/** Confidence that the last fragment of a failing program is its error, where no other is found. */
export const UNLOCATED_CONFIDENCE = 0.3;

/** Runs a program on all its inputs. */
const ENTRY = "(inputs) => inputs.map(([a, s]) => solve(a, s))";

/**
 * Time for a program on all its inputs, and the longest results. Every loop of the language ends, so
 * the time is only a guard, and long enough that a busy machine does not change a verdict.
 */
const LIMITS = { milliseconds: 30_000, outputCharacters: 100_000 } as const;

/** One fragment of an attempt, with what stood before it. */
interface Move {
  readonly requirement: Requirement;
  readonly before: readonly string[];
  readonly fragment: string;
}

/** The tests of a program: the inputs of each of its requirements, and what must be returned. */
export function testsOf(
  requirements: readonly Requirement[],
): readonly { readonly input: Input; readonly expected: string }[] {
  return requirements.flatMap(casesFor).map(({ input }) => ({
    input,
    expected: JSON.stringify(requirements.map((requirement) => evaluate(requirement, input))),
  }));
}

/** Judges attempts by running them, each program once. */
export class CodeJudge {
  readonly #sandbox: () => JavaScriptSandbox;
  readonly #known = new Memory<Promise<readonly CallResult[]>>(8192);

  constructor(sandbox: () => JavaScriptSandbox) {
    this.#sandbox = sandbox;
  }

  /**
   * Grades by writing the fragments again and running the finished program on its tests; correct only
   * if every result of every test is the expected one.
   *
   * The first error is the first fragment that may not stand (evidence `kernel`), or after which no
   * way of finishing the block passes its tests (evidence `oracle`): all ways are tried where a block
   * has one variable; where it has a counter, those known to be right.
   *
   *     wrong-initial     the value that a result starts from
   *     off-by-one        a bound, by one
   *     wrong-bound       a bound, by more
   *     wrong-comparison  an operator, or what is compared with
   *     wrong-statement   what is done, or in what order
   *     syntax            a fragment that cannot stand there
   *     malformed         no fragment
   *
   * `answer` is the first failing test with what the program returned on it; for a program that was
   * refused, what was written of its last block. The signature is the mal-rule that would
   * have written the wrong fragment, and what follows it.
   */
  async judge({ task, steps }: Trajectory<CodeState>): Promise<Verdict> {
    let state = initialState(task.data);
    const moves: Move[] = [];
    for (const { action } of steps) {
      if (isOver(state)) break;
      const requirement = currentRequirement(state)!;
      moves.push({ requirement, before: state.fragments, fragment: action });
      state = write(state, action);
    }
    const { refusal } = state;
    if (refusal !== undefined || !isOver(state)) {
      const located = firstErrorOf(moves, state);
      const written = state.fragments.join(" ");
      if (refusal === undefined)
        return { correct: false, answer: "", stop: "truncated", ...located };
      const answer = `${state.blocks.length}: ${written} ${moves.at(-1)!.fragment.slice(0, 40)}`;
      const stop = refusal.code === "malformed" ? "malformed" : "rejected";
      return { correct: false, answer, stop, ...located };
    }
    const failure = await this.#firstFailure(state);
    if (failure === undefined) {
      const answer = state.blocks.map((block) => block.join(" ")).join("; ");
      return { correct: true, answer, stop: "solved" };
    }
    return { correct: false, answer: failure, stop: "wrong", ...firstErrorOf(moves, state) };
  }

  /** The first test that fails and what came of it, or undefined when none does. */
  async #firstFailure({ requirements, blocks }: CodeState): Promise<string | undefined> {
    const tests = testsOf(requirements);
    const source = programText(requirements, blocks);
    const key = JSON.stringify([requirements, source]);
    const call = {
      entry: ENTRY,
      args: JSON.stringify([tests.map(({ input: { a, s } }) => [a, s])]),
    };
    const running = this.#known.get(key, () => this.#sandbox().run(source, [call], LIMITS));
    running.catch(() => this.#known.delete(key));
    const [result] = await running;
    if (result?.outcome !== "returned")
      return result?.outcome === "threw" ? result.error : (result?.outcome ?? "nothing");
    const outputs = JSON.parse(result.output) as unknown[];
    for (const [i, { expected }] of tests.entries()) {
      const output = JSON.stringify(outputs[i]);
      if (output !== expected) return `test ${i + 1}: ${output}`;
    }
    return undefined;
  }
}

function firstErrorOf(
  moves: readonly Move[],
  { refusal }: CodeState,
): { readonly firstError?: StepVerdict; readonly signature?: string } {
  for (const [step, move] of moves.entries()) {
    const { requirement, before, fragment } = move;
    const span = { start: 0, end: fragment.length };
    const expected = rightFragment(before, requirement);
    if (refusal !== undefined && step === moves.length - 1) {
      const { code: family, message: detail } = refusal;
      return {
        firstError: { step, span, evidence: "kernel", confidence: 1, family, detail, expected },
      };
    }
    if (canBeFinished([...before, fragment], requirement)) continue;
    const { slot } = placeAfter(before, needsCounter(requirement))!;
    const listed = needsCounter(requirement) && before.length >= HEADER;
    const signature = signatureOf(move, expected, moves.slice(step + 1));
    const detail = `${fragment} after ${before.join(" ") || "nothing"}, where ${expected} would do`;
    return {
      firstError: {
        step,
        span,
        evidence: "oracle",
        confidence: listed ? LISTED_CONFIDENCE : 1,
        family: errorFamily(slot, fragment, expected),
        detail,
        expected,
      },
      ...(signature === undefined ? {} : { signature }),
    };
  }
  const last = moves.at(-1);
  if (last === undefined || refusal !== undefined) return {};
  return {
    firstError: {
      step: moves.length - 1,
      span: { start: 0, end: last.fragment.length },
      evidence: "heuristic",
      confidence: UNLOCATED_CONFIDENCE,
      family: "unlocated",
      detail: "every fragment could still be followed by right ones, yet the attempt failed",
    },
  };
}

/**
 * The mal-rule that would have written this, and the most of what follows in the block; the first in
 * the order they are listed where several would.
 */
function signatureOf(move: Move, expected: string, after: readonly Move[]): string | undefined {
  const { requirement, before, fragment } = move;
  if (fragment === expected) return undefined;
  const rest = after.filter((other) => other.requirement === requirement);
  const agreement = (rule: MalRule): number => {
    if (malRuleFragment(rule, before, requirement) !== fragment) return -1;
    const differs = rest.findIndex(
      (other) => malRuleFragment(rule, other.before, requirement) !== other.fragment,
    );
    return differs < 0 ? rest.length : differs;
  };
  let best: string | undefined;
  let most = -1;
  for (const [name, rule] of Object.entries(MAL_RULES)) {
    const agreed = agreement(rule);
    if (agreed > most) [best, most] = [name, agreed];
  }
  return best;
}

function errorFamily(slot: Slot, fragment: string, expected: string): string {
  switch (slot) {
    case "initial":
      return "wrong-initial";
    case "start":
    case "end":
      return Math.abs(boundOf(fragment) - boundOf(expected)) === 1 ? "off-by-one" : "wrong-bound";
    case "operator":
    case "operand":
      return "wrong-comparison";
    default:
      return "wrong-statement";
  }
}

/** A bound as a number; `n` is far from every digit. */
function boundOf(fragment: string): number {
  if (fragment === "n") return 100;
  return fragment === "n-1" ? 99 : Number(fragment);
}

/** The bounds among which a rule about ranges can err: the number as given, and those near it. */
export function boundChoices(state: CodeState): readonly string[] {
  const requirement = currentRequirement(state);
  const at = state.fragments.length;
  if (requirement === undefined || isOver(state) || at < 1 || at >= HEADER) return [];
  const { start, end } = requirement;
  if (at === 2 && end.word === "rest") return LENGTHS;
  const { number } = at === 1 ? start : end;
  // A condition on pairs takes another one off what the wording takes off.
  return [number - 2, number - 1, number, number + 1].filter((n) => n >= 0 && n <= 9).map(String);
}
