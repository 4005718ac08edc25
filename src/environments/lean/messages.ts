/**
 * The messages of the Lean REPL (https://github.com/leanprover-community/repl, REPL/JSON.lean), and
 * what in them counts as a proof.
 */
import { z } from "zod";

/** Lines count from 1, columns from 0. */
export interface LeanPosition {
  readonly line: number;
  readonly column: number;
}

/** A message about a place in the text. */
export interface LeanMessage {
  readonly severity: "trace" | "info" | "warning" | "error";
  readonly pos: LeanPosition;
  readonly endPos?: LeanPosition | null | undefined;
  readonly data: string;
}

/** A `sorry`, with the number of the proof state that stands there. */
export interface LeanSorry {
  readonly goal: string;
  readonly proofState?: number | null | undefined;
  readonly pos?: LeanPosition | undefined;
  readonly endPos?: LeanPosition | undefined;
}

/** Answer to `{"cmd": ...}`. `env` is absent where a server collects its garbage. */
export interface CommandResponse {
  readonly env?: number | null | undefined;
  readonly messages?: readonly LeanMessage[] | null | undefined;
  readonly sorries?: readonly LeanSorry[] | null | undefined;
}

/** Answer to `{"tactic": ..., "proofState": n}`. Old versions say nothing of `proofStatus`. */
export interface TacticResponse {
  readonly proofState: number;
  readonly goals: readonly string[];
  readonly messages?: readonly LeanMessage[] | null | undefined;
  readonly sorries?: readonly LeanSorry[] | null | undefined;
  readonly proofStatus?: string | undefined;
}

const position: z.ZodType<LeanPosition> = z.object({ line: z.number(), column: z.number() });

const message: z.ZodType<LeanMessage> = z.object({
  severity: z.enum(["trace", "info", "warning", "error"]),
  pos: position,
  endPos: position.nullish(),
  data: z.string(),
});

const sorry: z.ZodType<LeanSorry> = z.object({
  goal: z.string(),
  proofState: z.number().nullish(),
  pos: position.optional(),
  endPos: position.optional(),
});

/** Reads a {@link CommandResponse}. */
export const commandResponse: z.ZodType<CommandResponse> = z.object({
  env: z.number().nullish(),
  messages: z.array(message).nullish(),
  sorries: z.array(sorry).nullish(),
});

/** Reads a {@link TacticResponse}. */
export const tacticResponse: z.ZodType<TacticResponse> = z.object({
  proofState: z.number(),
  goals: z.array(z.string()),
  messages: z.array(message).nullish(),
  sorries: z.array(sorry).nullish(),
  proofStatus: z.string().optional(),
});

/** Reads the answer to what the REPL could not carry out at all. */
export const failureResponse: z.ZodType<{ readonly message: string }> = z.object({
  message: z.string(),
});

/** The messages of severity `error`. */
export function errorsOf(response: CommandResponse | TacticResponse): readonly LeanMessage[] {
  return (response.messages ?? []).filter(({ severity }) => severity === "error");
}

/**
 * Whether a tactic finished the proof: `proofStatus` is `Completed`, so the kernel has checked it,
 * and there is no error. Empty goals alone mean nothing: a tactic that fails may leave none, with an
 * error message and `Incomplete: contains sorry` (test/invalid_tactic.expected.out).
 */
export function isProofComplete(response: TacticResponse): boolean {
  return (
    response.proofStatus === "Completed" &&
    response.goals.length === 0 &&
    errorsOf(response).length === 0 &&
    (response.sorries ?? []).length === 0
  );
}

/** Axioms that Lean's own libraries stand on. */
const TRUSTED_AXIOMS: readonly string[] = ["propext", "Classical.choice", "Quot.sound"];

/**
 * What is wrong with a checked text that ends in `#print axioms name`, or undefined when it proves
 * `name`: no error, no `sorry`, and Lean says that no axiom but its own three is used.
 */
export function commandFault(response: CommandResponse, name: string): string | undefined {
  const [error] = errorsOf(response);
  if (error !== undefined) return error.data;
  if ((response.sorries ?? []).length > 0) return "the proof holds sorry";
  const messages = response.messages ?? [];
  if (messages.some(({ data }) => /declaration uses [`']?sorry/.test(data)))
    return "the proof holds sorry";
  const free = `'${name}' does not depend on any axioms`;
  const prefix = `'${name}' depends on axioms: [`;
  const said = messages
    .filter(
      ({ severity, data }) => severity === "info" && (data === free || data.startsWith(prefix)),
    )
    .map(({ data }) => data);
  // A tactic can print the same words, so they must have been said once, by the command.
  const [listed] = said;
  if (listed === undefined || said.length > 1)
    return "Lean did not list the axioms of the proof once";
  if (listed === free) return undefined;
  const axioms = listed
    .slice(prefix.length, listed.lastIndexOf("]"))
    .split(",")
    .map((axiom) => axiom.trim());
  const foreign = axioms.filter((axiom) => !TRUSTED_AXIOMS.includes(axiom));
  return foreign.length === 0 ? undefined : `the proof rests on ${foreign.join(", ")}`;
}
