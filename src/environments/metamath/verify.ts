/** Checks Metamath proofs: a stack, substitution, and the side conditions of `$d`. */
import {
  areDistinct,
  type Assertion,
  type Database,
  type Expression,
  expressionText,
  type Hypothesis,
} from "./database.js";
import { decode, type FaultFamily, lookUp, type ProofFault } from "./decode.js";

export type { FaultFamily, ProofFault } from "./decode.js";

/** The stack of a proof after some steps. */
export type Stack = readonly Expression[];

/**
 * Checks a theorem's proof, or another proof of it.
 * @returns undefined when it is right, else its first fault.
 */
export function verifyProof(
  database: Database,
  theorem: Assertion,
  proof: string = theorem.proof,
): ProofFault | undefined {
  const decoded = decode(database, theorem, proof);
  if ("family" in decoded) return decoded;
  const { operations, saves } = decoded;
  const stack: Expression[] = [];
  const saved: Expression[] = [];
  for (const [step, operation] of operations.entries()) {
    if (operation.kind === "recall") stack.push(saved[operation.saved]!);
    else {
      const fault = applyTo(database, theorem, stack, operation, step);
      if (fault !== undefined) return fault;
    }
    if (saves[step] === true) saved.push(stack.at(-1)!);
  }
  return conclude(database, theorem, stack, operations.length);
}

/** The labels of a proof with every recall written out; undefined past `most` of them, or if unreadable. */
export function proofLabels(
  database: Database,
  theorem: Assertion,
  most: number,
): readonly string[] | undefined {
  const decoded = decode(database, theorem, theorem.proof);
  if ("family" in decoded) return undefined;
  const stack: (readonly string[])[] = [];
  const saved: (readonly string[])[] = [];
  for (const [step, operation] of decoded.operations.entries()) {
    if (operation.kind === "recall") stack.push(saved[operation.saved]!);
    else {
      const takes = "hypotheses" in operation ? operation.hypotheses.length : 0;
      if (takes > stack.length) return undefined;
      const labels = [...stack.splice(stack.length - takes).flat(), operation.label];
      if (labels.length > most) return undefined;
      stack.push(labels);
    }
    if (decoded.saves[step] === true) saved.push(stack.at(-1)!);
  }
  return stack.length === 1 ? stack[0] : undefined;
}

/** The stack after one more label, or the fault of it. */
export function applyLabel(
  database: Database,
  theorem: Assertion,
  stack: Stack,
  label: string,
  step: number,
): Stack | ProofFault {
  const statement = lookUp(database, theorem, label, step);
  if ("family" in statement) return statement;
  const next = [...stack];
  return applyTo(database, theorem, next, statement, step) ?? next;
}

/** The fault of a proof's end, if any. */
export function conclude(
  database: Database,
  theorem: Assertion,
  stack: Stack,
  step: number,
): ProofFault | undefined {
  const at = { theorem: theorem.label, step, label: "" };
  if (stack.length !== 1) {
    const message = `${stack.length} expressions are left, not one`;
    return { ...at, family: "unfinished", message };
  }
  if (same(stack[0]!, theorem.expression)) return undefined;
  const [expected, found] = [theorem.expression, stack[0]!].map((each) =>
    expressionText(database, each),
  ) as [string, string];
  const message = `it proves ${found}, not ${expected}`;
  return { ...at, family: "wrong-conclusion", message, expected, found };
}

/** Applies a statement to the stack in place. */
function applyTo(
  database: Database,
  theorem: Assertion,
  stack: Expression[],
  statement: Hypothesis | Assertion,
  step: number,
): ProofFault | undefined {
  if (!("hypotheses" in statement)) {
    stack.push(statement.expression);
    return undefined;
  }
  const { hypotheses, distinct, label } = statement;
  const fault = (
    family: FaultFamily,
    message: string,
    expected?: Expression,
    found?: Expression,
  ): ProofFault => ({
    theorem: theorem.label,
    step,
    label,
    family,
    message,
    ...(expected === undefined ? {} : { expected: expressionText(database, expected) }),
    ...(found === undefined ? {} : { found: expressionText(database, found) }),
  });
  const base = stack.length - hypotheses.length;
  if (base < 0) {
    const message = `${label} takes ${hypotheses.length} expressions, the stack holds ${stack.length}`;
    return fault("stack-underflow", message);
  }
  const put = new Map<number, Expression>();
  for (const [i, hypothesis] of hypotheses.entries()) {
    const found = stack[base + i]!;
    if (hypothesis.kind === "floating") {
      if (found[0] !== hypothesis.expression[0]) {
        const [type, variable] = hypothesis.expression.map((each) => database.symbols[each]);
        const message = `${variable} of ${label} stands for a ${type}`;
        return fault("type-mismatch", message, hypothesis.expression, found);
      }
      put.set(hypothesis.expression[1]!, found);
      continue;
    }
    const expected = substitute(hypothesis.expression, put);
    if (!same(found, expected))
      return fault("hypothesis-mismatch", `${label} needs ${hypothesis.label}`, expected, found);
  }
  for (const [one, other] of distinct) {
    const clash = clashOf(database, theorem, put.get(one)!, put.get(other)!);
    if (clash === undefined) continue;
    const [x, y, a, b] = [one, other, ...clash].map((each) => database.symbols[each]);
    const message =
      a === b
        ? `${label} asks for distinct ${x} and ${y}, but both get ${a}`
        : `${label} asks for distinct ${x} and ${y}, so ${a} and ${b} must be declared distinct ($d ${a} ${b})`;
    return fault("missing-side-condition", message, put.get(one), put.get(other));
  }
  stack.length = base;
  stack.push(substitute(statement.expression, put));
  return undefined;
}

/** Two variables that must be distinct and are not declared so. */
function clashOf(
  { isVariable }: Database,
  { scope }: Assertion,
  one: Expression,
  other: Expression,
): readonly [number, number] | undefined {
  for (let i = 1; i < one.length; i++) {
    const a = one[i]!;
    if (isVariable[a] === 0) continue;
    for (let k = 1; k < other.length; k++) {
      const b = other[k]!;
      if (isVariable[b] === 1 && (a === b || !areDistinct(scope, a, b))) return [a, b];
    }
  }
  return undefined;
}

function substitute(expression: Expression, put: ReadonlyMap<number, Expression>): Expression {
  const result: number[] = [];
  for (const symbol of expression) {
    const by = put.get(symbol);
    if (by === undefined) result.push(symbol);
    else for (let i = 1; i < by.length; i++) result.push(by[i]!);
  }
  return result;
}

function same(one: Expression, other: Expression): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
