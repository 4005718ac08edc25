import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Environment, Task } from "../environments/environment.js";
import { stepEnd } from "../loop/lines.js";
import { teach } from "../loop/teach.js";
import { inGroups, play, type Group } from "../play/play.js";
import { Random } from "../util/random.js";
import { Run } from "../run/run.js";
import { nothingWatched, pulledGains, watch } from "./uplift.js";
import { modelTeacher } from "./teacher.js";
import {
  cuePolicy,
  cues,
  cueSetup,
  cueTask,
  groupOf,
  rightAnswer,
  rightWith,
  scriptedModel,
} from "../testing/testing.js";

const rows = ["aabb", "abab", "abba", "baab", "baba", "bbaa", "aaaa", "bbbb"];
const tasks = new Map(rows.map((row) => [row, cueTask(row)]));
const random = (): Random => Random.from(0, "uplift");

/** Attempts that are right at the rows of `solved`, and nowhere else. */
const solving =
  (solved: readonly string[]) =>
  (asked: readonly Task[], attempts: number): Promise<Group[]> =>
    Promise.resolve(
      asked.map(({ id }) =>
        groupOf(
          id,
          new Array<string>(attempts).fill(solved.includes(id) ? rightAnswer(id) : "zzzz"),
        ),
      ),
    );

describe("the gain of what was pulled", () => {
  const watched = {
    asked: rows.slice(0, 4).map((task) => ({ task, before: 0 })),
    passed: rows.slice(4, 6),
  };
  const gains = (solved: readonly string[], of = watched) =>
    pulledGains(of, { tasks, attempts: 3, sample: solving(solved), random: random() });

  test("is accuracy beyond that of like tasks that were not asked about", async () => {
    expect(await gains(rows.slice(0, 4))).toEqual({ gains: [1, 1, 1, 1], rollouts: 18 });
    expect((await gains(rows)).gains).toEqual([0, 0, 0, 0]); // what all gained is not the teacher's
    expect((await gains([rows[4]!])).gains).toEqual([-1, 0, -1, 0]);
  });

  test("without such tasks is accuracy beyond that before", async () => {
    const alone = { asked: [{ task: rows[0]!, before: 0.25 }], passed: [] };
    expect((await gains([rows[0]!], alone)).gains).toEqual([0.75]);
  });

  test("is watched at each task's latest visit, and at no more than sixteen of a kind", () => {
    const wrong = (row: string): Group => groupOf(row, ["zzzz", rightAnswer(row)]);
    const once = watch(nothingWatched, [wrong("aabb")], [wrong("abab")]);
    expect(once).toEqual({ asked: [{ task: "aabb", before: 0.5 }], passed: ["abab"] });
    expect(watch(once, [wrong("abab")], [wrong("aabb")])).toEqual({
      asked: [{ task: "abab", before: 0.5 }],
      passed: ["aabb"],
    });
    const many = Array.from({ length: 20 }, (_, i) => groupOf(`${"a".repeat(i + 1)}`, ["z"]));
    expect(watch(nothingWatched, many, many).passed).toHaveLength(16);
  });
});

describe("a teacher that pulls", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "errata-uplift-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("without gain is retired after three reviews, and is not asked any more", async () => {
    const student = rightWith(0.5);
    const setup = cueSetup({
      student,
      config: {
        steps: 20,
        tasksPerStep: 16,
        teacher: { source: "here", form: "kl", cap: 0.5, when: "always", decayUntil: "never" },
        probe: { every: 2 },
        partners: { names: [] },
      },
    });
    const teacher = modelTeacher(
      cues as Environment,
      "no better than the student",
      scriptedModel(rightAnswer),
      cuePolicy(student),
    );
    const run = await Run.create(join(folder, "run"), setup);
    const calls: number[] = [];
    // Nothing learns between these steps: whatever is measured is chance.
    for (let step = 0; step < 10; step++) {
      const chosen = setup.pool.slice(step * 8, step * 8 + 8);
      const played = await play(
        setup.environment,
        scriptedModel(() => "z"),
        chosen.flatMap((task) => [task, task]),
        random(),
      );
      run.beginStep();
      const taught = await teach(run, { ...setup, teacher }, inGroups(played, 2), random());
      calls.push(taught.calls);
      await run.endStep(
        stepEnd(run, setup, {
          groups: [],
          stuck: 0,
          rescued: 0,
          steered: 0,
          rescuedSteered: 0,
          meanReward: 0,
          meanCharge: 0,
          zeroVariance: 0,
          clipped: 0,
          update: undefined,
          admissions: { admitted: 0, merged: 0, rejected: 0 },
          taught,
        }),
      );
    }
    expect(calls[0]).toBeGreaterThan(0);
    expect(run.state.teacher.retired).toBe(true);
    expect(calls.at(-1)).toBe(0);
    expect(run.ledger.totals.probe.rollouts).toBeGreaterThan(0);
    run.close();
  });
});
