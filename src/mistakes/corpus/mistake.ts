import type { Evidence, Json, Message, Split } from "../../environments/environment.js";
import { ErrataError } from "../../util/error.js";
import { readAttempt } from "./attempt.js";
import type { Database } from "./database.js";
import type { CorpusEvent, MistakeStatus } from "./standing.js";

/** One prompt as the policy saw it and what it did. */
export interface TraceStep {
  readonly prompt: string;
  /** The prompt as a conversation, for models with a chat template; absent where it was one message. */
  readonly messages?: readonly Message[];
  readonly action: string;
}

/** Signature of an attempt no rule-matcher recognised. It gets no expert of its own. */
export const UNRECOGNISED = "unrecognised";

/** A verified-wrong attempt, put forward for the corpus. */
export interface Candidate {
  /** The verifier's word on the attempt; a right one is refused. */
  readonly correct: false;
  readonly domain: string;
  /** Difficulty level: with the domain, the cell within which novelty is measured. */
  readonly level: string;
  readonly taskId: string;
  readonly split: Split;
  /** Observation at the first wrong step. */
  readonly state: string;
  /** Action at the first wrong step. */
  readonly wrongStep: string;
  /** Canonical final answer; empty when nothing was answered. */
  readonly answer: string;
  /** A right action at the state, where known. */
  readonly correctStep?: string;
  /** Who made it, for example `student` or `weak:drop-carry`. */
  readonly source: string;
  /** Name of the systematic error. Default {@link UNRECOGNISED}. */
  readonly signature?: string;
  /** Names a mistake without a signature by its cluster; absent, it stays {@link UNRECOGNISED}. */
  readonly edit?: {
    /** Error family: clusters never mix families. */
    readonly family: string;
    /** `editEmbedding` of the first wrong step. */
    readonly embedding: Float32Array;
  };
  /** How the first wrong step was found. */
  readonly evidence: Evidence;
  /** Probability that the first wrong step is right, in [0, 1]. */
  readonly confidence: number;
  /** State-action embedding `[D]`, of any length; the corpus keeps its direction only. */
  readonly embedding: Float32Array;
  /** Share of the other wrong attempts that gave the same answer, beyond chance, in [0, 1]. */
  readonly recurrence: number;
  /** Attempts at the task with this answer, itself included: 3 of "3 of 8". */
  readonly sameAnswers: number;
  /** The whole attempt. */
  readonly trace: readonly TraceStep[];
  /** What the environment rebuilds the task from (`Task.data`): with it the attempt can be verified again. */
  readonly data?: Json;
  /** Training step, never a time of day. */
  readonly step: number;
}

/** What became of a {@link Candidate}. */
export type Admission =
  | {
      /** `merged` adds support to the mistake `id`. */
      readonly outcome: "admitted" | "merged";
      readonly id: number;
      /** 1 - greatest cosine in the cell, in [0, 2]; 0 for an exact duplicate. */
      readonly novelty: number;
    }
  | {
      readonly outcome: "rejected";
      /** `held-out`: not a training task. `empty`: an attempt of no steps. */
      readonly reason: "held-out" | "empty";
    };

/** One entry: a wrong step that was seen `support` times. */
export interface Mistake {
  readonly id: number;
  readonly domain: string;
  readonly level: string;
  readonly taskId: string;
  readonly signature: string;
  readonly state: string;
  readonly wrongStep: string;
  readonly answer: string;
  readonly correctStep?: string;
  /** Who made it first. */
  readonly source: string;
  readonly evidence: Evidence;
  readonly confidence: number;
  /** At admission, in [0, 2]. */
  readonly novelty: number;
  readonly support: number;
  /** Mean over all its candidates, in [0, 1]. */
  readonly recurrence: number;
  /** Most seen at once. */
  readonly sameAnswers: number;
  readonly confusability: number;
  readonly learnability: number;
  /** `recurrence * confusability * learnability`, in [0, 1]. */
  readonly quality: number;
  readonly exposures: number;
  /** Whether each of the last 16 exposures replicated it, oldest first. */
  readonly replications: readonly boolean[];
  /** Outgrown by the student; `status` says so too unless a person has judged the mistake. */
  readonly retired: boolean;
  /** Held back by the guard against poison; `status` says so too unless a person has judged it. */
  readonly suspected: boolean;
  readonly status: MistakeStatus;
  /** Training steps of the first and the latest candidate. */
  readonly step: number;
  readonly lastStep: number;
}

/** A kept attempt. Equal attempts from one source at one mistake are kept once, with a count. */
export interface MistakeTrace {
  readonly id: number;
  readonly mistakeId: number;
  readonly level: string;
  readonly taskId: string;
  /** The attempt's own: a mistake can gather attempts of several signatures, an expert never does. */
  readonly signature: string;
  readonly source: string;
  readonly answer: string;
  readonly sameAnswers: number;
  readonly count: number;
  readonly step: number;
  readonly trace: readonly TraceStep[];
  /** `Task.data`: the attempt's actions played from this task give its verdict again. Absent where nobody gave it. */
  readonly data?: Json;
}

/** A mistake with all that is known about it. */
export interface MistakeDetail extends Mistake {
  /** Candidates per source. */
  readonly sources: Readonly<Record<string, number>>;
  /** Newest first. */
  readonly traces: readonly MistakeTrace[];
  /** Oldest first. */
  readonly events: readonly CorpusEvent[];
}

/** A row of the `mistake` table, without its embedding. */
export interface MistakeRow extends Omit<
  Mistake,
  "correctStep" | "replications" | "retired" | "suspected"
> {
  readonly correctStep: string | null;
  /** What a reviewer put in place of `correctStep`. */
  readonly fixedStep: string | null;
  readonly replications: string;
  readonly retired: number;
  readonly suspected: number;
}

/** Columns of a {@link MistakeRow}. */
export const MISTAKE_COLUMNS: string = `mistake.id, domain, level, task AS taskId, signature, state,
  wrong_step AS wrongStep, answer, correct_step AS correctStep, fixed_step AS fixedStep, source, evidence, confidence, novelty,
  support, recurrence, same_answers AS sameAnswers, confusability, learnability, quality, exposures,
  replications, retired, suspected, status, step, last_step AS lastStep`;

/** The exposures a text of `0` and `1` stands for. */
export function parseReplications(text: string): boolean[] {
  return Array.from(text, (character) => character === "1");
}

/** A {@link Mistake} from its row. */
export function toMistake(stored: MistakeRow): Mistake {
  const { correctStep, fixedStep, replications, retired, suspected, ...row } = stored;
  const right = fixedStep ?? correctStep;
  return {
    ...row,
    ...(right === null ? {} : { correctStep: right }),
    replications: parseReplications(replications),
    retired: retired === 1,
    suspected: suspected === 1,
  };
}

/**
 * Reads one entry.
 * @throws ErrataError `CORPUS_UNKNOWN_MISTAKE`.
 */
export function readMistake(database: Database, id: number): MistakeRow {
  const row = database.get<MistakeRow>(`SELECT ${MISTAKE_COLUMNS} FROM mistake WHERE id = ?`, id);
  if (row !== undefined) return row;
  throw new ErrataError(`the corpus has no mistake ${id}`, {
    code: "CORPUS_UNKNOWN_MISTAKE",
    hint: "errata corpus list shows the ids; a mistake of low quality may have been evicted",
  });
}

/** A row of the `trace` table. */
export interface TraceRow extends Omit<MistakeTrace, "trace" | "data"> {
  readonly steps: string;
}

/** Columns of a {@link TraceRow}. */
export const TRACE_COLUMNS: string = `trace.id, trace.mistake AS mistakeId, trace.level, trace.task AS taskId,
  trace.signature, trace.source, trace.answer, trace.same_answers AS sameAnswers, trace.count, trace.step,
  trace.steps`;

/** A {@link MistakeTrace} from its row. */
export function toTrace({ steps, ...row }: TraceRow): MistakeTrace {
  return { ...row, ...readAttempt(steps) };
}
