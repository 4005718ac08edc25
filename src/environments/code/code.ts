/** The domain of programs: one fragment an action, one requirement an observation. */
import type { Environment } from "../environment.js";
import { corruptProgram } from "./corrupt.js";
import { codeTask, drawTask, LEVELS, splitOf } from "./draw.js";
import { FRAGMENTS, MAX_BLOCK_FRAGMENTS } from "./fragments.js";
import { CodeJudge, boundChoices } from "./judge.js";
import { procedures } from "./procedures.js";
import { COMPARISONS, ENDS, OPERATIONS, PROPERTIES, STARTS, SUBJECTS } from "./requirement.js";
import { type JavaScriptSandbox, javaScriptSandbox } from "./sandbox/javascript.js";
import { type CodeState, initialState, TURNSTILE, turnAt, write } from "./state.js";

export type { CodeState } from "./state.js";

export interface CodeOptions {
  /** Where programs run. Default: the pool that all environments share. */
  readonly sandbox?: JavaScriptSandbox;
}

/** `reach text after 3 to 7 least 5 |`: words of the longest requirement, and the bar. */
const LONGEST_REQUIREMENT = 9;

const MOST_REQUIREMENTS = Math.max(...LEVELS.map(({ requirements }) => requirements));

/**
 * Small JavaScript functions over an array of digits and a text of digits, written fragment by
 * fragment and graded by running them on tests in a sandbox.
 *
 * A task asks for two or three results; each gets a block of the function: an initial value, the two
 * bounds of a loop, and a body of up to three statements. The observation is the requirement being
 * worked on and what is written of its block, for example
 *
 *     count array after 3 to 7 least 5 | r=0; 4
 *
 * (how many elements past index 3 up to index 7 inclusive are at least 5), where the right action is
 * `8`, as the loop runs to `i < 8`. A fragment that cannot stand where it is written ends the
 * episode, and so does the last block. The finished function is ordinary JavaScript
 * (`programText`).
 *
 * Levels: `two-results`, `three-results`, and `held-out-families`, whose combinations of what is
 * computed and over what are drawn at no other level. No requirement occurs in two splits. No task
 * is solved by writing all bounds as given, nor by always going one further.
 *
 * Mal-rules: see `MAL_RULES` in `plans.ts`. Each is a function of the requirement, hence
 * systematic, and right on some requirements.
 */
export function code({ sandbox }: CodeOptions = {}): Environment<CodeState> {
  const judge = new CodeJudge(() => sandbox ?? javaScriptSandbox());
  return {
    name: "code",
    lexicon: {
      symbols: [
        ...OPERATIONS,
        ...SUBJECTS,
        ...STARTS,
        ...ENDS,
        ...COMPARISONS,
        ...PROPERTIES,
        TURNSTILE,
        ...FRAGMENTS,
      ].filter((symbol, i, all) => all.indexOf(symbol) === i),
      separator: " ",
    },
    levels: LEVELS.map(({ name }) => name),
    maxSteps: MOST_REQUIREMENTS * MAX_BLOCK_FRAGMENTS,
    maxActionSymbols: 1,
    maxObservationSymbols: LONGEST_REQUIREMENT + MAX_BLOCK_FRAGMENTS,
    procedures,
    draw: drawTask,
    identify({ data, level }) {
      const { requirements } = initialState(data);
      const splits = new Set(requirements.map(splitOf));
      const split = splits.has("test") ? "test" : splits.has("validation") ? "validation" : "train";
      return { id: codeTask(requirements, level, split).id, split };
    },
    start: (task) => turnAt(initialState(task.data)),
    step: (state, action) => turnAt(write(state, action)),
    judge: (trajectory) => judge.judge(trajectory),
    choices: boundChoices,
    corrupt: (task, actions, random) => corruptProgram(task.data, actions, random),
  };
}
