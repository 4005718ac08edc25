/** What a Metamath file holds, after Megill & Wheeler, Metamath (2019), chapter 4. */

/** Symbols are numbers, names in {@link Database.symbols}; the first one of an expression is its typecode. */
export type Expression = readonly number[];

/** What is in force between `${` and `$}`; the outermost scope has no parent. */
export interface Scope {
  readonly parent: Scope | undefined;
  /** Pairs of variables declared distinct here, as {@link pairOf}. */
  readonly distinct: Set<number>;
  readonly essentials: Hypothesis[];
}

/** A `$f` or `$e` statement. */
export interface Hypothesis {
  readonly kind: "floating" | "essential";
  readonly label: string;
  readonly expression: Expression;
  readonly scope: Scope;
  /** Place in the file. */
  readonly order: number;
}

/** An `$a` or `$p` statement with its frame. */
export interface Assertion {
  readonly kind: "axiom" | "theorem";
  readonly label: string;
  readonly expression: Expression;
  readonly scope: Scope;
  readonly order: number;
  /** Mandatory hypotheses in the order in which a proof pushes them. */
  readonly hypotheses: readonly Hypothesis[];
  /** Pairs of mandatory variables that must stay distinct, two entries a pair. */
  readonly distinct: readonly (readonly [number, number])[];
  /** As written between `$=` and `$.`; empty for axioms. */
  readonly proof: string;
}

export interface Database {
  /** Name of each symbol. */
  readonly symbols: readonly string[];
  /** 1 for each symbol that is a variable. */
  readonly isVariable: Uint8Array;
  readonly statements: ReadonlyMap<string, Hypothesis | Assertion>;
  /** The theorems, in the order of the file. */
  readonly theorems: readonly Assertion[];
}

/** One number for two variables, whichever comes first. */
export function pairOf(one: number, other: number): number {
  return one < other ? one * 2 ** 24 + other : other * 2 ** 24 + one;
}

/** Whether two variables are declared distinct in a scope or around it. */
export function areDistinct(scope: Scope, one: number, other: number): boolean {
  const pair = pairOf(one, other);
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent)
    if (at.distinct.has(pair)) return true;
  return false;
}

/** Whether a hypothesis is in force where an assertion stands. */
export function isActive(hypothesis: Hypothesis, { scope, order }: Assertion): boolean {
  if (hypothesis.order > order) return false;
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent)
    if (at === hypothesis.scope) return true;
  return false;
}

/** The names of an expression's symbols, with a space between. */
export function expressionText({ symbols }: Database, expression: Expression): string {
  return expression.map((symbol) => symbols[symbol]).join(" ");
}
