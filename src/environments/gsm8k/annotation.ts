/** Calculations in a solution that can be checked: annotations, `<<48/2=24>>`, or equations in its text. */

/** One calculation. */
export interface Annotation {
  /** Whether it was annotated, or only stands in the text: then reading it may go wrong. */
  readonly annotated: boolean;
  /** Characters of the line it stands in: [start, end), without the line break. */
  readonly line: { readonly start: number; readonly end: number };
  /** What is written: `48/2=24`. */
  readonly text: string;
  /** The value written after the last equals sign. */
  readonly value: number;
  /** The value of the expression; undefined where it is no plain arithmetic. */
  readonly computed: number | undefined;
  /** Decimals of the value as written. */
  readonly decimals: number;
  /** Numbers of the expression, in order. */
  readonly operands: readonly number[];
  /** Operators of the expression, in order: `+`, `-`, `*`, `/`. */
  readonly operators: readonly string[];
}

/**
 * `48 / 2 = 24` or `$5 x (3 + 1) = $20`: at least one operator and no more than forty, a value without one.
 * Without a bound a text of sums that come to nothing would be read again from each of its numbers.
 */
const EQUATION =
  /(?<![\d.,])((?:\(\s*)?\$?\d[\d,.]*%?\)?(?:\s*[-+*/x×÷−]\s*(?:\(\s*)?\$?\d[\d,.]*%?\)?){1,40})\s*=\s*\$?(-?\d[\d,]*(?:\.\d+)?)/g;

/**
 * The annotations of a solution, in order; those whose value is no number are left out. Of a
 * solution without any annotation, the equations that stand in its text.
 */
export function annotations(text: string): Annotation[] {
  const lineAt = linesOf(text);
  const annotated = [...text.matchAll(/<<([^<>\n]*)>>/g)];
  if (annotated.length > 0)
    return annotated.flatMap((match) => read(lineAt(match.index), match[1]!, true));
  return [...text.matchAll(EQUATION)].flatMap((match) =>
    read(lineAt(match.index), `${match[1]!}=${match[2]!}`, false),
  );
}

/** Finds the line around a place; places are asked for in order, so that a text is read once. */
function linesOf(text: string): (at: number) => Annotation["line"] {
  let [start, end] = [0, -1];
  return (at) => {
    while (end < at) {
      start = end + 1;
      const next = text.indexOf("\n", start);
      end = next === -1 ? text.length : next;
    }
    return { start, end };
  };
}

function read(line: Annotation["line"], equation: string, annotated: boolean): Annotation[] {
  const parts = equation.split("=").map((part) => plain(part));
  const shown = parts.at(-1)!;
  if (parts.length < 2 || !/^-?(?:\d+\.?\d*|\.\d+)$/.test(shown)) return [];
  const tokens = tokenise(parts[0]!);
  return [
    {
      annotated,
      line,
      text: equation,
      value: Number(shown),
      computed: tokens && evaluate(tokens),
      decimals: (shown.split(".")[1] ?? "").length,
      operands: (tokens ?? []).filter((t) => /\d/.test(t)).map(Number),
      operators: (tokens ?? []).filter((t) => /^[-+*/]$/.test(t)),
    },
  ];
}

/**
 * Whether the value is not that of the expression: off by at least one unit of the last place
 * written, so that neither rounding nor cutting off counts. False where it cannot be told, and of
 * equations in the text: what was taken for one is too often part of something else.
 */
export function isSlip({ annotated, value, computed, decimals }: Annotation): boolean {
  if (!annotated || computed === undefined || !Number.isFinite(computed)) return false;
  return Math.abs(value - computed) > 10 ** -decimals * (1 - 1e-6);
}

/** Whether two values are the same number up to rounding in the sixth digit. */
export function sameValue(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));
}

/** Without spaces, currency and thousands separators; `x`, `×` and `÷` as operators. */
function plain(text: string): string {
  return text
    .replaceAll(/(\d),(?=\d{3}(?!\d))/g, "$1")
    .replaceAll(/[\s$€£]/g, "")
    .replaceAll(/(?<=[\d)])[x×](?=[\d(.])/g, "*")
    .replaceAll("÷", "/")
    .replaceAll("−", "-");
}

/** Longer expressions are no calculation of anybody's; they could be nested deeper than a recursion goes. */
const LONGEST = 1000;

function tokenise(expression: string): string[] | undefined {
  if (expression.length > LONGEST) return undefined;
  const tokens = expression.match(/\d+\.?\d*|\.\d+|[-+*/()%]/g) ?? [];
  return tokens.length > 0 && tokens.join("") === expression ? tokens : undefined;
}

/** The value of an expression in `+ - * / ( ) %`; undefined where it is malformed. */
function evaluate(tokens: readonly string[]): number | undefined {
  let at = 0;

  function sum(): number {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-") {
      const sign = tokens[at++] === "+" ? 1 : -1;
      value += sign * product();
    }
    return value;
  }

  function product(): number {
    let value = factor();
    while (tokens[at] === "*" || tokens[at] === "/") {
      const divides = tokens[at++] === "/";
      const next = factor();
      value = divides ? value / next : value * next;
    }
    return value;
  }

  function factor(): number {
    const token = tokens[at++];
    if (token === "-") return -factor();
    let value = token === "(" ? sum() : token === undefined ? NaN : Number(token);
    if (token === "(" && tokens[at++] !== ")") return NaN;
    while (tokens[at] === "%") {
      at++;
      value /= 100;
    }
    return value;
  }

  const value = sum();
  return at === tokens.length && !Number.isNaN(value) ? value : undefined;
}
