/** Remember: verified-wrong attempts become candidates for the corpus. */
import { editEmbedding } from "./corpus/clusters.js";
import { stateActionEmbedding, textEmbedding, whiten } from "./corpus/embedding.js";
import type { Corpus } from "./corpus/corpus.js";
import type { Admission, Candidate, TraceStep } from "./corpus/mistake.js";
import { recurrences } from "./corpus/recurrence.js";
import type { Engine, Policy } from "../engine/engine.js";
import type { Environment, Step, StepVerdict } from "../environments/environment.js";
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
  readonly recurrence: number;
  readonly sameAnswers: number;
}

/** Group size that `sameAnswers` is stated for, whatever the number of attempts. */
const groupOfReference = 8;

/** Puts every wrong, on-policy, localised attempt in `groups` before the corpus. */
export async function remember(
  groups: readonly Group[],
  options: RememberOptions,
): Promise<Admissions> {
  const { corpus, environment, source, step, clusters = false } = options;
  const wrong = groups.flatMap(wrongAttempts);
  const embeddings = await embed(wrong, options);
  const counts = { admitted: 0, merged: 0, rejected: 0 };
  for (const [i, { rollout, firstError, recurrence, sameAnswers }] of wrong.entries()) {
    const { task, verdict, steps } = rollout;
    const at = steps[firstError.step]!;
    const candidate: Candidate = {
      correct: false,
      domain: environment.name,
      level: task.level,
      taskId: task.id,
      split: task.split,
      state: at.observation,
      wrongStep: at.action,
      answer: verdict.answer,
      source: typeof source === "string" ? source : source(rollout),
      evidence: firstError.evidence,
      confidence: firstError.confidence,
      embedding: embeddings[i]!,
      recurrence,
      sameAnswers,
      trace: steps.map(traceStep),
      data: task.data,
      step,
      ...(firstError.expected === undefined ? {} : { correctStep: firstError.expected }),
      ...(verdict.signature === undefined ? {} : { signature: verdict.signature }),
      ...(clusters && verdict.signature === undefined
        ? { edit: { family: firstError.family, embedding: editEmbedding(editOf(at, firstError)) } }
        : {}),
    };
    const outcome: Admission["outcome"] = corpus.admit(candidate).outcome;
    counts[outcome]++;
  }
  return counts;
}

/** A step as the corpus keeps it: what was seen, also as a conversation, and what was done. */
export function traceStep({
  observation,
  messages,
  action,
}: Pick<Step<unknown>, "observation" | "messages" | "action">): TraceStep {
  return { prompt: observation, ...(messages === undefined ? {} : { messages }), action };
}

/**
 * Whether a configuration names unrecognised mistakes by clusters: always with `clusters`, never with
 * `rules`, and with `auto` in an environment that has no mal-rules of its own to recognise.
 */
export function namesByClusters(
  signatures: "auto" | "rules" | "clusters",
  { procedures }: Pick<Environment, "procedures">,
): boolean {
  if (signatures !== "auto") return signatures === "clusters";
  return Object.keys(procedures).every((name) => name === "correct" || name === "noise");
}

function editOf(
  { action }: { readonly action: string },
  { expected }: StepVerdict,
): Parameters<typeof editEmbedding>[0] {
  return { wrongStep: action, ...(expected === undefined ? {} : { correctStep: expected }) };
}

/** The wrong attempts of one group with how often their answers recur, scaled to a group of 8. */
function wrongAttempts({ rollouts }: Group): Wrong[] {
  const own = rollouts.filter(isOwn);
  const wrong = own.filter((r) => !r.verdict.correct);
  const recurrence = recurrences(wrong.map((r) => r.verdict.answer));
  return wrong.flatMap((rollout, i) => {
    const { firstError } = rollout.verdict;
    if (firstError === undefined) return [];
    const seen = recurrence[i]!.sameAnswers;
    const scaled = Math.max(1, Math.floor((seen * groupOfReference) / own.length));
    return [
      {
        rollout,
        firstError,
        recurrence: recurrence[i]!.recurrence,
        sameAnswers: seen === 1 ? 1 : scaled, // what was seen once has not recurred, however few attempts there were
      },
    ];
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
