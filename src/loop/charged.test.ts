import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ConfigInput } from "../config/config.js";
import { PolicyModel } from "../models/model.js";
import { spar } from "./spar.js";
import { teach } from "./teach.js";
import { inGroups, play } from "../play/play.js";
import { Random } from "../util/random.js";
import { Run } from "../run/run.js";
import { modelTeacher, solverTeacher } from "../teacher/teacher.js";
import { cueSetup, cueTask, rightWith, scriptedModel } from "../testing/testing.js";

describe("who is charged", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "errata-charge-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** A run, and what an engine call for each policy cost so far. */
  async function metered(name: string, config: ConfigInput) {
    const setup = cueSetup({
      student: rightWith(0.6),
      config: { partners: { names: [] }, ...config },
    });
    const run = await Run.create(join(folder, name), setup);
    run.beginStep();
    const groups = inGroups(
      await play(
        setup.environment,
        scriptedModel((cue) => (cue === "b" ? "x" : "y")),
        ["cbcb", "dbcb", "dbdb", "abab"].flatMap((row) => [cueTask(row), cueTask(row)]),
        Random.from(0, "play"),
      ),
      2,
    );
    return { setup, run, groups };
  }

  test("what the student plays from forks of a degraded partner is the student's", async () => {
    const { setup, run, groups } = await metered("self-play", {
      selfPlay: { share: 0.25, malRule: "always-x", operators: ["mal-rule"] },
    });
    const { alarms, selfPlay } = run.state;
    await run.endStep({
      line: { step: 0, "eval/accuracy": 0 },
      alarms: { raised: [], state: alarms },
      remembered: { selfPlay: { ...selfPlay, degree: 1 } }, // the partner is a script: it computes nothing
    });
    const round = await spar(run, setup, groups, Random.from(1, "self-play"));
    const { student, weak } = run.ledger.totals;
    expect(round!.groups.length).toBeGreaterThan(0);
    expect(student.flops).toBe(setup.engine.flops);
    expect(student.tokens).toBeGreaterThan(0);
    expect(weak).toEqual({ flops: 0, tokens: 0, rollouts: round!.partner.length * 4 });
    expect(student.rollouts).toBe(round!.groups.length * setup.config.groupSize);
    run.close();
  });

  test("what the student finishes after a hint, and reads of a trace, is the student's; the teacher's own work is not", async () => {
    for (const form of ["hint", "trace"] as const) {
      const { setup, run, groups } = await metered(form, {
        teacher: { source: "here", form, cap: 1, when: "always", decayUntil: "never" },
      });
      const scripted = { ...setup, teacher: solverTeacher(setup.environment) };
      await teach(run, scripted, groups, Random.from(1, "teacher"));
      const before = run.ledger.totals;
      expect(before.student.flops).toBeGreaterThan(0);
      expect(before.student.flops).toBe(setup.engine.flops);
      expect(before.teacher).toEqual({ flops: 0, tokens: 0, rollouts: 4 });
      expect(before.student.rollouts).toBe(form === "hint" ? 4 : 0);
      const model = new PolicyModel({ ...setup, policy: setup.base, maxActionSymbols: 1 });
      const local = { ...setup, teacher: modelTeacher(setup.environment, "local", model) };
      await teach(run, local, groups, Random.from(1, "teacher"));
      expect(run.ledger.totals.teacher.flops).toBeGreaterThan(0);
      run.close();
    }
  });
});
