/** Errors in the form of the OpenAI API. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ErrataError } from "../util/error.js";

/** A request that cannot be answered. */
export class RequestError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: string | null;
  readonly param: string | null;

  constructor(
    status: ContentfulStatusCode,
    message: string,
    {
      code = null,
      param = null,
    }: { readonly code?: string | null; readonly param?: string | null } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
  }
}

/** What the body of an error says. */
export function errorBody(error: unknown): { status: ContentfulStatusCode; body: unknown } {
  const known = explained(error);
  const type =
    known.status >= 500
      ? "server_error"
      : known.status === 401
        ? "authentication_error"
        : known.status === 429
          ? "rate_limit_error"
          : "invalid_request_error";
  const { message, param, code } = known;
  return { status: known.status, body: { error: { message, type, param, code } } };
}

/** Faults of a request are told; what else went wrong stays in the log. */
function explained(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof ErrataError) {
    const param = {
      CONTEXT_LENGTH: "max_tokens",
      TOKENIZER_SYMBOL: "prompt",
      CHAT_TEMPLATE: "messages",
    }[error.code];
    const code =
      error.code === "CONTEXT_LENGTH" ? "context_length_exceeded" : error.code.toLowerCase();
    if (param !== undefined) return new RequestError(400, error.message, { code, param });
  }
  if (error instanceof RangeError) return new RequestError(400, error.message);
  return new RequestError(500, "the server failed to answer");
}

/** Answers with an error. */
export function errorResponse(context: Context, error: unknown): Response {
  const { status, body } = errorBody(error);
  if (status === 429) context.header("retry-after", "1");
  return context.json(body as Record<string, unknown>, status);
}
