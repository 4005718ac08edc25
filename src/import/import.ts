/**
 * Mistakes that other models have made, brought into the corpus.
 *
 * Two passes: first every attempt is played through the environment again, which takes the time and
 * touches no corpus; then all outcomes are recorded and the wrong attempts put before the corpus,
 * with recurrence counted over everything recorded, in one transaction: an interrupted import
 * leaves the corpus as it was. An attempt that is in already is passed over, so that a file can be
 * imported again after its damaged lines were mended.
 */
import { createHash } from "node:crypto";
import { editEmbedding } from "../corpus/clusters.js";
import type { Corpus } from "../corpus/corpus.js";
import { UNRECOGNISED, type Admission } from "../corpus/mistake.js";
import type { Known, Outcome } from "../corpus/outcomes.js";
import type { Suspicion } from "../corpus/poison.js";
import { systematicity } from "../corpus/recurrence.js";
import type { Environment } from "../environments/environment.js";
import { ErrataError } from "../error.js";
import { namesByClusters } from "../remember.js";
import { embedText, type Embed } from "./embed.js";
import type { ImportFormat } from "./formats.js";
import { readJsonValues } from "./json-values.js";
import { inOrder } from "./in-order.js";
import { RecordProblem, type Attempt } from "./record.js";
import { Spool } from "./spool.js";
import { TaskIndex } from "./task-index.js";
import { verify, type Located, type Verified } from "./verify.js";

export interface ImportOptions {
  readonly environment: Environment;
  readonly corpus: Corpus;
  readonly format: ImportFormat;
  readonly files: readonly string[];
  /** Who made the attempts. In a format with a column for each model: the one column to take. */
  readonly model?: string;
  /**
   * Lets mistakes on validation and test tasks in as well. Nothing trained with such a corpus may
   * be evaluated on them any more. Default false: they are recorded for overlap and kept out.
   */
  readonly heldOutToo?: boolean;
  /** Default: by text. A run's corpus takes only what is embedded as its own mistakes are. */
  readonly embed?: Embed;
  /** Attempts verified at a time. Default 1. */
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly read: number; readonly wrong: number }) => void;
}

/** A place in a file. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** What an import did. Counts are of attempts. */
export interface ImportReport {
  readonly read: number;
  /** Played through the environment: those read but for the ones that have a problem. */
  readonly verified: number;
  readonly wrong: number;
  /** Attempts whose record says whether they are right. */
  readonly labelled: number;
  /** Those of them on which the environment says the same. */
  readonly agreedWithLabel: number;
  /** Wrong attempts whose first wrong step is known. */
  readonly localised: number;
  /** Localised ones at validation or test tasks, or at tasks barred from this corpus. */
  readonly heldOut: number;
  readonly admitted: number;
  readonly merged: number;
  /** Mistakes held back because too many agree on the answer called wrong. */
  readonly quarantined: number;
  /** Attempts that were in before. */
  readonly known: number;
  /** Of all wrong attempts, most frequent first. */
  readonly signatures: readonly {
    readonly name: string;
    readonly count: number;
    readonly models: readonly string[];
  }[];
  /** Lines that could not be used. */
  readonly problems: readonly (Place & { readonly problem: string })[];
  /** Attempts that the environment and their record judge differently. */
  readonly disagreements: readonly (Place & {
    readonly task: string;
    readonly model: string;
    readonly label: boolean;
  })[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Counts = Mutable<
  Pick<
    ImportReport,
    | "read"
    | "verified"
    | "wrong"
    | "labelled"
    | "agreedWithLabel"
    | "localised"
    | "heldOut"
    | "admitted"
    | "merged"
    | "quarantined"
    | "known"
  >
>;

interface Read {
  readonly place: Place;
  readonly model: string;
  readonly attempt: Attempt;
}

type Problem = Place & { readonly problem: string };

/** Group size that `sameAnswers` is stated for, as in training. */
const groupOfReference = 8;

/** Who made the attempts of a model, as the corpus names it. */
export function sourceOf(model: string): string {
  return model.startsWith("weak:") ? model : `weak:${model}`;
}

/**
 * Reads, verifies, localises, embeds and admits recorded attempts.
 * @throws ErrataError `IMPORT_FILE` where a file cannot be read, and whatever keeps the environment
 *   from judging at all (no data, no sandbox); the signal's reason when aborted.
 */
export async function importAttempts(options: ImportOptions): Promise<ImportReport> {
  const { environment, onProgress, signal } = options;
  const counts: Counts = {
    read: 0,
    verified: 0,
    wrong: 0,
    labelled: 0,
    agreedWithLabel: 0,
    localised: 0,
    heldOut: 0,
    admitted: 0,
    merged: 0,
    quarantined: 0,
    known: 0,
  };
  const problems: Problem[] = [];
  const disagreements: ImportReport["disagreements"][number][] = [];
  const signatures = new Map<string, { count: number; models: Set<string> }>();
  const tasks = new TaskIndex(environment);
  const spool = await Spool.create<Verified>();
  try {
    const verified = inOrder(readAttempts(options), options.jobs ?? 1, async (item) => {
      signal?.throwIfAborted();
      if ("problem" in item) return item;
      return verifyOne(environment, tasks, item);
    });
    for await (const item of verified) {
      if ("problem" in item) {
        if (item.attempted) counts.read++;
        const { file, line, problem } = item;
        problems.push({ file, line, problem });
        continue;
      }
      counts.read++;
      await tally(item);
      onProgress?.({ read: counts.read, wrong: counts.wrong });
    }
    signal?.throwIfAborted();
    await admitAll(options, spool, counts);
  } finally {
    await spool.remove();
  }
  const named = [...signatures].map(([name, { count, models }]) => ({
    name,
    count,
    models: [...models].toSorted(),
  }));
  named.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  return { ...counts, signatures: named, problems, disagreements };

  async function tally({ place, model, verified }: VerifiedItem): Promise<void> {
    const { outcome, located, label } = verified;
    counts.verified++;
    if (label !== undefined) {
      counts.labelled++;
      if (label === outcome.correct) counts.agreedWithLabel++;
      else disagreements.push({ ...place, task: outcome.taskId, model, label });
    }
    if (!outcome.correct) {
      counts.wrong++;
      if (located !== undefined) counts.localised++;
      const name = outcome.signature ?? UNRECOGNISED;
      const entry = signatures.get(name) ?? { count: 0, models: new Set() };
      entry.count++;
      entry.models.add(model);
      signatures.set(name, entry);
    }
    await spool.write(verified);
  }
}

interface VerifiedItem {
  readonly place: Place;
  readonly model: string;
  readonly verified: Verified;
}

/** A problem, and whether there was an attempt at all. */
type Failed = Problem & { readonly attempted: boolean };

async function verifyOne(
  environment: Environment,
  tasks: TaskIndex,
  { place, model, attempt }: Read,
): Promise<VerifiedItem | Failed> {
  try {
    const { actions, label, replay } = attempt;
    const played = replay?.(environment) ?? { task: tasks.find(attempt.task), actions };
    const given = { played, source: sourceOf(model), ...(label === undefined ? {} : { label }) };
    return { place, model, verified: await verify(environment, given) };
  } catch (error) {
    // What the environment's user can mend concerns every attempt, not this one.
    if (error instanceof ErrataError && error.code !== "ENVIRONMENT_TASK") throw error;
    const why = error instanceof Error ? error.message : String(error);
    const problem = error instanceof RecordProblem ? why : `cannot be verified: ${why}`;
    return { ...place, problem, attempted: true };
  }
}

async function* readAttempts({
  files,
  format,
  model,
}: ImportOptions): AsyncGenerator<Read | Failed> {
  for (const file of files) {
    for await (const item of readJsonValues(file)) {
      const place = { file, line: item.line };
      if ("problem" in item) {
        yield { ...place, problem: item.problem, attempted: false };
        continue;
      }
      try {
        for (const attempt of chosen(format, format.read(item.value), model))
          yield { place, attempt, model: attempt.model! };
      } catch (error) {
        if (!(error instanceof RecordProblem)) throw error;
        yield { ...place, problem: error.message, attempted: false };
      }
    }
  }
}

/** The attempts to take, each with its model. */
function chosen(format: ImportFormat, attempts: Attempt[], model: string | undefined): Attempt[] {
  if (format.columns === true && model !== undefined) {
    const column = attempts.filter((attempt) => attempt.model === model);
    if (column.length > 0) return column;
    const names = attempts.map((attempt) => attempt.model);
    throw new RecordProblem(`the record has no column "${model}"; it has ${names.join(", ")}`);
  }
  return attempts.map((attempt) => {
    const name = model ?? attempt.model;
    if (name !== undefined) return { ...attempt, model: name };
    throw new RecordProblem("the record names no model: say who made it with --model");
  });
}

/** The second pass: outcomes first, so that recurrence is counted over all of them. */
async function admitAll(
  options: ImportOptions,
  spool: Spool<Verified>,
  counts: Counts,
): Promise<void> {
  const { corpus } = options;
  corpus.begin();
  try {
    const before: Known[] = [];
    for await (const { outcome } of withOccurrence(spool))
      before.push(corpus.recordOutcome(outcome));
    counts.known = before.filter((known) => known !== "new").length;

    const suspects = new Map<string, Suspicion>();
    let i = 0;
    let batch: Wrong[] = [];
    for await (const { outcome, located, label } of withOccurrence(spool)) {
      if (before[i++] === "put" || located === undefined) continue;
      batch.push({ outcome, located, ...(label === undefined ? {} : { label }) });
      if (batch.length < batchSize) continue;
      await putAll(options, batch, counts, suspects);
      batch = [];
    }
    await putAll(options, batch, counts, suspects);
    for (const suspicion of suspects.values()) counts.quarantined += corpus.quarantine(suspicion);
    corpus.commit();
  } catch (error) {
    corpus.rollback();
    throw error;
  }
}

/** What was verified, equal attempts numbered. */
async function* withOccurrence(
  spool: Spool<Verified>,
): AsyncGenerator<Verified & { readonly outcome: Outcome }> {
  const seen = new Map<string, number>();
  for await (const verified of spool.read()) {
    const { taskId, source, actions } = verified.outcome;
    const key = createHash("sha256")
      .update(JSON.stringify([taskId, source, actions]))
      .digest("base64");
    const occurrence = seen.get(key) ?? 0;
    seen.set(key, occurrence + 1);
    yield { ...verified, outcome: { ...verified.outcome, occurrence } };
  }
}

/** Mistakes embedded at a time. */
const batchSize = 64;

interface Wrong {
  readonly outcome: Outcome;
  readonly located: Located;
  readonly label?: boolean;
}

async function putAll(
  options: ImportOptions,
  batch: readonly Wrong[],
  counts: Counts,
  suspects: Map<string, Suspicion>,
): Promise<void> {
  const { corpus, embed = embedText } = options;
  const embeddings = await embed(batch.map(({ located }) => located));
  for (const [i, { outcome, located, label }] of batch.entries()) {
    const admission = put(options, outcome, located, embeddings[i]!);
    if (admission.outcome === "rejected") {
      counts.heldOut++;
      continue;
    }
    counts[admission.outcome]++;
    corpus.markPut(outcome);
    const { domain, taskId, answer } = outcome;
    const { attempts, sameAnswer } = corpus.taskOutcomes(domain, taskId, answer);
    const key = JSON.stringify([taskId, answer]);
    const trustedToo = label === true || suspects.get(key)?.trustedToo === true;
    suspects.set(key, { domain, taskId, answer, share: sameAnswer / attempts, trustedToo });
  }
}

function put(
  { corpus, environment, heldOutToo = false }: ImportOptions,
  outcome: Outcome,
  located: Located,
  embedding: Float32Array,
): Admission {
  const { domain, taskId, source, answer, signature } = outcome;
  const { attempts, wrong, sameAnswer } = corpus.taskOutcomes(domain, taskId, answer);
  const same = Math.max(1, sameAnswer);
  const scaled = Math.max(1, Math.floor((same * groupOfReference) / attempts));
  const { state, wrongStep, correctStep, family, step: _, ...rest } = located;
  return corpus.admit({
    ...rest,
    correct: false,
    domain,
    taskId,
    ...(heldOutToo ? { split: "train" } : {}),
    state,
    wrongStep,
    ...(correctStep === undefined ? {} : { correctStep }),
    answer,
    source,
    ...(signature === undefined ? {} : { signature }),
    ...(signature === undefined && namesByClusters("auto", environment)
      ? { edit: { family, embedding: editEmbedding({ wrongStep }) } }
      : {}),
    embedding,
    recurrence: systematicity(same, wrong),
    sameAnswers: same === 1 ? 1 : scaled, // what was seen once has not recurred, however few attempts there were
    step: 0,
  });
}
