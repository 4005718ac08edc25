import type { Database } from "./database.js";

/** Entries every (domain, signature) cell may keep, however many cells there are. */
export const LOWEST_QUOTA = 32;

/** Entries a (domain, signature) cell may hold before it is the one to give way. */
export function cellQuota(capacity: number, cells: number): number {
  return Math.max(LOWEST_QUOTA, Math.floor(capacity / cells));
}

/**
 * Deletes entries until at most `capacity` are left, and returns their cells and ids.
 *
 * Each time the entry of lowest quality goes (then of least support, then the oldest) among the
 * cells over quota, or in the fullest cells when none is. A cell's last entry, entries a person
 * has judged, and `keep`, the entry just admitted, stay; so the corpus can be larger than
 * `capacity` where only such entries are left.
 */
export function evict(
  database: Database,
  capacity: number,
  keep: number,
): { readonly id: number; readonly domain: string; readonly level: string }[] {
  const evicted: { id: number; domain: string; level: string }[] = [];
  for (;;) {
    const cells = database.all<Cell>("SELECT domain, signature, size FROM cell ORDER BY size DESC");
    const total = cells.reduce((sum, cell) => sum + cell.size, 0);
    if (total <= capacity) return evicted;
    const quota = cellQuota(capacity, cells.length);
    const over = cells.filter((cell) => cell.size > quota);
    const giving = lowest(database, over, keep) ?? lowest(database, fullest(cells), keep);
    if (giving === undefined) return evicted;
    database.run("DELETE FROM mistake WHERE id = ?", giving.id);
    evicted.push({ id: giving.id, domain: giving.domain, level: giving.level });
  }
}

interface Cell {
  readonly domain: string;
  readonly signature: string;
  readonly size: number;
}

function fullest(cells: readonly Cell[]): Cell[] {
  const size = cells[0]?.size ?? 0;
  return size > 1 ? cells.filter((cell) => cell.size === size) : [];
}

interface Entry {
  readonly id: number;
  readonly domain: string;
  readonly level: string;
  readonly quality: number;
  readonly support: number;
}

function lowest(database: Database, cells: readonly Cell[], keep: number): Entry | undefined {
  const entries = cells.flatMap((cell) =>
    database.all<Entry>(
      `SELECT id, domain, level, quality, support FROM mistake
       WHERE domain = ? AND signature = ? AND id <> ?
         AND NOT EXISTS (SELECT 1 FROM event WHERE event.mistake = mistake.id)
       ORDER BY quality, support, id LIMIT 1`,
      cell.domain,
      cell.signature,
      keep,
    ),
  );
  return entries.sort((a, b) => a.quality - b.quality || a.support - b.support || a.id - b.id)[0];
}
