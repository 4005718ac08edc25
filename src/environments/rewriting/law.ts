/** The conditional laws: each rewrites a term of one shape to an atom, under a side condition. */
import { atom, readTerm, type Term } from "./term.js";

export type Relation = "<" | "<=";

/** A statement `left < right` or `left <= right`. */
export interface Order {
  readonly relation: Relation;
  readonly left: Term;
  readonly right: Term;
}

/** A law applied to a term: `redex = result` if `condition`. */
export interface Law {
  readonly name: string;
  readonly redex: Term;
  readonly operands: { readonly u: Term; readonly v: Term };
  readonly result: Term;
  readonly condition: Order;
}

/** A law for all u and v. */
export interface Schema {
  readonly name: string;
  readonly pattern: Term;
  readonly result: string;
  readonly condition: readonly [Relation, string, string];
}

/**
 * For each shape first the law that holds without exception in ordinary algebra (or the first
 * operand, for max and min), then the exception. Conditions exclude each other unless u = v.
 */
export const SCHEMAS: readonly (readonly [Schema, Schema])[] = [
  pair("+ - u v v", ["sub_add", "u", "<=", "v", "u"], ["sub_add_cut", "v", "<=", "u", "v"]),
  pair("+ v - u v", ["add_sub", "u", "<=", "v", "u"], ["add_sub_cut", "v", "<=", "u", "v"]),
  pair("- u - u v", ["sub_sub", "v", "<=", "v", "u"], ["sub_sub_cut", "u", "<=", "u", "v"]),
  pair("/ * u v v", ["mul_div", "u", "<", "0", "v"], ["mul_div_zero", "0", "<=", "v", "0"]),
  pair(
    "/ * v u v",
    ["mul_div_left", "u", "<", "0", "v"],
    ["mul_div_left_zero", "0", "<=", "v", "0"],
  ),
  pair("max u v", ["max_left", "u", "<=", "v", "u"], ["max_right", "v", "<=", "u", "v"]),
  pair("min u v", ["min_left", "u", "<=", "u", "v"], ["min_right", "v", "<=", "v", "u"]),
];

type Line = readonly [
  name: string,
  result: string,
  relation: Relation,
  left: string,
  right: string,
];

function pair(pattern: string, first: Line, second: Line): readonly [Schema, Schema] {
  const { term } = readTerm(pattern.split(" "), 0, isMetavariable);
  const schema = ([name, result, relation, left, right]: Line): Schema => ({
    name,
    pattern: term,
    result,
    condition: [relation, left, right],
  });
  return [schema(first), schema(second)];
}

function isMetavariable(symbol: string): boolean {
  return symbol === "u" || symbol === "v";
}

/** The two laws whose pattern is the term, all operands being atoms; none where no shape fits. */
export function lawsFor(term: Term): readonly Law[] {
  for (const schemas of SCHEMAS) {
    const laws = schemas.flatMap((schema) => instance(schema, term) ?? []);
    if (laws.length > 0) return laws;
  }
  return [];
}

/** The schema applied to a term, or undefined where its pattern is another. */
export function instance(schema: Schema, redex: Term): Law | undefined {
  const bound = new Map<string, Term>();
  if (!matches(schema.pattern, redex, bound)) return undefined;
  const at = (symbol: string): Term => bound.get(symbol) ?? atom(symbol);
  const [relation, left, right] = schema.condition;
  return {
    name: schema.name,
    redex,
    operands: { u: at("u"), v: at("v") },
    result: at(schema.result),
    condition: { relation, left: at(left), right: at(right) },
  };
}

function matches(pattern: Term, term: Term, bound: Map<string, Term>): boolean {
  if (pattern.kind === "atom") {
    const before = bound.get(pattern.text);
    if (before !== undefined) return before.text === term.text;
    bound.set(pattern.text, term);
    return term.kind === "atom";
  }
  return (
    term.kind === "operation" &&
    term.operator === pattern.operator &&
    matches(pattern.left, term.left, bound) &&
    matches(pattern.right, term.right, bound)
  );
}

/** The first subterm, operands before operations, that some law rewrites. */
export function firstRedex(term: Term): Term | undefined {
  if (term.kind === "atom") return undefined;
  return (
    firstRedex(term.left) ?? firstRedex(term.right) ?? (lawsFor(term).length > 0 ? term : undefined)
  );
}

/** Prefix form, for example `<= + - a b b c`. */
export function orderText({ relation, left, right }: Order): string {
  return `${relation} ${left.text} ${right.text}`;
}

/** True of all numbers, on sight: `t <= t` and `0 <= t`. */
export function isTrivial({ relation, left, right }: Order): boolean {
  return relation === "<=" && (left.text === right.text || left.text === "0");
}
