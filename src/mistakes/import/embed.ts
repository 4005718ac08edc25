/** What tells imported mistakes apart: their text, or what a run's model sees in them. */
import type { Corpus } from "../corpus/corpus.js";
import { stateActionEmbedding, textEmbedding, whiten } from "../corpus/embedding.js";
import type { TraceStep } from "../corpus/mistake.js";
import type { Engine, Policy } from "../../engine/engine.js";
import type { Tokenizer } from "../../models/tokenizer.js";
import type { Located } from "./verify.js";

/** Embeddings `[N, D]` of first wrong steps. */
export type Embed = (steps: readonly Located[]) => Promise<Float32Array[]>;

/** By text: character n-grams. For a corpus that no run embeds into. */
export const embedText: Embed = async (steps) =>
  steps.map(({ state, wrongStep }) => textEmbedding({ state, wrongStep }));

/**
 * As a run embeds its own mistakes: hidden states of its base model, whitened as its corpus is. The
 * whitening is fitted on the first batch where the run has none yet.
 */
export function embedAsRun(
  {
    engine,
    base,
    tokenizer,
  }: {
    readonly engine: Engine;
    /** The student before training: it embeds the run's own mistakes too. */
    readonly base: Policy;
    readonly tokenizer: Tokenizer;
  },
  corpus: Corpus,
): Embed {
  const tokensOf = ({ prompt, messages, action }: TraceStep) => {
    const seen = tokenizer.encodePrompt({
      observation: prompt,
      ...(messages === undefined ? {} : { messages }),
    });
    return { seen, tokens: [...seen, ...tokenizer.encode(action)].slice(0, base.shape.context) };
  };
  return async (steps) => {
    if (steps.length === 0) return [];
    const hidden = await engine.embed(
      base,
      steps.flatMap(({ trace, step }) => {
        const { seen, tokens } = tokensOf(trace[step]!);
        return [
          { tokens, start: 0, end: seen.length },
          { tokens, start: seen.length, end: tokens.length },
        ];
      }),
    );
    const states = hidden.filter((_, i) => i % 2 === 0);
    const actions = hidden.filter((_, i) => i % 2 === 1);
    const stateWhitening = corpus.fitWhitening("state", states);
    const actionWhitening = corpus.fitWhitening("action", actions);
    return states.map((state, i) =>
      stateActionEmbedding(whiten(state, stateWhitening), whiten(actions[i]!, actionWhitening)),
    );
  };
}
