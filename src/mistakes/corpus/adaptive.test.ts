/** The corpus as it adapts: exposures, quarantine, clusters, coverage, review, and how well it tells errors from noise. */
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Random } from "../../util/random.js";
import { MOST_CLUSTERS, editEmbedding } from "./clusters.js";
import { Corpus } from "./corpus.js";
import { worthShares } from "./partner-worth.js";
import { areaUnderCurve } from "./discrimination.js";
import type { Candidate } from "./mistake.js";
import { replayProbabilities } from "./sampling.js";
import { uncertainty } from "./queue.js";

let corpus: Corpus;
beforeEach(() => {
  corpus = Corpus.open(":memory:");
});
afterEach(() => corpus.close());

function candidate(n: number, changes: Partial<Candidate> = {}): Candidate {
  const embedding = new Float32Array(64);
  embedding[n % 64] = 1;
  return {
    correct: false,
    domain: "sums",
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
    step: n,
    trace: [
      {
        prompt: `state ${n}`,
        action: `step ${n}`,
      },
    ],
    ...changes,
  };
}

describe("mistakes met again", () => {
  test("are known at every task they were made at, with the answers they led to there", () => {
    corpus.admit(candidate(0));
    corpus.admit(candidate(1, { embedding: candidate(0).embedding, answer: "same" })); // merged
    corpus.admit(candidate(2));
    const known = corpus.exposures.knownAt("sums", "task-1");
    expect(known).toEqual([
      { id: 1, state: "state 0", wrongStep: "step 0", answers: new Set(["same"]) },
    ]);
    corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "invalid" });
    expect(corpus.exposures.knownAt("sums", "task-1")).toEqual([]);
  });

  test("give replication rates by signature and by task, without what was revoked", () => {
    corpus.admit(candidate(0));
    corpus.admit(candidate(1, { signature: "always-carry" }));
    for (const [id, again] of [
      [1, true],
      [1, true],
      [1, false],
      [1, true],
      [2, false],
    ] as const)
      corpus.exposures.record(id, again, 1);
    expect(corpus.exposures.rates("sums")).toEqual(
      new Map([
        ["always-carry", { exposures: 1, rate: 0 }],
        ["drop-carry", { exposures: 4, rate: 0.75 }],
      ]),
    );
    expect(corpus.exposures.ratesByTask("sums").get("task-0")).toBe(0.75);
    corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "invalid" });
    expect(corpus.exposures.ratesByTask("sums").has("task-0")).toBe(false);
    expect(corpus.exposures.rates("sums").has("drop-carry")).toBe(false);
  });

  test("retire after sixteen visits without repetition, are re-tested in 2% of draws, and reopen", () => {
    corpus.admit(candidate(0));
    corpus.admit(candidate(1));
    corpus.admit(candidate(2));
    for (let i = 0; i < 16; i++) corpus.exposures.record(1, false, i);
    expect(corpus.show(1).status).toBe("retired");
    const random = Random.from(1, "replay");
    let retired = 0;
    const draws = 4000;
    for (let i = 0; i < draws; i++)
      retired += corpus
        .sample({ domain: "sums", count: 1, step: 20, random })
        .filter((m) => m.id === 1).length;
    expect(retired / draws).toBeGreaterThan(0.01);
    expect(retired / draws).toBeLessThan(0.035);
    corpus.exposures.record(1, true, 20);
    expect(corpus.show(1).status).toBe("accepted");
  });

  test("are drawn by rank of quality, and what has not been met for long is drawn too", () => {
    const entry = (id: number, quality: number, staleness: number) => ({
      id,
      quality,
      staleness,
      retired: false,
    });
    const [best, worst, stale] = replayProbabilities([
      entry(1, 0.9, 1),
      entry(2, 0.1, 1),
      entry(3, 0.1, 98),
    ]);
    expect(best).toBeGreaterThan(worst!);
    expect(stale! - worst!).toBeGreaterThan(0.1); // .2 of the mass goes by staleness
  });
});

describe("the guard against poison", () => {
  const agreed = { domain: "sums", taskId: "task-0", answer: "42", trustedToo: false };
  const fill = (evidence: Candidate["evidence"], weak: readonly string[]): void => {
    for (const source of ["student", ...weak])
      corpus.admit(candidate(0, { answer: "42", source, evidence }));
  };

  test.each([
    [0.7, ["weak:a", "weak:b"], 1],
    [0.69, ["weak:a", "weak:b"], 0],
    [1, ["weak:a"], 0],
    [1, [], 0],
  ] as const)("at a share of %d and weak models %j holds back %d", (share, weak, held) => {
    fill("heuristic", weak);
    expect(corpus.quarantine({ ...agreed, share })).toBe(held);
    expect(corpus.show(1).status).toBe(held === 1 ? "quarantined" : "candidate");
    expect(corpus.traceCount("sums").size).toBe(held === 1 ? 0 : 1);
  });

  test("leaves a trusted label alone, unless a second checker accepts the answer", () => {
    fill("test", ["weak:a", "weak:b"]);
    expect(corpus.quarantine({ ...agreed, share: 1 })).toBe(0);
    expect(corpus.quarantine({ ...agreed, share: 1, trustedToo: true })).toBe(1);
    expect(corpus.quarantine({ ...agreed, share: 1, trustedToo: true })).toBe(0); // already
  });

  test("gives way to a person's word", () => {
    fill("heuristic", ["weak:a", "weak:b"]);
    corpus.quarantine({ ...agreed, share: 1 });
    const event = corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "valid" });
    expect(corpus.show(1).status).toBe("human-valid");
    corpus.reviews.revoke(event);
    expect(corpus.show(1).status).toBe("quarantined");
  });
});

describe("clusters of edits", () => {
  const unnamed = (n: number, wrongStep: string, correctStep: string, family = "carry") => {
    const { signature: _, ...rest } = candidate(n);
    return {
      ...rest,
      wrongStep,
      correctStep,
      edit: { family, embedding: editEmbedding({ wrongStep, correctStep }) },
    };
  };
  const signatureAt = (given: Candidate): string => {
    const admission = corpus.admit(given);
    if (admission.outcome === "rejected") return "rejected";
    return corpus.signaturesAt(admission.id).join();
  };

  test("name slips of one kind alike, whatever the numbers, and another kind otherwise", () => {
    const names = [
      unnamed(0, "x = 3 + 4", "x = 3 - 4"),
      unnamed(1, "y = 12 + 5", "y = 12 - 5"),
      unnamed(2, "return total", "return total / len(items)"),
      unnamed(3, "return count", "return count / len(rows)"),
    ].map(signatureAt);
    expect(names[0]).toBe(names[1]);
    expect(names[2]).not.toBe(names[0]);
  });

  test("tell apart in which direction a number is off", () => {
    const names = [
      ["3", "4"],
      ["7", "8"],
      ["4", "3"],
      ["9", "8"],
    ].map(([wrong, right], n) => signatureAt(unnamed(n, wrong!, right!)));
    expect(names[0]).toBe(names[1]);
    expect(names[2]).toBe(names[3]);
    expect(names[0]).not.toBe(names[2]);
  });

  test("never mix families, and are no more than there may be", () => {
    expect(signatureAt(unnamed(0, "3", "4"))).not.toBe(signatureAt(unnamed(1, "3", "4", "sign")));
    const names = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const letters = String.fromCharCode(97 + (i % 26), 97 + ((7 * i) % 26), 97 + ((11 * i) % 26));
      names.add(signatureAt(unnamed(2 + i, letters, letters.toUpperCase())));
    }
    expect(names.size).toBeLessThanOrEqual(MOST_CLUSTERS);
    expect(names.size).toBeGreaterThan(4);
  });

  test("are not moved by held-out tasks, nor asked where a rule has named the mistake", () => {
    corpus.registerHeldOut("sums", ["task-0"]);
    expect(signatureAt(unnamed(0, "left", "right"))).toBe("rejected");
    expect(signatureAt(unnamed(1, "3", "4"))).toBe("carry-1"); // the first of its family
    const named = { ...unnamed(2, "3", "4"), signature: "drop-carry" };
    expect(signatureAt(named)).toBe("drop-carry");
  });
});

describe("what a weak model is worth", () => {
  const value = (models: Record<string, readonly number[]>, agree = 0, cost = 1) =>
    worthShares(
      Object.entries(models).map(([source, similarity]) => ({ source, cost, similarity })),
      () => agree,
      { redundancy: 0.9 },
    );

  test("is what it covers beyond the others", () => {
    const values = value({
      twin: [0.9, 0.9, 0, 0],
      first: [0.9, 0.9, 0.1, 0],
      other: [0, 0, 0, 0.8],
    });
    const gain = new Map(values.map((v) => [v.source, v.gain]));
    expect(gain.get("first")).toBeCloseTo(1.9 / 4, 9);
    expect(gain.get("other")).toBeCloseTo(0.8 / 4, 9);
    expect(gain.get("twin")).toBeCloseTo(0, 9);
  });

  test("gives shares that sum to 1, none below the floor but those that rest", () => {
    const similarity = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: 3,
      maxLength: 3,
    });
    fc.assert(
      fc.property(fc.array(similarity, { minLength: 1, maxLength: 12 }), (rows) => {
        const values = value(Object.fromEntries(rows.map((row, i) => [`m${i}`, row])));
        expect(values.reduce((sum, v) => sum + v.share, 0)).toBeCloseTo(1, 9);
        for (const v of values) expect(v.share).toBeGreaterThanOrEqual(0.05 - 1e-9);
      }),
    );
  });

  test("lets one rest that agrees with another and adds nothing, and only then", () => {
    const twins = { a: [0.9, 0.9], b: [0.9, 0.9] };
    expect(value(twins, 0.95).map((v) => v.redundant)).toEqual([false, true]);
    expect(value(twins, 0.5).map((v) => v.redundant)).toEqual([false, false]);
    expect(value({ a: [0.9, 0], b: [0, 0.9] }, 0.95).map((v) => v.redundant)).toEqual([
      false,
      false,
    ]);
    expect(value({ a: [], b: [] }, 1).map((v) => v.share)).toEqual([0.5, 0.5]);
  });
});

describe("systematic errors against noise", () => {
  test("the area under the curve is the chance of a higher score, ties counting half", () => {
    const scores = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(scores, scores, (positive, negative) => {
        let wins = 0;
        for (const p of positive) for (const n of negative) wins += p > n ? 1 : p === n ? 0.5 : 0;
        const area = areaUnderCurve(positive, negative);
        expect(area.mean).toBeCloseTo(wins / (positive.length * negative.length), 9);
        expect(area.low).toBeLessThanOrEqual(area.high);
      }),
    );
  });

  test("is measured on what the mal-rules explain", () => {
    corpus.admit(candidate(0, { recurrence: 0.9 }));
    corpus.admit(candidate(1, { recurrence: 0.1, signature: "unrecognised" }));
    const measured = corpus.discrimination("sums", ["drop-carry"]);
    expect(measured).toMatchObject({ systematic: 1, noise: 1, quality: { mean: 1 } });
    expect(corpus.discrimination("sums", []).quality).toBeUndefined();
  });
});

describe("the review queue", () => {
  test("puts what is held back first, the audit sample next, the doubtful and frequent before the rest", () => {
    for (let n = 0; n < 40; n++) corpus.admit(candidate(n));
    corpus.admit(candidate(40, { evidence: "heuristic", confidence: 0.6, recurrence: 1 }));
    corpus.reviews.record({ mistakeId: 7, by: "bob", verdict: "wrong-step" });
    const queue = corpus.reviews.queue({ by: "ada", limit: 50 });
    expect(queue[0]!.mistake.id).toBe(7);
    const ranks = queue.slice(1).map((e) => (e.audit ? 1 : 2));
    expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    expect(queue.find((e) => !e.audit && e.mistake.id !== 7)!.mistake.id).toBe(41);
    expect(corpus.reviews.queue({ by: "bob", limit: 50 }).map((e) => e.mistake.id)).not.toContain(
      7,
    );
    expect(uncertainty(0.5)).toBe(1);
    expect(uncertainty(1)).toBeLessThan(0.1);
  });

  test("audits one in twenty, and reports the precision of what was accepted unasked", () => {
    for (let n = 0; n < 400; n++)
      corpus.admit(
        candidate(n, {
          level: `${n % 40}`,
          embedding: candidate(Math.floor(n / 40)).embedding,
          state: `s${n}`,
        }),
      );
    const audit = corpus.reviews.queue({ limit: 1000 }).filter((e) => e.audit);
    const all = corpus.stats().mistakes;
    expect(audit.length / all).toBeGreaterThan(0.01);
    expect(audit.length / all).toBeLessThan(0.12);
    for (const [i, { mistake }] of audit.entries())
      corpus.reviews.record({
        mistakeId: mistake.id,
        by: "ada",
        verdict: i === 0 ? "invalid" : "valid",
      });
    const { precision, audited } = corpus.reviews.report();
    expect(audited).toBe(audit.length);
    expect(precision!.mean).toBeCloseTo((audited - 1) / audited, 9);
    expect(precision!.low).toBeLessThan(precision!.mean);
  });

  test("reviewers who disagree hold a mistake back until all their verdicts decide", () => {
    for (let n = 0; n < 30; n++) corpus.admit(candidate(n));
    corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "valid" });
    corpus.reviews.record({ mistakeId: 1, by: "bob", verdict: "invalid" });
    expect(corpus.show(1).status).toBe("quarantined");
    // Bob turns out to call everything invalid, against two others who agree.
    for (let id = 2; id <= 25; id++) {
      for (const by of ["ada", "eve"])
        corpus.reviews.record({ mistakeId: id, by, verdict: id % 2 === 0 ? "valid" : "invalid" });
      corpus.reviews.record({ mistakeId: id, by: "bob", verdict: "invalid" });
    }
    expect(corpus.show(1).status).toBe("human-valid");
    expect(corpus.reviews.report().reliability!["ada"]).toBeGreaterThan(
      corpus.reviews.report().reliability!["bob"]!,
    );
  });

  test("a reviewer's own right step stands while the verdict does", () => {
    corpus.admit(candidate(0, { correctStep: "known" }));
    const event = corpus.reviews.record({
      mistakeId: 1,
      by: "ada",
      verdict: "valid",
      fix: "better",
    });
    expect(corpus.show(1).correctStep).toBe("better");
    corpus.reviews.revoke(event);
    expect(corpus.show(1).correctStep).toBe("known");
  });

  test("quality is set against people's word", () => {
    corpus.admit(candidate(0, { recurrence: 0.9 }));
    corpus.admit(candidate(1, { recurrence: 0.1 }));
    corpus.reviews.record({ mistakeId: 1, by: "ada", verdict: "valid" });
    corpus.reviews.record({ mistakeId: 2, by: "ada", verdict: "invalid" });
    expect(corpus.reviews.calibration()).toEqual([
      { from: 0, to: 0.2, judged: 1, valid: 0 },
      { from: 0.8, to: 1, judged: 1, valid: 1 },
    ]);
  });
});
