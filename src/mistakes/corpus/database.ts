import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { ErrataError } from "../../util/error.js";
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from "./schema.js";

/** What SQLite can store in a column: text, 64-bit float, blob or null. */
export type SqlValue = string | number | Uint8Array | null;

interface Statement {
  run(...parameters: SqlValue[]): { readonly lastInsertRowid: number | bigint };
  get(...parameters: SqlValue[]): unknown;
  all(...parameters: SqlValue[]): unknown[];
}

interface Connection {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** The part of the `node:sqlite` module used here. */
export interface SqliteModule {
  readonly DatabaseSync: new (
    path: string,
    options: { readOnly: boolean; timeout: number },
  ) => Connection;
}

/** Result code: https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

const require = createRequire(import.meta.url);

/**
 * SQLite through the `node:sqlite` API: built into Node >= 22.13, else the optional dependency.
 * @throws ErrataError `CORPUS_SQLITE` when neither is there.
 */
export function loadSqlite(
  builtin: (name: string) => object | undefined = (name) => process.getBuiltinModule(name),
  load: (name: string) => unknown = require,
): SqliteModule {
  const found = builtin("node:sqlite");
  if (found !== undefined) return found as SqliteModule;
  try {
    return load("@photostructure/sqlite") as SqliteModule;
  } catch (cause) {
    throw new ErrataError(
      `no SQLite in Node ${process.versions.node}, and @photostructure/sqlite does not load`,
      {
        code: "CORPUS_SQLITE",
        hint: "use Node 22.13 or later, or install the optional dependency: npm install @photostructure/sqlite",
        cause,
      },
    );
  }
}

/**
 * Refuses a file that lost its end: SQLite would take what is missing of its last page for zeros. While a log waits
 * to be written into the file, its size says nothing. Places of the header:
 * https://www.sqlite.org/fileformat.html#the_database_header
 */
function requireWholePages(path: string): void {
  const bytesOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const size = bytesOf(path);
  if (size < 100 || bytesOf(`${path}-wal`) > 0 || bytesOf(`${path}-journal`) > 0) return;
  const header = Buffer.alloc(100);
  const file = openSync(path, "r");
  try {
    readSync(file, header, 0, 100, 0);
  } finally {
    closeSync(file);
  }
  const page = header.readUInt16BE(16);
  const counted = header.readUInt32BE(24) === header.readUInt32BE(92); // else the number of pages is not kept
  const whole = (page === 1 ? 2 ** 16 : page) * header.readUInt32BE(28);
  if (!header.toString("latin1", 0, 15).startsWith("SQLite format 3") || !counted || size >= whole)
    return;
  throw new ErrataError(`${path} is not whole: it has ${size} bytes of ${whole}`, {
    code: "CORPUS_NOT_A_DATABASE",
    hint: "put the file back from a copy",
  });
}

/** One open SQLite file with the corpus schema; every statement is prepared once. */
export class Database {
  readonly path: string;
  readonly readOnly: boolean;
  readonly #connection: Connection;
  readonly #statements = new Map<string, Statement>();
  #inTransaction = false;

  private constructor(path: string, readOnly: boolean, connection: Connection) {
    this.path = path;
    this.readOnly = readOnly;
    this.#connection = connection;
  }

  /**
   * Opens `path` (`:memory:` for none), creating the schema in an empty file; WAL unless read-only.
   * A write waits up to `lockSeconds` (default 5) for another process's transaction to end.
   * @throws ErrataError `CORPUS_SQLITE` without SQLite, `CORPUS_OPEN` when the file cannot be
   *   opened, `CORPUS_NOT_A_DATABASE`, `CORPUS_SCHEMA` when it is another database or version.
   */
  static open(
    path: string,
    {
      readOnly = false,
      lockSeconds = 5,
    }: { readonly readOnly?: boolean; readonly lockSeconds?: number } = {},
  ): Database {
    const { DatabaseSync } = loadSqlite();
    let connection: Connection;
    try {
      connection = new DatabaseSync(path, { readOnly, timeout: 1000 * lockSeconds });
    } catch (cause) {
      throw new ErrataError(`the corpus ${path} cannot be opened: ${(cause as Error).message}`, {
        code: "CORPUS_OPEN",
        hint: "check that the folder exists and can be written",
        cause,
      });
    }
    const database = new Database(path, readOnly, connection);
    try {
      requireWholePages(path);
      database.#prepareSchema();
    } catch (error) {
      connection.close();
      throw error;
    }
    return database;
  }

  /**
   * Puts a copy of `snapshot` at `path`, replacing whatever corpus was there.
   * @throws ErrataError `CORPUS_OPEN` when there is no such snapshot.
   */
  static restore(snapshot: string, path: string): void {
    if (!existsSync(snapshot)) {
      throw new ErrataError(`there is no corpus snapshot ${snapshot}`, {
        code: "CORPUS_OPEN",
        hint: "resume from a checkpoint that holds a corpus",
      });
    }
    const partial = `${path}.${process.pid}.partial`;
    copyFileSync(snapshot, partial);
    synchronise(partial);
    // A write-ahead log left by the file being replaced would be replayed onto the new one.
    for (const suffix of ["-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
    renameSync(partial, path);
  }

  #prepareSchema(): void {
    let found: { application: number; version: number; tables: number };
    try {
      found = {
        application: this.get<{ application_id: number }>("PRAGMA application_id")!.application_id,
        version: this.get<{ user_version: number }>("PRAGMA user_version")!.user_version,
        tables: this.get<{ n: number }>("SELECT count(*) AS n FROM sqlite_schema")!.n,
      };
    } catch (cause) {
      throw new ErrataError(`${this.path} is not a corpus: ${(cause as Error).message}`, {
        code: "CORPUS_NOT_A_DATABASE",
        hint: "give the path of a corpus.db, or of a file that does not exist yet",
        cause,
      });
    }
    const empty = found.application === 0 && found.version === 0 && found.tables === 0;
    if (
      !(empty && !this.readOnly) &&
      (found.application !== APPLICATION_ID || found.version !== SCHEMA_VERSION)
    ) {
      const what =
        found.application === APPLICATION_ID
          ? `corpus schema ${found.version}`
          : "another program's database";
      throw new ErrataError(
        `${this.path} holds ${what}; this version reads corpus schema ${SCHEMA_VERSION}`,
        {
          code: "CORPUS_SCHEMA",
          hint: "open it with the version of errata that wrote it, or start a new run",
        },
      );
    }
    this.#connection.exec("PRAGMA foreign_keys = ON");
    if (this.readOnly) return;
    this.#connection.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    if (empty) this.atomically(() => this.#connection.exec(SCHEMA));
  }

  /** Whether {@link Database.begin} was called and neither commit nor rollback yet. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  run(sql: string, ...parameters: SqlValue[]): { readonly lastInsertRowid: number | bigint } {
    return this.#statement(sql).run(...parameters);
  }

  /** The first row, or undefined. */
  get<T>(sql: string, ...parameters: SqlValue[]): T | undefined {
    return this.#statement(sql).get(...parameters) as T | undefined;
  }

  all<T>(sql: string, ...parameters: SqlValue[]): T[] {
    return this.#statement(sql).all(...parameters) as T[];
  }

  /**
   * Starts a transaction and takes the write lock.
   * @throws ErrataError `CORPUS_TRANSACTION` when one is open, `CORPUS_BUSY` when another process
   *   holds the lock.
   */
  begin(): void {
    if (this.#inTransaction) throw transactionError("begin", "a transaction is already open");
    try {
      this.run("BEGIN IMMEDIATE");
    } catch (cause) {
      if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) throw cause;
      throw new ErrataError(`another process is writing to the corpus ${this.path}`, {
        code: "CORPUS_BUSY",
        hint: "try again in a moment; two runs cannot share one corpus",
        cause,
      });
    }
    this.#inTransaction = true;
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when no transaction is open. */
  commit(): void {
    if (!this.#inTransaction) throw transactionError("commit", "no transaction is open");
    this.run("COMMIT");
    this.#inTransaction = false;
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when no transaction is open. */
  rollback(): void {
    if (!this.#inTransaction) throw transactionError("rollback", "no transaction is open");
    this.run("ROLLBACK");
    this.#inTransaction = false;
  }

  /** Runs `work` all or nothing, inside the open transaction if there is one. */
  atomically<T>(work: () => T): T {
    const outermost = !this.#inTransaction;
    if (outermost) this.begin();
    else this.run("SAVEPOINT work");
    try {
      const result = work();
      if (outermost) this.commit();
      else this.run("RELEASE work");
      return result;
    } catch (error) {
      try {
        if (outermost) this.rollback();
        else {
          this.run("ROLLBACK TO work");
          this.run("RELEASE work");
        }
      } catch {
        // SQLite has rolled everything back itself, as it does on a full disk: the first error says why.
        this.#inTransaction = false;
      }
      throw error;
    }
  }

  /** A number that changes when another connection commits to this file. */
  get foreignChanges(): number {
    return this.get<{ data_version: number }>("PRAGMA data_version")!.data_version;
  }

  /**
   * Writes a copy to `path`, whole or not at all; its bytes depend only on the content (and the
   * version of SQLite).
   * @throws ErrataError `CORPUS_TRANSACTION` inside a transaction.
   */
  snapshot(path: string): void {
    if (this.#inTransaction) throw transactionError("snapshot", "a transaction is open");
    mkdirSync(dirname(path), { recursive: true });
    const partial = `${path}.${process.pid}.partial`;
    rmSync(partial, { force: true });
    this.run("VACUUM INTO ?", partial);
    // VACUUM counts the schema cookie up, so it would tell how often a corpus was restored.
    // Bytes 40-43, big-endian: https://www.sqlite.org/fileformat.html#the_database_header
    synchronise(partial, { bytes: Uint8Array.of(0, 0, 0, 1), position: 40 });
    renameSync(partial, path);
  }

  /** Closes it; whoever copies the file then has all of it, without the log beside it. */
  close(): void {
    this.#statements.clear();
    try {
      if (!this.readOnly) this.#connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // others read it just now: who closes it last does so
    }
    this.#connection.close();
  }

  #statement(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Patches a file and waits until it is on disk. */
function synchronise(
  path: string,
  patch?: { readonly bytes: Uint8Array; readonly position: number },
): void {
  const file = openSync(path, "r+");
  try {
    if (patch !== undefined) writeSync(file, patch.bytes, 0, patch.bytes.length, patch.position);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function transactionError(call: string, why: string): ErrataError {
  return new ErrataError(`${call}: ${why} on the corpus`, {
    code: "CORPUS_TRANSACTION",
    hint: "begin, then commit or roll back, then snapshot",
  });
}
