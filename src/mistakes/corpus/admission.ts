import { ErrataError } from "../../util/error.js";
import { writeAttempt } from "./attempt.js";
import type { Cells } from "./cells.js";
import { assignCluster } from "./clusters.js";
import type { Database } from "./database.js";
import { sha256, toBlob } from "./encoding.js";
import { evict } from "./eviction.js";
import { UNRECOGNISED, readMistake, type Admission, type Candidate } from "./mistake.js";
import { adaptThreshold, normalize, novelty, updateAdmitRate } from "./novelty.js";
import { isTrusted, quality } from "./quality.js";
import { automaticStatus, replay } from "./verdicts.js";

/** What {@link admit} may keep. */
export interface AdmissionLimits {
  readonly capacity: number;
  readonly tracesPerMistake: number;
  /** `false` admits everything but exact duplicates. */
  readonly novelty: boolean;
}

/** The admission threshold and what became of all candidates so far. */
export interface AdmissionState {
  readonly threshold: number;
  readonly admitRate: number;
  readonly admitted: number;
  readonly merged: number;
  readonly rejected: number;
  readonly heldOutRejected: number;
}

/** Reads the {@link AdmissionState}. */
export function admissionState(database: Database): AdmissionState {
  const row = database.get<AdmissionState>(
    `SELECT threshold, admit_rate AS admitRate, admitted, merged, rejected, held_out_rejected AS heldOutRejected
     FROM admission`,
  );
  return { ...row! };
}

/** Decides on a candidate and records it; `Corpus.admit` says how. Runs inside a transaction. */
export function admit(
  database: Database,
  cells: Cells,
  limits: AdmissionLimits,
  given: Candidate,
): Admission {
  checkCandidate(given);
  const heldOut = isHeldOut(database, given);
  if (heldOut || given.trace.length === 0) {
    database.run(
      "UPDATE admission SET rejected = rejected + 1, held_out_rejected = held_out_rejected + ?",
      heldOut ? 1 : 0,
    );
    return { outcome: "rejected", reason: heldOut ? "held-out" : "empty" };
  }

  const { signature, edit, domain } = given;
  const cluster =
    signature === undefined && edit !== undefined
      ? assignCluster(database, domain, edit.family, edit.embedding)
      : undefined;
  const candidate = cluster === undefined ? given : { ...given, signature: cluster };
  const unit = normalize(candidate.embedding);
  const cell = cells.get(candidate.domain, candidate.level, unit.length);
  const state = admissionState(database);
  const duplicate = findDuplicate(database, candidate);
  const nearest = duplicate === undefined ? cell.nearest(unit) : undefined;
  const measured = duplicate === undefined ? novelty(nearest?.similarity) : 0;
  const known =
    duplicate ?? (limits.novelty && measured <= state.threshold ? nearest?.id : undefined);
  const admitted = known === undefined;

  const admitRate = updateAdmitRate(state.admitRate, admitted);
  database.run(
    "UPDATE admission SET threshold = ?, admit_rate = ?, admitted = admitted + ?, merged = merged + ?",
    adaptThreshold(state.threshold, admitRate),
    admitRate,
    admitted ? 1 : 0,
    admitted ? 0 : 1,
  );
  if (!admitted) {
    merge(database, cells, known, candidate);
    keepTrace(database, known, candidate, limits.tracesPerMistake);
    return { outcome: "merged", id: known, novelty: measured };
  }
  const id = insert(database, candidate, unit, measured);
  cell.append(id, unit);
  keepTrace(database, id, candidate, limits.tracesPerMistake);
  for (const gone of evict(database, limits.capacity, id))
    cells.remove(gone.domain, gone.level, gone.id);
  return { outcome: "admitted", id, novelty: measured };
}

/** Bars tasks and deletes what is already in; `Corpus.registerHeldOut` says how. Runs inside a transaction. */
export function registerHeldOut(
  database: Database,
  cells: Cells,
  domain: string,
  taskIds: Iterable<string>,
): number {
  const barred = new Set(taskIds);
  for (const taskId of barred) {
    database.run("INSERT OR IGNORE INTO held_out (hash) VALUES (?)", taskHash(domain, taskId));
  }
  // Every candidate left a row in `answer`, so nothing of a task is missed.
  const seen = database.all<{ task: string }>(
    "SELECT DISTINCT task FROM answer WHERE domain = ?",
    domain,
  );
  let removed = 0;
  for (const { task } of seen.filter((row) => barred.has(row.task))) {
    removed += database.all(
      "SELECT id FROM mistake WHERE domain = ? AND task = ?",
      domain,
      task,
    ).length;
    for (const table of ["mistake", "trace", "answer"]) {
      database.run(`DELETE FROM ${table} WHERE domain = ? AND task = ?`, domain, task);
    }
  }
  if (removed > 0) cells.clear();
  return removed;
}

/** @throws ErrataError `CORPUS_CANDIDATE` on a value outside [0, 1]. */
export function checkShare(name: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new ErrataError(`${name} must lie in [0, 1], got ${value}`, {
    code: "CORPUS_CANDIDATE",
    hint: `give ${name} as a share`,
  });
}

function checkCandidate(candidate: Candidate): void {
  if ((candidate.correct as boolean) !== false) {
    throw new ErrataError(
      `a correct attempt at ${candidate.domain} task ${candidate.taskId} was put to the corpus`,
      {
        code: "CORPUS_NOT_WRONG",
        hint: "admit an attempt only after its verdict says correct: false",
      },
    );
  }
  checkShare("confidence", candidate.confidence);
  checkShare("recurrence", candidate.recurrence);
  if (candidate.embedding.length === 0 || !candidate.embedding.every(Number.isFinite)) {
    throw new ErrataError("a candidate's embedding must be finite numbers, at least one", {
      code: "CORPUS_CANDIDATE",
      hint: "look for a diverged model: a smaller learning rate may help",
    });
  }
}

function isHeldOut(database: Database, { split, domain, taskId }: Candidate): boolean {
  if (split !== "train") return true;
  return (
    database.get("SELECT 1 FROM held_out WHERE hash = ?", taskHash(domain, taskId)) !== undefined
  );
}

/** The mistake a candidate repeats exactly, or whose answer it gives although a person declared it right. */
function findDuplicate(database: Database, candidate: Candidate): number | undefined {
  const same = database.get<{ id: number }>(
    "SELECT id FROM mistake WHERE identity = ?",
    identity(candidate),
  );
  if (same !== undefined || candidate.answer === "") return same?.id;
  const declaredRight = database.get<{ id: number }>(
    `SELECT mistake.id FROM answer JOIN mistake ON mistake.id = answer.mistake
     WHERE answer.domain = ?1 AND answer.task = ?2 AND answer.answer = ?3
       AND mistake.task = ?2 AND mistake.answer = ?3 AND mistake.status = 'human-invalid'
     ORDER BY mistake.id LIMIT 1`,
    candidate.domain,
    candidate.taskId,
    candidate.answer,
  );
  return declaredRight?.id;
}

function insert(
  database: Database,
  candidate: Candidate,
  unit: Float32Array,
  measured: number,
): number {
  const { lastInsertRowid } = database.run(
    `INSERT INTO mistake (identity, domain, level, task, signature, state, wrong_step, answer, correct_step, source,
       evidence, confidence, embedding, novelty, support, recurrence, same_answers, quality, status, step, last_step)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)`,
    identity(candidate),
    candidate.domain,
    candidate.level,
    candidate.taskId,
    candidate.signature ?? UNRECOGNISED,
    candidate.state,
    candidate.wrongStep,
    candidate.answer,
    candidate.correctStep ?? null,
    candidate.source,
    candidate.evidence,
    candidate.confidence,
    toBlob(unit),
    measured,
    candidate.recurrence,
    candidate.sameAnswers,
    quality(candidate.recurrence, 1, 1),
    automaticStatus(candidate.evidence, candidate.confidence, false),
    candidate.step,
    candidate.step,
  );
  return Number(lastInsertRowid);
}

/** Adds a candidate's support, and its label where that is the first to be trusted. */
function merge(database: Database, cells: Cells, id: number, candidate: Candidate): void {
  const known = readMistake(database, id);
  const support = known.support + 1;
  const recurrence = known.recurrence + (candidate.recurrence - known.recurrence) / support;
  const stronger =
    isTrusted(candidate.evidence, candidate.confidence) &&
    !isTrusted(known.evidence, known.confidence);
  const { evidence, confidence } = stronger ? candidate : known;
  database.run(
    `UPDATE mistake SET support = ?, recurrence = ?, same_answers = ?, quality = ?, evidence = ?, confidence = ?,
       correct_step = coalesce(correct_step, ?), last_step = ? WHERE id = ?`,
    support,
    recurrence,
    Math.max(known.sameAnswers, candidate.sameAnswers),
    quality(recurrence, known.confusability, known.learnability),
    evidence,
    confidence,
    candidate.correctStep ?? null,
    candidate.step,
    id,
  );
  if (stronger) replay(database, cells, id);
}

/** Counts a candidate under its mistake and keeps the attempt, the least recurrent giving way. */
function keepTrace(
  database: Database,
  id: number,
  candidate: Candidate,
  tracesPerMistake: number,
): void {
  const {
    domain,
    level,
    taskId,
    source,
    answer,
    sameAnswers,
    step,
    signature = UNRECOGNISED,
  } = candidate;
  database.run(
    `INSERT INTO mistake_source (mistake, source, signature, count) VALUES (?, ?, ?, 1)
     ON CONFLICT DO UPDATE SET count = count + 1`,
    id,
    source,
    signature,
  );
  database.run(
    `INSERT INTO answer (domain, task, answer, mistake, source, count) VALUES (?, ?, ?, ?, ?, 1)
     ON CONFLICT DO UPDATE SET count = count + 1`,
    domain,
    taskId,
    answer,
    id,
    source,
  );
  const seen = JSON.stringify(candidate.trace.map(({ prompt, action }) => ({ prompt, action })));
  database.run(
    `INSERT INTO trace (mistake, digest, domain, level, task, signature, source, answer, same_answers, count, step, steps)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)
     ON CONFLICT DO UPDATE SET count = count + 1, step = excluded.step,
       same_answers = max(same_answers, excluded.same_answers)`,
    id,
    sha256(JSON.stringify([taskId, signature]), seen),
    domain,
    level,
    taskId,
    signature,
    source,
    answer,
    sameAnswers,
    step,
    writeAttempt(candidate),
  );
  database.run(
    `DELETE FROM trace WHERE id IN (SELECT id FROM trace WHERE mistake = ?
       ORDER BY same_answers DESC, step DESC, id DESC LIMIT -1 OFFSET ?)`,
    id,
    tracesPerMistake,
  );
}

function identity({ domain, level, state, wrongStep }: Candidate): Uint8Array {
  return sha256(JSON.stringify([domain, level, state, wrongStep]));
}

function taskHash(domain: string, taskId: string): Uint8Array {
  return sha256(JSON.stringify([domain, taskId]));
}
