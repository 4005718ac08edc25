/** The second pass of an import: what was verified enters the corpus. */
import { createHash } from "node:crypto";
import type { Admission } from "../corpus/mistake.js";
import type { Known, Outcome } from "../corpus/outcomes.js";
import type { Suspicion } from "../corpus/poison.js";
import { candidateOf, namesByClusters } from "../candidate.js";
import { embedText } from "./embed.js";
import type { Counts, ImportOptions } from "./report.js";
import type { Spool } from "./spool.js";
import type { Located, Verified } from "./verify.js";

/**
 * Records outcomes first, so that recurrence is counted over all of them, then puts the wrong
 * attempts before the corpus; all in one transaction.
 */
export async function admitAll(
  options: ImportOptions,
  spool: Spool<Verified>,
  counts: Counts,
): Promise<void> {
  const { corpus } = options;
  corpus.begin();
  try {
    const before: Known[] = [];
    for await (const { outcome } of withOccurrence(spool))
      before.push(corpus.outcomes.record(outcome));
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
    corpus.outcomes.markPut(outcome);
    const { domain, taskId, answer } = outcome;
    const { attempts, sameAnswer } = corpus.outcomes.atTask(domain, taskId, answer);
    const key = JSON.stringify([taskId, answer]);
    const trustedToo = label === true || suspects.get(key)?.trustedToo === true;
    suspects.set(key, { domain, taskId, answer, share: sameAnswer / attempts, trustedToo });
  }
}

function put(
  { corpus, environment, heldOutToo = false, signatures = "auto" }: ImportOptions,
  outcome: Outcome,
  located: Located,
  embedding: Float32Array,
): Admission {
  const { domain, taskId, source, answer, signature } = outcome;
  const { attempts, wrong, sameAnswer } = corpus.outcomes.atTask(domain, taskId, answer);
  const attempt = { ...located, domain, taskId, source, answer, signature };
  return corpus.admit(
    candidateOf(
      { ...attempt, ...(heldOutToo ? { split: "train" } : {}) },
      { attempts, wrong, same: Math.max(1, sameAnswer) },
      { embedding, clusters: namesByClusters(signatures, environment), step: 0 },
    ),
  );
}
