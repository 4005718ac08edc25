/** Remember: verified-wrong attempts become candidates for the corpus. */
import { candidateOf, traceStep, type Counts } from "./candidate.js";
import { stateActionEmbedding, textEmbedding, whiten } from "./corpus/embedding.js";
import type { Corpus } from "./corpus/corpus.js";
import type { Admission } from "./corpus/mistake.js";
import { recurrences } from "./corpus/recurrence.js";
import type { Engine, Policy } from "../engine/engine.js";
import type { Environment, StepVerdict } from "../environments/environment.js";
import { isOwn, type Group, type Rollout } from "../play/play.js";

/** What became of a batch of candidates. */
export interface Admissions {
  readonly admitted: number;
  readonly merged: number;
  readonly rejected: number;
}

export interface RememberOptions {
  readonly corpus: Corpus;
  readonly environment: Environment;
  readonly engine: Engine;
  /** Whose hidden states embed mistakes. It never changes during a run: embeddings stay comparable. */
  readonly embedder: Policy;
  /** Who made the attempts, for example `student` or `weak:exfalso`. */
  readonly source: string | ((rollout: Rollout) => string);
  /** Names mistakes that the environment does not recognise by clusters of their edits. Default false. */
  readonly clusters?: boolean;
  readonly step: number;
}

interface Wrong {
  readonly rollout: Rollout;
  readonly firstError: StepVerdict;
  readonly counts: Counts;
}

/** Puts every wrong, on-policy, localised attempt in `groups` before the corpus. */
export async function remember(
  groups: readonly Group[],
  options: RememberOptions,
): Promise<Admissions> {
  const { corpus, environment, source, step, clusters = false } = options;
  const wrong = groups.flatMap(wrongAttempts);
  const embeddings = await embed(wrong, options);
  const counts = { admitted: 0, merged: 0, rejected: 0 };
  for (const [i, { rollout, firstError, counts: seen }] of wrong.entries()) {
    const { task, verdict, steps } = rollout;
    const { observation, action } = steps[firstError.step]!;
    const candidate = candidateOf(
      {
        domain: environment.name,
        taskId: task.id,
        level: task.level,
        split: task.split,
        source: typeof source === "string" ? source : source(rollout),
        answer: verdict.answer,
        signature: verdict.signature,
        state: observation,
        wrongStep: action,
        ...(firstError.expected === undefined ? {} : { correctStep: firstError.expected }),
        evidence: firstError.evidence,
        confidence: firstError.confidence,
        family: firstError.family,
        trace: steps.map(traceStep),
        step: firstError.step,
        data: task.data,
      },
      seen,
      { embedding: embeddings[i]!, clusters, step },
    );
    const outcome: Admission["outcome"] = corpus.admit(candidate).outcome;
    counts[outcome]++;
  }
  return counts;
}

/** The wrong attempts of one group, and how often the answer of each came up. */
function wrongAttempts({ rollouts }: Group): Wrong[] {
  const own = rollouts.filter(isOwn);
  const wrong = own.filter((r) => !r.verdict.correct);
  const recurrence = recurrences(wrong.map((r) => r.verdict.answer));
  return wrong.flatMap((rollout, i) => {
    const { firstError } = rollout.verdict;
    const { sameAnswers: same } = recurrence[i]!;
    const counts = { attempts: own.length, wrong: wrong.length, same };
    return firstError === undefined ? [] : [{ rollout, firstError, counts }];
  });
}

/** State-action embeddings of the first wrong steps, from hidden states where the engine has them. */
async function embed(
  wrong: readonly Wrong[],
  { corpus, engine, embedder }: RememberOptions,
): Promise<Float32Array[]> {
  if (wrong.length === 0) return [];
  const texts = wrong.map(({ rollout, firstError }) => {
    const at = rollout.steps[firstError.step]!;
    const { expected } = firstError;
    return {
      state: at.observation,
      wrongStep: at.action,
      ...(expected === undefined ? {} : { correctStep: expected }),
    };
  });
  if (!engine.capabilities.embeddings) return texts.map((text) => textEmbedding(text));
  const sequences = new Map<
    string,
    { readonly tokens: readonly number[]; readonly start: number }
  >();
  const keys = wrong.map(({ rollout, firstError }) => {
    const { prompt, completion } = rollout.actions[firstError.step]!;
    // An action can be empty, and a prompt as long as the context: each span keeps a token.
    const tokens = [...prompt, ...completion].slice(0, embedder.shape.context);
    const start = Math.min(prompt.length, tokens.length - 1);
    const key = `${start}:${tokens.join()}`;
    sequences.set(key, { tokens, start });
    return key;
  });
  const hidden = await engine.embed(
    embedder,
    [...sequences.values()].flatMap(({ tokens, start }) => [
      { tokens, start: 0, end: Math.max(1, start) },
      { tokens, start, end: tokens.length },
    ]),
  );
  const place = new Map([...sequences.keys()].map((key, i) => [key, i]));
  const states = keys.map((key) => hidden[2 * place.get(key)!]!);
  const steps = keys.map((key) => hidden[2 * place.get(key)! + 1]!);
  const stateWhitening = corpus.fitWhitening("state", states);
  const stepWhitening = corpus.fitWhitening("action", steps);
  return states.map((state, i) =>
    stateActionEmbedding(whiten(state, stateWhitening), whiten(steps[i]!, stepWhitening)),
  );
}
