/** Whole proofs checked by Lean, through a REPL or through a server. */
import { z } from "zod";
import { ErrataError } from "../../util/error.js";
import { limitedText } from "../../util/limited-body.js";
import { keepSecret } from "../../util/secrets.js";
import { within } from "../../util/within.js";
import { commandFault, type CommandResponse, commandResponse, errorsOf } from "./messages.js";
import { LeanRepl, type LeanReplOptions, missingLean } from "./repl.js";

/** A theorem without its proof: `theorem name (x : Nat) : x = x`. */
export interface LeanStatement {
  readonly name: string;
  /** Imports, options and `open`s that come before the theorem. */
  readonly header: string;
  /** From `theorem` up to the `:=`, which is left out. */
  readonly statement: string;
}

/** Lean's word on a proof. */
export interface LeanVerdict {
  readonly accepted: boolean;
  /** Why not. */
  readonly message: string;
  /** Line of the proof that the first error is in, from 0, where Lean says. */
  readonly line?: number;
}

export interface LeanVerifier {
  /** Checks `theorem ... := by` with the tactics of `proof`. */
  verify(statement: LeanStatement, proof: string): Promise<LeanVerdict>;
}

/**
 * Words and marks that a proof may not hold. Lean's tactics run programs, and a command within a
 * proof ends the theorem: what is refused could run code, declare axioms or change what is stated.
 * Commands at the start of a line cannot be told from tactics by position, so they are refused anywhere.
 */
const FORBIDDEN =
  /(#|@\[|«|\b(sorry|admit|sorryAx|axiom|opaque|unsafe|theorem|lemma|def|abbrev|example|instance|structure|inductive|class|macro|macro_rules|syntax|notation|infix[lr]?|prefix|postfix|elab|elab_rules|declare_syntax_cat|initialize|builtin_initialize|attribute|namespace|section|end|mutual|variable|universe|import|export|open|include|omit|deriving|set_option|run_tac|run_cmd|run_elab|run_meta|eval_expr|by_elab|native_decide|ofReduceBool|reduceBool|trustCompiler|implemented_by|extern|dbg_trace|IO|unsafeCast|unsafeIO|private|protected|noncomputable|partial|local|scoped)\b)/;

/** What is wrong with the text of a proof, or undefined when it may be sent to Lean. */
export function leanFault(proof: string): string | undefined {
  if (proof.trim() === "") return "an empty proof";
  if (proof.length > 20_000) return "longer than 20000 characters";
  const code = leanCode(proof);
  if (code === undefined) return "a comment or a text that is not closed, raw or interpolated";
  const match = FORBIDDEN.exec(code.replaceAll(SCOPED, blank));
  return match === null ? undefined : `${match[0]} is not allowed in a proof`;
}

/** `open A B in` before a tactic: names come into reach for that tactic alone. */
const SCOPED =
  /\bopen(?: scoped)?(?: [\p{L}_][\p{L}\p{N}_.']*){1,20} in\b|\bset_option (?:maxHeartbeats|maxRecDepth|linter\.[\w.]+|pp\.[\w.]+) (?:\d{1,9}|true|false) in\b/gu;

const blank = (text: string): string => text.replaceAll(/[^\n]/g, " ");

/**
 * A proof with comments (`--`, nested `/- -/`) and texts blanked out, as long as before; undefined where
 * one is not closed, or a text is raw or interpolated.
 */
export function leanCode(proof: string): string | undefined {
  let out = "";
  let at = 0;
  while (at < proof.length) {
    const start = at;
    if (proof.startsWith("--", at)) {
      const end = proof.indexOf("\n", at);
      at = end < 0 ? proof.length : end;
    } else if (proof.startsWith("/-", at)) {
      at = commentEnd(proof, at);
      if (at < 0) return undefined;
    } else if (proof[at] === '"') {
      // Raw and interpolated texts end by rules of their own, and the latter hold code.
      if (/[!#rR]/.test(proof[at - 1] ?? "")) return undefined;
      at = textEnd(proof, at);
      if (at < 0) return undefined;
    } else {
      // A character may be a quotation mark: '"'.
      const quoted = /^'(?:\\.|[^\\'\n])'/u.exec(proof.slice(at, at + 5));
      at += quoted !== null && !/[\p{L}\p{N}_']/u.test(proof[at - 1] ?? "") ? quoted[0].length : 1;
      out += proof.slice(start, at);
      continue;
    }
    out += blank(proof.slice(start, at));
  }
  return out;
}

function commentEnd(proof: string, from: number): number {
  let depth = 0;
  for (let at = from; at < proof.length; at++) {
    if (proof.startsWith("/-", at)) {
      depth++;
      at++;
    } else if (proof.startsWith("-/", at)) {
      at++;
      if (--depth === 0) return at + 1;
    }
  }
  return -1;
}

function textEnd(proof: string, from: number): number {
  for (let at = from + 1; at < proof.length; at++) {
    if (proof[at] === "\\") at++;
    else if (proof[at] === '"') return at + 1;
  }
  return -1;
}

/** The text that is checked; the proof starts on the line after the statement. */
export function leanSource(statement: LeanStatement, proof: string): string {
  const body = proof.split("\n").map((line) => `  ${line}`);
  const { statement: text, name } = statement;
  return [`${text} := by`, ...body, "", `#print axioms ${name}`].join("\n");
}

/** Checks proofs in one Lean REPL; a header is imported once and reused. */
export class ReplVerifier implements LeanVerifier {
  readonly #repl: LeanRepl;
  readonly #headers = new Map<string, number | undefined>();
  #generation = 0;

  constructor(options: LeanReplOptions) {
    this.#repl = new LeanRepl(options);
  }

  async verify(statement: LeanStatement, proof: string): Promise<LeanVerdict> {
    const fault = leanFault(proof);
    if (fault !== undefined) return { accepted: false, message: fault };
    try {
      const env = await this.#header(statement.header);
      const response = await this.#repl.command(leanSource(statement, proof), env);
      return verdictOf(response, statement, lineCount(statement.statement));
    } catch (error) {
      if (!(error instanceof ErrataError) || error.code !== "LEAN_TIMEOUT") throw error;
      return { accepted: false, message: error.message };
    }
  }

  close(): void {
    this.#repl.close();
  }

  async #header(header: string): Promise<number | undefined> {
    if (header.trim() === "") return undefined;
    if (this.#generation !== this.#repl.generation) this.#headers.clear();
    if (!this.#headers.has(header)) {
      const response = await this.#repl.command(header);
      const [error] = errorsOf(response);
      const env = response.env ?? undefined;
      if (error !== undefined || env === undefined) {
        throw new ErrataError(`Lean refused the header: ${error?.data ?? "no environment"}`, {
          code: "LEAN_HEADER",
          hint: "run the REPL in a project that has the imported libraries, such as Mathlib",
        });
      }
      this.#generation = this.#repl.generation;
      this.#headers.set(header, env);
    }
    return this.#headers.get(header);
  }
}

/** Options of {@link KiminaVerifier}. */
export interface KiminaOptions {
  /** Address, for example `http://localhost:8000`. */
  readonly url: string;
  readonly apiKey?: string;
  /** Limit for one proof, in whole seconds. Default 60. */
  readonly timeoutSeconds?: number;
  /** Seconds beyond it that the server may take, to find a free REPL. Default 90. */
  readonly patienceSeconds?: number;
}

const kiminaResponse = z.object({
  results: z.array(
    z.object({
      custom_id: z.string(),
      error: z.string().nullish(),
      response: z.unknown().optional(),
    }),
  ),
});

/** Checks proofs on a Kimina Lean server (https://github.com/project-numina/kimina-lean-server). */
export class KiminaVerifier implements LeanVerifier {
  readonly #options: KiminaOptions;
  #count = 0;

  constructor(options: KiminaOptions) {
    keepSecret(options.apiKey);
    this.#options = options;
  }

  /** @throws ErrataError `LEAN_MISSING` when the server cannot be reached, `LEAN_PROTOCOL`. */
  async verify(statement: LeanStatement, proof: string): Promise<LeanVerdict> {
    const fault = leanFault(proof);
    if (fault !== undefined) return { accepted: false, message: fault };
    const { url, apiKey, timeoutSeconds = 60, patienceSeconds = 90 } = this.#options;
    const id = `errata-${this.#count++}`;
    const header = statement.header.trimEnd();
    const source = `${header}\n\n${leanSource(statement, proof)}`;
    let response: Response;
    try {
      response = await fetch(new URL("/verify", url), {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
        },
        body: JSON.stringify({
          codes: [{ custom_id: id, proof: source }],
          timeout: timeoutSeconds,
        }),
        signal: AbortSignal.timeout((timeoutSeconds + patienceSeconds) * 1000),
      });
    } catch (cause) {
      throw missingLean(`the Kimina server at ${url} cannot be reached`, cause);
    }
    const text = await bodyOf(response, url, (timeoutSeconds + patienceSeconds) * 1000);
    const result = kiminaResponse.safeParse(response.ok ? parsed(text) : undefined);
    const found = result.data?.results.find(({ custom_id }) => custom_id === id);
    if (!response.ok || found === undefined) {
      throw new ErrataError(
        `the Kimina server at ${url} answered ${response.status}: ${JSON.stringify(text.slice(0, 200))}`,
        { code: "LEAN_PROTOCOL", hint: "use a server that has POST /verify" },
      );
    }
    const failure = found.error ?? "";
    if (failure !== "") return { accepted: false, message: failure };
    const checked = commandResponse.safeParse(found.response);
    const isFailure = z.object({ message: z.string() }).safeParse(found.response);
    if (!checked.success || isFailure.success)
      return { accepted: false, message: isFailure.data?.message ?? "no response" };
    return verdictOf(
      checked.data,
      statement,
      lineCount(header) + 1 + lineCount(statement.statement),
    );
  }
}

/** Longest answer that is read: messages on one proof are far shorter. */
const MOST_BYTES = 16 * 2 ** 20;

/** @throws ErrataError `LEAN_PROTOCOL` where the body is too long, `LEAN_MISSING` where it breaks off. */
async function bodyOf(response: Response, url: string, milliseconds: number): Promise<string> {
  let text: string | undefined;
  try {
    text = await within(milliseconds, () => limitedText(response, MOST_BYTES));
  } catch (cause) {
    throw missingLean(`the Kimina server at ${url} broke off its answer`, cause);
  }
  if (text !== undefined) return text;
  throw new ErrataError(`the Kimina server at ${url} answered with more than 16 MiB`, {
    code: "LEAN_PROTOCOL",
    hint: "use a server that has POST /verify",
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The verifier that the process's environment names: `ERRATA_LEAN_REPL`, a command whose parts are
 * separated by spaces (`ERRATA_LEAN_PROJECT`: where it runs), or `ERRATA_KIMINA`, an address
 * (`ERRATA_KIMINA_KEY`: its key). Undefined where neither is set.
 */
export function configuredLean(
  variables: Readonly<Record<string, string | undefined>> = process.env,
): LeanVerifier | undefined {
  const [program, ...args] = (variables["ERRATA_LEAN_REPL"] ?? "").split(" ").filter(Boolean);
  const project = variables["ERRATA_LEAN_PROJECT"];
  if (program !== undefined)
    return new ReplVerifier({
      command: [program, ...args],
      timeoutSeconds: 300,
      ...(project === undefined ? {} : { cwd: project }),
    });
  const url = variables["ERRATA_KIMINA"];
  const apiKey = variables["ERRATA_KIMINA_KEY"];
  if (url === undefined) return undefined;
  return new KiminaVerifier({ url, ...(apiKey === undefined ? {} : { apiKey }) });
}

/** `before`: lines of the checked text before the proof's first. */
function verdictOf(
  response: CommandResponse,
  { name }: LeanStatement,
  before: number,
): LeanVerdict {
  const fault = commandFault(response, name);
  if (fault === undefined) return { accepted: true, message: "" };
  const line = errorsOf(response)[0]?.pos.line;
  return {
    accepted: false,
    message: fault,
    ...(line === undefined ? {} : { line: Math.max(0, line - 1 - before) }),
  };
}

function lineCount(text: string): number {
  return text.split("\n").length;
}
