import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { Corpus } from "./corpus.js";
import { LOWEST_QUOTA, cellQuota } from "./eviction.js";
import type { Admission, Candidate } from "./mistake.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-corpus-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A wrong attempt of its own: `n` decides task, state and a direction at right angles to other `n`. */
function candidate(n: number, changes: Partial<Candidate> = {}): Candidate {
  const embedding = new Float32Array(64);
  embedding[n % 64] = 1 + n;
  return {
    correct: false,
    domain: "arithmetic",
    level: "5",
    taskId: `task-${n}`,
    split: "train",
    state: `state ${n}`,
    wrongStep: `step ${n}`,
    answer: `answer ${n}`,
    source: "student",
    signature: "drop-carry",
    evidence: "oracle",
    confidence: 1,
    embedding,
    recurrence: 0.5,
    sameAnswers: 3,
    trace: [{ prompt: `state ${n}`, action: `step ${n}` }],
    step: n,
    ...changes,
  };
}

function idOf(admission: Admission): number {
  if (admission.outcome === "rejected") throw new Error(`rejected: ${admission.reason}`);
  return admission.id;
}

const withCode = (code: string): unknown =>
  expect.objectContaining({ code, hint: expect.any(String) });

describe("admission", () => {
  test("what is new becomes an entry, what resembles one adds to its support", () => {
    const corpus = Corpus.open(":memory:");
    const first = corpus.admit(candidate(0));
    const other = corpus.admit(candidate(1));
    const near = candidate(2, {
      embedding: candidate(0).embedding,
      source: "weak:drop-carry",
      recurrence: 1,
    });
    const second = corpus.admit(near);
    expect(first).toEqual({ outcome: "admitted", id: 1, novelty: 1 });
    expect(other).toEqual({ outcome: "admitted", id: 2, novelty: 1 });
    expect(second).toEqual({ outcome: "merged", id: 1, novelty: 0 });
    const mistake = corpus.show(1);
    expect(mistake).toMatchObject({
      support: 2,
      recurrence: 0.75,
      quality: 0.75,
      status: "accepted",
      step: 0,
      lastStep: 2,
    });
    expect(mistake.sources).toEqual({ student: 1, "weak:drop-carry": 1 });
    expect(mistake.traces.map((trace) => trace.taskId)).toEqual(["task-2", "task-0"]);
  });

  test("an exact repeat always merges, whatever its embedding, and is kept once", () => {
    const corpus = Corpus.open(":memory:");
    corpus.admit(candidate(0));
    const again = corpus.admit(candidate(0, { embedding: candidate(9).embedding }));
    expect(again).toEqual({ outcome: "merged", id: 1, novelty: 0 });
    const { traces, support } = corpus.show(1);
    expect(support).toBe(2);
    expect(traces).toHaveLength(1);
    expect(traces[0]).toMatchObject({ count: 2, trace: candidate(0).trace });
  });

  test("novelty is measured within one domain and level", () => {
    const corpus = Corpus.open(":memory:");
    const { embedding } = candidate(0);
    const outcomes = [{}, { level: "6" }, { domain: "proof" }].map((where) =>
      corpus.admit(candidate(0, { ...where, embedding })),
    );
    expect(outcomes.map((admission) => admission.outcome)).toEqual([
      "admitted",
      "admitted",
      "admitted",
    ]);
  });

  test("without novelty only exact repeats merge", () => {
    const corpus = Corpus.open(":memory:", { novelty: false });
    const { embedding } = candidate(0);
    const outcomes = [0, 1, 0].map((n) => corpus.admit(candidate(n, { embedding })).outcome);
    expect(outcomes).toEqual(["admitted", "admitted", "merged"]);
  });

  test("the threshold moves towards the target rate and survives reopening", () => {
    const path = join(folder, "threshold.db");
    let corpus = Corpus.open(path);
    for (let n = 0; n < 60; n++) corpus.admit(candidate(n));
    const raised = corpus.stats();
    expect(raised.threshold).toBeGreaterThan(0.15);
    expect(raised.admitRate).toBeGreaterThan(0.9);
    for (let n = 0; n < 2000; n++) corpus.admit(candidate(n % 60));
    const lowered = corpus.stats();
    expect(lowered.threshold).toBe(0.02);
    expect(lowered).toMatchObject({ admitted: 60, merged: 2000, mistakes: 60 });
    corpus.close();
    corpus = Corpus.open(path);
    expect(corpus.stats()).toEqual(lowered);
    corpus.close();
  });

  test("every entry was new when it came, every merge was not, and no candidate is lost", () => {
    const coordinate = fc.integer({ min: -3, max: 3 });
    const vector = fc.tuple(coordinate, coordinate, coordinate);
    fc.assert(
      fc.property(fc.array(vector, { minLength: 1, maxLength: 40 }), (vectors) => {
        const corpus = Corpus.open(":memory:");
        vectors.forEach((values, n) => {
          const { threshold } = corpus.stats();
          const admission = corpus.admit(candidate(n, { embedding: Float32Array.from(values) }));
          if (admission.outcome === "rejected") throw new Error("rejected");
          if (n > 0) expect(admission.outcome === "admitted").toBe(admission.novelty > threshold);
        });
        const supports = corpus.list().map((mistake) => mistake.support);
        expect(supports.reduce((a, b) => a + b)).toBe(vectors.length);
        expect(corpus.stats().threshold).toBeGreaterThanOrEqual(0.02);
        expect(corpus.stats().threshold).toBeLessThanOrEqual(0.6);
        corpus.close();
      }),
      { numRuns: 40 },
    );
  });

  test("a correct attempt is refused, whatever the types said", () => {
    const corpus = Corpus.open(":memory:");
    const right = { ...candidate(0), correct: true } as unknown as Candidate;
    expect(() => corpus.admit(right)).toThrow(withCode("CORPUS_NOT_WRONG"));
    expect(corpus.stats()).toMatchObject({ mistakes: 0, traces: 0, admitted: 0, rejected: 0 });
  });

  test("numbers out of range and mixed dimensions are refused, an empty attempt is rejected", () => {
    const corpus = Corpus.open(":memory:");
    corpus.admit(candidate(0));
    expect(() => corpus.admit(candidate(1, { recurrence: Number.NaN }))).toThrow(
      withCode("CORPUS_CANDIDATE"),
    );
    expect(() => corpus.admit(candidate(1, { confidence: 1.5 }))).toThrow(
      withCode("CORPUS_CANDIDATE"),
    );
    const infinite = Float32Array.of(Infinity);
    expect(() => corpus.admit(candidate(1, { embedding: infinite }))).toThrow(
      withCode("CORPUS_CANDIDATE"),
    );
    const short = new Float32Array(3);
    expect(() => corpus.admit(candidate(1, { embedding: short }))).toThrow(
      withCode("CORPUS_DIMENSION"),
    );
    expect(corpus.admit(candidate(1, { trace: [] }))).toEqual({
      outcome: "rejected",
      reason: "empty",
    });
    expect(corpus.stats()).toMatchObject({ mistakes: 1, rejected: 1, heldOutRejected: 0 });
  });

  test("only a kernel, an oracle or a test is accepted at once, and a stronger label replaces a weaker", () => {
    const corpus = Corpus.open(":memory:");
    const id = idOf(corpus.admit(candidate(0, { evidence: "heuristic", confidence: 0.95 })));
    expect(corpus.show(id).status).toBe("candidate");
    corpus.admit(candidate(0, { evidence: "rollout", confidence: 1 }));
    expect(corpus.show(id).status).toBe("candidate");
    corpus.admit(candidate(0, { evidence: "test", confidence: 0.9, correctStep: "right" }));
    expect(corpus.show(id)).toMatchObject({
      status: "accepted",
      evidence: "test",
      correctStep: "right",
    });
  });

  test("at most 16 attempts are kept per mistake, the least recurrent give way", () => {
    const corpus = Corpus.open(":memory:");
    const { embedding } = candidate(0);
    for (let n = 0; n < 30; n++)
      corpus.admit(candidate(n, { embedding, sameAnswers: n % 2 === 0 ? 3 : 1 }));
    const { traces, support } = corpus.show(1);
    expect(support).toBe(30);
    expect(traces).toHaveLength(16);
    expect(traces.filter((trace) => trace.sameAnswers === 3)).toHaveLength(15);
    expect(traces.filter((trace) => trace.sameAnswers === 1).map((trace) => trace.taskId)).toEqual([
      "task-29",
    ]);
  });
});

describe("held-out tasks", () => {
  test("never are in the corpus, in whatever order candidates and registrations come", () => {
    const action = fc.oneof(
      fc.record({
        kind: fc.constant("admit" as const),
        task: fc.nat(9),
        direction: fc.nat(3),
        split: fc.constantFrom(
          "train" as const,
          "train" as const,
          "validation" as const,
          "test" as const,
        ),
      }),
      fc.record({
        kind: fc.constant("register" as const),
        tasks: fc.array(fc.nat(9), { maxLength: 3 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const corpus = Corpus.open(":memory:");
        const barred = new Set<string>();
        let refused = 0;
        actions.forEach((action, n) => {
          if (action.kind === "register") {
            const ids = action.tasks.map((task) => `task-${task}`);
            ids.forEach((id) => barred.add(id));
            corpus.registerHeldOut("arithmetic", ids);
          } else {
            const taskId = `task-${action.task}`;
            const { embedding } = candidate(action.direction);
            const admission = corpus.admit(
              candidate(n, { taskId, embedding, split: action.split }),
            );
            const forbidden = barred.has(taskId) || action.split !== "train";
            if (forbidden) refused++;
            expect(admission.outcome === "rejected").toBe(forbidden);
          }
          const mistakes = corpus.list();
          const traces = corpus.tracesForExpert("arithmetic", undefined, { limit: 1000 });
          expect([...mistakes, ...traces].filter((entry) => barred.has(entry.taskId))).toEqual([]);
          for (const id of barred) expect(corpus.wrongAnswers("arithmetic", id).size).toBe(0);
        });
        expect(corpus.stats()).toMatchObject({ rejected: refused, heldOutRejected: refused });
        corpus.close();
      }),
      { numRuns: 60 },
    );
  });

  test("of one domain do not bar the task of the same name in another", () => {
    const corpus = Corpus.open(":memory:");
    corpus.registerHeldOut("proof", ["task-0"]);
    expect(corpus.admit(candidate(0)).outcome).toBe("admitted");
    expect(corpus.admit(candidate(0, { domain: "proof" }))).toEqual({
      outcome: "rejected",
      reason: "held-out",
    });
  });
});

describe("what is asked of the corpus", () => {
  function filled(): Corpus {
    const corpus = Corpus.open(":memory:");
    corpus.admit(candidate(0));
    corpus.admit(candidate(1, { sameAnswers: 2, source: "weak:drop-carry" }));
    corpus.admit(candidate(2, { signature: "short-chain", taskId: "task-0", answer: "answer 0" }));
    corpus.admit(candidate(3, { embedding: candidate(2).embedding, signature: "drop-carry" }));
    const { signature: _, ...unsigned } = candidate(4);
    corpus.admit(unsigned);
    return corpus;
  }

  test("an expert gets attempts of its own signature only, even where mistakes were merged", () => {
    const corpus = filled();
    const tasks = (
      options: Parameters<Corpus["tracesForExpert"]>[2],
      signature?: string,
    ): string[] =>
      corpus.tracesForExpert("arithmetic", signature, options).map((trace) => trace.taskId);
    expect(corpus.stats().mistakes).toBe(4);
    expect(tasks({ limit: 9 }, "drop-carry")).toEqual(["task-3", "task-1", "task-0"]);
    expect(tasks({ limit: 9 }, "short-chain")).toEqual(["task-0"]);
    expect(tasks({ limit: 2 }, "drop-carry")).toEqual(["task-3", "task-1"]);
    expect(tasks({ limit: 9, minSameAnswers: 3 }, "drop-carry")).toEqual(["task-3", "task-0"]);
    expect(tasks({ limit: 9, sources: ["weak:drop-carry"] }, "drop-carry")).toEqual(["task-1"]);
    expect(tasks({ limit: 9 })).toHaveLength(5);
    expect([...corpus.traceCount("arithmetic")]).toEqual([
      ["drop-carry", 3],
      ["short-chain", 1],
      ["unrecognised", 1],
    ]);
    expect([...corpus.traceCount("arithmetic", { minSameAnswers: 3 })]).toContainEqual([
      "drop-carry",
      2,
    ]);
  });

  test("signatures are counted apart, the unrecognised left out", () => {
    expect(filled().signatures("arithmetic")).toEqual([
      {
        signature: "drop-carry",
        mistakes: 3,
        support: 3,
        traces: 3,
        sources: { student: 2, "weak:drop-carry": 1 },
      },
      { signature: "short-chain", mistakes: 1, support: 1, traces: 1, sources: { student: 1 } },
    ]);
  });

  test("wrong answers are counted over mistakes, by source where asked", () => {
    const corpus = filled();
    expect([...corpus.wrongAnswers("arithmetic", "task-0")]).toEqual([["answer 0", 2]]);
    expect([...corpus.wrongAnswers("arithmetic", "task-1", { sources: ["student"] })]).toEqual([]);
    expect([...corpus.wrongAnswers("arithmetic", "task-99")]).toEqual([]);
    corpus.admit(candidate(5, { answer: "" }));
    expect([...corpus.wrongAnswers("arithmetic", "task-5")]).toEqual([]);
  });

  test("neighbours come closest first, without the quarantined", () => {
    const corpus = filled();
    const ids = (): number[] =>
      corpus
        .nearest({
          domain: "arithmetic",
          level: "5",
          embedding: Float32Array.from(candidate(1).embedding),
          limit: 2,
        })
        .map((neighbour) => neighbour.mistake.id);
    expect(ids()).toEqual([2, 1]);
    corpus.reviews.record({ mistakeId: 2, by: "ada", verdict: "ambiguous" });
    expect(ids()).toEqual([1, 3]);
    corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "invalid" });
    expect(ids()).toEqual([3, 4]);
  });

  test("lists are filtered and paged, an unknown mistake is named", () => {
    const corpus = filled();
    expect(corpus.list({ signature: "drop-carry" }).map((mistake) => mistake.id)).toEqual([1, 2]);
    expect(corpus.list({ limit: 2, offset: 1 }).map((mistake) => mistake.id)).toEqual([2, 3]);
    expect(corpus.list({ domain: "proof" })).toEqual([]);
    expect(corpus.list({ status: "accepted" })).toHaveLength(4);
    expect(() => corpus.show(99)).toThrow(withCode("CORPUS_UNKNOWN_MISTAKE"));
    expect(corpus.stats()).toMatchObject({
      bySignature: { "drop-carry": 2, "short-chain": 1, unrecognised: 1 },
      mergedBySignature: { "drop-carry": 0, "short-chain": 1, unrecognised: 0 },
      bySource: { student: 4, "weak:drop-carry": 1 },
      byStatus: { accepted: 4 },
    });
  });

  test("quality follows the student", () => {
    const corpus = filled();
    corpus.updateQuality(1, { confusability: 0.5 });
    corpus.updateQuality(1, { learnability: 0.4 });
    expect(corpus.show(1).quality).toBeCloseTo(0.5 * 0.5 * 0.4, 12);
    expect(() => corpus.updateQuality(1, { learnability: 2 })).toThrow(
      withCode("CORPUS_CANDIDATE"),
    );
    expect(() => corpus.updateQuality(99, {})).toThrow(withCode("CORPUS_UNKNOWN_MISTAKE"));
  });

  test("a mistake the student has outgrown is retired, and reopened when made again", () => {
    const corpus = filled();
    for (let i = 0; i < 15; i++) corpus.exposures.record(1, false, i);
    expect(corpus.show(1).status).toBe("accepted");
    corpus.exposures.record(1, false, 15);
    expect(corpus.show(1)).toMatchObject({ status: "retired", exposures: 16 });
    corpus.exposures.record(1, true, 16);
    expect(corpus.show(1).status).toBe("accepted");
    expect(corpus.show(1).replications).toEqual([...Array<boolean>(15).fill(false), true]);
  });

  test("replay draws from what is usable", () => {
    const corpus = filled();
    corpus.reviews.record({ mistakeId: 3, by: "ada", verdict: "invalid" });
    const drawn = corpus.sample({
      domain: "arithmetic",
      count: 9,
      step: 50,
      random: Random.from(1, "replay"),
    });
    expect(new Set(drawn.map((mistake) => mistake.id))).toEqual(new Set([1, 2, 4]));
  });

  test("a whitening is fitted once and kept", () => {
    const corpus = filled();
    expect(corpus.whitening("state")).toBeUndefined();
    const fitted = corpus.fitWhitening("state", [
      [1, 2],
      [3, 6],
    ]);
    expect(corpus.fitWhitening("state", [[9, 9]])).toEqual(fitted);
    expect(corpus.whitening("state")).toEqual(fitted);
    expect(corpus.whitening("action")).toBeUndefined();
  });
});

describe("human verdicts", () => {
  function effects(corpus: Corpus): unknown {
    return {
      traces: corpus.tracesForExpert("arithmetic", "drop-carry", { limit: 9 }),
      count: corpus.traceCount("arithmetic"),
      signatures: corpus.signatures("arithmetic"),
      answers: corpus.wrongAnswers("arithmetic", "task-0"),
      near: corpus.nearest({
        domain: "arithmetic",
        level: "5",
        embedding: candidate(0).embedding,
        limit: 9,
      }),
    };
  }

  test("`invalid` removes every effect, also after reopening, and revoking restores them all", () => {
    const path = join(folder, "verdicts.db");
    let corpus = Corpus.open(path);
    corpus.admit(candidate(0));
    const before = effects(corpus);
    const event = corpus.reviews.record({
      mistakeId: 1,
      by: "ada",
      verdict: "invalid",
      note: "7 is right",
    });
    const none = { traces: [], count: new Map(), signatures: [], answers: new Map(), near: [] };
    expect(effects(corpus)).toEqual(none);
    corpus.close();
    corpus = Corpus.open(path);
    expect(effects(corpus)).toEqual(none);
    expect(corpus.show(1).status).toBe("human-invalid");
    corpus.reviews.revoke(event);
    corpus.reviews.revoke(event);
    expect(effects(corpus)).toEqual(before);
    expect(corpus.show(1)).toMatchObject({
      status: "accepted",
      events: [
        { id: 1, kind: "verdict", mistakeId: 1, by: "ada", verdict: "invalid", note: "7 is right" },
        { id: 2, kind: "revoke", mistakeId: 1, revokes: 1 },
      ],
    });
    corpus.close();
  });

  test("what was declared right does not come back under a new id", () => {
    const corpus = Corpus.open(":memory:");
    corpus.admit(candidate(0));
    corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "invalid" });
    const repeat = candidate(7, { taskId: "task-0", answer: "answer 0" });
    expect(corpus.admit(candidate(0))).toMatchObject({ outcome: "merged", id: 1 });
    expect(corpus.admit(repeat)).toMatchObject({ outcome: "merged", id: 1 });
    expect(corpus.wrongAnswers("arithmetic", "task-0").size).toBe(0);
    const elsewhere = candidate(8, { embedding: candidate(0).embedding });
    expect(corpus.admit(elsewhere)).toMatchObject({ outcome: "admitted", id: 2, novelty: 1 });
  });

  test("where people must confirm, experts train on nothing else", () => {
    const corpus = Corpus.open(":memory:");
    corpus.admit(candidate(0));
    corpus.admit(candidate(1));
    const confirmed = (): number =>
      corpus.tracesForExpert("arithmetic", "drop-carry", { limit: 9, requireHuman: true }).length;
    expect(confirmed()).toBe(0);
    corpus.reviews.record({ mistakeId: 2, by: "ada", verdict: "valid" });
    expect(confirmed()).toBe(1);
  });

  test("on unknown mistakes and of unknown events are refused", () => {
    const corpus = Corpus.open(":memory:");
    const verdict = { mistakeId: 5, by: "ada", verdict: "valid" } as const;
    expect(() => corpus.reviews.record(verdict)).toThrow(withCode("CORPUS_UNKNOWN_MISTAKE"));
    expect(() => corpus.reviews.revoke(5)).toThrow(withCode("CORPUS_UNKNOWN_EVENT"));
  });

  test("recorded by another process are followed", () => {
    const path = join(folder, "review.db");
    const run = Corpus.open(path);
    run.admit(candidate(0));
    const review = Corpus.open(path);
    review.reviews.record({ mistakeId: 1, by: "ada", verdict: "invalid" });
    review.close();
    const elsewhere = candidate(8, { embedding: candidate(0).embedding });
    expect(run.nearest({ ...candidate(0), limit: 9 })).toEqual([]);
    expect(run.admit(elsewhere)).toMatchObject({ outcome: "admitted", id: 2 });
    run.close();
  });
});

describe("capacity", () => {
  test("the quota is capacity / cells, but at least 32", () => {
    expect(cellQuota(4096, 8)).toBe(512);
    expect(cellQuota(512, 100)).toBe(LOWEST_QUOTA);
  });

  test("the lowest quality of the cell over quota gives way, never a cell's last entry", () => {
    const corpus = Corpus.open(":memory:", { capacity: 80, novelty: false });
    for (let n = 0; n < 30; n++) corpus.admit(candidate(n, { signature: "rare", recurrence: 0 }));
    corpus.admit(candidate(30, { signature: "single", recurrence: 0 }));
    for (let n = 31; n < 200; n++) corpus.admit(candidate(n, { recurrence: (n % 10) / 10 }));
    const { bySignature, mistakes } = corpus.stats();
    expect(mistakes).toBe(80);
    expect(bySignature).toEqual({ "drop-carry": 49, rare: 30, single: 1 });
    const kept = corpus.list({ signature: "drop-carry" });
    expect(kept.filter((mistake) => mistake.recurrence >= 0.75)).toHaveLength(34);
    expect(Math.min(...kept.map((mistake) => mistake.recurrence))).toBeGreaterThanOrEqual(0.6);
  });

  test("what a person has judged stays, and evicted entries are no neighbours", () => {
    const corpus = Corpus.open(":memory:", { capacity: 3, novelty: false });
    corpus.admit(candidate(0, { recurrence: 0 }));
    corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "valid" });
    for (let n = 1; n < 6; n++) corpus.admit(candidate(n));
    expect(corpus.list().map((mistake) => mistake.id)).toEqual([1, 5, 6]);
    const near = corpus.nearest({ ...candidate(1), limit: 9 });
    expect(near.map((neighbour) => neighbour.mistake.id)).toEqual([1, 5, 6]);
  });

  test("options out of range are refused", () => {
    expect(() => Corpus.open(":memory:", { capacity: 0 })).toThrow(withCode("CORPUS_OPTION"));
  });
});

describe("transactions and files", () => {
  test("a rolled-back step leaves no trace, in memory or on disk", () => {
    const path = join(folder, "rollback.db");
    let corpus = Corpus.open(path);
    corpus.admit(candidate(0));
    const before = { stats: corpus.stats(), list: corpus.list() };
    corpus.begin();
    corpus.admit(candidate(1));
    corpus.admit(candidate(0));
    corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "invalid" });
    corpus.registerHeldOut("arithmetic", ["task-2"]);
    corpus.rollback();
    expect({ stats: corpus.stats(), list: corpus.list() }).toEqual(before);
    const near = candidate(3, { embedding: candidate(1).embedding });
    expect(corpus.admit(near)).toEqual({ outcome: "admitted", id: 2, novelty: 1 });
    expect(corpus.admit(candidate(2)).outcome).toBe("admitted");
    corpus.begin();
    corpus.commit();
    corpus.close();
    corpus = Corpus.open(path);
    expect(corpus.stats().mistakes).toBe(3);
    corpus.close();
  });

  test("equal content gives equal snapshot bytes, whatever happened on the way", () => {
    const long = "a state of some length, ".repeat(400); // pages that overflow
    const step = (corpus: Corpus, from: number, to: number): void => {
      corpus.begin();
      for (let n = from; n < to; n++) {
        corpus.admit(
          candidate(n, {
            embedding: candidate(n % 50).embedding,
            trace: [{ prompt: long, action: `${n}` }],
          }),
        );
      }
      corpus.commit();
    };
    const options = { capacity: 40 };
    const straight = Corpus.open(join(folder, "straight.db"), options);
    straight.registerHeldOut("arithmetic", ["x", "y"]);
    step(straight, 0, 60);
    step(straight, 60, 120);
    const judged = straight.list().at(-1)!.id;
    straight.reviews.record({ mistakeId: judged, by: "ada", verdict: "valid" });
    step(straight, 120, 180);
    straight.snapshot(join(folder, "straight-snapshot.db"));
    straight.close();

    const path = join(folder, "winding.db");
    let winding = Corpus.open(path, options);
    winding.registerHeldOut("arithmetic", ["y", "x"]);
    winding.begin();
    winding.admit(candidate(500));
    winding.rollback();
    step(winding, 0, 60);
    winding.close();
    winding = Corpus.open(path, options);
    winding.snapshot(join(folder, "checkpoint.db"));
    step(winding, 60, 90); // goes on past the checkpoint, is killed, and resumes from it
    winding.close();
    winding = Corpus.restore(join(folder, "checkpoint.db"), path, options);
    winding.snapshot(join(folder, "checkpoint-2.db"));
    step(winding, 60, 120);
    winding.close();
    winding = Corpus.open(path, options);
    winding.reviews.record({ mistakeId: judged, by: "ada", verdict: "valid" });
    winding.begin();
    winding.reviews.record({ mistakeId: judged, by: "ada", verdict: "invalid" });
    winding.rollback();
    step(winding, 120, 180);
    winding.snapshot(join(folder, "winding-snapshot.db"));

    const bytes = (name: string): Buffer => readFileSync(join(folder, name));
    expect(bytes("checkpoint-2.db").equals(bytes("checkpoint.db"))).toBe(true);
    expect(bytes("winding-snapshot.db").equals(bytes("straight-snapshot.db"))).toBe(true);
    winding.admit(candidate(900));
    winding.snapshot(join(folder, "winding-snapshot.db"));
    expect(bytes("winding-snapshot.db").equals(bytes("straight-snapshot.db"))).toBe(false);
    winding.close();
  });

  test("a snapshot can be read without changing a byte of it", () => {
    const corpus = Corpus.open(":memory:");
    corpus.admit(candidate(0));
    const path = join(folder, "read-only.db");
    corpus.snapshot(path);
    copyFileSync(path, join(folder, "copy.db"));
    const reader = Corpus.open(path, { readOnly: true });
    expect(reader.show(1)).toEqual(corpus.show(1));
    expect(reader.nearest({ ...candidate(0), limit: 1 })[0]?.similarity).toBe(1);
    expect(() => reader.admit(candidate(1))).toThrow(withCode("CORPUS_READ_ONLY"));
    reader.close();
    expect(readFileSync(path).equals(readFileSync(join(folder, "copy.db")))).toBe(true);
  });

  test("a process killed in mid-transaction loses that transaction and nothing else", async () => {
    const path = join(folder, "killed.db");
    const script = `
      import { createJiti } from "jiti";
      const { Corpus } = await createJiti(import.meta.url).import(process.argv[1]);
      const [path, candidates] = process.argv.slice(2);
      const all = JSON.parse(candidates).map((c) => ({ ...c, embedding: Float32Array.from(c.embedding) }));
      const corpus = Corpus.open(path);
      corpus.begin();
      corpus.admit(all[0]);
      corpus.admit(all[1]);
      corpus.commit();
      corpus.begin();
      corpus.admit(all[2]);
      corpus.admit(all[0]);
      process.stdout.write("in the transaction");
      setInterval(() => {}, 1000);`;
    const source = fileURLToPath(new URL("./corpus.ts", import.meta.url));
    const candidates = [0, 1, 2].map((n) => ({
      ...candidate(n),
      embedding: [...candidate(n).embedding],
    }));
    const child = spawn(
      process.execPath,
      ["--input-type=module", "--eval", script, source, path, JSON.stringify(candidates)],
      {
        cwd: fileURLToPath(new URL("../../../", import.meta.url)),
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const exited = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
    await Promise.race([new Promise((resolve) => child.stdout.once("data", resolve)), exited]);
    child.kill("SIGKILL");
    expect(await exited).toBe("SIGKILL");

    const corpus = Corpus.open(path);
    expect(corpus.list().map((mistake) => [mistake.taskId, mistake.support])).toEqual([
      ["task-0", 1],
      ["task-1", 1],
    ]);
    expect(corpus.stats()).toMatchObject({ admitted: 2, merged: 0, traces: 2 });
    expect(corpus.admit(candidate(2))).toEqual({ outcome: "admitted", id: 3, novelty: 1 });
    corpus.close();
  }, 30_000);
});
