/** Known mistakes that are like one another. */
import { readMistake, toMistake, type Mistake } from "./mistake.js";
import { normalize } from "./novelty.js";
import type { Store } from "./store.js";

/** A known mistake and how close it is. */
export interface Neighbour {
  readonly mistake: Mistake;
  /** Cosine, in [-1, 1]. */
  readonly similarity: number;
}

/** The known mistakes of a cell closest to an embedding `[D]`, closest first, without quarantined and human-invalid ones. */
export function nearestMistakes(
  { database, cells }: Store,
  query: {
    readonly domain: string;
    readonly level: string;
    readonly embedding: Float32Array;
    readonly limit: number;
  },
): Neighbour[] {
  cells.follow();
  const unit = normalize(query.embedding);
  const cell = cells.get(query.domain, query.level, unit.length);
  const neighbours: Neighbour[] = [];
  for (const { id, similarity } of cell.ranked(unit)) {
    if (neighbours.length >= query.limit) break;
    const mistake = toMistake(readMistake(database, id));
    if (mistake.status !== "quarantined") neighbours.push({ mistake, similarity });
  }
  return neighbours;
}
