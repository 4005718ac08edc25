/** Choices of an answer, drawn token by token. */
import { randomInt } from "node:crypto";
import type { ContinuousDecoder, ScoredToken, StreamedToken } from "../engine/continuous.js";
import type { Words } from "../take/source.js";
import { TextStream } from "./text-stream.js";

/** What is asked of one choice. */
export interface ChoiceOptions {
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK?: number;
  readonly minP: number;
  readonly seed: number;
  readonly stops: readonly string[];
  /** How many probable tokens to list beside each drawn one. */
  readonly top: number;
  readonly signal: AbortSignal;
}

/** A piece of a choice; the last one has `finish`. */
export interface Piece {
  readonly text: string;
  readonly token: ScoredToken & { readonly top: readonly ScoredToken[] };
  /** Whether the token stands for text, as one that ends an answer does not. */
  readonly written: boolean;
  readonly finish: "stop" | "length" | undefined;
}

/** A seed where none is given. */
export const freshSeed = (): number => randomInt(2 ** 32);

/** One choice, piece by piece. */
export async function* choice(
  decoder: ContinuousDecoder,
  words: Words,
  options: ChoiceOptions,
): AsyncGenerator<Piece, void> {
  const { temperature, stops, topK, ...rest } = options;
  const ends: readonly number[] =
    words.kind === "text" ? words.tokenizer.stops : [words.tokenizer.stop];
  const stream = new TextStream(words, stops);
  const tokens = decoder.stream({
    ...rest,
    temperature: temperature === 0 ? 1 : temperature,
    ...(temperature === 0 ? { topK: 1 } : topK === undefined ? {} : { topK }),
    stopTokens: ends,
  });
  for await (const token of tokens) {
    const written = !ends.includes(token.token);
    const text =
      (written ? stream.add(token.token) : "") + (token.end === undefined ? "" : stream.end());
    const finish = stream.stopped ? "stop" : token.end;
    yield { text, token: scored(token), written, finish };
    if (finish !== undefined) return;
  }
}

const scored = ({ token, logprob, top }: StreamedToken): Piece["token"] => ({
  token,
  logprob,
  top,
});
