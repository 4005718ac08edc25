import { ErrataError } from "../../util/error.js";
import type { Database } from "./database.js";
import { fromBlob } from "./encoding.js";
import { VectorMatrix } from "./matrix.js";

/**
 * The embeddings of each cell (domain, level), in memory: all but those of human-invalid mistakes.
 *
 * A cell is read from the database when first asked for. Whatever may have changed it otherwise
 * than by an admission (a rollback, a verdict, another process) drops it, and it is read again.
 */
export class Cells {
  readonly #database: Database;
  readonly #matrices = new Map<string, VectorMatrix>();
  #foreignChanges: number;

  constructor(database: Database) {
    this.#database = database;
    this.#foreignChanges = database.foreignChanges;
  }

  /**
   * A cell's matrix. The first mistake admitted fixes the dimension.
   * @throws ErrataError `CORPUS_DIMENSION` when embeddings in the corpus have another dimension.
   */
  get(domain: string, level: string, dimension: number): VectorMatrix {
    this.#checkDimension(dimension);
    const key = cellKey(domain, level);
    let matrix = this.#matrices.get(key);
    if (matrix === undefined || matrix.dimension !== dimension) {
      matrix = new VectorMatrix(dimension);
      const rows = this.#database.all<{ id: number; embedding: Uint8Array }>(
        "SELECT id, embedding FROM mistake WHERE domain = ? AND level = ? AND status <> 'human-invalid' ORDER BY id",
        domain,
        level,
      );
      for (const row of rows) matrix.append(row.id, fromBlob(row.embedding));
      this.#matrices.set(key, matrix);
    }
    return matrix;
  }

  /** Drops one mistake from a cell that is in memory. */
  remove(domain: string, level: string, id: number): void {
    this.#matrices.get(cellKey(domain, level))?.remove(id);
  }

  /** Drops one cell. */
  forget(domain: string, level: string): void {
    this.#matrices.delete(cellKey(domain, level));
  }

  /** Drops every cell. */
  clear(): void {
    this.#matrices.clear();
  }

  /** Drops every cell if another connection has committed since the last call. */
  follow(): void {
    const now = this.#database.foreignChanges;
    if (now !== this.#foreignChanges) this.clear();
    this.#foreignChanges = now;
  }

  #checkDimension(given: number): void {
    const row = this.#database.get<{ size: number }>(
      "SELECT length(embedding) AS size FROM mistake LIMIT 1",
    );
    const stored = row === undefined ? given : row.size / Float32Array.BYTES_PER_ELEMENT;
    if (given === stored) return;
    throw new ErrataError(
      `an embedding of ${given} values was given to a corpus of dimension ${stored}`,
      {
        code: "CORPUS_DIMENSION",
        hint: "embed with the model the corpus was started with, or start a new corpus",
      },
    );
  }
}

function cellKey(domain: string, level: string): string {
  return JSON.stringify([domain, level]);
}
