/** Metamath proofs as text: lists of labels, plain or compressed. */
import { type Assertion, type Database, type Hypothesis, isActive } from "./database.js";

/** How a proof fails. */
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
export type Operation =
  | Hypothesis
  | Assertion
  | { readonly kind: "recall"; readonly saved: number };

/** A proof read. */
export interface Decoded {
  readonly operations: readonly Operation[];
  /** For each operation whether its result is saved. */
  readonly saves: readonly boolean[];
}

/** The statement of a label, if it is in force where the theorem stands. */
export function lookUp(
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

/** Reads a proof, plain or compressed. */
export function decode(
  database: Database,
  theorem: Assertion,
  proof: string,
): Decoded | ProofFault {
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
