import { describe, expect, test } from "vitest";
import { resolveConfig } from "./config-file.js";

const open = ["environment=gsm8k", "student.checkpoint=some/model"];

describe("an open model", () => {
  test("in an environment of its own trains an adapter by plain GRPO, whatever the preset's defaults", async () => {
    const config = await resolveConfig({ overrides: open });
    expect(config).toMatchObject({
      environment: "gsm8k",
      student: { checkpoint: "some/model", lora: { rank: 16, alpha: 32 } },
      explore: { form: "none" },
      reward: { penalty: 0, diverge: 0 },
      partners: { names: [] },
      tasksPerStep: 4,
      steps: 150, // the preset `proof`, the default, asks for 80
    });
  });

  test("is trained as asked where something is asked", async () => {
    const asked = ["student.lora=none", "explore.form=repulsive", "tasksPerStep=2"];
    expect(await resolveConfig({ overrides: [...open, ...asked] })).toMatchObject({
      student: { lora: "none" },
      explore: { form: "repulsive" },
      tasksPerStep: 2,
    });
    const rank = await resolveConfig({ overrides: [...open, 'student.lora={"rank":8}'] });
    expect(rank.student.lora).toMatchObject({ rank: 8, alpha: 32 });
  });

  test("in a preset's domain keeps the preset's partners and settings", async () => {
    const overrides = ["student.checkpoint=some/model"];
    const config = await resolveConfig({ flags: { preset: "proof" }, overrides });
    expect(config).toMatchObject({
      steps: 80,
      explore: { form: "repulsive" },
      student: { lora: { rank: 16 } },
    });
    expect(config.partners.names).toBeUndefined();
  });
});

test("a preset's own student has no adapter", async () => {
  const config = await resolveConfig({ flags: { preset: "proof" } });
  expect(config.student).not.toHaveProperty("lora");
  expect(config.steps).toBe(80);
});
