/** The file of a corpus and what is kept of it in memory. Every change is made whole or not at all. */
import { ErrataError } from "../../util/error.js";
import { Cells } from "./cells.js";
import { Database } from "./database.js";

/** An open corpus file, shared by all that read and change it. */
export class Store {
  readonly database: Database;
  readonly cells: Cells;

  private constructor(database: Database) {
    this.database = database;
    this.cells = new Cells(database);
  }

  /**
   * Opens the file at `path`, or starts one.
   * @throws ErrataError `CORPUS_SQLITE`, `CORPUS_OPEN`, `CORPUS_NOT_A_DATABASE`, `CORPUS_SCHEMA`.
   */
  static open(path: string, readOnly: boolean): Store {
    return new Store(Database.open(path, { readOnly }));
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when one is open. */
  begin(): void {
    this.database.begin();
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when no transaction is open. */
  commit(): void {
    this.database.commit();
  }

  /** @throws ErrataError `CORPUS_TRANSACTION` when no transaction is open. */
  rollback(): void {
    this.database.rollback();
    this.cells.clear();
  }

  /** Closes the file; an open transaction is rolled back. */
  close(): void {
    this.cells.clear();
    this.database.close();
  }

  /**
   * Runs a change all or nothing; a failed one leaves no trace in memory either.
   * @throws ErrataError `CORPUS_READ_ONLY`, and what the change throws.
   */
  change<T>(make: (database: Database, cells: Cells) => T): T {
    const { database, cells } = this;
    if (database.readOnly)
      throw new ErrataError(`the corpus ${database.path} was opened for reading`, {
        code: "CORPUS_READ_ONLY",
        hint: "restore the snapshot into a run and change it there",
      });
    try {
      return database.atomically(() => {
        cells.follow();
        return make(database, cells);
      });
    } catch (error) {
      cells.clear();
      throw error;
    }
  }
}
