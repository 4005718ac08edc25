/**
 * The trusted part: type inference on proof terms (Curry-Howard, de Bruijn criterion).
 *
 * Nothing is proved unless this file says so. It depends on the formula constructors alone, whose
 * results are equal exactly when they are the same object.
 */
import { and, type Formula, falsity, implies, or } from "./formula.js";

/** A proof term. Variables are numbers; bound ones need not differ from free ones. */
export type Term =
  | { readonly kind: "variable"; readonly variable: number }
  | {
      readonly kind: "lambda";
      readonly variable: number;
      readonly type: Formula;
      readonly body: Term;
    }
  | { readonly kind: "application"; readonly rule: Term; readonly argument: Term }
  | { readonly kind: "pair"; readonly left: Term; readonly right: Term }
  | {
      readonly kind: "unpair";
      readonly pair: Term;
      readonly left: number;
      readonly right: number;
      readonly body: Term;
    }
  | { readonly kind: "left"; readonly body: Term; readonly other: Formula }
  | { readonly kind: "right"; readonly body: Term; readonly other: Formula }
  | {
      readonly kind: "case";
      readonly either: Term;
      readonly left: number;
      readonly right: number;
      readonly ifLeft: Term;
      readonly ifRight: Term;
    }
  | { readonly kind: "abort"; readonly absurdity: Term; readonly type: Formula }
  /** An open goal: never well-typed. */
  | { readonly kind: "hole" };

/** Types of the free variables: the latest declaration of a variable hides earlier ones. */
export interface Context {
  readonly variable: number;
  readonly type: Formula;
  readonly rest: Context | undefined;
}

/** `context` with one variable more. */
export function declare(variable: number, type: Formula, rest: Context | undefined): Context {
  return { variable, type, rest };
}

/** The formula that `term` proves under `context`, or undefined when it is ill-typed. */
export function infer(context: Context | undefined, term: Term): Formula | undefined {
  switch (term.kind) {
    case "variable": {
      for (let c = context; c !== undefined; c = c.rest)
        if (c.variable === term.variable) return c.type;
      return undefined;
    }
    case "lambda": {
      const body = infer(declare(term.variable, term.type, context), term.body);
      return body && implies(term.type, body);
    }
    case "application": {
      const rule = infer(context, term.rule);
      if (rule?.kind !== "implies" || rule.left !== infer(context, term.argument)) return undefined;
      return rule.right;
    }
    case "pair": {
      const left = infer(context, term.left);
      const right = infer(context, term.right);
      return left && right && and(left, right);
    }
    case "unpair": {
      const pair = infer(context, term.pair);
      if (pair?.kind !== "and") return undefined;
      return infer(
        declare(term.right, pair.right, declare(term.left, pair.left, context)),
        term.body,
      );
    }
    case "left": {
      const body = infer(context, term.body);
      return body && or(body, term.other);
    }
    case "right": {
      const body = infer(context, term.body);
      return body && or(term.other, body);
    }
    case "case": {
      const either = infer(context, term.either);
      if (either?.kind !== "or") return undefined;
      const left = infer(declare(term.left, either.left, context), term.ifLeft);
      const right = infer(declare(term.right, either.right, context), term.ifRight);
      return left === right ? left : undefined;
    }
    case "abort":
      return infer(context, term.absurdity) === falsity ? term.type : undefined;
    case "hole":
      return undefined;
  }
}

/** Whether `term` proves `goal` from `hypotheses`, the i-th of which is variable i. */
export function proves(term: Term, hypotheses: readonly Formula[], goal: Formula): boolean {
  let context: Context | undefined;
  hypotheses.forEach((hypothesis, variable) => (context = declare(variable, hypothesis, context)));
  return infer(context, term) === goal;
}
