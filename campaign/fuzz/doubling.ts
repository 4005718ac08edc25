/** Inputs twice as long: a parser may take at most two and a half times as long. */
import type { Parser } from "./parser.js";

/** How much longer twice the input may take; four times as much its square. */
const MOST = 2.5;

/** Milliseconds below which a time says nothing. */
const TELLING = 5;

/** Characters of the longest input; longer answers than this no model gives. */
const LONGEST = 2 ** 16;

/** What stands many times in inputs that no one wrote by hand. */
const REPEATED: readonly string[] = [
  ..."( [ { < ` $ \\ \" ' - + * / = . , : ; # | ~ ^ _ & % 0 1 a A é 𝟙".split(" "),
  ..."() [] {} [[ {{ }} ]] ,, 1, 1; 1+ -( a( a. a, \\( \\frac{ \\boxed{ \\left ^{ // /* /- -/ <a> ``` ~~~ **".split(
    " ",
  ),
  " ",
  "\n",
  "\t",
  "\r\n",
  "a ",
  " a",
  "1 ",
  " 1",
  "a\n",
  "\n\n ",
  ". ",
  ", ",
  "= ",
  "1 = 1 ",
  "1.1",
  "1,000 ",
  "Answer: ",
  "answer is ",
  "answer is\n",
  "#### ",
  "#### 1\n",
  "<think>",
  "</think>",
  "<answer>",
  "</answer>",
  "\\boxed{1}",
  "def f(",
  "function f(",
  "```python\n",
  "not ",
  "$1 ",
  "h0 p ",
  "-> p ",
  "+ a ",
  "~",
  "(p",
  "%}",
  "{%",
  "{{ ",
  '{"a":',
  '{"a":1}\n',
  "[1],",
  '"a",',
  "p -> ",
  "p /\\ ",
  "1/2 ",
  "<<1+1=2>>",
  "open A in ",
  "theorem x ",
];

export interface Slow {
  readonly parser: string;
  readonly kind: string;
  readonly why: string;
}

/** What is repeated in inputs of this parser that take it too long. */
export async function tooSlow(
  parser: Parser,
  look: (name: string, input?: unknown) => void,
): Promise<{ tried: number; slow: Slow[] }> {
  const text = parser.inputs.find((input) => typeof input === "string") ?? "";
  const middle = text.length >> 1;
  const kinds = [
    ...REPEATED.map((unit) => ["", unit, ""] as const),
    ...(text === ""
      ? []
      : REPEATED.filter((unit) => unit.length > 1).map(
          (unit) => [text.slice(0, middle), unit, text.slice(middle)] as const,
        )),
    ...parser.inputs.flatMap((input) =>
      typeof input === "string" ? [["", `${input}\n`, ""] as const] : [],
    ),
    ...(parser.long ?? []),
  ];
  const slow: Slow[] = [];
  for (const kind of kinds) {
    look(parser.name, `many ${kind[1]}`);
    const why = await slowness(parser, kind);
    if (why !== undefined)
      slow.push({
        parser: parser.name,
        kind: `many ${JSON.stringify(kind[1].slice(0, 40))}${kind[0] === "" ? "" : " within"}`,
        why,
      });
  }
  return { tried: kinds.length, slow };
}

async function slowness(
  parser: Parser,
  kind: readonly [string, string, string],
): Promise<string | undefined> {
  let length = 2 ** 13;
  for (; length < LONGEST; length *= 2)
    if ((await timeOf(parser, kind, length, 1)) > TELLING) break;
  // A busy machine makes single times long: what is slow stays so, and over two doublings.
  let [short, long] = [0, 0];
  for (const times of [1, 3, 6]) {
    short = await timeOf(parser, kind, length, times);
    if (short < TELLING / 2) return undefined;
    long = await timeOf(parser, kind, 4 * length, times);
    if (long <= MOST ** 2 * short) return undefined;
  }
  return `${length} characters ${short.toFixed(1)} ms, ${4 * length} characters ${long.toFixed(1)} ms`;
}

/** The least of some times that the processor takes, in milliseconds: others' work is not counted. */
async function timeOf(
  parser: Parser,
  [begin, repeated, end]: readonly [string, string, string],
  length: number,
  times: number,
): Promise<number> {
  const input = begin + repeated.repeat(Math.ceil(length / repeated.length)) + end;
  let least = Infinity;
  for (let i = 0; i < times; i++) {
    const started = process.cpuUsage();
    try {
      await parser.read(input as never);
    } catch {
      // How long it takes counts, not what comes of it: that is the mutations' part.
    }
    const { user, system } = process.cpuUsage(started);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
