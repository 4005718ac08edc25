import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Corpus } from "../mistakes/corpus/corpus.js";
import { main } from "./main.js";

let folder: string;
let file: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-review-"));
  file = join(folder, "corpus.db");
  const corpus = Corpus.open(file);
  for (const n of [0, 1, 2])
    corpus.admit({
      correct: false,
      domain: "sums",
      level: "5",
      taskId: `task-${n}`,
      split: "train",
      state: `state ${n}`,
      wrongStep: `step ${n}`,
      answer: `answer ${n}`,
      source: "student",
      evidence: "heuristic",
      confidence: 0.6,
      embedding: Float32Array.from([0, 1, 2], (i) => (i === n ? 1 : 0)),
      recurrence: 0.5,
      sameAnswers: n + 1,
      trace: [{ prompt: `state ${n}`, action: `step ${n}` }],
      step: n,
    });
  corpus.close();
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What `errata corpus review ... --json` prints. */
async function review(...args: readonly string[]): Promise<Record<string, unknown>> {
  let printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
  await main(["corpus", "review", ...args, "--corpus", file, "--json"]);
  vi.restoreAllMocks();
  return JSON.parse(printed) as Record<string, unknown>;
}

describe("errata corpus review, without questions", () => {
  test("shows what waits, takes a verdict, and no longer shows it", async () => {
    const { queue } = (await review("next", "--limit", "9")) as {
      queue: { mistake: { id: number; traces: unknown[] } }[];
    };
    expect(queue).toHaveLength(3);
    expect(queue[0]!.mistake.traces).toHaveLength(1);
    const { id } = queue[0]!.mistake;
    expect(await review("set", `${id}`, "invalid", "--by", "ada", "--note", "it is right")).toEqual(
      {
        mistake: id,
        by: "ada",
        verdict: "invalid",
        status: "human-invalid",
      },
    );
    expect((await review("next", "--limit", "9"))["queue"]).toHaveLength(2);
    expect(await review("set", `${id}`, "undo", "--by", "ada")).toMatchObject({
      status: "candidate",
    });
    expect((await review("next", "--limit", "9"))["queue"]).toHaveLength(3);
  });

  test("leaves to each reviewer what they have not judged", async () => {
    await review("set", "1", "valid", "--by", "ada", "--fix", "better");
    expect((await review("next", "--by", "ada", "--limit", "9"))["queue"]).toHaveLength(2);
    expect((await review("next", "--by", "bob", "--limit", "9"))["queue"]).toHaveLength(3);
    expect(await review("stats")).toMatchObject({ judged: 1, verdicts: { valid: 1 } });
  });

  test("refuses what is no mistake, and an undo of nothing", async () => {
    expect(await review("set", "99", "valid", "--by", "ada")).toMatchObject({
      error: { code: "CORPUS_UNKNOWN_MISTAKE" },
    });
    expect(await review("set", "2", "undo", "--by", "ada")).toMatchObject({
      error: { code: "REVIEW_NOTHING" },
    });
  });
});
