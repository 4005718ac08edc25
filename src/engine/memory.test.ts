import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { memoryEnvironment } from "./memory.js";

describe("the environment of a process that computes", () => {
  it("has tunables on Linux alone, and keeps those that are there", () => {
    expect(memoryEnvironment({ A: "b" }, "linux")).toEqual({
      A: "b",
      GLIBC_TUNABLES: expect.stringContaining("glibc.malloc.trim_threshold=8589934592"),
    });
    expect(memoryEnvironment({ A: "b" }, "darwin")).toEqual({ A: "b" });
    expect(memoryEnvironment({ GLIBC_TUNABLES: "" }, "linux")).toEqual({ GLIBC_TUNABLES: "" });
  });

  it("starts Node as before, without a complaint", () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["-p", "1 + 1"], {
      env: memoryEnvironment(process.env),
      encoding: "utf8",
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "2\n", stderr: "" });
  });
});
