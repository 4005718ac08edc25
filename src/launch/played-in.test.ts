/** A preset's models in another environment that speaks their language: students of `proof` in Coq. */
import { describe, expect, test } from "vitest";
import { estimateCost } from "../cli/estimate.js";
import { parseConfig } from "../config/parse.js";
import { drawTasks } from "../play/curriculum.js";
import { LocalEngine } from "../engine/local.js";
import type { Environment, Trajectory } from "../environments/environment.js";
import { playActions } from "../environments/play-procedure.js";
import { coqVersion } from "../environments/proof/coq.js";
import { proof } from "../environments/proof/proof.js";
import { studentModel } from "../play/explore.js";
import { play, repeat, type Rollout } from "../play/play.js";
import { baseStudent, canPlay, prepare, presetFor } from "./prepare.js";
import { presetNamed } from "../students/presets/presets.js";
import { Random } from "../util/random.js";

const config = parseConfig({ preset: "proof", environment: "coq" });
const version = coqVersion();

test("a preset whose models have the words for an environment plays there, and is trained where it was", async () => {
  const preset = await presetFor(config);
  expect(preset.environment().name).toBe("proof");
  expect(preset.playedIn?.().name).toBe("coq");
  expect(Object.keys(preset.partners)).toEqual(["left", "mention", "exfalso", "apply"]);
});

test.each([
  ["arithmetic", "coq"],
  ["proof", "rewriting"],
  ["proof", "coq-text"],
  ["proof", "minif2f"],
])("models of %s have no words for %s, and a student is asked for", async (preset, environment) => {
  await expect(presetFor(parseConfig({ preset, environment }))).rejects.toMatchObject({
    code: "STUDENT_MISSING",
    hint: expect.stringContaining("student.checkpoint") as string,
  });
});

test("another vocabulary of the same size is another language", () => {
  const own = proof() as Environment;
  const preset = presetNamed("proof");
  expect(canPlay(preset, own)).toBe(true);
  const { symbols } = own.lexicon!;
  const reordered = { ...own, lexicon: { ...own.lexicon!, symbols: symbols.toReversed() } };
  expect(canPlay(preset, reordered)).toBe(false);
});

test("what a run would cost is not told of partners that do not exist", async () => {
  const unknown = parseConfig({ preset: "arithmetic", partners: { names: ["left"] } });
  await expect(estimateCost(unknown)).rejects.toMatchObject({ code: "PARTNER_UNKNOWN" });
});

test.skipIf(version !== undefined)("without Coq a run says so before it begins", async () => {
  await expect(prepare(config)).rejects.toMatchObject({ code: "COQ_MISSING" });
});

const title = version ?? "SKIPPED: coqtop is not installed";

describe.skipIf(version === undefined)(`a student of proof in Coq (${title})`, () => {
  test("sees the same goals, and is judged as by the embedded kernel but where Coq does a little more", async () => {
    const engine = new LocalEngine();
    const { base, tokenizer, environment } = await baseStudent(config, engine);
    const model = studentModel({ engine, environment, tokenizer, config }, base);
    const options = { split: "validation", levels: ["few-forks"], count: 24 } as const;
    const tasks = drawTasks(environment, { ...options, random: Random.from(0, "few") });
    const rollouts = await play(environment, model, repeat(tasks, 2), Random.from(0, "coq"));
    const embedded = proof() as Environment;
    const replayed = ({ task, steps }: Rollout): Promise<Trajectory<unknown>> => {
      const data = (task.data as { readonly sequent: string }).sequent;
      const actions = steps.map(({ action }) => action);
      return playActions(embedded, { ...task, domain: "proof", data }, actions);
    };
    let agreed = 0;
    for (const rollout of rollouts) {
      const trajectory = await replayed(rollout);
      const [inCoq, ours] = [rollout.verdict, await embedded.judge(trajectory)];
      expect(rollout.failure).toBeUndefined();
      expect(ours.correct && !inCoq.correct, rollout.task.id).toBe(false);
      for (const [i, { observation }] of trajectory.steps.entries())
        expect(rollout.steps[i]!.observation).toBe(observation);
      const same = ours.correct === inCoq.correct && ours.signature === inCoq.signature;
      if (same && ours.firstError?.step === inCoq.firstError?.step) agreed++;
    }
    expect(agreed).toBeGreaterThanOrEqual(46);
    expect(rollouts.some((r) => r.verdict.correct)).toBe(true);
    expect(rollouts.some((r) => r.verdict.signature === "wrong-disjunct-left")).toBe(true);
  });
});
