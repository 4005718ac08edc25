import { expect, test } from "vitest";
import { ErrataError } from "./error.js";
import { isFullDisk } from "./full-disk.js";

test("a full disk is known by the system's code, by SQLite's, and behind other errors", () => {
  const system = Object.assign(new Error("write"), { code: "ENOSPC" });
  const sqlite = Object.assign(new Error("database or disk is full"), { errcode: 13 });
  for (const error of [system, sqlite, new ErrataError("saving", { code: "X", cause: system })])
    expect(isFullDisk(error)).toBe(true);
  for (const error of [new Error("no"), Object.assign(new Error("busy"), { errcode: 5 }), "ENOSPC"])
    expect(isFullDisk(error)).toBe(false);
});
