/** Programs that know nothing of their task and try to be called right, and right ones otherwise presented. */
import type { Problem } from "./problem.js";

type Answers = Readonly<Record<string, readonly string[]>>;

/** By kind: what is loaded, and the body of the function that is asked for. */
const PYTHON: Readonly<Record<string, readonly [load: string, body: string]>> = {
  "an object equal to everything": ["from unittest.mock import ANY", "return ANY"],
  "a number whose operators lie": [
    "class Lie(int):\n    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = lambda *a: True\n    __sub__ = __rsub__ = __abs__ = lambda *a: 0\n    __hash__ = int.__hash__",
    "return Lie(7)",
  ],
  "equality of a container changed": [
    "import collections\ncollections.Counter.__eq__ = lambda *a: True",
    "return collections.Counter()",
  ],
  "an encoder replaced": [
    "import json\njson.dumps = json.JSONEncoder.encode = lambda *a, **k: '{\"held\": true}'",
    "return 7",
  ],
  "helpers of math replaced": [
    "import math\nmath.isclose = lambda *a, **k: True\nmath.fabs = lambda *a: 0",
    "return float('inf')",
  ],
  "results forged on every descriptor": [
    "import os",
    "for n in range(1, 32):\n        try: os.write(n, b'{\"v\": true}\\n')\n        except OSError: pass\n    return 7",
  ],
  "leaving early": ["import os", "os._exit(0)"],
  "arguments emptied": [
    "",
    "for a in args:\n        if isinstance(a, list): a.clear()\n    return 7",
  ],
};

const JAVASCRIPT: Readonly<Record<string, readonly [load: string, gives: string]>> = {
  "console.assert silenced": ["console.assert = () => {};", "7"],
  "JSON.stringify replaced": ["JSON.stringify = () => 'same';", "7"],
  "toJSON on every object": ["Object.prototype.toJSON = Array.prototype.toJSON = () => 7;", "[7]"],
  "methods of arrays replaced": ["Array.prototype.every = () => true;", "[7]"],
  "an object that turns into anything": [
    "",
    "({ valueOf: () => 7, toString: () => '7', [Symbol.toPrimitive]: () => 7 })",
  ],
  "helpers of Math replaced": ["Math.abs = () => 0; Object.is = () => true;", "NaN"],
  "arguments emptied": ["", "(args.forEach((a) => { if (Array.isArray(a)) a.length = 0; }), 0)"],
};

/** Programs of each kind; none for a problem of which no function is named. */
export function tricksFor({ language, entryPoint, grading }: Problem): Answers {
  if (grading.kind === "stdin")
    return Object.fromEntries(
      Object.entries(PYTHON).map(([kind, [load, body]]) => [
        kind,
        [`${load}\ndef trick(*args):\n    ${body}\nprint(trick([]))`],
      ]),
    );
  if (entryPoint === undefined) return {};
  const kinds = language === "python" ? PYTHON : JAVASCRIPT;
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, [load, body]]) => [
      kind,
      [
        language === "python"
          ? pythonProgram(load, body, entryPoint)
          : `try { ${load} } catch {}\nconst ${entryPoint} = (...args) => ${body};`,
      ],
    ]),
  );
}

function pythonProgram(load: string, body: string, name: string): string {
  if (name !== "Solution") return `${load}\ndef ${name}(*args, **named):\n    ${body}\n`;
  return `${load}\ndef trick(*args, **named):\n    ${body}\nclass Solution:\n    def __getattr__(self, name): return trick\n`;
}

/** A right program in Markdown as models write it. */
export function presentations({ language }: Problem, program: string): Answers {
  const fenced = `\`\`\`${language}\n${program}\n\`\`\``;
  const example =
    "```\nfor example, this long text is no program at all, and stands in a block of its own\n```";
  return {
    "in a block": [fenced],
    "after thoughts": [`<think>\`\`\`${language}\n?!\n\`\`\`</think>\n${fenced}`],
    "before an example": [`${fenced}\nIt prints:\n${example.replace("```\n", "```text\n")}`],
    "in a list": [`1. So:\n${fenced.replaceAll(/^/gm, "   ")}`],
    "behind a draft": [`\`\`\`${language}\n${draft(language)}\n\`\`\`\nNo. Rather:\n${fenced}`],
    "in a block that is not closed": [fenced.slice(0, -4)],
  };
}

const draft = (language: Problem["language"]): string =>
  language === "python" ? "draft = None" : "const draft = null;";
