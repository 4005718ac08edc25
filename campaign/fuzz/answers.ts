/** What reads the words of a model, and what remote programs answer. */
import { statedForms, unstatedForms } from "../../src/environments/answers/forms.js";
import { readNumber } from "../../src/environments/answers/number.js";
import { statedAnswer, statedNumber } from "../../src/environments/answers/stated.js";
import { codeBlocks } from "../../src/environments/code/datasets/blocks.js";
import { sameOutput } from "../../src/environments/code/datasets/output.js";
import {
  programOf,
  programsOf,
  type Problem,
} from "../../src/environments/code/datasets/problem.js";
import { annotations } from "../../src/environments/gsm8k/annotation.js";
import { localise } from "../../src/environments/gsm8k/localise.js";
import {
  commandFault,
  commandResponse,
  isProofComplete,
  tacticResponse,
} from "../../src/environments/lean/messages.js";
import { parseAgentAction } from "../../src/environments/support/tau/action.js";
import { calculate } from "../../src/environments/support/tau/arithmetic.js";
import { ToolError } from "../../src/environments/support/tool.js";
import { readChat, readCompletion } from "../../src/serve/requests.js";
import { RequestError } from "../../src/serve/errors.js";
import { attemptLines } from "../../src/cli/attempt-lines.js";
import { nearest } from "../../src/util/spelling.js";
import type { Parser } from "./parser.js";

const forms = ["18", "-2.5", "1/3", "70,000", "25%", "1.5 million", "\\frac{1}{2}"].flatMap(
  (text) => [
    ...Object.values(statedForms(text)).flat(),
    ...Object.values(unstatedForms(text)).flat(),
  ],
);

const numbers: readonly string[] = [
  ..."18|-2.5|70,000|1/3|3½|25%|$1,000.50|1.5 million|1.5e6|10^{6}|x = 5|\\frac{1}{2}|not 17 but 18".split(
    "|",
  ),
  "1.5 \\times 10^6",
  "\\text{about } 18 \\text{ pens}",
  "**18**",
  "$\\left(\\frac{3}{4}\\right)$",
];

const solutions: readonly string[] = [
  "She sold 48/2 = <<48/2=24>>24 clips in May.\nShe sold 48+24 = <<48+24=72>>72 clips.\n#### 72",
  "Half of 48 is 24.\n48 + 24 = 72, so (48+24)*1% = 0.72\nThe answer is **72**.",
];

const fenced: readonly string[] = [
  "Here it is:\n\n```python\ndef f(x):\n    return x + 1\n```\n\nOr:\n\n1. ```py\n   def f(x): return 2\n   ```\n",
  "<think>Hm.\n```\nf(1)\n```</think>\n~~~js\nconst f = (x) => x;\n~~~",
  "    return x + 1\n```",
];

const problem: Problem = {
  id: "1",
  language: "python",
  split: "test",
  level: "all",
  prompt: "import math\n\ndef f(x):\n",
  completion: true,
  entryPoint: "f",
  grading: { kind: "assertions", tests: "assert f(1) == 2" },
};

const calls: readonly string[] = [
  '{"name": "get_order_details", "arguments": {"order_id": "#W1"}}',
  '<tool_call>\n{"name": "calculate", "arguments": {"expression": "1 + 2"}}\n</tool_call>',
  '```json\n{"name": "transfer", "arguments": {}}\n```',
  "Hello! What is your name?",
];

const replies: readonly string[] = [
  '{"env":1,"messages":[{"severity":"info","pos":{"line":1,"column":0},"endPos":null,"data":"\'t\' depends on axioms: [propext]"}],"sorries":[]}',
  '{"proofState":1,"goals":["⊢ True"],"proofStatus":"Completed"}',
];

const requests: readonly string[] = [
  '{"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"Ho"}]}],"temperature":0.5,"stop":["x"],"n":2}',
  '{"model":"m","prompt":[1,2],"max_tokens":8,"logprobs":2,"stream_options":{"include_usage":true}}',
];

const traces: readonly string[] = [
  '[{"prompt":"1+1","action":"2"},{"prompt":"p","messages":[{"role":"user","content":"a"}],"action":"b"},{"prompt":"p","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"action":"d"}]',
];

/** JSON where a text is some, else the text: what follows the parsing of JSON is to be met, too. */
const json = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const text = (
  name: string,
  inputs: readonly string[],
  read: (input: string) => unknown,
): Parser => ({
  name,
  inputs,
  read,
});

export function answerParsers(): Parser[] {
  const texts = [...forms, ...solutions, ...fenced, ...calls];
  return [
    text("stated answer", texts, (input) => [statedAnswer(input), statedAnswer(input, "length")]),
    {
      ...text("stated number", texts, (input) => [
        statedNumber(input),
        statedNumber(input, "length"),
      ]),
      share: 2,
    },
    { ...text("number", numbers, readNumber), share: 2 },
    text("calculations", solutions, annotations),
    text("first wrong line", solutions, (input) => [
      localise(input, solutions[0]!),
      localise(solutions[0]!, input),
    ]),
    text("code blocks", fenced, codeBlocks),
    text("program", fenced, (input) => [
      programOf(problem, input),
      programOf({ ...problem, completion: false }, input, "length"),
      programsOf(problem, input),
    ]),
    text("program's output", ["1 2.50\n3", "yes\r\nno", ""], (input) =>
      sameOutput(input, "1 2.5\n3"),
    ),
    text("tool call", calls, parseAgentAction),
    {
      ...text("calculator", ["1 + 2 * (3 - 4.5) / -2", "((1))"], calculate),
      documents: (error) => error instanceof ToolError,
    },
    text("Lean's answer", replies, (input) => {
      const value = json(input);
      const command = commandResponse.safeParse(value);
      const tactic = tacticResponse.safeParse(value);
      return [
        command.data && commandFault(command.data, "t"),
        tactic.data && isProofComplete(tactic.data),
      ];
    }),
    ...([readChat, readCompletion] as const).map((read) => ({
      ...text(read === readChat ? "chat request" : "completion request", requests, (input) =>
        read(json(input)),
      ),
      documents: (error: unknown) => error instanceof RequestError,
    })),
    text("trace", traces, (input) => attemptLines(tracesOf(json(input)))),
    text("spelling", ["explore.alpha", "learningrate"], (input) =>
      nearest(input, ["explore.alpha", "steps"]),
    ),
  ];
}

/** As much of a trace as the corpus has made sure of. */
function tracesOf(
  value: unknown,
): { prompt: string; action: string; messages?: { role: "user"; content: string }[] }[] {
  const list = Array.isArray(value) ? (value as unknown[]) : [];
  return list.flatMap((step) => {
    const { prompt, action, messages } = (step ?? {}) as Record<string, unknown>;
    if (typeof prompt !== "string" || typeof action !== "string") return [];
    if (!Array.isArray(messages)) return [{ prompt, action }];
    return [
      { prompt, action, messages: messages.filter((m) => typeof m?.content === "string") as never },
    ];
  });
}
