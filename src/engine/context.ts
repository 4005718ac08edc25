/** Sequences that do not fit into a model. */
import { ErrataError } from "../util/error.js";

/**
 * Checks that a prompt fits into a model's context with the `drawn` tokens that follow it, of which the
 * last is not read: prompt + drawn - 1 <= context, all in tokens.
 * @throws ErrataError `CONTEXT_LENGTH`.
 */
export function checkContext(prompt: number, drawn: number, context: number): void {
  if (prompt + Math.max(0, drawn - 1) <= context) return;
  const what =
    drawn <= 1
      ? `a sequence of ${prompt} tokens exceeds`
      : `a prompt of ${prompt} tokens and ${drawn} new ones exceed`;
  throw new ErrataError(`${what} the model's context of ${context}`, {
    code: "CONTEXT_LENGTH",
    hint:
      "raise student.context as far as the model was made for, lower student.maxTokens, " +
      "or use a model with a longer context, or an environment with shorter prompts",
  });
}
