/**
 * What a block computes, worked out without a JavaScript engine: fast enough to enumerate
 * programs. It only ever chooses tests and locates errors; verdicts are the sandbox's.
 */
import { CLOSE, CONTINUE, ELSE, NEXT } from "./fragments.js";
import type { Result } from "./requirement.js";

/** A complete block as a function of the elements that its loop visits. */
export type Block = (elements: readonly number[]) => Result;

interface Variables {
  r: number | boolean;
  c: number;
  i: number;
  readonly elements: readonly number[];
}

/** Whether the loop goes on, skips the rest of its body, or ends. */
type Flow = "on" | "continue" | "break";

/** A statement of a loop's body, ready to run. */
export type Statement = (variables: Variables) => Flow;

/** Reads a complete block, as `placeAfter` accepts it. */
export function interpret(fragments: readonly string[]): Block {
  return blockOf(fragments, readBody(fragments.slice(3)));
}

/** A block of a header (initial value, start, end) and a body already read. */
export function blockOf(
  [initial, start, end]: readonly string[],
  statements: readonly Statement[],
): Block {
  const first = Number(start);
  const value: Result = INITIAL_VALUES[initial!]!;
  return (elements) => {
    const n = elements.length;
    const last = end === "n" ? n : end === "n-1" ? n - 1 : Number(end);
    const variables: Variables = { r: value, c: 0, i: first, elements };
    loop: for (; variables.i < last; variables.i++) {
      for (const statement of statements) {
        const flow = statement(variables);
        if (flow === "break") break loop;
        if (flow === "continue") break;
      }
    }
    return variables.r;
  };
}

const INITIAL_VALUES: Readonly<Record<string, Result>> = {
  "r=0;": 0,
  "r=1;": 1,
  "r=-1;": -1,
  "r=99;": 99,
  "r=true;": true,
  "r=false;": false,
};

/** Reads a complete body. */
export function readBody(fragments: readonly string[]): readonly Statement[] {
  const statements: Statement[] = [];
  let at = 0;
  while (at < fragments.length) {
    const fragment = fragments[at++]!;
    if (fragment === CLOSE) break;
    if (!fragment.startsWith("if(")) {
      statements.push(SIMPLE[fragment]!);
      continue;
    }
    const holds = condition(fragment, fragments[at]!, fragments[at + 1]!);
    const then = SIMPLE[fragments[at + 2]!]!;
    at += 3;
    let otherwise: Statement = () => "on";
    if (fragments[at] === ELSE) {
      otherwise = SIMPLE[fragments[at + 1]!]!;
      at += 2;
    }
    statements.push((variables) => (holds(variables) ? then(variables) : otherwise(variables)));
  }
  return statements;
}

function condition(
  opener: string,
  operator: string,
  operand: string,
): (variables: Variables) => boolean {
  const compare = COMPARE[operator]!;
  const left = LEFT[opener]!;
  if (operand === NEXT) {
    return (variables) =>
      compare(left(variables), variables.elements[variables.i + 1] ?? Number.NaN);
  }
  const right = Number(operand);
  return (variables) => compare(left(variables), right);
}

const element = ({ elements, i }: Variables): number => elements[i] ?? Number.NaN;

const LEFT: Readonly<Record<string, (variables: Variables) => number>> = {
  "if(x": element,
  "if(x%2": (variables) => element(variables) % 2,
  "if(c": ({ c }) => c,
};

const COMPARE: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  ">": (left, right) => left > right,
  ">=": (left, right) => left >= right,
  "<": (left, right) => left < right,
  "<=": (left, right) => left <= right,
  "==": (left, right) => left === right,
  "!=": (left, right) => left !== right,
};

const does =
  (change: (variables: Variables) => void): Statement =>
  (variables) => {
    change(variables);
    return "on";
  };

const SIMPLE: Readonly<Record<string, Statement>> = {
  "r++;": does((v) => void (v.r = Number(v.r) + 1)),
  "r+=x;": does((v) => void (v.r = Number(v.r) + element(v))),
  "r=max(r,x);": does((v) => void (v.r = Math.max(Number(v.r), element(v)))),
  "r=min(r,x);": does((v) => void (v.r = Math.min(Number(v.r), element(v)))),
  "r=i;": does((v) => void (v.r = v.i)),
  "r=i;break;": (v) => {
    v.r = v.i;
    return "break";
  },
  "r=true;": does((v) => void (v.r = true)),
  "r=false;": does((v) => void (v.r = false)),
  "c++;": does((v) => void v.c++),
  "c+=x;": does((v) => void (v.c += element(v))),
  "c=0;": does((v) => void (v.c = 0)),
  "r=max(r,c);": does((v) => void (v.r = Math.max(Number(v.r), v.c))),
  [CONTINUE]: () => "continue",
};
