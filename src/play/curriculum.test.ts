import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../config/parse.js";
import { Curriculum, defaultCurriculum, drawTasks, type CurriculumState } from "./curriculum.js";
import type { Environment, Task } from "../environments/environment.js";
import { presets } from "../students/presets/presets.js";
import { Random } from "../util/random.js";
import { runTasks } from "../launch/tasks.js";
import { cues, cueTask } from "../testing/testing.js";

const environment = cues as Environment;
const rows = Array.from({ length: 64 }, (_, i) =>
  [16, 4, 1].map((place) => "abcd"[Math.floor(i / place) % 4]).join(""),
);
const pool = rows.map((row) => cueTask(`${row}a`));
const ids = (tasks: readonly Task[]): string[] => tasks.map((t) => t.id);

describe("drawn tasks", () => {
  const draw = (count: number, levels: readonly string[] = ["long"], seed = 0): Task[] =>
    drawTasks(environment, { split: "train", levels, count, random: Random.from(seed, "pool") });

  test("are distinct, of the split asked for, and as many as asked for", () => {
    const tasks = draw(60);
    expect(new Set(ids(tasks)).size).toBe(60);
    expect(tasks.every((t) => t.split === "train")).toBe(true);
  });

  test("are spread evenly over the levels", () => {
    const short = draw(6, ["short", "long"]).filter((t) => t.level === "short");
    expect(Math.abs(short.length - 3)).toBeLessThanOrEqual(1);
  });

  test("are fewer where the split runs out", () => {
    const tasks = draw(10_000, ["short"]);
    expect(tasks.length).toBeGreaterThan(0);
    expect(tasks.length).toBeLessThanOrEqual(16);
    expect(new Set(ids(tasks)).size).toBe(tasks.length);
  });

  test("are the same for the same seed", () => {
    expect(draw(30)).toEqual(draw(30));
    expect(ids(draw(30))).not.toEqual(ids(draw(30, ["long"], 1)));
  });
});

describe("the tasks of a run", () => {
  test("for training and for evaluation never meet, in any preset; the held-out ones are the same for all seeds", () => {
    for (const preset of Object.values(presets)) {
      const tasksFor = (seed: number) =>
        runTasks({
          environment: preset.environment(),
          preset,
          config: parseConfig({ seed, pool: 60, evaluationTasks: 30 }),
        });
      const [first, second] = [tasksFor(0), tasksFor(1)];
      const heldOut = new Set(ids(first.heldOut));
      expect(first.pool.filter((t) => heldOut.has(t.id))).toEqual([]);
      expect(first.heldOut.every((t) => t.split === "test")).toBe(true);
      expect(first.pool.every((t) => t.split === "train")).toBe(true);
      expect(ids(second.heldOut)).toEqual(ids(first.heldOut));
      expect(ids(second.pool)).not.toEqual(ids(first.pool));
    }
  });
});

describe("the curriculum", () => {
  const failures = (curriculum: Curriculum, task: Task, times: number): void => {
    for (let i = 0; i < times; i++) curriculum.record(task, false);
  };

  test("gives distinct tasks of the pool, all of them when there are no more", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 100 }), (seed, count) => {
        const tasks = new Curriculum(pool).next(count, Random.from(seed, "tasks"));
        expect(tasks).toHaveLength(Math.min(count, pool.length));
        expect(new Set(tasks).size).toBe(tasks.length);
        expect(tasks.every((t) => pool.includes(t))).toBe(true);
      }),
    );
  });

  test("is the same for the same seed", () => {
    const next = (seed: number): string[] =>
      ids(new Curriculum(pool).next(16, Random.from(seed, "tasks")));
    expect(next(3)).toEqual(next(3));
    expect(next(3)).not.toEqual(next(4));
  });

  test("visits all tasks alike", () => {
    const curriculum = new Curriculum(pool);
    const random = Random.from(1, "tasks");
    const visits = new Map<string, number>();
    for (let i = 0; i < 200; i++)
      for (const { id } of curriculum.next(16, random)) visits.set(id, (visits.get(id) ?? 0) + 1);
    expect(visits.size).toBe(64);
    const chiSquare = [...visits.values()].reduce((sum, n) => sum + (n - 50) ** 2 / 50, 0);
    expect(chiSquare).toBeLessThan(103.4); // 63 degrees of freedom, p = .001
  });

  test("parks a task after eight visits in a row without success, not after seven", () => {
    const curriculum = new Curriculum(pool);
    failures(curriculum, pool[0]!, 8);
    failures(curriculum, pool[1]!, 7);
    const random = Random.from(2, "tasks");
    const seen = new Set(Array.from({ length: 100 }, () => curriculum.next(16, random)).flat());
    expect(seen.has(pool[0]!)).toBe(false);
    expect(seen.has(pool[1]!)).toBe(true);
    expect(seen.size).toBe(63);
  });

  test("counts afresh after a success, and brings a parked task back", () => {
    const curriculum = new Curriculum(pool);
    failures(curriculum, pool[0]!, 7);
    curriculum.record(pool[0]!, true);
    failures(curriculum, pool[0]!, 7);
    failures(curriculum, pool[1]!, 9);
    curriculum.record(pool[1]!, true);
    expect(curriculum.stuck).toEqual({ [pool[0]!.id]: 7 });
    expect(new Set(ids(curriculum.next(64, Random.from(3, "tasks"))))).toEqual(new Set(ids(pool)));
  });

  test("takes parked tasks too rather than too few", () => {
    const curriculum = new Curriculum(pool.slice(0, 4));
    for (const task of pool.slice(0, 3)) failures(curriculum, task, 8);
    expect(new Set(curriculum.next(2, Random.from(4, "tasks"))).size).toBe(2);
    expect(curriculum.next(1, Random.from(4, "tasks"))).toEqual([pool[3]]);
  });

  test("carries on from what a checkpoint saved", () => {
    const before = new Curriculum(pool);
    failures(before, pool[5]!, 8);
    failures(before, pool[6]!, 3);
    const after = new Curriculum(pool, JSON.parse(JSON.stringify(before.state)) as CurriculumState);
    expect(after.stuck).toEqual(before.stuck);
    expect(ids(after.next(60, Random.from(5, "tasks")))).toEqual(
      ids(before.next(60, Random.from(5, "tasks"))),
    );
  });
});

describe("a curriculum that prefers some tasks", () => {
  const visits = (curriculum: Curriculum, options?: Parameters<Curriculum["next"]>[2]) => {
    const random = Random.from(1, "tasks");
    const counts = new Map<string, number>();
    for (let i = 0; i < 300; i++)
      for (const { id } of curriculum.next(4, random, options))
        counts.set(id, (counts.get(id) ?? 0) + 1);
    return (task: Task): number => counts.get(task.id) ?? 0;
  };
  const played = (curriculum: Curriculum, task: Task, right: number, advantage = 0): void => {
    for (let i = 0; i < 4; i++)
      curriculum.record(task, right > 0, { attempts: 8, right, advantage });
  };
  const [hard, half, easy] = [pool[0]!, pool[1]!, pool[2]!];
  const mode = (name: "learnability" | "bandit", changes = {}): Curriculum =>
    new Curriculum(pool, {}, { ...defaultCurriculum, mode: name, ...changes });

  test("plays what it half solves more than what it always or never solves", () => {
    const curriculum = mode("learnability", { parkAfter: 100 });
    for (const task of pool) played(curriculum, task, 8);
    played(curriculum, hard, 0);
    played(curriculum, half, 4);
    expect(curriculum.learnability(half)).toBeGreaterThan(curriculum.learnability(hard));
    expect(curriculum.learnability(half)).toBeGreaterThan(curriculum.learnability(easy));
    const count = visits(curriculum);
    expect(count(half)).toBeGreaterThan(3 * count(easy));
    expect(count(easy)).toBeGreaterThan(0); // a tenth is uniform
  });

  test.each([0, 8])("goes on where all that was seen of a level is %i of 8 right", (right) => {
    const curriculum = mode("learnability", { parkAfter: 100 });
    played(curriculum, hard, right);
    const p = curriculum.successRate(half);
    expect(p > 0 && p < 1).toBe(true);
    expect(curriculum.next(4, Random.from(1, "next"))).toHaveLength(4);
  });

  test("plays tasks whose known mistakes are still made more than others", () => {
    const replicationRate = ({ id }: Task): number => (id === hard.id ? 1 : 0);
    const count = visits(mode("learnability"), { replicationRate });
    expect(count(hard)).toBeGreaterThan(1.5 * count(half));
    const without = visits(mode("learnability", { replication: 0 }), { replicationRate });
    expect(Math.abs(without(hard) - without(half))).toBeLessThan(20);
  });

  test("as a bandit plays the level where advantages are largest", () => {
    const mixed = [
      ...pool.slice(0, 20),
      ...["ab", "ba", "cd", "dc", "aa", "bb"].map((r) => cueTask(r)),
    ];
    const curriculum = new Curriculum(mixed, {}, { ...defaultCurriculum, mode: "bandit" });
    for (const task of mixed)
      curriculum.record(task, true, {
        attempts: 8,
        right: 4,
        advantage: task.level === "short" ? 0.9 : 0.1,
      });
    const count = visits(curriculum);
    const short = mixed.filter((t) => t.level === "short").reduce((n, t) => n + count(t), 0);
    expect(short / 1200).toBeGreaterThan(0.8);
    expect(short / 1200).toBeLessThan(1);
  });

  test("begins with the tasks it is given, and never repeats one", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("uniform", "learnability", "bandit"),
        fc.nat(70),
        (name, count) => {
          const curriculum = new Curriculum(pool, {}, { ...defaultCurriculum, mode: name });
          const first = [pool[5]!, pool[9]!];
          const tasks = curriculum.next(count, Random.from(1, "tasks"), { first });
          expect(tasks.slice(0, 2)).toEqual(first.slice(0, count));
          expect(new Set(ids(tasks)).size).toBe(Math.min(count, pool.length));
        },
      ),
    );
  });

  test("draws what the uniform one always drew, whatever it has recorded", () => {
    const curriculum = new Curriculum(pool);
    played(curriculum, half, 4);
    expect(ids(curriculum.next(16, Random.from(3, "tasks")))).toEqual(
      ids(new Curriculum(pool).next(16, Random.from(3, "tasks"))),
    );
  });

  test("parks stuck tasks in every mode", () => {
    for (const name of ["learnability", "bandit"] as const) {
      const curriculum = mode(name);
      for (let i = 0; i < 8; i++) curriculum.record(hard, false);
      expect(curriculum.parked).toBe(1);
      expect(visits(curriculum)(hard)).toBe(0);
    }
  });

  test("shrinks a task's success rate to its level's", () => {
    const curriculum = new Curriculum(pool);
    expect(curriculum.successRate(hard)).toBe(0.5);
    for (let i = 0; i < 200; i++)
      curriculum.record(easy, true, { attempts: 8, right: 8, advantage: 0 });
    expect(curriculum.successRate(hard)).toBeCloseTo(1, 6);
    curriculum.record(hard, false, { attempts: 8, right: 0, advantage: 0 });
    expect(curriculum.successRate(hard)).toBeCloseTo((4 * 0.9) / 12, 6);
  });
});
