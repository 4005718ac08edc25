/** What reads files of tasks, attempts, settings and runs. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyOverrides } from "../../src/config/overrides.js";
import { parseConfig, savedConfig } from "../../src/config/parse.js";
import { resolveConfig } from "../../src/cli/config-file.js";
import { withPriceFile } from "../../src/cli/price-file.js";
import {
  loadHumanEval,
  loadHumanEvalJs,
  loadLiveCodeBench,
  loadMbpp,
} from "../../src/environments/code/datasets/loaders.js";
import { tasksFile } from "../../src/environments/custom/tasks-file.js";
import { readTasks } from "../../src/environments/gsm8k/data.js";
import { parseRecorded } from "../../src/environments/support/tau/recorded.js";
import { parseTasks } from "../../src/environments/support/tau/task.js";
import { playActions } from "../../src/environments/play-procedure.js";
import { readForecast } from "../../src/launch/forecasting.js";
import { checkAttemptRecords, readAttemptRecord } from "../../src/mistakes/attempt-line.js";
import { Corpus } from "../../src/mistakes/corpus/corpus.js";
import { importFormat, importFormats } from "../../src/mistakes/import/formats.js";
import { readJsonValues } from "../../src/mistakes/import/json-values.js";
import { readAttempts } from "../../src/mistakes/import/read.js";
import { RecordProblem } from "../../src/mistakes/import/record.js";
import { applyReviews } from "../../src/mistakes/review-lines.js";
import { readState } from "../../src/run/checkpoint.js";
import { Inbox } from "../../src/run/inbox.js";
import { readSeconds } from "../../src/run/seconds.js";
import { readManifest } from "../../src/students/prebuilt.js";
import { loadProtocol } from "../../src/study/design/protocol.js";
import { Metrics } from "../../src/ui/server/metrics.js";
import { configOf, pricesOf } from "../../src/ui/server/run-files.js";
import { parseRollout } from "../../src/ui/server/rollout-line.js";
import type { Files, Parser } from "./parser.js";

const lines = (...records: readonly object[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join("");

const tasks = lines(
  {
    prompt: "2 + 2 =",
    answer: "4",
    verifier: "number",
    id: "a",
    level: 1,
    split: "train",
    wrong: ["5"],
  },
  {
    question: "Name a prime below 10.",
    verifier: { regex: "^[2357]$" },
    answer: "7",
    split: "test",
  },
  {
    prompt: [{ role: "user", content: "An even number?" }],
    verifier: { code: "(a) => a % 2 === 0" },
    answer: 4,
  },
  { question: "q", answer: "a", metadata: { source_dataset: "chain_sum", difficulty: 2 } },
);

const humaneval = lines({
  task_id: "HumanEval/0",
  prompt: "def f(x):\n    '''One more.'''\n",
  entry_point: "f",
  canonical_solution: "    return x + 1\n",
  test: "def check(candidate):\n    assert candidate(1) == 2\n",
});
const humanevalJs = lines({
  task_id: "JavaScript/0",
  prompt: "const f = (x) => {\n",
  declaration: "\nconst f = (x) => {\n",
  canonical_solution: "  return x + 1;\n}\n",
  test: "const testF = () => { console.assert(f(1) === 2) }\ntestF()\n",
  example_test: "",
});
const mbpp = lines({
  task_id: 11,
  text: "One more.",
  code: "def f(x):\r\n  return x + 1",
  test_list: ["assert f(1) == 2"],
  test_setup_code: "",
});
const lcb = lines(
  {
    question_id: "1",
    question_content: "Add one.",
    starter_code: "",
    difficulty: "easy",
    public_test_cases: '[{"input":"1\\n","output":"2\\n","testtype":"stdin"}]',
    private_test_cases: "[]",
    metadata: "{}",
  },
  {
    question_id: 2,
    question_content: "Add one.",
    starter_code: "class Solution:\n    def f(self, x: int) -> int:\n",
    public_test_cases: [{ input: "1", output: "2", testtype: "functional" }],
    metadata: '{"func_name":"f"}',
  },
);

const tau2 = JSON.stringify([
  {
    id: "0",
    user_scenario: {
      persona: null,
      instructions: {
        task_instructions: "t",
        domain: "retail",
        reason_for_call: "r",
        known_info: "k",
      },
    },
    evaluation_criteria: {
      actions: [
        {
          name: "cancel_pending_order",
          arguments: { order_id: "#W1", reason: "no longer needed" },
          compare_args: null,
        },
      ],
      communicate_info: ["10"],
      reward_basis: ["DB", "COMMUNICATE"],
    },
  },
]);
const conversation = {
  task_id: 0,
  trial: 0,
  reward: 1,
  info: {
    task: {
      user_id: "u",
      instruction: "i",
      outputs: ["1"],
      actions: [{ name: "n", kwargs: { a: 1 } }],
    },
  },
  traj: [
    { role: "user", content: "Hi" },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ function: { name: "calculate", arguments: '{"expression":"1+1"}' } }],
    },
    { role: "tool", content: "2" },
    { role: "assistant", content: "It is 2." },
  ],
};

const attempts = lines(
  { task_id: "HumanEval/0", solution: "    return x\n", is_solved: false, model: "m" },
  {
    question: "q",
    small: { solution: "#### 4", is_correct: true },
    large: { solution: "#### 5", is_correct: false },
  },
  {
    messages: [
      { role: "user", content: "q" },
      { role: "assistant", content: "a" },
    ],
    model: "m",
    correct: true,
  },
  { question: "q", completions: ["a", "b"], model: "m" },
  { task: { id: "1", level: "all", split: "train", data: {} }, actions: ["a"], source: "m" },
  conversation,
);

const settings = {
  preset: "arithmetic",
  seed: 1,
  steps: 4,
  learningRate: 3e-4,
  probe: { every: 4, tasks: 8 },
  explore: { fraction: 0.5, alpha: 0.5 },
  partners: { names: ["drop-carry"] },
  prices: { currency: "EUR" },
  budget: { tokens: 1000 },
};

const reviews = lines(
  { mistake: 1, identity: "0123456789abcdef", by: "ada", verdict: "valid", note: "n", fix: "f" },
  { mistake: 1, identity: "0123456789abcdef", by: "ada", undo: true },
);

const metrics = lines(
  { step: 0, "eval/accuracy": 0.5 },
  {
    step: 1,
    "rollout/accuracy": 0.5,
    "reward/mean": 1,
    "alarm/names": ["notFinite"],
    "probe/committed": { addition: "s" },
    "replication/bySignature": { s: 0.5 },
  },
  { step: 1, "import/files": 1, "import/attempts": 2, "import/partners": ["p"] },
);

const arrivals = lines({
  step: 0,
  files: [{ name: "a.jsonl", sha256: "0".repeat(64) }],
  reviewBytes: 0,
});

const range = { low: 1, high: 2 };
const forecast = JSON.stringify({
  after: 2,
  steps: 8,
  seconds: range,
  memory: range,
  tokens: range,
  flops: range,
  money: range,
});

const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const isProblem = (error: unknown): boolean => error instanceof RecordProblem;

async function consumed(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count++;
  return count;
}

/** Errors of one line that say what is wrong with a record, as their functions promise. */
const isPlain = (error: unknown): boolean =>
  error instanceof Error && error.constructor === Error && !error.message.includes("\n");

export async function fileParsers(files: Files): Promise<Parser[]> {
  const { folder } = files;
  mkdirSync(join(folder, "gsm8k"));
  writeFileSync(
    join(folder, "gsm8k", "test.jsonl"),
    lines({ question: "1 + 1?", answer: "#### 2" }),
  );
  const run = join(folder, "run");
  mkdirSync(run);
  writeFileSync(join(folder, "fixed.jsonl"), tasks);
  const corpus = Corpus.open(":memory:");
  const parser = (
    name: string,
    inputs: readonly string[],
    read: (input: string) => unknown,
  ): Parser => ({ name, inputs, read });
  const ofFile = (
    name: string,
    file: string,
    inputs: readonly string[],
    read: (path: string) => unknown,
  ): Parser => parser(name, inputs, files.reader(file, read));
  const inRun = (
    name: string,
    file: string,
    inputs: readonly string[],
    read: (folder: string) => unknown,
  ): Parser =>
    parser(name, inputs, (input) => {
      writeFileSync(join(run, file), input);
      return read(run);
    });
  return [
    {
      ...ofFile("tasks file", "tasks.jsonl", [tasks], (path) => {
        const made = tasksFile(path);
        const all = (["train", "validation", "test"] as const).flatMap((split) => [
          ...(made.tasks?.(split) ?? []),
        ]);
        return all.map((task) => [made.start(task), made.describe?.(task)]);
      }),
      share: 3,
    },
    {
      ...parser(
        "answers to a tasks file",
        ["4", "\\boxed{7}", "<answer>no</answer>"],
        async (input) => {
          const made = tasksFile(join(folder, "fixed.jsonl"));
          const [task] = made.tasks!("train");
          return made.judge(await playActions(made, task!, [input]));
        },
      ),
    },
    ofFile(
      "tasks list",
      "tasks.json",
      [`[${tasks.trim().replaceAll("\n", ",\n")}]`, tau2],
      tasksFile,
    ),
    ofFile("HumanEval", "humaneval.jsonl", [humaneval], loadHumanEval),
    ofFile("HumanEval in JavaScript", "js.jsonl", [humanevalJs], loadHumanEvalJs),
    ofFile("MBPP", "mbpp.jsonl", [mbpp, humaneval], loadMbpp),
    ofFile("LiveCodeBench", "lcb.jsonl", [lcb], (path) => loadLiveCodeBench(path)),
    parser("GSM8K", [lines({ question: "2 + 2?", answer: "2+2=<<2+2=4>>4\n#### 4" })], (input) => {
      writeFileSync(join(folder, "gsm8k", "train.jsonl"), input);
      return readTasks(join(folder, "gsm8k"));
    }),
    parser("tau2 tasks", [tau2], (input) => parseTasks(json(input), "tasks.json")),
    parser("tau conversations", [JSON.stringify([conversation])], (input) =>
      parseRecorded(json(input), "file.json"),
    ),
    {
      ...parser("attempts that join", [attempts.split("\n")[4]!], readAttemptRecord),
      documents: isPlain,
    },
    parser("file of attempts that join", [attempts], checkAttemptRecords),
    ...importFormats.map(({ name }) => ({
      ...parser(`import of ${name}`, attempts.trim().split("\n"), (input: string) =>
        importFormat(name).read(json(input)),
      ),
      documents: isProblem,
    })),
    parser(
      "JSON values",
      [attempts, `[${attempts.trim().replaceAll("\n", ",")}]`],
      async (input) => {
        writeFileSync(join(folder, "values.jsonl"), input);
        return consumed(readJsonValues(join(folder, "values.jsonl")));
      },
    ),
    parser("attempts", [attempts], async (input) => {
      writeFileSync(join(folder, "attempts.jsonl"), input);
      const options = {
        files: [join(folder, "attempts.jsonl")],
        format: importFormat("completions"),
        model: "m",
      };
      return consumed(readAttempts(options as never));
    }),
    parser("reviews", [reviews], (input) => applyReviews(corpus, input)),
    {
      ...parser("configuration", [JSON.stringify(settings)], (input) => parseConfig(json(input))),
      share: 2,
    },
    parser("saved configuration", [JSON.stringify(settings)], (input) =>
      savedConfig(json(input), "config.json"),
    ),
    parser("--set", ["explore.alpha=0.5", 'partners.names=["a"]', "a.b.c=1"], (input) =>
      parseConfig(applyOverrides({}, [input])),
    ),
    {
      ...ofFile("configuration file", "errata.config.json", [JSON.stringify(settings)], (file) =>
        resolveConfig({ file }),
      ),
      share: 0.2,
    },
    ofFile(
      "prices",
      "prices.json",
      ['{"currency":"EUR","models":{"m":{"input":1,"output":2}},"hours":{"cpu":0.1}}'],
      (file) => withPriceFile({ prices: { file } }),
    ),
    parser("prebuilt models", ['{"proof-97b13fe9d3b3":"proof-student.safetensors"}'], (input) => {
      writeFileSync(join(folder, "manifest.json"), input);
      return readManifest(folder);
    }),
    parser("study", ['{"study":"s","arms":[{"name":"a"}]}'], (input) => {
      mkdirSync(join(folder, "study-aaaaaaaaaaaa"), { recursive: true });
      writeFileSync(join(folder, "study-aaaaaaaaaaaa", "protocol.json"), input);
      return loadProtocol(join(folder, "study-aaaaaaaaaaaa"));
    }),
    inRun("run's seconds", "seconds.json", ['{"student":1.5,"experts":0}'], readSeconds),
    inRun(
      "run's state",
      "state.json",
      ['{"step":4,"finished":false,"metricsBytes":10,"experts":[],"committed":[]}'],
      readState,
    ),
    inRun("run's arrivals", "arrivals.jsonl", [arrivals], (at) => new Inbox(at).partnersBefore(3)),
    inRun("run's metrics", "metrics.jsonl", [metrics], (at) => new Metrics(at).series(0)),
    inRun(
      "run's configuration in the dashboard",
      "config.json",
      [JSON.stringify(settings)],
      (at) => [configOf(at), pricesOf(at)],
    ),
    inRun("run's forecast", "forecast.json", [forecast], (at) => readForecast(at, 8)),
    parser(
      "rollout",
      ['{"task":"1","level":"a","actions":["x"],"correct":true,"offPolicy":false}'],
      parseRollout,
    ),
  ];
}
