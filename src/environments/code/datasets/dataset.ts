/** Programming benchmarks as environments: one action, the whole program. */
import { ErrataError } from "../../../util/error.js";
import { requireData } from "../../data-folder.js";
import type {
  Environment,
  Message,
  Split,
  Task,
  Trajectory,
  Turn,
  Verdict,
} from "../../environment.js";
import { afterReasoning } from "../../answers/reasoning.js";
import { differencesFromV8 } from "../sandbox/differences.js";
import { corruptReference } from "./corrupt.js";
import { type Grade, Grader, type GraderOptions } from "./grade.js";
import {
  type LiveCodeBenchOptions,
  loadHumanEval,
  loadHumanEvalJs,
  loadLiveCodeBench,
  loadMbpp,
} from "./loaders.js";
import { type Problem, programOf, programsOf } from "./problem.js";
import { presentations, tricksFor } from "./tricks.js";

/** A problem and the answer given to it, if any. */
export interface ProgramState {
  readonly problem: Problem;
  readonly answer?: string;
}

export interface DatasetOptions extends GraderOptions {
  /** The data file. Default: where the data folders have it. */
  readonly file?: string;
}

/** HumanEval, Python, 164 problems, all of them `test`. */
export function humaneval(options: DatasetOptions = {}): Environment<ProgramState> {
  return dataset("humaneval", options, () =>
    loadHumanEval(
      options.file ??
        requireData("humaneval/HumanEval.jsonl.gz", "https://github.com/openai/human-eval, data/"),
    ),
  );
}

/** HumanEval-X, JavaScript, 164 problems, all of them `test`. */
export function humanevalJs(options: DatasetOptions = {}): Environment<ProgramState> {
  return dataset("humaneval-js", options, () =>
    loadHumanEvalJs(
      options.file ??
        requireData(
          "humaneval/humaneval_js.jsonl.gz",
          "https://github.com/THUDM/CodeGeeX, codegeex/benchmark/humaneval-x/js/data/",
        ),
    ),
  );
}

/** MBPP (sanitized), Python, 427 problems. */
export function mbpp(options: DatasetOptions = {}): Environment<ProgramState> {
  return dataset("mbpp", options, () =>
    loadMbpp(
      options.file ??
        requireData(
          "mbpp/mbpp_sanitized.jsonl",
          "https://github.com/google-research/google-research/tree/master/mbpp",
        ),
    ),
  );
}

/** LiveCodeBench-style problems, Python, all of them `test`. */
export function livecodebench(
  options: DatasetOptions & LiveCodeBenchOptions = {},
): Environment<ProgramState> {
  return dataset("livecodebench", options, () =>
    loadLiveCodeBench(
      options.file ??
        requireData("livecodebench/test.jsonl", "https://github.com/LiveCodeBench/LiveCodeBench"),
      options,
    ),
  );
}

const INSTRUCTIONS: Readonly<Record<Problem["language"], string>> = {
  python:
    "Write a Python program that solves the problem. Answer with one code block that holds all of it.",
  javascript:
    "Write JavaScript (ES2020, no modules) that solves the problem. Answer with one code block that holds all of it.",
};

/**
 * An environment over problems that are read when they are first asked for.
 *
 * The observation is the problem's prompt, the action the answer: a whole program, or the rest of
 * the prompt; code in Markdown fences is taken out. It is graded by its tests in a sandbox. A wrong
 * answer's first error is the whole answer, with evidence `test`; where in it the fault lies is
 * another question (`locate.ts`). `Verdict.answer` is the first failing test with what came of it.
 *
 * `correct` gives the reference, where the data set has one, and `empty` gives nothing.
 */
export function dataset(
  name: string,
  options: GraderOptions,
  load: () => readonly Problem[],
): Environment<ProgramState> {
  const grader = new Grader(options);
  let loaded: ReadonlyMap<string, Problem> | undefined;
  const problems = (): ReadonlyMap<string, Problem> =>
    (loaded ??= new Map(load().map((problem) => [problem.id, problem])));
  const tasks = (split: Split): readonly Task[] =>
    [...problems().values()]
      .filter((problem) => problem.split === split)
      .map(({ id, level }) => ({ id, domain: name, level, split, data: id }));

  return {
    name,
    get levels() {
      return [...new Set([...problems().values()].map(({ level }) => level))];
    },
    maxSteps: 1,
    maxActionSymbols: 1024,
    maxObservationSymbols: 2048,
    procedures: { correct: ({ problem }) => problem.reference ?? "", empty: () => "" },
    tasks,

    draw({ split, level, random }) {
      const all = tasks(split).filter((task) => task.level === level);
      if (all.length > 0) return random.pick(all);
      throw new ErrataError(`${name} has no tasks of level "${level}" in the split ${split}`, {
        code: "ENVIRONMENT_LEVEL",
        hint: `its levels are ${[...new Set(tasks(split).map((task) => task.level))].join(", ") || "none in this split"}`,
      });
    },

    start(task) {
      const problem = typeof task.data === "string" ? problems().get(task.data) : undefined;
      if (problem !== undefined) return turnOf({ problem });
      throw new ErrataError(`${name} has no problem ${JSON.stringify(task.data)}`, {
        code: "ENVIRONMENT_TASK",
        hint: `take tasks from ${name}().tasks`,
      });
    },

    step: (state, answer) => turnOf({ problem: state.problem, answer }),

    judge: async (trajectory) => verdictOf(trajectory, grader),
    restate: (task, [answer]) => presentations(problems().get(task.id)!, answer ?? ""),
    tricks: (task) => tricksFor(problems().get(task.id)!),

    corrupt: (task) => {
      const problem = problems().get(task.id);
      const program = problem === undefined ? undefined : corruptReference(problem);
      return program === undefined ? undefined : [program];
    },
  };
}

function turnOf(state: ProgramState): Turn<ProgramState> {
  if (state.answer !== undefined)
    return { state, observation: "", terminated: true, truncated: false };
  const { prompt } = state.problem;
  return {
    state,
    observation: prompt,
    messages: messagesOf(state.problem),
    terminated: false,
    truncated: false,
  };
}

function messagesOf({ language, prompt, completion }: Problem): readonly Message[] {
  const asked = completion
    ? `Complete this:\n\n\`\`\`${language}\n${prompt.trim()}\n\`\`\``
    : prompt;
  return [
    { role: "system", content: INSTRUCTIONS[language] },
    { role: "user", content: asked },
  ];
}

/** Failures that name a systematic slip rather than merely a wrong value. */
const SIGNATURES: ReadonlySet<string> = new Set([
  "off-by-one",
  "length-off-by-one",
  "flipped-boolean",
  "wrong-order",
  "returns-none",
]);

async function verdictOf(
  { steps, end }: Trajectory<ProgramState>,
  grader: Grader,
): Promise<Verdict> {
  const { problem, answer } = end.state;
  if (answer === undefined) return { correct: false, answer: "", stop: "truncated" };
  const finish = steps.at(-1)?.finish;
  const programs =
    problem.grading.kind === "stdin"
      ? programsOf(problem, answer, finish)
      : [programOf(problem, answer, finish)];
  if (afterReasoning(answer, finish) === undefined)
    return { correct: false, answer: "", stop: "malformed" };
  const grade = await grader.grade(problem, ...programs);
  if (grade.passed) return { correct: true, answer: "passed", stop: "solved" };
  const family = grade.family ?? "wrong-value";
  return {
    correct: false,
    answer: answer.trim() === "" ? "" : failureText(grade),
    stop: answer.trim() === "" ? "malformed" : "wrong",
    firstError: {
      step: steps.length - 1,
      span: { start: 0, end: answer.length },
      evidence: "test",
      confidence: 1,
      family,
      detail: [
        `${grade.held} of ${grade.reached} tests reached held`,
        failureText(grade),
        ...(problem.language === "javascript" ? differencesFromV8(programs.join("\n")) : []),
      ].join("; "),
    },
    ...(grade.wrongOutputs === undefined ? {} : { wrongOutputs: grade.wrongOutputs }),
    ...(SIGNATURES.has(family) ? { signature: family } : {}),
  };
}

function failureText({ firstFailure = 0, got = "" }: Grade): string {
  return firstFailure === 0 ? got : `test ${firstFailure}: ${got}`;
}
