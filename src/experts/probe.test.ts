import { describe, expect, test } from "vitest";
import { parseConfig } from "../config/parse.js";
import { LocalEngine } from "../engine/local.js";
import type { Environment, Task } from "../environments/environment.js";
import { sampler, type Sampler } from "../play/explore.js";
import type { Model } from "../models/model.js";
import type { Prompt } from "../models/tokenizer.js";
import { accuracy, inGroups, play } from "../play/play.js";
import { defaultProbe, probe } from "./probe.js";
import { Random } from "../util/random.js";
import { lowerBound, studentQuantile } from "../util/statistics/intervals.js";
import {
  cuePolicy,
  cues,
  cueTask,
  cueTokenizer,
  regardless,
  rightAnswer,
  scriptedModel,
} from "../testing/testing.js";

const environment = cues as Environment;
/** Sixteen tasks that hold a single b, at the end. */
const tasks = Array.from({ length: 16 }, (_, i) =>
  cueTask(`${[9, 3, 1].map((place) => "acd"[Math.floor(i / place) % 3]).join("")}b`),
);

/** Solves each task with probability p: all depends on the b. */
const solving = (p: number): Model =>
  scriptedModel((cue, random) => (cue === "b" && random.uniform() >= p ? "x" : rightAnswer(cue)));
const wrong = scriptedModel(() => "z");
const right = scriptedModel((cue) => rightAnswer(cue));

/** Counts the actions asked of a model. */
function counting(model: Model): Model & { asked: number } {
  const counted = {
    asked: 0,
    act: (observations: readonly Prompt[], random: Random) => {
      counted.asked += observations.length;
      return model.act(observations, random);
    },
  };
  return counted;
}

/** Plays a scripted model. */
const sampled =
  (model: Model): Sampler =>
  async (list, attempts, random) =>
    inGroups(
      await play(
        environment,
        model,
        list.flatMap((task) => new Array<Task>(attempts).fill(task)),
        random,
      ),
      attempts,
    );

const probeOf = (student: Model, experts: Record<string, Model>, seed = 1, list = tasks) =>
  probe(
    sampled(student),
    new Map(Object.entries(experts).map(([name, model]) => [name, sampled(model)])),
    list,
    4,
    Random.from(seed, "probe"),
  );

describe("a probe", () => {
  test("commits the expert that helps most", async () => {
    const result = await probeOf(wrong, { useless: wrong, some: solving(0.5), most: right });
    expect(result.committed).toBe("most");
    expect(result.hard).toBe(16);
    expect(result.uplifts.map((u) => u.signature)).toEqual(["useless", "some", "most"]);
    expect(result.uplifts[0]).toMatchObject({ mean: 0, lower: 0 });
    expect(result.uplifts[1]!.mean).toBeGreaterThan(0.1);
    expect(result.uplifts[1]!.lower).toBeLessThan(result.uplifts[1]!.mean);
    expect(result.uplifts[2]).toMatchObject({ mean: 1, lower: 1 });
  });

  test("commits none where no expert does better than the student", async () => {
    expect(
      (await probeOf(wrong, { same: wrong, worse: scriptedModel(() => "a") })).committed,
    ).toBeUndefined();
    expect((await probeOf(wrong, {})).committed).toBeUndefined();
  });

  test("commits none that makes things worse", async () => {
    // Hard tasks have at most one success in four, so a student of 20% keeps plenty to lose.
    const result = await probeOf(solving(0.2), { worse: wrong });
    expect(result.uplifts[0]!.mean).toBeLessThan(0);
    expect(result.committed).toBeUndefined();
  });

  test("is not taken in by regression to the mean", async () => {
    // The tasks on which a student of 40% happened to fail look hard; a fresh sample is as good as
    // ever. An expert that is the student itself gains .3 over the first sample and nothing over a second.
    const seeds = Array.from({ length: 40 }, (_, seed) => seed);
    const results = await Promise.all(
      seeds.map((seed) => probeOf(solving(0.4), { itself: solving(0.4) }, seed)),
    );
    const measured = results.filter((r) => r.uplifts.length > 0);
    expect(measured.length).toBeGreaterThan(20);
    const gains = measured.map((r) => r.uplifts[0]!.mean);
    expect(Math.abs(gains.reduce((a, b) => a + b, 0) / gains.length)).toBeLessThan(0.1);
    // One standard error: about one useless expert in six passes by luck, not nearly all.
    expect(measured.filter((r) => r.committed !== undefined).length / measured.length).toBeLessThan(
      0.4,
    );
  });

  test("measures the student afresh on the hard tasks, and counts every episode", async () => {
    const student = counting(wrong);
    const useful = counting(right);
    const { rollouts, hard } = await probeOf(student, { useful });
    expect(hard).toBe(16);
    expect(rollouts).toBe(3 * 16 * 4); // the first sample, the student's own second one, the expert's
    expect(student.asked).toBe(2 * 16 * 4 * 4); // four attempts of four actions each
    expect(useful.asked).toBe(16 * 4 * 4);
  });

  test("commits none on fewer than four hard tasks, and plays no more for it", async () => {
    const result = await probeOf(wrong, { right }, 1, tasks.slice(0, 3));
    expect(result).toEqual({ hard: 3, rollouts: 12, uplifts: [], committed: undefined });
    expect((await probeOf(right, { right })).hard).toBe(0);
    expect((await probeOf(wrong, { right }, 1, tasks.slice(0, 4))).committed).toBe("right");
  });

  test("takes as hard what succeeded at most once", async () => {
    // The four attempts at a task come one after another: one right, then two, at every other task.
    const scripted: Model = {
      act: async (observations, random) => {
        const actions = await right.act(observations, random);
        return actions.map((action, i) =>
          i % 4 <= Math.floor(i / 4) % 2 ? action : { ...action, text: "z" },
        );
      },
    };
    expect((await probeOf(scripted, {}, 1, tasks.slice(0, 8))).hard).toBe(4);
  });
});

describe("a probe by rejection", () => {
  // Nearly always x at b and d; the expert knows that.
  const policy = cuePolicy({ ...regardless({ x: 0.7, y: 0.3 }), a: { x: 1 }, c: { x: 1 } });
  const expert = cuePolicy({ ...regardless({ x: 0.95, y: 0.05 }), a: { x: 1 }, c: { x: 1 } });
  const list = tasks.map((task) => cueTask(`${(task.data as string).slice(1)}b`));
  const player = {
    engine: new LocalEngine(),
    environment,
    tokenizer: cueTokenizer,
    config: parseConfig({ explore: { form: "rejection" } }),
  };

  test("measures what second halves do: choose among twice as many attempts", async () => {
    let [sum, measured] = [0, 0];
    for (let seed = 0; seed < 12; seed++) {
      const { uplifts } = await probe(
        sampler(player, policy),
        new Map([["always-x", sampler(player, policy, expert)]]),
        list,
        4,
        Random.from(seed, "probe"),
      );
      measured += uplifts.length;
      sum += uplifts.reduce((a, u) => a + u.mean, 0);
    }
    expect(measured).toBeGreaterThan(8);
    // Of eight attempts, each right with .09 at most, the right ones are kept: up to .18 of four.
    expect(sum / measured).toBeGreaterThan(0.03);
  });

  test("keeps as many attempts as were asked for, sampled from the student itself", async () => {
    const random = Random.from(2, "probe");
    const groups = await sampler(player, policy, expert)(list, 32, random);
    expect(groups.map((g) => g.task)).toEqual(list);
    expect(groups.every((g) => g.rollouts.length === 32)).toBe(true);
    expect(groups.some((g) => g.rollouts.some((r) => r.offPolicy))).toBe(false);
    const plain = await sampler(player, policy)(list, 32, random);
    const mean = (of: typeof groups): number => accuracy(of.flatMap((g) => g.rollouts));
    expect(mean(groups)).toBeGreaterThan(1.5 * mean(plain));
  });
});

describe("the bound an expert must pass", () => {
  test("is Student's: two tasks that agree by luck prove less than sixteen", () => {
    const gains = (n: number) => Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 0.5 : 0));
    const t = { lcb: "t", confidence: 0.8413 } as const;
    const normal = { ...t, lcb: "normal" } as const;
    for (const n of [4, 16, 64]) {
      expect(lowerBound(gains(n), t)).toBeLessThan(lowerBound(gains(n), normal));
      const s = Math.sqrt((0.0625 * n) / (n - 1));
      expect(lowerBound(gains(n), normal)).toBeCloseTo(0.25 - s / Math.sqrt(n), 4);
    }
    expect(lowerBound([1], t)).toBe(-Infinity);
    expect(lowerBound([1, 1, 1, 1], t)).toBe(1);
  });

  test("has the quantiles of the tables", () => {
    // https://www.itl.nist.gov/div898/handbook/eda/section3/eda3672.htm
    for (const [p, freedom, t] of [
      [0.95, 1, 6.314],
      [0.95, 3, 2.353],
      [0.975, 10, 2.228],
      [0.99, 30, 2.457],
      [0.975, 1e6, 1.96],
    ] as const) {
      expect(studentQuantile(p, freedom)).toBeCloseTo(t, 2);
      expect(studentQuantile(1 - p, freedom)).toBeCloseTo(-t, 2);
    }
  });

  test("holds a useless expert back about as often as it says", async () => {
    const strict = { ...defaultProbe, confidence: 0.975 };
    let [measured, committed] = [0, 0];
    for (let seed = 0; seed < 40; seed++) {
      const result = await probe(
        sampled(solving(0.2)),
        new Map([["itself", sampled(solving(0.2))]]),
        tasks,
        4,
        Random.from(seed, "probe"),
        strict,
      );
      measured += Number(result.uplifts.length > 0);
      committed += Number(result.committed !== undefined);
    }
    expect(measured).toBe(40);
    expect(committed).toBeLessThanOrEqual(5); // expected 1; P(more than 5) < .001
  });

  test("is passed by regression to the mean where the sample is not independent", async () => {
    const options = { ...defaultProbe, independentSample: false };
    let [sum, measured] = [0, 0];
    for (let seed = 0; seed < 20; seed++) {
      const { uplifts } = await probe(
        sampled(solving(0.4)),
        new Map([["itself", sampled(solving(0.4))]]),
        tasks,
        4,
        Random.from(seed, "probe"),
        options,
      );
      if (uplifts.length === 0) continue;
      measured++;
      sum += uplifts[0]!.mean;
    }
    expect(sum / measured).toBeGreaterThan(0.12);
  });
});
