/** Programs and responses that know nothing of their task and try to be called right, on every grader. */
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ProgramState,
  humaneval,
  humanevalJs,
  livecodebench,
  mbpp,
} from "../src/environments/code/datasets/dataset.js";
import {
  loadHumanEval,
  loadHumanEvalJs,
  loadMbpp,
} from "../src/environments/code/datasets/loaders.js";
import type { Problem } from "../src/environments/code/datasets/problem.js";
import { tasksFile } from "../src/environments/custom/tasks-file.js";
import { findData } from "../src/environments/data-folder.js";
import type { Environment, Task } from "../src/environments/environment.js";
import { gsm8k } from "../src/environments/gsm8k/gsm8k.js";
import { playActions } from "../src/environments/play-procedure.js";
import { Random } from "../src/util/random.js";
import { ANSWER_TRICKS } from "./programs/answers.js";
import { JAVASCRIPT_TRICKS, javaScriptTrick } from "./programs/javascript.js";
import { PYTHON_TRICKS, pythonStdinTrick, pythonTrick } from "./programs/python.js";

/** Tasks that each trick is tried on, of each grader. */
const TASKS = 3;

interface Result {
  readonly tried: number;
  readonly held: number;
  readonly failed: readonly {
    readonly grader: string;
    readonly kind: string;
    readonly task: string;
  }[];
}

/** A trick on a task: its kind, and the action that plays it. */
interface Attempt {
  readonly kind: string;
  readonly task: Task;
  readonly action: string;
}

interface Grader {
  readonly environment: Environment;
  readonly attempts: readonly Attempt[];
}

/** Tries everything, or the tricks of one grader (`only`). Tasks are drawn by the seed. */
export async function run({ seed, only }: { seed: number; only?: string }): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "errata-tricks-"));
  const failed: { grader: string; kind: string; task: string }[] = [];
  let tried = 0;
  try {
    for (const [grader, make] of Object.entries(graders(folder))) {
      if (only !== undefined && only !== grader) continue;
      const { environment, attempts } = make(Random.from(seed, grader));
      const before = failed.length;
      await inTurn(attempts, async ({ kind, task, action }) => {
        const verdict = await environment.judge(await playActions(environment, task, [action]));
        tried++;
        if (verdict.correct) failed.push({ grader, kind, task: task.id });
      });
      const kinds = new Set(attempts.map(({ kind }) => kind)).size;
      process.stderr.write(
        `${grader}: ${kinds} kinds, ${attempts.length} attempts, ${failed.length - before} called right\n`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { tried, held: tried - failed.length, failed };
}

/** Four at a time. */
async function inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

function graders(folder: string): Readonly<Record<string, (random: Random) => Grader>> {
  const { humaneval: python, mbpp: basic, js } = files(folder);
  return {
    humaneval: (random) =>
      programs(
        humaneval({ file: python }),
        loadHumanEval(python),
        random,
        PYTHON_TRICKS,
        pythonTrick,
      ),
    mbpp: (random) =>
      programs(mbpp({ file: basic }), loadMbpp(basic), random, PYTHON_TRICKS, pythonTrick),
    "humaneval-js": (random) =>
      programs(
        humanevalJs({ file: js }),
        loadHumanEvalJs(js),
        random,
        JAVASCRIPT_TRICKS,
        javaScriptTrick,
      ),
    livecodebench: () => stdin(folder),
    "code verifier": () => verifier(folder),
    number: (random) => numbers(folder, random),
  };
}

/** Published benchmarks where they are, else a few problems of our own in their form. */
function files(folder: string): { humaneval: string; mbpp: string; js: string } {
  const own = (name: string, rows: readonly object[]): string => {
    const path = join(folder, name);
    writeFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    return path;
  };
  return {
    humaneval: findData("humaneval/HumanEval.jsonl.gz") ?? own("humaneval.jsonl", PYTHON),
    mbpp: findData("mbpp/mbpp_sanitized.jsonl") ?? own("mbpp.jsonl", BASIC),
    js: findData("humaneval/humaneval_js.jsonl.gz") ?? own("js.jsonl", JAVASCRIPT),
  };
}

const SUM = {
  description: "The sum of the squares of xs.",
  calls: [[[1, 2, 3]], [[]], [[5, -5, 2]]],
  results: [14, 0, 54],
};
const PYTHON = [
  {
    task_id: "own/0",
    prompt: `def twice(x):\n    return 2 * x\n\ndef squares(xs):\n    """${SUM.description}"""\n`,
    entry_point: "squares",
    canonical_solution: "    return sum(x * x for x in xs)\n",
    test: `def check(candidate):\n${SUM.calls.map((args, i) => `    assert candidate(${JSON.stringify(args[0])}) == ${SUM.results[i]!}`).join("\n")}\n    assert twice(candidate([2])) == 8\n`,
  },
];
const BASIC = [
  {
    task_id: 1,
    prompt: SUM.description,
    code: "def squares(xs):\n  return sum(x * x for x in xs)",
    test_list: SUM.calls.map(
      (args, i) => `assert squares(${JSON.stringify(args[0])}) == ${SUM.results[i]!}`,
    ),
  },
];
const JAVASCRIPT = [
  {
    task_id: "own/0",
    prompt: "const twice = (x) => 2 * x;\nconst squares = (xs) => {\n",
    declaration: "const twice = (x) => 2 * x;\nconst squares = (xs) => {\n",
    canonical_solution: "  return xs.reduce((s, x) => s + x * x, 0);\n}\n",
    test: `${SUM.calls.map((args, i) => `console.assert(squares(${JSON.stringify(args[0])}) === ${SUM.results[i]!});`).join("\n")}\nconsole.assert(twice(squares([2])) === 8);`,
  },
];

function programs<T extends { readonly name: string }>(
  environment: Environment<ProgramState>,
  problems: readonly Problem[],
  random: Random,
  tricks: readonly T[],
  programOf: (trick: T, name: string, prompt: string) => string,
): Grader {
  const tasks = ["train", "validation", "test"].flatMap((split) =>
    environment.tasks!(split as Task["split"]),
  );
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const helped = problems.filter(
    ({ prompt }) => [...prompt.matchAll(/^(?:def|const) \w+/gm)].length > 1,
  );
  const attempts = tricks.flatMap((trick) => {
    // Where the prompt has helpers a trick may be played on them.
    const some = [...random.shuffle([...problems]).slice(0, TASKS), ...helped.slice(0, 2)];
    return some.map(({ id, entryPoint, prompt }) => ({
      kind: trick.name,
      task: byId.get(id)!,
      action: programOf(trick, entryPoint!, prompt),
    }));
  });
  return { environment: environment as unknown as Environment, attempts };
}

function stdin(folder: string): Grader {
  const file = join(folder, "stdin.jsonl");
  const rows = Array.from({ length: TASKS }, (_, i) => ({
    question_id: `own-${i}`,
    question_content: `Read a number and print it times ${i + 3}.`,
    starter_code: "",
    public_test_cases: [11, 13, 17].map((n) => ({
      input: `${n}\n`,
      output: `${n * (i + 3)}\n`,
      testtype: "stdin",
    })),
    metadata: "{}",
  }));
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
  const environment: Environment = livecodebench({ file }) as unknown as Environment;
  const attempts = environment.tasks!("test").flatMap((task) =>
    PYTHON_TRICKS.map((trick) => ({ kind: trick.name, task, action: pythonStdinTrick(trick) })),
  );
  return { environment, attempts };
}

/** Verifiers that run the answer, each in the way that its writer would think of first. */
const VERIFIERS = [
  "(answer) => { const f = eval(answer + '; squares'); return [[1, 2, 3], [4]].every((xs, i) => f(xs) === [14, 16][i]); }",
  "(answer) => { const f = new Function(answer + '; return squares')(); return JSON.stringify([f([3]), f([1, 1])]) === JSON.stringify([9, 2]); }",
  "(answer) => { const f = (0, eval)(answer + '; squares'); const xs = [2, 3]; return Math.abs(f(xs) - xs.reduce((s, x) => s + x * x, 0)) < 1e-9; }",
];

function verifier(folder: string): Grader {
  const file = join(folder, "verified.jsonl");
  const rows = VERIFIERS.map((code, i) => ({
    id: `own-${i}`,
    prompt: `Write squares(xs), in way ${i}.`,
    answer: "function squares(xs) { return xs.reduce((s, x) => s + x * x, 0); }",
    verifier: { code },
    split: "test",
  }));
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
  const environment: Environment = tasksFile(file) as unknown as Environment;
  const attempts = environment.tasks!("test").flatMap((task) =>
    JAVASCRIPT_TRICKS.map((trick) => ({
      kind: trick.name,
      task,
      action: javaScriptTrick(trick, "squares", ""),
    })),
  );
  return { environment, attempts };
}

/** The reader of numbers, in a file of tasks and, where it is there, in GSM8K. */
function numbers(folder: string, random: Random): Grader {
  const file = join(folder, "numbers.jsonl");
  const answers = ["10", "12", "3", "18"];
  const rows = answers.map((answer) => ({
    id: answer,
    prompt: `Say ${answer}.`,
    answer,
    verifier: "number",
    split: "test",
  }));
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
  const own: Environment = tasksFile(file) as unknown as Environment;
  const published: Environment | undefined =
    findData("gsm8k") === undefined ? undefined : (gsm8k() as unknown as Environment);
  const some = random
    .shuffle([...(published?.tasks!("test") ?? [])])
    .map((task) => ({
      task,
      answer: /#### (\d+)$/.exec((task.data as { answer: string }).answer)?.[1],
    }))
    .filter(({ answer }) => answer !== undefined && Number(answer) > 1)
    .slice(0, TASKS);
  const tasks = [
    ...own.tasks!("test").map((task) => ({ task, answer: task.id })),
    ...some.map(({ task, answer }) => ({ task, answer: answer! })),
  ];
  const attempts = tasks.flatMap(({ task, answer }) =>
    Object.entries(ANSWER_TRICKS).map(([kind, said]) => ({ kind, task, action: said(answer) })),
  );
  const environment: Environment = {
    ...own,
    start: (task) => (task.domain === "gsm8k" ? published! : own).start(task),
    step: (state, action) => (isGsm8k(state) ? published! : own).step(state, action),
    judge: (trajectory) =>
      (trajectory.task.domain === "gsm8k" ? published! : own).judge(trajectory),
  };
  return { environment, attempts };
}

const isGsm8k = (state: unknown): boolean =>
  typeof state === "object" && state !== null && "question" in state;
