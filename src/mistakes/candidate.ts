/** How a wrong attempt becomes a candidate for the corpus, whoever made it. */
import type { Environment, Evidence, Json, Split, Step } from "../environments/environment.js";
import { editEmbedding } from "./corpus/clusters.js";
import type { Candidate, TraceStep } from "./corpus/mistake.js";
import { systematicity } from "./corpus/recurrence.js";

/** A wrong attempt whose first wrong step is known. */
export interface WrongAttempt {
  readonly domain: string;
  readonly taskId: string;
  readonly level: string;
  readonly split: Split;
  /** Who made it, for example `student` or `weak:drop-carry`. */
  readonly source: string;
  /** Canonical final answer; empty when nothing was answered. */
  readonly answer: string;
  /** Name of the systematic error, where the environment recognises one. */
  readonly signature?: string | undefined;
  /** What was seen before the wrong step; of a part of an action, with what came right before it. */
  readonly state: string;
  readonly wrongStep: string;
  readonly correctStep?: string;
  readonly evidence: Evidence;
  readonly confidence: number;
  readonly family: string;
  readonly trace: readonly TraceStep[];
  /** Index of the wrong step in `trace`. */
  readonly step: number;
  /** `Task.data`. */
  readonly data?: Json;
}

/** Attempts at one task: all of them, the wrong ones, and those with the answer in question. */
export interface Counts {
  readonly attempts: number;
  readonly wrong: number;
  /** At least 1: the attempt itself. */
  readonly same: number;
}

/** Group size that `sameAnswers` is stated for, whatever the number of attempts. */
const groupOfReference = 8;

/** The candidate that a wrong attempt is, where `counts` of the attempts at its task are like it. */
export function candidateOf(
  { signature, family, step: at, ...attempt }: WrongAttempt,
  { attempts, wrong, same }: Counts,
  options: {
    readonly embedding: Float32Array;
    /** Names a mistake without a signature by the cluster of its edit. */
    readonly clusters: boolean;
    /** Training step. */
    readonly step: number;
  },
): Candidate {
  const { trace, wrongStep, correctStep } = attempt;
  // Of a whole action the change that would mend it, of a part of one the part.
  const whole = correctStep !== undefined && trace[at]?.action === wrongStep;
  const edit = { wrongStep, ...(whole ? { correctStep } : {}) };
  const scaled = Math.max(1, Math.floor((same * groupOfReference) / attempts));
  return {
    ...attempt,
    correct: false,
    ...(signature === undefined ? {} : { signature }),
    ...(signature === undefined && options.clusters
      ? { edit: { family, embedding: editEmbedding(edit) } }
      : {}),
    embedding: options.embedding,
    recurrence: systematicity(same, wrong),
    sameAnswers: same === 1 ? 1 : scaled, // what was seen once has not recurred, however few attempts there were
    step: options.step,
  };
}

/** Who names mistakes: the environment's rules, clusters of edits, or rules where there are any. */
export type SignatureNaming = "auto" | "rules" | "clusters";

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
  signatures: SignatureNaming,
  { procedures }: Pick<Environment, "procedures">,
): boolean {
  if (signatures !== "auto") return signatures === "clusters";
  return Object.keys(procedures).every((name) => name === "correct" || name === "noise");
}
