import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Database, loadSqlite } from "./database.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-database-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const withCode = (code: string): unknown =>
  expect.objectContaining({ code, hint: expect.any(String) });

describe("opening", () => {
  test("takes the built-in SQLite first, then the optional dependency, and says how to get one", () => {
    const builtin = { DatabaseSync: class {} };
    const optional = { DatabaseSync: class {} };
    expect(
      loadSqlite(
        () => builtin,
        () => optional,
      ),
    ).toBe(builtin);
    expect(
      loadSqlite(
        () => undefined,
        () => optional,
      ),
    ).toBe(optional);
    const missing = (): never => {
      throw new Error("Cannot find module");
    };
    expect(() => loadSqlite(() => undefined, missing)).toThrow(withCode("CORPUS_SQLITE"));
  });

  test("leaves all of it in the file when it is closed", () => {
    const path = join(folder, "closed.db");
    const database = Database.open(path);
    database.run("INSERT INTO meta (key, value) VALUES ('a', x'01')");
    database.close();
    writeFileSync(join(folder, "copied.db"), readFileSync(path));
    const copy = Database.open(join(folder, "copied.db"), { readOnly: true });
    expect(copy.get("SELECT key FROM meta WHERE key = 'a'")).toEqual({ key: "a" });
    copy.close();
  });

  test("refuses a file that lost its last byte, and takes it whole again", () => {
    const path = join(folder, "cut.db");
    Database.open(path).close();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, -1));
    expect(() => Database.open(path)).toThrow(withCode("CORPUS_NOT_A_DATABASE"));
    expect(() => Database.open(path, { readOnly: true })).toThrow(`${bytes.length - 1} bytes of`);
    writeFileSync(path, bytes);
    Database.open(path).close();
  });

  test("refuses a file that is not a database, and leaves it as it was", () => {
    const path = join(folder, "notes.txt");
    const text = "no database ".repeat(100);
    writeFileSync(path, text);
    expect(() => Database.open(path)).toThrow(withCode("CORPUS_NOT_A_DATABASE"));
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test("refuses another program's database and another schema version", () => {
    const { DatabaseSync } = loadSqlite();
    const other = new DatabaseSync(join(folder, "other.db"), { readOnly: false, timeout: 0 });
    other.exec("CREATE TABLE bookmark (url TEXT)");
    other.close();
    expect(() => Database.open(join(folder, "other.db"))).toThrow(withCode("CORPUS_SCHEMA"));

    const path = join(folder, "newer.db");
    Database.open(path).close();
    const newer = new DatabaseSync(path, { readOnly: false, timeout: 0 });
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    expect(() => Database.open(path)).toThrow(/schema 99/);
  });

  test("a missing folder or snapshot is named", () => {
    expect(() => Database.open(join(folder, "nowhere", "corpus.db"))).toThrow(
      withCode("CORPUS_OPEN"),
    );
    expect(() => Database.open(join(folder, "none.db"), { readOnly: true })).toThrow(
      withCode("CORPUS_OPEN"),
    );
    expect(() => Database.restore(join(folder, "none.db"), join(folder, "corpus.db"))).toThrow(
      withCode("CORPUS_OPEN"),
    );
  });

  test("a live corpus keeps a write-ahead log", () => {
    const database = Database.open(join(folder, "live.db"));
    expect(database.get("PRAGMA journal_mode")).toEqual({ journal_mode: "wal" });
    database.close();
  });
});

describe("transactions", () => {
  test("begin, commit and rollback out of turn are refused", () => {
    const database = Database.open(":memory:");
    expect(() => database.commit()).toThrow(withCode("CORPUS_TRANSACTION"));
    expect(() => database.rollback()).toThrow(withCode("CORPUS_TRANSACTION"));
    database.begin();
    expect(() => database.begin()).toThrow(withCode("CORPUS_TRANSACTION"));
    expect(() => database.snapshot(join(folder, "never.db"))).toThrow(
      withCode("CORPUS_TRANSACTION"),
    );
    database.rollback();
    database.close();
  });

  test("a second writer is told to wait", () => {
    const path = join(folder, "busy.db");
    const first = Database.open(path);
    const second = Database.open(path, { lockSeconds: 0.01 });
    first.begin();
    expect(() => second.begin()).toThrow(withCode("CORPUS_BUSY"));
    first.commit();
    second.begin();
    second.rollback();
    first.close();
    second.close();
  });

  test("work that fails leaves nothing, and the transaction around it goes on", () => {
    const database = Database.open(":memory:");
    const put = (key: string): unknown =>
      database.run("INSERT INTO meta (key, value) VALUES (?, ?)", key, new Uint8Array(1));
    const keys = (): unknown[] =>
      database.all<{ key: string }>("SELECT key FROM meta").map((row) => row.key);
    const failing = (): void =>
      database.atomically(() => {
        put("half");
        throw new Error("stop");
      });
    expect(failing).toThrow("stop");
    database.begin();
    put("whole");
    expect(failing).toThrow("stop");
    database.commit();
    expect(keys()).toEqual(["whole"]);
    database.close();
  });

  test("a snapshot leaves no partial file, and replaces an older one", () => {
    const target = join(folder, "snapshots");
    const database = Database.open(":memory:");
    database.snapshot(join(target, "corpus.db"));
    const first = readFileSync(join(target, "corpus.db"));
    database.run("INSERT INTO meta (key, value) VALUES ('a', ?)", new Uint8Array(9));
    database.snapshot(join(target, "corpus.db"));
    expect(readFileSync(join(target, "corpus.db")).equals(first)).toBe(false);
    expect(readdirSync(target)).toEqual(["corpus.db"]);
    database.close();
  });

  test("events cannot be rewritten", () => {
    const database = Database.open(":memory:");
    database.run("PRAGMA foreign_keys = OFF");
    database.run("INSERT INTO event (mistake, kind) VALUES (1, 'verdict')");
    expect(() => database.run("UPDATE event SET mistake = 2")).toThrow(/append-only/);
    database.close();
  });
});
