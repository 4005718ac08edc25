/**
 * Mistakes that other models have made, brought into the corpus.
 *
 * Two passes: first every attempt is played through the environment again, which takes the time and
 * touches no corpus; then all outcomes are recorded and the wrong attempts put before the corpus,
 * with recurrence counted over everything recorded, in one transaction: an interrupted import
 * leaves the corpus as it was. An attempt that is in already is passed over, so that a file can be
 * imported again after its damaged lines were mended.
 */
import { UNRECOGNISED } from "../corpus/mistake.js";
import type { Environment } from "../../environments/environment.js";
import { ErrataError } from "../../util/error.js";
import { admitAll } from "./admit.js";
import { inOrder } from "./in-order.js";
import { readAttempts, type Failed, type Problem, type Read } from "./read.js";
import { RecordProblem } from "./record.js";
import {
  sourceOf,
  type Counts,
  type ImportOptions,
  type ImportReport,
  type Place,
} from "./report.js";
import { Spool } from "./spool.js";
import { TaskIndex } from "./task-index.js";
import { verify, type Verified } from "./verify.js";

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
