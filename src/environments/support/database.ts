/** Typed tables that are never changed in place: an old database is a fork, for the price of nothing. */
import type { Json } from "../environment.js";
import { canonicalJson, SetDigest } from "./digest.js";

/** A record. */
export type Row = { readonly [key: string]: Json };

/** Tables by name, rows by key. */
export type Tables = Readonly<Record<string, Readonly<Record<string, Row>>>>;

/** What the databases of one origin share. Its digest is worked out when first asked for. */
interface Base {
  readonly tables: Tables;
  digest?: SetDigest;
}

type Changes = ReadonlyMap<string, ReadonlyMap<string, Row | undefined>>;

/**
 * Tables with copy-on-write: a change copies only the list of changed rows, never the tables.
 *
 * The type parameter names the row type of each table; it is the caller's word, for data read from
 * files is not checked row by row.
 */
export class Database<T extends Record<keyof T, object> = Record<string, Row>> {
  readonly #base: Base;
  readonly #changes: Changes;

  private constructor(base: Base, changes: Changes) {
    this.#base = base;
    this.#changes = changes;
  }

  /** The database of `tables`, which must not be changed any more. */
  static of<T extends Record<keyof T, object>>(tables: Tables): Database<T> {
    return new Database<T>({ tables }, new Map());
  }

  /** A row, or undefined where there is none. */
  get<N extends keyof T & string>(table: N, key: string): T[N] | undefined {
    const changed = this.#changes.get(table);
    if (changed?.has(key) === true) return changed.get(key) as T[N] | undefined;
    return rowOf(this.#base.tables, table, key) as T[N] | undefined;
  }

  /** All rows of a table with their keys, added ones last. */
  *rows<N extends keyof T & string>(table: N): Generator<readonly [string, T[N]]> {
    const rows = Object.hasOwn(this.#base.tables, table) ? this.#base.tables[table]! : {};
    for (const key of Object.keys(rows)) {
      const row = this.get(table, key);
      if (row !== undefined) yield [key, row];
    }
    for (const [key, row] of this.#changes.get(table) ?? []) {
      if (row !== undefined && !Object.hasOwn(rows, key)) yield [key, row as T[N]];
    }
  }

  /** The database with a row set, or removed where `row` is undefined. */
  with<N extends keyof T & string>(table: N, key: string, row: T[N] | undefined): Database<T> {
    const rows = new Map(this.#changes.get(table));
    rows.set(key, row as Row | undefined);
    return new Database<T>(this.#base, new Map(this.#changes).set(table, rows));
  }

  /** Whether both hold the same rows: an exact comparison, cheap for databases of one origin. */
  equals(other: Database<T>): boolean {
    if (this.#base !== other.#base) return this.digest() === other.digest();
    const touched = (one: Changes): [string, string][] =>
      [...one].flatMap(([table, rows]) =>
        [...rows.keys()].map((key): [string, string] => [table, key]),
      );
    return [...touched(this.#changes), ...touched(other.#changes)].every(
      ([table, key]) =>
        text(this.get(table as keyof T & string, key)) ===
        text(other.get(table as keyof T & string, key)),
    );
  }

  /** Digest of all rows ({@link SetDigest}): once the tables, after that only what was changed. */
  digest(): string {
    const { tables } = this.#base;
    this.#base.digest ??= SetDigest.empty.update(
      Object.entries(tables).flatMap(([table, rows]) =>
        Object.entries(rows).map(([key, row]) => entry(table, key, row)),
      ),
    );
    const added: string[] = [];
    const removed: string[] = [];
    for (const [table, rows] of this.#changes)
      for (const [key, row] of rows) {
        const before = rowOf(tables, table, key);
        if (before !== undefined) removed.push(entry(table, key, before));
        if (row !== undefined) added.push(entry(table, key, row));
      }
    return this.#base.digest.update(added, removed).toString();
  }

  /** The rows that differ from the tables it came from, as `table/key`. */
  changed(): string[] {
    return [...this.#changes].flatMap(([table, rows]) =>
      [...rows]
        .filter(([key, row]) => text(row) !== text(rowOf(this.#base.tables, table, key)))
        .map(([key]) => `${table}/${key}`),
    );
  }
}

function rowOf(tables: Tables, table: string, key: string): Row | undefined {
  const rows = Object.hasOwn(tables, table) ? tables[table] : undefined;
  return rows !== undefined && Object.hasOwn(rows, key) ? rows[key] : undefined;
}

function entry(table: string, key: string, row: Row): string {
  return `${JSON.stringify([table, key])}${canonicalJson(row)}`;
}

function text(row: object | undefined): string {
  return row === undefined ? "" : canonicalJson(row as Row);
}
