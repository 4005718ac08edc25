/** The two forms of answers: completions and chat completions, whole and in pieces. */
import type { Taken, Words } from "../take/source.js";
import type { Piece } from "./generate.js";
import type { ChatRequest, CompletionRequest } from "./requests.js";
import { tokenText } from "./text-stream.js";

/** A choice that was drawn. */
export interface Drawn {
  readonly pieces: readonly Piece[];
}

/** How answers of one route read. */
export interface AnswerForm {
  readonly prefix: string;
  readonly object: string;
  readonly chunk: string;
  /** Probable tokens to list. */
  readonly top: number;
  /** Longest answer to a prompt of so many tokens. */
  readonly maxTokens: (promptTokens: number) => number;
  readonly choice: (drawn: Drawn, index: number) => unknown;
  readonly delta: (piece: Piece, index: number, at: { first: boolean; offset: number }) => unknown;
}

/** Tokens read and written. */
export function usageOf(promptTokens: number, drawn: readonly Drawn[]): Record<string, number> {
  const written = drawn.reduce((sum, { pieces }) => sum + pieces.length, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: written,
    total_tokens: promptTokens + written,
  };
}

const textOf = ({ pieces }: Drawn): string => pieces.map(({ text }) => text).join("");
const finishOf = ({ pieces }: Drawn): string => pieces.at(-1)?.finish ?? "length";
const writtenOf = ({ pieces }: Drawn): Piece[] => pieces.filter(({ written }) => written);

/** Longest answer of a model trained on actions, where nothing is asked for. */
function ownLength({ run, words }: Taken): number | undefined {
  const most = run?.environment.maxActionSymbols;
  if (words.kind === "text" || most === undefined) return undefined;
  return most === 1 ? 1 : most + 1;
}

export function completionForm(taken: Taken, request: CompletionRequest): AnswerForm {
  const { words } = taken;
  const listed = request.logprobs ?? undefined;
  const logprobs = (pieces: readonly Piece[], offset: number): unknown =>
    listed === undefined ? null : completionLogprobs(words, pieces, offset);
  const base = { index: 0, text: "", logprobs: null, finish_reason: null };
  return {
    prefix: "cmpl",
    object: "text_completion",
    chunk: "text_completion",
    top: listed ?? 0,
    maxTokens: () => request.max_tokens ?? ownLength(taken) ?? 16,
    choice: (drawn, index) => ({
      ...base,
      index,
      text: textOf(drawn),
      logprobs: logprobs(writtenOf(drawn), 0),
      finish_reason: finishOf(drawn),
    }),
    delta: (piece, index, { offset }) => ({
      ...base,
      index,
      text: piece.text,
      logprobs: logprobs(piece.written ? [piece] : [], offset),
      finish_reason: piece.finish ?? null,
    }),
  };
}

function completionLogprobs(words: Words, pieces: readonly Piece[], start: number): unknown {
  let offset = start;
  const offsets = pieces.map(({ text }) => (offset += text.length) - text.length);
  const name = (token: number): string => tokenText(words, token).token;
  return {
    tokens: pieces.map(({ token }) => name(token.token)),
    token_logprobs: pieces.map(({ token }) => token.logprob),
    top_logprobs: pieces.map(({ token }) =>
      Object.fromEntries(token.top.map((other) => [name(other.token), other.logprob])),
    ),
    text_offset: offsets,
  };
}

export function chatForm(taken: Taken, request: ChatRequest): AnswerForm {
  const { words, policy } = taken;
  const asked = request.logprobs === true;
  const logprobs = (pieces: readonly Piece[]): unknown =>
    asked ? { content: pieces.map((piece) => chatLogprob(words, piece)), refusal: null } : null;
  return {
    prefix: "chatcmpl",
    object: "chat.completion",
    chunk: "chat.completion.chunk",
    top: asked ? (request.top_logprobs ?? 0) : 0,
    maxTokens: (prompt) =>
      request.max_completion_tokens ?? request.max_tokens ?? policy.shape.context - prompt + 1,
    choice: (drawn, index) => ({
      index,
      message: { role: "assistant", content: textOf(drawn), refusal: null },
      logprobs: logprobs(writtenOf(drawn)),
      finish_reason: finishOf(drawn),
    }),
    delta: (piece, index, { first }) => ({
      index,
      delta: { ...(first ? { role: "assistant" } : {}), content: piece.text },
      logprobs: logprobs(piece.written ? [piece] : []),
      finish_reason: piece.finish ?? null,
    }),
  };
}

function chatLogprob(words: Words, { token }: Piece): unknown {
  return {
    ...tokenText(words, token.token),
    logprob: token.logprob,
    top_logprobs: token.top.map((other) => ({
      ...tokenText(words, other.token),
      logprob: other.logprob,
    })),
  };
}
