/** Checks Metamath proofs: a stack, substitution, and the side conditions of `$d`. */
import {
  areDistinct,
  type Assertion,
  type Database,
  type Expression,
  expressionText,
  type Hypothesis,
  isActive,
} from "./database.js";

export type FaultFamily =
  /** A `$d` of the assertion used is broken by what is put for its variables. */
  | "missing-side-condition"
  /** An expression on the stack is not the essential hypothesis that it must be. */
  | "hypothesis-mismatch"
  /** An expression on the stack is of another type than the variable it is put for. */
  | "type-mismatch"
  /** No statement has that label. */
  | "unknown-label"
  /** The statement is not in force here: a hypothesis of another block, or a later assertion. */
  | "inactive-label"
  /** An assertion needs more than the stack holds. */
  | "stack-underflow"
  /** The proof proves something else. */
  | "wrong-conclusion"
  /** Other than one expression is left. */
  | "unfinished"
  /** The proof holds `?`. */
  | "incomplete"
  /** A compressed proof that cannot be read. */
  | "malformed";

/** Why a proof is none. */
export interface ProofFault {
  readonly theorem: string;
  readonly family: FaultFamily;
  /** Index of the step, from 0; the number of steps where the end is at fault. */
  readonly step: number;
  /** Label of the statement at that step; empty at the end. */
  readonly label: string;
  readonly message: string;
  readonly expected?: string;
  readonly found?: string;
}

/** A step: push or apply a statement, or push an earlier result again (`Z` in compressed proofs). */
type Operation = Hypothesis | Assertion | { readonly kind: "recall"; readonly saved: number };

interface Decoded {
  readonly operations: readonly Operation[];
  /** For each operation whether its result is saved. */
  readonly saves: readonly boolean[];
}

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

function lookUp(
  database: Database,
  theorem: Assertion,
  label: string,
  step: number,
): Hypothesis | Assertion | ProofFault {
  const at = { theorem: theorem.label, step, label };
  const statement = database.statements.get(label);
  if (label === "?") return { ...at, family: "incomplete", message: "the proof holds ?" };
  if (statement === undefined)
    return { ...at, family: "unknown-label", message: `there is no statement ${label}` };
  const active =
    "hypotheses" in statement ? statement.order < theorem.order : isActive(statement, theorem);
  return active
    ? statement
    : { ...at, family: "inactive-label", message: `${label} is not in force here` };
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

function decode(database: Database, theorem: Assertion, proof: string): Decoded | ProofFault {
  const tokens = proof.split(/\s+/).filter((token) => token !== "");
  return tokens[0] === "("
    ? decodeCompressed(database, theorem, tokens)
    : decodeNormal(database, theorem, tokens);
}

function decodeNormal(
  database: Database,
  theorem: Assertion,
  tokens: readonly string[],
): Decoded | ProofFault {
  const operations: Operation[] = [];
  for (const [step, label] of tokens.entries()) {
    const statement = lookUp(database, theorem, label, step);
    if ("family" in statement) return statement;
    operations.push(statement);
  }
  return { operations, saves: [] };
}

/** Appendix B of the Metamath book. */
function decodeCompressed(
  database: Database,
  theorem: Assertion,
  tokens: readonly string[],
): Decoded | ProofFault {
  const malformed = (step: number, message: string): ProofFault => ({
    theorem: theorem.label,
    step,
    label: "",
    family: "malformed",
    message,
  });
  const end = tokens.indexOf(")");
  if (end < 0) return malformed(0, "( is never closed by )");
  const known: (Hypothesis | Assertion)[] = [...theorem.hypotheses];
  for (const label of tokens.slice(1, end)) {
    const statement = lookUp(database, theorem, label, 0);
    if ("family" in statement) return statement;
    if (theorem.hypotheses.includes(statement as Hypothesis))
      return malformed(0, `${label} is mandatory, so it may not be listed`);
    known.push(statement);
  }
  const operations: Operation[] = [];
  const saves: boolean[] = [];
  let savedCount = 0;
  let number = 0;
  for (const letter of tokens.slice(end + 1).join("")) {
    const step = operations.length;
    const code = letter.charCodeAt(0) - 65;
    if (letter === "?")
      return { ...malformed(step, "the proof holds ?"), family: "incomplete", label: "?" };
    if (code < 0 || code > 25)
      return malformed(step, `${letter} is no letter of a compressed proof`);
    if (code === 25) {
      if (number !== 0 || step === 0 || saves[step - 1] === true)
        return malformed(step, "Z saves nothing");
      saves[step - 1] = true;
      savedCount++;
    } else if (code >= 20) number = number * 5 + (code - 19);
    else {
      const index = number * 20 + code;
      number = 0;
      if (index < known.length) operations.push(known[index]!);
      else if (index - known.length < savedCount)
        operations.push({ kind: "recall", saved: index - known.length });
      else return malformed(step, `step number ${index + 1} refers to nothing`);
    }
  }
  if (number !== 0) return malformed(operations.length, "the letters end within a number");
  return { operations, saves };
}
