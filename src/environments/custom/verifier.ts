/** How a file of tasks tells right answers from wrong ones. */
import { type Call, JavaScriptSandbox } from "../code/sandbox/javascript.js";
import type { Json } from "../environment.js";
import { readNumber, sameNumber, type StatedNumber } from "../answers/number.js";

/**
 * - `exact`: the reference itself, but for white space at the ends and its length within;
 * - `number`: the same number, however it is written;
 * - `regex`: a pattern that the answer matches somewhere: anchor it with `^` and `$`;
 * - `code`: a JavaScript function `(answer, task) => boolean`, run in a sandbox. `task` is the record.
 */
export type Verifier =
  | { readonly kind: "exact" | "number" }
  | { readonly kind: "regex"; readonly pattern: string; readonly flags: string }
  | { readonly kind: "code"; readonly source: string };

/** The word of a verifier; `fault` when it failed itself. */
export interface Verification {
  readonly correct: boolean;
  readonly fault?: string;
}

/** One sandbox for all files; its threads start when they are first needed. */
let sandbox: JavaScriptSandbox | undefined;

/** Whether an answer, or the number that it states, is right. Patterns and code run in the sandbox, for answers are untrusted. */
export async function verifyAnswer(
  verifier: Verifier,
  answer: string,
  reference: string,
  record: Json,
  number: StatedNumber | undefined,
): Promise<Verification> {
  switch (verifier.kind) {
    case "exact":
      return { correct: readings(reference).some((known) => readings(answer).includes(known)) };
    case "number": {
      const known = readNumber(reference);
      return { correct: number !== undefined && known !== undefined && sameNumber(number, known) };
    }
    case "regex": {
      const args = JSON.stringify([answer, verifier.pattern, verifier.flags]);
      return inSandbox({ entry: MATCHES, args });
    }
    case "code":
      return inSandbox({ verifier: verifier.source, args: JSON.stringify([answer, record]) });
  }
}

const MATCHES = "(answer, pattern, flags) => new RegExp(pattern, flags).test(answer)";

async function inSandbox(call: Call, program: string = ""): Promise<Verification> {
  sandbox ??= new JavaScriptSandbox({ limits: { milliseconds: 5000 } });
  const [result] = await sandbox.run(program, [call]);
  if (result === undefined) return { correct: false, fault: "the verifier gave no result" };
  if (result.outcome === "returned") return { correct: result.output === "true" };
  const fault =
    result.outcome === "threw"
      ? `${result.error}: ${result.message}`
      : `ran into its ${result.outcome} limit`;
  return { correct: false, fault: `the verifier ${fault}` };
}

/** A text as it stands, and without what may surround it: a full stop, math mode, `\\text{}`. */
function readings(text: string): readonly string[] {
  const whole = collapsed(text);
  const bare = whole.replace(/(?<!\.)\.$/, "").replaceAll(/^\$+|\$+$/g, "");
  return [
    whole,
    collapsed(bare),
    bare.replace(/^\\(?:text|mathrm|textbf)\{([^{}]*)\}$/, "$1").trim(),
  ].filter((reading) => reading !== "");
}

const collapsed = (text: string): string => text.trim().replaceAll(/\s+/g, " ");
