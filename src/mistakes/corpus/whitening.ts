/** The whitenings of embeddings, each fitted once and then kept: embeddings under two are not comparable. */
import type { Database } from "./database.js";
import { fitWhitening, type Whitening } from "./embedding.js";
import { fromBlob, toBlob } from "./encoding.js";

/** The whitening stored under `name`, or undefined before the first fit. */
export function readWhitening(database: Database, name: string): Whitening | undefined {
  const row = database.get<{ value: Uint8Array }>(
    "SELECT value FROM meta WHERE key = ?",
    `whitening:${name}`,
  );
  if (row === undefined) return undefined;
  const values = fromBlob(row.value);
  return { mean: values.slice(0, values.length / 2), variance: values.slice(values.length / 2) };
}

/** The stored whitening; where there is none, one fitted to a batch `[N, D]` and stored. */
export function storedWhitening(
  database: Database,
  name: string,
  vectors: readonly ArrayLike<number>[],
): Whitening {
  const stored = readWhitening(database, name);
  if (stored !== undefined) return stored;
  const { mean, variance } = fitWhitening(vectors);
  const value = toBlob(Float32Array.of(...mean, ...variance));
  database.run("INSERT INTO meta (key, value) VALUES (?, ?)", `whitening:${name}`, value);
  return { mean, variance };
}
