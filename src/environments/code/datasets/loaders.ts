/** The published formats of programming benchmarks. */
import { z } from "zod";
import { ErrataError } from "../../../util/error.js";
import { hashText } from "../../../util/random.js";
import type { Split } from "../../environment.js";
import { readRows } from "./read.js";
import type { Problem } from "./problem.js";

const HumanEvalRow = z.object({
  task_id: z.string(),
  prompt: z.string(),
  entry_point: z.string(),
  canonical_solution: z.string(),
  test: z.string(),
});

/**
 * HumanEval (github.com/openai/human-eval) and files of its form: `test` defines `check(candidate)`.
 * All of it is `test`, as it is a benchmark.
 * @throws ErrataError `ENVIRONMENT_DATA`.
 */
export function loadHumanEval(path: string): readonly Problem[] {
  return readRows(path, HumanEvalRow).map((row) => checked(row, "test"));
}

function checked(row: z.infer<typeof HumanEvalRow>, split: Split): Problem {
  return {
    id: row.task_id,
    language: "python",
    split,
    level: "all",
    prompt: row.prompt,
    completion: true,
    entryPoint: row.entry_point,
    reference: row.prompt + row.canonical_solution,
    // In the tests `candidate` is the program's function; its own name, and what the prompt defines
    // before it, are the reference's: HumanEval/33 compares the two.
    grading: {
      kind: "assertions",
      tests: `${row.test}\n\ncheck(candidate)\n`,
      helpers: row.prompt + row.canonical_solution,
      candidate: "candidate",
    },
  };
}

const HumanEvalJsRow = z.object({
  task_id: z.string(),
  prompt: z.string(),
  canonical_solution: z.string(),
  declaration: z.string(),
  test: z.string(),
});

/**
 * HumanEval-X, JavaScript (github.com/THUDM/CodeGeeX): `test` calls `console.assert`. All of it is
 * `test`.
 * @throws ErrataError `ENVIRONMENT_DATA`.
 */
export function loadHumanEvalJs(path: string): readonly Problem[] {
  return readRows(path, HumanEvalJsRow).map((row) => {
    const name = [...row.declaration.matchAll(/const\s+([\w$]+)\s*=/g)].at(-1)?.[1];
    return {
      id: row.task_id,
      language: "javascript",
      split: "test",
      level: "all",
      prompt: row.prompt,
      completion: true,
      ...(name === undefined ? {} : { entryPoint: name }),
      reference: row.prompt + row.canonical_solution,
      grading: { kind: "assertions", tests: row.test, helpers: helpersOf(row.prompt, name) },
    };
  });
}

/** What a JavaScript prompt defines before the function that is asked for. */
function helpersOf(prompt: string, name: string | undefined): string {
  const at = name === undefined ? -1 : prompt.lastIndexOf(`const ${name} =`);
  return at < 0 ? "" : prompt.slice(0, at);
}

/** The function of `program` that a suite calls by its own name, where it does. */
function testedFunction(suite: string, program: string): string | undefined {
  if (/\bcandidate\b/.test(suite)) return undefined;
  const defined = new Set([...program.matchAll(/^def\s+(\w+)\s*\(/gm)].map(([, name]) => name!));
  const names = [...suite.matchAll(/\b(\w+)\s*\(/g)].map(([, name]) => name!);
  return names.find((name) => defined.has(name));
}

const MbppRow = z.union([
  HumanEvalRow,
  z.object({
    task_id: z.union([z.number(), z.string()]),
    prompt: z.string().optional(),
    text: z.string().optional(),
    code: z.string(),
    test_imports: z.array(z.string()).default([]),
    test_setup_code: z.string().default(""),
    test_list: z.array(z.string()).min(1),
  }),
]);

/**
 * MBPP: the authors' files (`code`, `test_list`), or the form of HumanEval that other projects give
 * it. Split 80/10/10 by a hash of the id.
 * @throws ErrataError `ENVIRONMENT_DATA`.
 */
export function loadMbpp(path: string): readonly Problem[] {
  return readRows(path, MbppRow).map((row): Problem => {
    const split = splitOf(String(row.task_id));
    if ("entry_point" in row) {
      const reference = withoutDocumentation(row.prompt) + row.canonical_solution;
      const problem = checked(row, split);
      // A solution may itself be called `check`.
      const suite = row.test.replace(/^def check\(/m, "def check_candidate(");
      const entryPoint = testedFunction(suite.replace(/^def check_candidate\(.*$/m, ""), reference);
      if (entryPoint === undefined) return { ...problem, reference };
      const tests = `${suite}\n\ncheck_candidate(None)\n`;
      return { ...problem, entryPoint, reference, grading: { kind: "assertions", tests } };
    }
    const name = /^def\s+(\w+)\s*\(/m.exec(row.code)?.[1];
    const description = (row.prompt ?? row.text ?? "").trim();
    return {
      id: `MBPP/${row.task_id}`,
      language: "python",
      split,
      level: "all",
      prompt: `${description}\nYour code should pass this test:\n${row.test_list[0]!}\n`,
      completion: false,
      ...(name === undefined ? {} : { entryPoint: name }),
      reference: row.code,
      grading: {
        kind: "assertions",
        tests: [...row.test_imports, row.test_setup_code, ...row.test_list].join("\n"),
      },
    };
  });
}

/** A prompt without its docstring, whose indentation is not always that of the solution. */
function withoutDocumentation(prompt: string): string {
  return prompt.replace(/^[ \t]+('''|""")[\s\S]*?\1[ \t]*\n/m, "");
}

function splitOf(id: string): Split {
  const tenth = hashText(id) % 10;
  return tenth < 8 ? "train" : tenth === 8 ? "validation" : "test";
}

const Case = z.object({
  input: z.string(),
  output: z.string(),
  testtype: z.enum(["stdin", "functional"]),
});

const LiveCodeBenchRow = z.object({
  question_id: z.union([z.string(), z.number()]),
  question_content: z.string(),
  starter_code: z.string().nullish(),
  difficulty: z.string().default("all"),
  public_test_cases: z.union([z.string(), z.array(Case)]),
  private_test_cases: z.union([z.string(), z.array(Case)]).nullish(),
  metadata: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
});

export interface LiveCodeBenchOptions {
  /** Grade on the public tests alone and leave the private ones unread. Default false. */
  readonly publicTestsOnly?: boolean;
}

/**
 * LiveCodeBench-style problems: programs over standard input, or methods of a class `Solution`.
 *
 * The published files hold their private tests as compressed Python pickles. A pickle can run code
 * when it is read, so it never is: convert them to JSON lists first, or take the public tests alone.
 * @throws ErrataError `ENVIRONMENT_PICKLE` on such tests, `ENVIRONMENT_DATA` on anything else that
 * cannot be read.
 */
export function loadLiveCodeBench(
  path: string,
  { publicTestsOnly = false }: LiveCodeBenchOptions = {},
): readonly Problem[] {
  return readRows(path, LiveCodeBenchRow).map((row): Problem => {
    const id = `LiveCodeBench/${row.question_id}`;
    const hidden = publicTestsOnly ? [] : casesOf(row.private_test_cases ?? [], id);
    const cases = [...casesOf(row.public_test_cases, id), ...hidden];
    if (cases.length === 0) throw unusable(id, "it has no tests");
    const starter = row.starter_code?.trim() ?? "";
    const common = {
      id,
      prelude: LIVECODEBENCH_IMPORTS,
      language: "python" as const,
      split: "test" as const,
      level: row.difficulty,
      prompt: starter === "" ? row.question_content : `${row.question_content}\n\n${starter}\n`,
      completion: false,
    };
    if (cases.every(({ testtype }) => testtype === "stdin"))
      return { ...common, grading: { kind: "stdin", cases } };
    const name = functionName(row.metadata, id);
    const tests = cases.map(({ input, output }) => {
      const args = input.split("\n").filter((line) => line.trim() !== "");
      return `assert listed(called(*[json.loads(x) for x in ${JSON.stringify(args)}])) == json.loads(${JSON.stringify(output)})`;
    });
    const all = [callOf(name), ...tests].join("\n");
    return { ...common, entryPoint: "Solution", grading: { kind: "assertions", tests: all } };
  });
}

/** The imports that LiveCodeBench's grader puts before every program (lcb_runner/evaluation/testing_util.py). */
const LIVECODEBENCH_IMPORTS = [
  ..."string re datetime collections heapq bisect copy math random statistics itertools functools operator io sys json builtins typing"
    .split(" ")
    .map((name) => `from ${name} import *`),
  "import string, re, datetime, collections, heapq, bisect, copy, math, random, statistics, itertools, functools, operator, io, sys, json",
  "sys.setrecursionlimit(50000)",
].join("\n");

/** The method of a class `Solution`, or a function where there is no such class; a tuple counts as a list. */
function callOf(name: string): string {
  return `import json
try:
    called = Solution().${name}
except NameError:
    called = ${name}
def listed(value):
    return list(value) if isinstance(value, tuple) else value
`;
}

function casesOf(value: string | z.infer<typeof Case>[], id: string): z.infer<typeof Case>[] {
  if (typeof value !== "string") return value;
  if (value.trim() === "") return [];
  let list: unknown;
  try {
    list = JSON.parse(value);
  } catch {
    throw new ErrataError(
      `the private tests of ${id} are not JSON but a compressed Python pickle`,
      {
        code: "ENVIRONMENT_PICKLE",
        hint: "a pickle can run code when it is read: convert the file to JSON lists of {input, output, testtype} first, or set publicTestsOnly",
      },
    );
  }
  const read = z.array(Case).safeParse(list);
  if (read.success) return read.data;
  throw unusable(id, "its tests are no list of {input, output, testtype}");
}

function functionName(metadata: z.infer<typeof LiveCodeBenchRow>["metadata"], id: string): string {
  let read: unknown = metadata;
  if (typeof metadata === "string") {
    try {
      read = JSON.parse(metadata);
    } catch {
      read = undefined;
    }
  }
  const named = z.object({ func_name: z.string().regex(/^[A-Za-z_]\w*$/) }).safeParse(read);
  if (named.success) return named.data.func_name;
  throw unusable(id, "its tests call a function, and metadata.func_name does not say which");
}

function unusable(id: string, why: string): ErrataError {
  return new ErrataError(`${id} cannot be used: ${why}`, {
    code: "ENVIRONMENT_DATA",
    hint: "use the file as its authors published it",
  });
}
