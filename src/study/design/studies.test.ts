import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseConfig } from "../../config/parse.js";
import { presetNamed } from "../../students/presets/presets.js";
import {
  ablations,
  controls,
  dosed,
  ours,
  oursWithTeacher,
  pastSelfWithTeacher,
  preference,
  weakFree,
} from "./arms.js";
import { hashOf, protocolOf } from "./protocol.js";
import { armStudy, onlyArms, requireArms, studyNamed, studyNames } from "./studies.js";
import { armList } from "../report/arm-list.js";
import { defineStudy, type Claim, type StudyInput } from "./study.js";
import { teacherOnlyArms } from "./teacher-arms.js";

const domain = "arithmetic";

test.each(studyNames)("the study %s is valid, whole and quick, and names its claims", (name) => {
  for (const quick of [false, true]) {
    const study = studyNamed(name, domain, { quick });
    expect(study.arms.length).toBeGreaterThan(1);
    expect(study.claims.length).toBeGreaterThan(0);
  }
});

test("the primary claims carry the mission's numbers against teachers right at 80 to 90%", () => {
  const primary = (name: string) =>
    studyNamed(name, domain).claims.flatMap((c) =>
      c.kind === "primary" ? [[c.measure, c.baseline, c.target]] : [],
    );
  expect(primary("steps")).toEqual([
    ["steps", "hint-grpo-imperfect", 0.33],
    ["steps", "luffy-imperfect", 0.33],
    ["steps", "self-experts", 0],
  ]);
  expect(primary("overlap")).toEqual([
    ["accuracy", "grpo", 0.14],
    ["interaction", "grpo", 0],
  ]);
  expect(primary("cost")).toEqual([
    ["saving", "hint-grpo-imperfect", 0.6],
    ["saving", "luffy-imperfect", 0.6],
    ["teacherShare", "grpo", 0.85],
  ]);
});

test("where verdicts are right or wrong alone, every arm is, and what steers is held against what knows no mistakes", async () => {
  const study = studyNamed("unlabelled", domain);
  const { arms, claims } = await protocolOf(study);
  expect(arms.map((a) => a.config.labels)).toEqual(arms.map(() => "outcome"));
  expect(
    claims.flatMap((c) => (c.kind === "primary" ? [[c.arm, c.measure, c.baseline, c.target]] : [])),
  ).toEqual([
    ["auto", "steps", "grpo", 0.4],
    ["auto", "steps", "past-self", 0.15],
    ["auto", "steps", "flat", 0.15],
    ["auto", "flops", "grpo", 0.15],
    ["auto", "steps", "hint-grpo-imperfect", 0.33],
    ["auto", "steps", "luffy-imperfect", 0.33],
  ]);
});

test("quick studies keep every primary claim they can", () => {
  for (const name of studyNames) {
    const of = (quick: boolean) =>
      studyNamed(name, domain, { quick }).claims.filter((c) => c.kind === "primary");
    expect(of(true)).toEqual(of(false));
  }
});

test("every arm is a configuration of its own, and what is weak-free needs no partner", () => {
  const preset = presetNamed(domain);
  const all = [
    ours,
    oursWithTeacher,
    pastSelfWithTeacher,
    preference,
    ...weakFree,
    ...controls(preset),
    ...ablations(preset),
    ...dosed(preset),
    ...teacherOnlyArms,
  ];
  const configs = all.map((a) => JSON.stringify(parseConfig(a.config)));
  expect(new Set(configs).size).toBe(all.length);
  for (const arm of [...weakFree, ...teacherOnlyArms])
    expect(parseConfig(arm.config).partners.names, arm.name).toEqual([]);
  for (const { config } of teacherOnlyArms)
    expect(parseConfig(config).teacher).toMatchObject({ cap: 1, when: "always" });
});

test("an arm for students that read text is not in a study of students that read symbols", async () => {
  const names = (study: StudyInput): string[] => study.arms.map((a) => a.name);
  const symbols = studyNamed("steps", domain);
  const text = studyNamed("steps", domain, { students: "text" });
  expect(names(text).filter((name) => !names(symbols).includes(name))).toEqual(["negative-hint"]);
  expect(symbols.claims.some((c) => c.baseline === "negative-hint")).toBe(false);
  const refused =
    /"negative-hint" needs students that read text; those of "arithmetic" read symbols/;
  expect(() => requireArms(symbols, ["negative-hint"])).toThrow(refused);
  await expect(protocolOf(text)).rejects.toThrow(refused);
  const folder = mkdtempSync(join(tmpdir(), "errata-studies-"));
  try {
    const environment = join(folder, "tasks.jsonl");
    writeFileSync(environment, '{"prompt": "2 + 2 =", "answer": "4", "split": "train"}\n');
    const config = { environment, student: { checkpoint: "a/model" } };
    expect((await protocolOf(text, { config })).arms.map((a) => a.name)).toContain("negative-hint");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("published methods cite a paper, and imperfect teachers err at as many tasks", () => {
  const published = [...weakFree, ...teacherOnlyArms, preference].filter(
    (a) => !["self-consensus", "self-experts-unfiltered", "temperature", "flat"].includes(a.name),
  );
  for (const { name, source } of published) expect(source, name).toMatch(/arXiv:|doi:/);
  const imperfect = teacherOnlyArms.filter((a) => parseConfig(a.config).teacher.accuracy < 1);
  expect(imperfect.map((a) => a.name)).toEqual([
    "hint-grpo-imperfect",
    "luffy-imperfect",
    "behaviour-cloning-imperfect",
    "on-policy-distillation-imperfect",
  ]);
  for (const { config } of imperfect) expect(parseConfig(config).teacher.accuracy).toBe(0.85);
  const { head, rows } = armList([preference, ours]);
  expect(rows.map((r) => r[head.indexOf("source")])).toEqual(["arXiv:2305.18290", "own"]);
});

test("an ability may be compared with the untrained student, a number of steps may not", () => {
  const study = (measure: Claim["measure"]): StudyInput => ({
    name: "s",
    domain,
    arms: [ours],
    claims: [{ name: "c", measure, arm: "errata", baseline: "base", target: 0, kind: "primary" }],
  });
  expect(onlyArms(defineStudy(study("passAt64")), ["errata"]).claims).toHaveLength(1);
  expect(() => defineStudy(study("steps"))).toThrow(/"base", which is no arm/);
});

describe("a study", () => {
  const study: StudyInput = {
    name: "s",
    domain,
    arms: [ours, weakFree[0]!],
    claims: [
      { name: "c", measure: "steps", arm: "errata", baseline: "grpo", target: 0, kind: "primary" },
    ],
  };

  test("is refused with every fault at once", () => {
    const faulty: StudyInput = {
      ...study,
      name: "a b",
      arms: [ours, ours],
      seeds: { first: 100, count: 1 },
    };
    expect(() => defineStudy(faulty)).toThrow(
      /"a b" is not one word[^]*two arms are called "errata"[^]*"grpo", which is no arm[^]*seed 100 is both/,
    );
  });

  test("keeps only the claims about the arms chosen", () => {
    expect(onlyArms(study, ["errata"])).toMatchObject({ arms: [ours], claims: [] });
    expect(() => requireArms(study, ["grop"])).toThrow(/no arm "grop"/);
    expect(() => studyNamed("stesp", domain)).toThrow(/no study "stesp"/);
  });

  test("of a handful of arms leaves no seed for tuning", () => {
    expect(armStudy(domain, { first: 100, count: 3 }).seeds).toEqual({ first: 100, count: 3 });
  });

  test("has a protocol whose hash changes with anything that matters", async () => {
    const hash = async (input: StudyInput, options = {}): Promise<string> =>
      hashOf(await protocolOf(input, options));
    const known = await hash(study);
    expect(await hash(study)).toBe(known);
    const others = await Promise.all([
      hash({ ...study, target: 0.9 }),
      hash({ ...study, seeds: { first: 1000, count: 3 } }),
      hash({ ...study, config: { tasksPerStep: 8 } }),
      hash({ ...study, claims: [] }),
      hash(study, { rates: {} }),
      hash(study, { config: { steps: 7 } }),
    ]);
    expect(new Set([known, ...others]).size).toBe(7);
  });

  test("tunes all arms over the same rates around the preset's, unless rates are given", async () => {
    const rate = presetNamed(domain).config.learningRate!;
    const tuned = await protocolOf(study);
    expect(tuned.tuning!.rates).toEqual([rate / 4, rate / 2, rate, 2 * rate]);
    expect(tuned.tuning!.seeds.filter((seed) => tuned.seeds.includes(seed))).toEqual([]);
    const fixed = await protocolOf(study, { rates: { grpo: 5e-4 } });
    expect(fixed.tuning).toBeNull();
    expect(fixed.arms.map((a) => a.config.learningRate)).toEqual([rate, 5e-4]);
  });
});
