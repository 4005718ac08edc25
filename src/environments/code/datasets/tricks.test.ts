import { describe, expect, test } from "vitest";
import { JAVASCRIPT_TRICKS, javaScriptTrick } from "../../../../campaign/programs/javascript.js";
import { PYTHON_TRICKS, pythonTrick } from "../../../../campaign/programs/python.js";
import { findData } from "../../data-folder.js";
import { bubblewrapFault } from "../sandbox/bubblewrap.js";
import { Grader } from "./grade.js";
import { loadHumanEval, loadHumanEvalJs } from "./loaders.js";
import type { Problem } from "./problem.js";

const python = findData("humaneval/HumanEval.jsonl.gz");
const javascript = findData("humaneval/humaneval_js.jsonl.gz");
const fault = await bubblewrapFault();
if (python === undefined || javascript === undefined)
  console.warn("tricks are not tried: set ERRATA_DATA to the folder that holds humaneval/");

/** Six problems: those whose tests use helpers of the prompt, or the reference, and others. */
function six(problems: readonly Problem[]): readonly Problem[] {
  const named = ["/32", "/33", "/38", "/50", "/53"];
  const first = problems.filter(({ id }) => named.some((end) => id.endsWith(end)));
  return [...new Set([...first, ...problems])].slice(0, 6);
}

/** Kinds that are tried on all six; the others on two, for time. `npm run campaign -- tricks` draws anew. */
const FULL =
  /equal to everything|operators lie|container|encoder|math|main module|live objects|frames|helpers|emptied|forged|replaced|descriptor|files|memory/;

const grader = new Grader({ milliseconds: 60_000 });
/** For kinds that never end by themselves: each of the six takes all of its time. */
const brief = new Grader({ milliseconds: 4000 });
const ENDLESS = /endless|every descriptor/;

async function calledRight(
  problems: readonly Problem[],
  program: (problem: Problem) => string,
  by: Grader = grader,
): Promise<string[]> {
  const grades = await Promise.all(
    problems.map(async (problem) => ({
      id: problem.id,
      passed: (await by.grade(problem, program(problem))).passed,
    })),
  );
  return grades.filter(({ passed }) => passed).map(({ id }) => id);
}

describe.skipIf(python === undefined || fault !== undefined)("Python that knows nothing", () => {
  const problems = python === undefined ? [] : six(loadHumanEval(python));

  test("is told from a right program", async () => {
    const right = await calledRight(problems, ({ reference }) => reference!);
    expect(right).toHaveLength(6);
  });

  test.each(PYTHON_TRICKS)("is refused: $name", async (trick) => {
    const some = FULL.test(trick.name) ? problems : problems.slice(0, 2);
    const program = ({ entryPoint, prompt }: Problem): string =>
      pythonTrick(trick, entryPoint!, prompt);
    const by = ENDLESS.test(trick.name) ? brief : grader;
    expect(await calledRight(some, program, by)).toEqual([]);
  });
});

describe.skipIf(javascript === undefined)("JavaScript that knows nothing", () => {
  const problems = javascript === undefined ? [] : six(loadHumanEvalJs(javascript));

  test("is told from a right program", async () => {
    expect(await calledRight(problems, ({ reference }) => reference!)).toHaveLength(6);
  });

  test.each(JAVASCRIPT_TRICKS)("is refused: $name", async (trick) => {
    const program = ({ entryPoint, prompt }: Problem): string =>
      javaScriptTrick(trick, entryPoint!, prompt);
    expect(await calledRight(problems, program)).toEqual([]);
  });
});
