/** The contrast's part in a step. Where it is off it draws nothing and changes nothing: the run is the same, byte for byte. */
import type { TrainingSequence } from "../engine/engine.js";
import { contrast, type Contrast, type StepTokens } from "../learn/contrast.js";
import type { Example } from "../models/imitate.js";
import { encodeAction } from "../models/model.js";
import type { Tokenizer } from "../models/tokenizer.js";
import type { Group } from "../play/play.js";
import type { Run } from "../run/run.js";
import type { Setup } from "../run/setup.js";
import type { Random } from "../util/random.js";

/** The contrast of a step's right and first wrong steps. */
export async function contrastStep(
  run: Run,
  setup: Setup,
  groups: readonly Group[],
  random: Random,
): Promise<Contrast | undefined> {
  const { config, engine, base, tokenizer, environment } = setup;
  const { mode, corpusNegatives } = config.contrast;
  if (mode === "off") return undefined;
  const mistakes = run.corpus
    .sample({ domain: environment.name, count: corpusNegatives, step: run.state.step, random })
    .map((mistake) => {
      const step = { ...run.corpus.seenAt(mistake), action: mistake.wrongStep };
      return stepTokens(step, tokenizer, environment.maxActionSymbols);
    });
  return run.ledger.charge("embedding", 0, () =>
    contrast(
      groups,
      {
        engine,
        policy: run.state.student,
        reference: base,
        head: run.state.contrast,
        mistakes,
        random,
      },
      config.contrast,
    ),
  );
}

/** A mistake in the tokens the student would use, stop token included: nothing but the step tells it apart. */
export function stepTokens(
  { prompt: observation, messages, action }: Example,
  tokenizer: Tokenizer,
  maxActionSymbols: number,
): StepTokens {
  return {
    prompt: tokenizer.encodePrompt({
      observation,
      ...(messages === undefined ? {} : { messages }),
    }),
    completion: encodeAction(action, tokenizer, maxActionSymbols),
  };
}

/** Sequences of the policy's loss, and of the contrast's where it has any. */
export function withContrast(
  sequences: readonly TrainingSequence[],
  result: Contrast | undefined,
): readonly TrainingSequence[] {
  return result === undefined || sequences.length === 0
    ? sequences
    : [...sequences, ...result.sequences];
}
