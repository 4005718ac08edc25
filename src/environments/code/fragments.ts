/**
 * The language that small models write programs in: one fragment an action, one block a
 * requirement, and the JavaScript that the fragments stand for.
 */
import { DIGITS, type Requirement, type Subject, needsCounter } from "./requirement.js";

export const INITIALS = ["r=0;", "r=1;", "r=-1;", "r=99;", "r=true;", "r=false;"] as const;
export const OPERATORS = [">", ">=", "<", "<=", "==", "!="] as const;
/** Lengths that a loop may run to, beside the digits. */
export const LENGTHS = ["n", "n-1"] as const;
/** The next element, at the right of a comparison. */
export const NEXT = "next";

/** What a loop does to the result. */
export const RESULT_STATEMENTS = [
  "r++;",
  "r+=x;",
  "r=max(r,x);",
  "r=min(r,x);",
  "r=i;",
  "r=i;break;",
  "r=true;",
  "r=false;",
] as const;
/** What it does to the counter, and to the result by it; only where one is declared. */
export const COUNTER_STATEMENTS = ["c++;", "c+=x;", "c=0;", "r=max(r,c);"] as const;
export const CONTINUE = "continue;";
export const ELSE = "else";
export const CLOSE = "}";

const OPENERS = ["if(x", "if(x%2"] as const;
const COUNTER_OPENER = "if(c";

/** Every fragment there is. */
export const FRAGMENTS: readonly string[] = [
  ...INITIALS,
  ...DIGITS,
  ...LENGTHS,
  NEXT,
  ...OPENERS,
  COUNTER_OPENER,
  ...OPERATORS,
  ...RESULT_STATEMENTS,
  ...COUNTER_STATEMENTS,
  CONTINUE,
  ELSE,
  CLOSE,
];

/** Most fragments of one block: initial value, bounds, `S if c op n S else S S }`. */
export const MAX_BLOCK_FRAGMENTS = 12;

/** What may stand at a place of a block. */
export type Slot =
  | "initial"
  | "start"
  | "end"
  | "body"
  | "operator"
  | "operand"
  | "then"
  | "closing";

/** A place of a block: its kind and the fragments that may stand there; none where it is complete. */
export interface Place {
  readonly slot: Slot;
  readonly legal: readonly string[];
}

/**
 * Where a block stands, worked out from its fragments; undefined when they do not follow the grammar.
 * `counter`: whether the block has a second variable.
 */
export function placeAfter(fragments: readonly string[], counter: boolean): Place | undefined {
  let walker = initialWalker(counter);
  for (const fragment of fragments) {
    const next = advance(walker, fragment);
    if (next === undefined) return undefined;
    walker = next;
  }
  return { slot: walker.slot, legal: legalAt(walker) };
}

/**
 * A reader of one block.
 *
 *     block        initial start end body
 *     body         statement | if-statement | guard statement                   (one variable)
 *                  [statement] if-statement [else statement] [statement] }      (with a counter)
 *     if-statement opener operator operand statement
 *     guard        opener operator operand continue;
 */
interface Walker {
  readonly slot: Slot;
  readonly counter: boolean;
  /** How far the body is: before its condition, in it, after a guard, after the `else`, at the end. */
  readonly phase:
    | "before"
    | "ready"
    | "condition"
    | "guarded"
    | "after"
    | "otherwise"
    | "last"
    | "done";
}

function initialWalker(counter: boolean): Walker {
  return { slot: "initial", counter, phase: "before" };
}

function legalAt({ slot, counter, phase }: Walker): readonly string[] {
  const statements = counter ? [...RESULT_STATEMENTS, ...COUNTER_STATEMENTS] : RESULT_STATEMENTS;
  const openers = counter ? [...OPENERS, COUNTER_OPENER] : OPENERS;
  switch (slot) {
    case "initial":
      return INITIALS;
    case "start":
      return DIGITS;
    case "end":
      return [...DIGITS, ...LENGTHS];
    case "operator":
      return OPERATORS;
    case "operand":
      return [...DIGITS, NEXT];
    case "then":
      return [...statements, CONTINUE];
    case "closing":
      if (phase === "done") return [];
      return phase === "last"
        ? [CLOSE]
        : [...(phase === "after" ? [ELSE] : []), ...statements, CLOSE];
    case "body":
      if (phase === "ready") return openers;
      return phase === "before" ? [...statements, ...openers] : statements;
  }
}

function advance(walker: Walker, fragment: string): Walker | undefined {
  if (!legalAt(walker).includes(fragment)) return undefined;
  const { slot, counter, phase } = walker;
  const done: Walker = { slot: "closing", counter, phase: "done" };
  switch (slot) {
    case "initial":
      return { ...walker, slot: "start" };
    case "start":
      return { ...walker, slot: "end" };
    case "end":
      return { ...walker, slot: "body" };
    case "operator":
      return { ...walker, slot: "operand" };
    case "operand":
      return { ...walker, slot: "then" };
    case "then":
      if (counter) return { slot: "closing", counter, phase: "after" };
      return fragment === CONTINUE ? { slot: "body", counter, phase: "guarded" } : done;
    case "body":
      if (fragment.startsWith("if(")) return { slot: "operator", counter, phase: "condition" };
      if (phase === "otherwise") return { slot: "closing", counter, phase: "otherwise" };
      return counter ? { slot: "body", counter, phase: "ready" } : done;
    case "closing":
      if (fragment === CLOSE) return done;
      if (fragment === ELSE) return { slot: "body", counter, phase: "otherwise" };
      return { slot: "closing", counter, phase: "last" };
  }
}

/** The JavaScript of a whole program: one block a requirement, all results returned in order. */
export function programText(
  requirements: readonly Requirement[],
  blocks: readonly (readonly string[])[],
): string {
  const counter = requirements.some(needsCounter);
  return [
    "function solve(a, s) {",
    "  const n = a.length;",
    "  const out = [];",
    counter ? "  let r, c;" : "  let r;",
    ...requirements.flatMap((requirement, k) =>
      blockLines(blocks[k] ?? [], requirement.subject, needsCounter(requirement)),
    ),
    "  return out;",
    "}",
  ].join("\n");
}

/** The lines of one block, which may still be incomplete. */
export function blockLines(
  fragments: readonly string[],
  subject: Subject,
  counter: boolean,
): readonly string[] {
  const [initial, start, end, ...body] = fragments;
  const element = ELEMENTS[subject];
  const text = body
    .map((fragment) => {
      if (fragment.startsWith("if(")) return `if (${written(fragment.slice(3), element)}`;
      if ((OPERATORS as readonly string[]).includes(fragment)) return ` ${strict(fragment)} `;
      if ((DIGITS as readonly string[]).includes(fragment) || fragment === NEXT)
        return `${fragment === NEXT ? element.next : fragment}) `;
      if (fragment === CLOSE) return "";
      return `${written(fragment, element)} `;
    })
    .join("")
    .trimEnd();
  return [
    `  ${(initial ?? "").replace("=", " = ")}${counter ? " c = 0;" : ""}`,
    `  for (let i = ${start ?? ""}; i < ${(end ?? "").replace("-", " - ")}; i++) {`,
    `    ${text}`,
    "  }",
    "  out.push(r);",
  ];
}

interface ElementText {
  readonly here: string;
  readonly next: string;
}

const ELEMENTS: Readonly<Record<Subject, ElementText>> = {
  array: { here: "a[i]", next: "a[i + 1]" },
  text: { here: "Number(s[i])", next: "Number(s[i + 1])" },
  back: { here: "a[n - 1 - i]", next: "a[n - 2 - i]" },
};

/** How a statement or the left side of a condition is written, `x` standing for the element. */
const WRITTEN: Readonly<Record<string, string>> = {
  x: "x",
  "x%2": "x % 2",
  c: "c",
  "r++;": "r++;",
  "r+=x;": "r += x;",
  "r=max(r,x);": "r = Math.max(r, x);",
  "r=min(r,x);": "r = Math.min(r, x);",
  "r=i;": "r = i;",
  "r=i;break;": "{ r = i; break; }",
  "r=true;": "r = true;",
  "r=false;": "r = false;",
  "c++;": "c++;",
  "c+=x;": "c += x;",
  "c=0;": "c = 0;",
  "r=max(r,c);": "r = Math.max(r, c);",
  [CONTINUE]: CONTINUE,
  [ELSE]: ELSE,
};

function written(fragment: string, { here }: ElementText): string {
  return (WRITTEN[fragment] ?? fragment).replaceAll(/\bx\b/g, here);
}

const strict = (operator: string): string =>
  operator === "==" || operator === "!=" ? `${operator}=` : operator;
