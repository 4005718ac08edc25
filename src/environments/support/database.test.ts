import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Database, type Tables } from "./database.js";
import { canonicalJson, SetDigest } from "./digest.js";

const rows = fc.uniqueArray(fc.string(), { maxLength: 6 });

describe("the digest of a set of rows", () => {
  test("does not depend on the order in which rows come", () => {
    fc.assert(
      fc.property(rows, (given) => {
        const one = SetDigest.empty.update(given);
        const other = given.toReversed().reduce((d, row) => d.update([row]), SetDigest.empty);
        expect(one.toString()).toBe(other.toString());
      }),
    );
  });

  test("after removing what was added is what it was", () => {
    fc.assert(
      fc.property(rows, rows, (kept, gone) => {
        const before = SetDigest.empty.update(kept);
        expect(before.update(gone).update([], gone).toString()).toBe(before.toString());
      }),
    );
  });

  test("tells apart what an XOR of hashes would not: a row that is there twice, and not at all", () => {
    const twice = SetDigest.empty.update(["a", "a", "b"]);
    expect(twice.toString()).not.toBe(SetDigest.empty.update(["b"]).toString());
    expect(twice.toString()).not.toBe(SetDigest.empty.update(["a", "b"]).toString());
  });

  test("canonical JSON orders keys at every depth, and nothing else", () => {
    expect(canonicalJson({ b: [{ d: 1, c: "x" }], a: null })).toBe(
      '{"a":null,"b":[{"c":"x","d":1}]}',
    );
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });
});

const TABLES: Tables = {
  users: { u1: { name: "ann" }, u2: { name: "ben" } },
  orders: { o1: { user: "u1", lines: [1, 2] } },
};
type Rows = { users: { name: string }; orders: { user: string; lines: number[] } };

describe("a database", () => {
  const base = Database.of<Rows>(TABLES);

  test("is a fork: a change is seen in the new one alone", () => {
    const changed = base.with("users", "u1", { name: "eve" }).with("users", "u3", { name: "dan" });
    expect(changed.get("users", "u1")).toEqual({ name: "eve" });
    expect(base.get("users", "u1")).toEqual({ name: "ann" });
    expect([...changed.rows("users")].map(([key]) => key)).toEqual(["u1", "u2", "u3"]);
    expect([...base.rows("users")].map(([key]) => key)).toEqual(["u1", "u2"]);
    expect(changed.changed()).toEqual(["users/u1", "users/u3"]);
  });

  test("forgets a removed row, and only that", () => {
    const without = base.with("users", "u1", undefined);
    expect(without.get("users", "u1")).toBeUndefined();
    expect([...without.rows("users")].map(([key]) => key)).toEqual(["u2"]);
    expect(without.equals(base)).toBe(false);
    expect(without.with("users", "u1", { name: "ann" }).digest()).toBe(base.digest());
  });

  test("has no rows of names that every object has", () => {
    expect(base.get("users", "constructor")).toBeUndefined();
    expect(base.get("toString" as "users", "name")).toBeUndefined();
  });

  test("its digest after changes is that of the tables with those changes", () => {
    const names = fc.constantFrom("u1", "u2", "u3", "u4");
    const change = fc.tuple(
      names,
      fc.option(fc.constantFrom("ann", "ben", "eve"), { nil: undefined }),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
        const users: Record<string, { name: string }> = {
          u1: { name: "ann" },
          u2: { name: "ben" },
        };
        let database = base;
        for (const [key, name] of changes) {
          if (name === undefined) delete users[key];
          else users[key] = { name };
          database = database.with("users", key, name === undefined ? undefined : { name });
        }
        const fresh = Database.of<Rows>({ ...TABLES, users });
        expect(database.digest()).toBe(fresh.digest());
        expect(database.equals(fresh)).toBe(true);
        expect(database.equals(base)).toBe(fresh.digest() === base.digest());
      }),
    );
  });
});
