import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { Random } from "../../util/random.js";
import { findData } from "../data-folder.js";
import type { Verdict } from "../environment.js";
import { playActions } from "../play-procedure.js";
import { familyOf, loadMiniF2F, minif2f, parseStatement, tacticsOf } from "./minif2f.js";
import type { LeanVerdict } from "./verifier.js";

const TEXT = `import Mathlib\n\nset_option maxHeartbeats 0\n\nopen BigOperators Real Nat\n
theorem small (x : ℕ)\n  (h₀ : x = 2) : x + 1 = 3 := by sorry`;

test("a file is a header, a statement and sorry", () => {
  expect(parseStatement(`\uFEFF${TEXT}\n`, "small.lean")).toEqual({
    name: "small",
    header: "import Mathlib\n\nset_option maxHeartbeats 0\n\nopen BigOperators Real Nat",
    statement: "theorem small (x : ℕ)\n  (h₀ : x = 2) : x + 1 = 3",
  });
  for (const text of ["", "theorem t : True := by trivial", "example : True := by sorry"])
    expect(() => parseStatement(text, "bad.lean")).toThrow(
      expect.objectContaining({ code: "LEAN_STATEMENT" }),
    );
});

test("an answer may be fenced and indented", () => {
  expect(tacticsOf("Here:\n```lean\n  intro h\n    omega\n```\n")).toBe("intro h\n  omega");
  expect(tacticsOf("  rfl\n")).toBe("rfl");
});

test.each([
  [
    "missing-side-condition",
    "Nat.div_self has type\n  0 < m → m / m = 1\nbut is expected to have type\n  x / x = 1",
  ],
  ["type-mismatch", "h has type\n  a\nbut is expected to have type\n  b"],
  ["unsolved-goals", "unsolved goals\n⊢ False"],
  ["unknown-name", "Unknown identifier `foo`"],
  ["tactic-failed", "omega could not prove the goal"],
  ["timeout", "the Lean REPL took longer than 60 s"],
  ["refused", "anything else"],
])("family %s", (family, message) => {
  expect(familyOf(message)).toBe(family);
});

describe("the environment", () => {
  const folder = mkdtempSync(join(tmpdir(), "errata-minif2f-"));
  mkdirSync(join(folder, "Valid"));
  writeFileSync(join(folder, "Valid", "small.lean"), TEXT);

  async function judge(verdict: LeanVerdict, action: string): Promise<Verdict> {
    const environment = minif2f({ folder, verifier: { verify: () => Promise.resolve(verdict) } });
    const random = Random.from(0, "minif2f");
    const task = environment.draw({ split: "validation", level: "competition", random });
    return environment.judge(await playActions(environment, task, [action]));
  }

  test("shows the theorem and takes Lean's word", async () => {
    const environment = minif2f({ folder });
    expect(environment.tasks!("validation")).toHaveLength(1);
    expect(environment.tasks!("train")).toEqual([]);
    expect(await judge({ accepted: true, message: "" }, "omega")).toEqual({
      correct: true,
      answer: "omega",
      stop: "solved",
    });
  });

  test("points at the line that Lean complains of", async () => {
    const action = "```lean\n  intro y\n  omega\n```";
    const refused = { accepted: false, message: "omega could not prove the goal", line: 1 };
    const verdict = await judge(refused, action);
    expect(verdict).toMatchObject({
      correct: false,
      stop: "rejected",
      firstError: { evidence: "kernel", family: "tactic-failed" },
    });
    const { start, end } = verdict.firstError!.span;
    expect(action.slice(start, end)).toBe("omega");
  });

  test("sends nothing that could do more than prove", async () => {
    expect(await judge({ accepted: true, message: "" }, "sorry")).toMatchObject({
      correct: false,
      stop: "malformed",
    });
  });

  test("without Lean it lists, and refuses to play with the reason", () => {
    vi.stubEnv("ERRATA_LEAN_REPL", undefined);
    vi.stubEnv("ERRATA_KIMINA", undefined);
    const environment = minif2f({ folder });
    const [task] = environment.tasks!("validation");
    expect(() => environment.start(task!)).toThrow(
      expect.objectContaining({ code: "LEAN_MISSING" }),
    );
    vi.unstubAllEnvs();
  });
});

test("all of miniF2F's validation theorems are read", ({ skip }) => {
  const folder = findData("minif2f-lean4");
  if (folder === undefined)
    return skip("miniF2F is absent: set ERRATA_DATA to the folder that holds minif2f-lean4/");
  const tasks = loadMiniF2F(folder, "validation");
  expect(tasks).toHaveLength(244);
  expect(new Set(tasks.map(({ id }) => id)).size).toBe(244);
  for (const { data } of tasks)
    expect(data).toMatchObject({
      header: expect.stringMatching(/^import Mathlib/) as string,
      statement: expect.not.stringContaining("sorry") as string,
    });
});
