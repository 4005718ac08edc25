/** Names for systematic errors that no rule recognises: clusters of their edits. */
import type { Database } from "./database.js";
import { edit, hashedGrams, type StepText } from "./embedding.js";
import { fromBlob, toBlob } from "./encoding.js";
import { cosine, normalize } from "./novelty.js";

/** Most clusters of one error family. */
export const MOST_CLUSTERS = 16;

/** Least cosine with a cluster's centroid to join it while there is room for another. */
export const JOIN_ABOVE = 0.5;

/** Dimension of {@link editEmbedding}. */
export const EDIT_DIMENSION = 256;

/**
 * What a mistake does, apart from where: the change from the wrong step to the right one as hashed
 * character n-grams [{@link EDIT_DIMENSION}], every run of digits written `0`. Where one number
 * stands for another, by how much it is off is told apart up to 2, and its direction beyond. Two slips
 * of one kind on different numbers are alike.
 */
export function editEmbedding({ wrongStep, correctStep }: Omit<StepText, "state">): Float32Array {
  const changed = edit(wrongStep, correctStep);
  const numbers = /^(-?[0-9]{1,15})→(-?[0-9]{1,15})$/.exec(changed);
  if (numbers === null)
    return normalize(hashedGrams(changed.replaceAll(/[0-9]+/g, "0"), EDIT_DIMENSION));
  const off = Number(numbers[1]) - Number(numbers[2]);
  const amount = Math.abs(off) <= 2 ? String(Math.abs(off)) : "more";
  return normalize(
    hashedGrams(`number ${off < 0 ? "below" : "above"} by ${amount}`, EDIT_DIMENSION),
  );
}

/**
 * Assigns an edit to a cluster of its family by online k-means (MacQueen 1967) and returns the
 * cluster's name, `<family>-<n>`; the centroid moves by 1/size towards it. A new cluster is opened
 * while fewer than {@link MOST_CLUSTERS} exist and none is within {@link JOIN_ABOVE}.
 *
 * Depends on the order of arrival, which is the run's own: the same run names them alike.
 */
export function assignCluster(
  database: Database,
  domain: string,
  family: string,
  vector: Float32Array,
): string {
  const name = (n: number): string => `${family.replaceAll(/[^\w]+/g, "-")}-${n}`;
  const rows = database
    .all<{ id: number; centroid: Uint8Array; size: number }>(
      "SELECT id, centroid, size FROM cluster WHERE domain = ? AND family = ? ORDER BY id",
      domain,
      family,
    )
    .map((row) => ({ ...row, centroid: fromBlob(row.centroid) }));
  let best = -1;
  let similarity = -Infinity;
  for (const [i, { centroid }] of rows.entries()) {
    const near = cosine(centroid, vector);
    if (near > similarity) [best, similarity] = [i, near];
  }
  if (rows.length < MOST_CLUSTERS && similarity < JOIN_ABOVE) {
    database.run(
      "INSERT INTO cluster (domain, family, centroid, size) VALUES (?, ?, ?, 1)",
      domain,
      family,
      toBlob(vector),
    );
    return name(rows.length + 1);
  }
  const { id, centroid, size } = rows[best]!;
  const moved = centroid.map((value, i) => value + (vector[i]! - value) / (size + 1));
  database.run("UPDATE cluster SET centroid = ?, size = size + 1 WHERE id = ?", toBlob(moved), id);
  return name(best + 1);
}
