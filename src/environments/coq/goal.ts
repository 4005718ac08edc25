/** What Coq prints of a proof under way. */
import { and, atom, ATOMS, falsity, type Formula, implies, or } from "../proof/formula.js";

/** One goal as printed. */
export interface PrintedGoal {
  readonly hypotheses: readonly { readonly name: string; readonly type: string }[];
  readonly conclusion: string;
}

/** The open goals as far as printed: all of them counted, the first one in full. */
export interface PrintedProof {
  readonly open: number;
  /** Coq says that nothing is left to prove. */
  readonly finished: boolean;
  readonly first: PrintedGoal | undefined;
  /** The goals' text without Coq's internal numbers. */
  readonly text: string;
}

const BAR = /^ {2}=+$/;

/** Reads the goals that Coq prints after a sentence. */
export function parseProof(output: string): PrintedProof {
  const count = /(?<!\d)(\d{1,9}) (?:focused )?goals?\b/.exec(output);
  const text = output
    .replace(/ \(ID \d+\)/g, "")
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
  return {
    open: count === null ? 0 : Number(count[1]),
    finished: /^No more goals\.?\s*$/m.test(output),
    first: count === null ? undefined : parseGoal(output),
    text,
  };
}

/** Reads the first goal in a text: `name, name : type` lines, a bar, the conclusion. */
export function parseGoal(output: string): PrintedGoal | undefined {
  const lines = output.split("\n");
  const bar = lines.findIndex((line) => BAR.test(line.trimEnd()));
  const conclusion = lines[bar + 1];
  if (bar < 0 || conclusion === undefined) return undefined;
  const hypotheses: { name: string; type: string }[] = [];
  for (const line of lines.slice(0, bar)) {
    const match = /^ {2}([A-Za-z_][\w', ]*?) : (.*)$/.exec(line.trimEnd());
    if (match === null) continue;
    for (const name of match[1]!.split(", ")) hypotheses.push({ name, type: match[2]! });
  }
  return { hypotheses, conclusion: conclusion.trim() };
}

/** Formulas of more symbols could be nested deeper than a recursion goes. */
const MOST_SYMBOLS = 1000;

/** A formula in Coq's infix notation; undefined where it is none of propositional logic. */
export function parseInfix(text: string): Formula | undefined {
  const symbols = text.match(/->|\/\\|\\\/|[()~]|[A-Za-z_']+|\S/g) ?? [];
  if (symbols.length > MOST_SYMBOLS) return undefined;
  let at = 0;

  const level = (
    operator: string,
    operand: () => Formula | undefined,
    make: (left: Formula, right: Formula) => Formula,
  ): (() => Formula | undefined) => {
    const parse = (): Formula | undefined => {
      const left = operand();
      if (left === undefined || symbols[at] !== operator) return left;
      at++;
      const right = parse();
      return right && make(left, right);
    };
    return parse;
  };
  const primary = (): Formula | undefined => {
    const symbol = symbols[at++];
    if (symbol === "(") {
      const inner = implication();
      return symbols[at++] === ")" ? inner : undefined;
    }
    if (symbol === "~") {
      const inner = primary();
      return inner && implies(inner, falsity);
    }
    if (symbol === "False") return falsity;
    const index = symbol === undefined ? -1 : ATOMS.indexOf(symbol);
    return index < 0 ? undefined : atom(index);
  };
  const conjunction = level("/\\", primary, and);
  const disjunction = level("\\/", conjunction, or);
  const implication = level("->", disjunction, implies);

  const formula = implication();
  return at === symbols.length ? formula : undefined;
}
