import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { checkEnvironment } from "../../../assess/check-environment.js";
import { findData } from "../../data-folder.js";
import type { Environment, Verdict } from "../../environment.js";
import { playActions } from "../../play-procedure.js";
import { bubblewrapFault } from "../sandbox/bubblewrap.js";
import { corruptReference } from "./corrupt.js";
import { type ProgramState, humaneval, humanevalJs, livecodebench, mbpp } from "./dataset.js";
import { loadHumanEval, loadLiveCodeBench, loadMbpp } from "./loaders.js";
import { type Problem, programOf } from "./problem.js";

const hasData = findData("humaneval") !== undefined && findData("mbpp") !== undefined;
if (!hasData)
  console.warn("benchmark files are not tested: set ERRATA_DATA to the folder that holds them");
const fault = await bubblewrapFault();

const folder = mkdtempSync(join(tmpdir(), "errata-datasets-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const ADD = {
  task_id: "T/0",
  prompt: "import math\n\ndef half(x):\n    return x / 2\n\ndef add(a, b):\n    '''Adds.'''\n",
  entry_point: "add",
  canonical_solution: "    return a + b\n",
  test: "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(2, 2) == 4\n",
};

const problem = loadHumanEval(file("add.jsonl", `${JSON.stringify(ADD)}\n\n`))[0]!;

async function answered<S>(environment: Environment<S>, answer: string): Promise<Verdict> {
  const [task] = environment.tasks!("test");
  return environment.judge(await playActions(environment, task!, [answer]));
}

const whole = "def add(a, b):\n    return a + b";

describe("an answer becomes a program", () => {
  test.each([
    ["a completion", "    return a + b\n", `${ADD.prompt}    return a + b\n`],
    ["a whole function", whole, `import math\n\ndef half(x):\n    return x / 2\n\n${whole}`],
    [
      "in Markdown",
      `Sure:\n\`\`\`python\n${whole}\n\`\`\`\nDone.`,
      `import math\n\ndef half(x):\n    return x / 2\n\n${whole}\n`,
    ],
    [
      "a fence never closed",
      `\`\`\`python\n${whole}`,
      `import math\n\ndef half(x):\n    return x / 2\n\n${whole}`,
    ],
    [
      "after thoughts",
      `<think>\`\`\`python\ndef add(a, b): return 0\n\`\`\`</think>\n\`\`\`\n${whole}\n\`\`\``,
      `import math\n\ndef half(x):\n    return x / 2\n\n${whole}\n`,
    ],
    [
      "the block that defines it, of several",
      `\`\`\`\nadd(1, 2) # a long example of how it is used, longer than the function\n\`\`\`\n\`\`\`py\n${whole}\n\`\`\``,
      `import math\n\ndef half(x):\n    return x / 2\n\n${whole}\n`,
    ],
  ])("%s", (_name, answer, program) => {
    expect(programOf(problem, answer)).toBe(program);
  });

  test("with the prompt already in it, the prompt is not repeated", () => {
    expect(programOf(problem, ADD.prompt + ADD.canonical_solution)).toBe(
      ADD.prompt + ADD.canonical_solution,
    );
  });
});

const block = (code: string, info = "python"): string => `\`\`\`${info}\n${code}\n\`\`\``;

describe("which block is the program", () => {
  const other = "def add(a, b):\n    return 7";
  const program = (answer: string): string => programOf(problem, answer);
  test.each([
    ["the last that defines it", `${block(whole)}\nNo, rather:\n${block(other)}`, other],
    [
      "however long an earlier one is",
      `${block(whole + "\n# and so on".repeat(50))}\n${block(other)}`,
      other,
    ],
    ["not a later one that only uses it", `${block(other)}\n${block("print(add(1, 2))")}`, other],
    [
      "dedented where a list indents it",
      `1. So:\n   ${block(other).replaceAll("\n", "\n   ")}`,
      other,
    ],
    ["past a fence that was left open", `\`\`\`python\n${whole}\n${block(other)}`, other],
  ])("%s", (_name, answer, code) => {
    expect(program(answer).trimEnd()).toBe(
      `import math\n\ndef half(x):\n    return x / 2\n\n${code}`,
    );
  });

  test("a body before a stray fence is a completion", () => {
    expect(program("    return a + b\n```\n")).toBe(`${ADD.prompt}    return a + b`);
  });

  test("of reasoning that was not finished there is none", async () => {
    expect(program(`<think>${block(whole)}`)).toBe(`${ADD.prompt}`);
    const environment = humaneval({ file: file("thinking.jsonl", JSON.stringify(ADD)) });
    expect(await answered(environment, `<think>${block(whole)}`)).toMatchObject({
      correct: false,
      stop: "malformed",
    });
  });
});

describe("files", () => {
  test("compressed or not, lines or a list", () => {
    const zipped = file("add.jsonl.gz", gzipSync(JSON.stringify(ADD)));
    const list = file("add.json", JSON.stringify([ADD]));
    expect(loadHumanEval(zipped)).toEqual([problem]);
    expect(loadHumanEval(list)).toEqual([problem]);
  });

  test.each([
    ["bad.jsonl", `${JSON.stringify(ADD)}\n{"task_id": 1`, /bad\.jsonl:2/],
    ["missing.jsonl", JSON.stringify({ ...ADD, test: undefined }), /missing\.jsonl:1.*test/],
    ["not.jsonl.gz", "not compressed", /not\.jsonl\.gz/],
  ])("%s is refused with its place", (name, content, message) => {
    expect(() => loadHumanEval(file(name, content))).toThrow(
      expect.objectContaining({
        code: "ENVIRONMENT_DATA",
        message: expect.stringMatching(message) as string,
      }),
    );
  });

  test("a file that is absent is refused with where to get it", () => {
    const environment = humaneval({ file: join(folder, "absent.jsonl") });
    expect(environment.name).toBe("humaneval"); // nothing is read before tasks are asked for
    expect(() => environment.tasks!("test")).toThrow(
      expect.objectContaining({ code: "ENVIRONMENT_DATA" }),
    );
  });

  test("MBPP as its authors publish it", () => {
    const row = {
      task_id: 2,
      prompt: "Write a function to add.",
      code: "def add(a, b):\n  return a + b",
      test_imports: ["import math"],
      test_list: ["assert add(1, 2) == 3", "assert math.isclose(add(1, 1), 2)"],
    };
    const [read] = loadMbpp(file("mbpp.json", JSON.stringify([row])));
    expect(read).toMatchObject({
      id: "MBPP/2",
      entryPoint: "add",
      completion: false,
      reference: row.code,
    });
    expect(read!.grading).toEqual({
      kind: "assertions",
      tests: `import math\n\n${row.test_list.join("\n")}`,
    });
  });
});

const STDIN = {
  question_id: "a",
  question_content: "Double the number.",
  starter_code: "",
  difficulty: "easy",
  public_test_cases: JSON.stringify([{ input: "21\n", output: "42", testtype: "stdin" }]),
  private_test_cases: JSON.stringify([{ input: "0\n", output: "0\n", testtype: "stdin" }]),
  metadata: "{}",
};
const FUNCTIONAL = {
  question_id: "b",
  question_content: "Add the lists' sums.",
  starter_code: "class Solution:\n    def total(self, a: List[int], b: List[int]) -> int:",
  difficulty: "hard",
  public_test_cases: [{ input: "[1, 2]\n[3]", output: "6", testtype: "functional" }],
  private_test_cases: "",
  metadata: { func_name: "total" },
};
const PICKLED = { ...STDIN, question_id: "c", private_test_cases: "eJxrYEzMY5jKAAADtgEv" };

describe("LiveCodeBench", () => {
  test("pickled tests are refused unread, or left out on demand", () => {
    const path = file("pickled.jsonl", JSON.stringify(PICKLED));
    expect(() => loadLiveCodeBench(path)).toThrow(
      expect.objectContaining({ code: "ENVIRONMENT_PICKLE" }),
    );
    const [read] = loadLiveCodeBench(path, { publicTestsOnly: true });
    expect(read!.grading).toMatchObject({ kind: "stdin", cases: [{ input: "21\n" }] });
  });

  test.each([
    ["no tests", { ...STDIN, public_test_cases: "[]", private_test_cases: "" }],
    ["no function named", { ...FUNCTIONAL, metadata: "{}" }],
    ["a function that is code", { ...FUNCTIONAL, metadata: { func_name: "x(); import os" } }],
    ["tests of another form", { ...STDIN, public_test_cases: '[{"in": 1}]' }],
  ])("%s is refused", (name, row) => {
    const path = file(`${name}.jsonl`, JSON.stringify(row));
    expect(() => loadLiveCodeBench(path)).toThrow(
      expect.objectContaining({ code: "ENVIRONMENT_DATA" }),
    );
  });

  describe.skipIf(fault !== undefined)("is graded", () => {
    test("by standard output", async () => {
      const environment = livecodebench({ file: file("stdin.jsonl", JSON.stringify(STDIN)) });
      expect(await answered(environment, "print(int(input()) * 2)")).toMatchObject({
        correct: true,
      });
      expect(await answered(environment, "print(int(input()) + 21)")).toMatchObject({
        correct: false,
        answer: "test 2: 21",
      });
      expect(await answered(environment, "print(1 / 0)")).toMatchObject({
        correct: false,
        answer: "test 1: failed",
      });
    });

    test("by numbers where a line is numbers, white space at its ends aside", async () => {
      const half = {
        ...STDIN,
        public_test_cases: [{ input: "7\n", output: "3.50\nYES\n", testtype: "stdin" }],
      };
      const environment = livecodebench({
        file: file("half.jsonl", JSON.stringify(half)),
        publicTestsOnly: true,
      });
      for (const said of ["3.5\\nYES", "  3.500 \\n YES ", "35e-1\\nYES\\n\\n"])
        expect(await answered(environment, `print("${said}")`)).toMatchObject({ correct: true });
      for (const said of ["3.51\\nYES", "3.5 YES", "3.5\\nNO", "3.5"])
        expect(await answered(environment, `print("${said}")`)).toMatchObject({ correct: false });
    });

    test("by the last block that parses", async () => {
      const environment = livecodebench({ file: file("last.jsonl", JSON.stringify(STDIN)) });
      const right = "print(int(input()) * 2)";
      const said = `${block("print(7)")}\n${block(right)}\nIt prints\n${block("4 2 and so on, a long example = ()", "")}`;
      expect(await answered(environment, said)).toMatchObject({ correct: true });
      expect(await answered(environment, `${block(right)}\n${block("print(7)")}`)).toMatchObject({
        correct: false,
      });
      expect(await answered(environment, `${block(right)}\n${block("print(7")}`)).toMatchObject({
        correct: true,
      });
    });

    test("with the imports of its own grader, a tuple as a list, and a function without a class", async () => {
      const two = {
        ...FUNCTIONAL,
        starter_code: "class Solution:\n    def two(self, nums: List[int]) -> List[int]:\n        ",
        public_test_cases: [{ input: "[3,1,2]", output: "[1, 2]", testtype: "functional" }],
        metadata: { func_name: "two" },
      };
      const environment = livecodebench({ file: file("two.jsonl", JSON.stringify(two)) });
      const method =
        "class Solution:\n    def two(self, nums: List[int]) -> List[int]:\n        return";
      expect(await answered(environment, `${method} tuple(sorted(nums)[:2])`)).toMatchObject({
        correct: true,
      });
      expect(await answered(environment, `${method} nsmallest(2, nums)`)).toMatchObject({
        correct: true,
      });
      expect(
        await answered(
          environment,
          "from __future__ import annotations\ndef two(nums: List[int]): return sorted(nums)[:2]",
        ),
      ).toMatchObject({ correct: true });
      expect(await answered(environment, `${method} nums[:2]`)).toMatchObject({ correct: false });
    });

    test("by a method's results", async () => {
      const environment = livecodebench({
        file: file("functional.jsonl", JSON.stringify(FUNCTIONAL)),
      });
      const method = (body: string): string =>
        `class Solution:\n    def total(self, a, b):\n        return ${body}`;
      expect(await answered(environment, method("sum(a) + sum(b)"))).toMatchObject({
        correct: true,
      });
      expect(await answered(environment, method("sum(a)"))).toMatchObject({
        correct: false,
        answer: "test 1: 3",
      });
    });
  });
});

describe.skipIf(fault !== undefined)("verdicts on Python", () => {
  const environment = humaneval({
    file: file("one.jsonl", JSON.stringify(ADD)),
    milliseconds: 20_000,
  });

  test("name the first failing test, what it gave, and how it differs", async () => {
    expect(await answered(environment, "    return a + b")).toMatchObject({
      correct: true,
      stop: "solved",
    });
    expect(await answered(environment, "    return a + b + 1")).toMatchObject({
      correct: false,
      stop: "wrong",
      answer: "test 1: 4",
      signature: "off-by-one",
      firstError: { step: 0, evidence: "test", family: "off-by-one" },
    });
    expect(await answered(environment, "    return 3")).toMatchObject({ answer: "test 2: 3" });
    expect(await answered(environment, "    return c")).toMatchObject({
      answer: "test 1: NameError",
      firstError: { family: "NameError" },
    });
    expect(await answered(environment, "this is no (")).toMatchObject({
      correct: false,
      answer: "load: SyntaxError",
    });
    expect(await answered(environment, "")).toMatchObject({
      correct: false,
      stop: "malformed",
      answer: "",
    });
  });

  test("a corrupted reference fails", async () => {
    expect((await answered(environment, corruptReference(problem)!)).correct).toBe(false);
  });
});

test("nothing to corrupt without a reference", () => {
  const { reference: _reference, ...rest } = problem;
  expect(corruptReference(rest as Problem)).toBeUndefined();
});

describe.skipIf(!hasData)("benchmark files", () => {
  test("HumanEval-X JavaScript: all references but three", async () => {
    const known = ["JavaScript/112", "JavaScript/155", "JavaScript/162"];
    const { failures, ...result } = await checkEnvironment(humanevalJs(), { tasks: 48, seed: 0 });
    const wrong = failures.map(({ task }) => task);
    expect(known).toEqual(expect.arrayContaining(wrong));
    expect(wrong.length).toBeGreaterThan(0);
    const right = 48 - wrong.length;
    expect(result).toMatchObject({
      tasks: 48,
      referenceAccepted: right,
      corrupted: right,
      corruptedRejected: right,
    });
  });

  test.skipIf(fault !== undefined)("a sample of HumanEval and MBPP", async () => {
    const samples: Environment<ProgramState>[] = [humaneval(), mbpp()];
    for (const environment of samples) {
      const result = await checkEnvironment(environment, { tasks: 4, seed: 3 });
      expect(result).toMatchObject({ referenceAccepted: 4, corruptedRejected: 4, failures: [] });
    }
  });

  test("sizes and splits", () => {
    expect(humaneval().tasks!("test")).toHaveLength(164);
    expect(humaneval().tasks!("train")).toHaveLength(0);
    const sizes = (["train", "validation", "test"] as const).map(
      (split) => mbpp().tasks!(split).length,
    );
    expect(sizes.reduce((a, b) => a + b)).toBe(427);
    expect(Math.min(...sizes)).toBeGreaterThan(20);
  });
});
