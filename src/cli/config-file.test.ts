import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

  test("keeps the day on which it was configured, and the variables of its chat template", async () => {
    const { student } = await resolveConfig({
      overrides: [...open, "student.templateVariables.enable_thinking=false"],
    });
    expect(student.templateDate).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(student.templateVariables).toEqual({ enable_thinking: false });
    const fixed = await resolveConfig({ overrides: [...open, "student.templateDate=2024-07-26"] });
    expect(fixed.student.templateDate).toBe("2024-07-26");
    const wrong = resolveConfig({ overrides: [...open, "student.templateDate=today"] });
    await expect(wrong).rejects.toMatchObject({ code: "CONFIG_INVALID" });
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

test("a file in JSON is read, its $schema for editors left out", async () => {
  const folder = mkdtempSync(join(tmpdir(), "errata-config-"));
  const file = join(folder, "run.json");
  writeFileSync(file, JSON.stringify({ $schema: "errata-config.schema.json", steps: 7 }));
  expect((await resolveConfig({ file })).steps).toBe(7);
  rmSync(folder, { recursive: true });
});

test("a preset's own student has no adapter", async () => {
  const config = await resolveConfig({ flags: { preset: "proof" } });
  expect(config.student).not.toHaveProperty("lora");
  expect(config.steps).toBe(80);
});

describe("what is wrong is said of where it was written", () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "errata-config-"));
    file = join(folder, "bad.config.mjs");
    writeFileSync(file, "export default { preset: 'proof', steps: 0, corpus: { capacity: 8 } };");
    writeFileSync(join(folder, "good.config.mjs"), "export default { preset: 'proof', steps: 5 };");
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const messageOf = (given: Parameters<typeof resolveConfig>[0]): Promise<string> =>
    resolveConfig(given).then(
      () => "",
      (error: Error) => error.message,
    );

  test("in --set, though there is a file", async () => {
    for (const override of ["corpus.capcity=9", "steps=0", "explore=3"])
      expect(
        await messageOf({ file: join(folder, "good.config.mjs"), overrides: [override] }),
      ).toMatch(/^--set is not valid:/);
  });

  test("in the file, though there are overrides", async () => {
    expect(await messageOf({ file, overrides: ["seed=3"] })).toContain(
      `${file} is not valid:\n  steps: `,
    );
  });

  test("line by line where both are wrong", async () => {
    const message = await messageOf({ file, overrides: ["explore.alfa=1"] });
    expect(message).toContain("the configuration is not valid:");
    expect(message).toMatch(/^ {2}steps: .* \(in .*bad\.config\.mjs\)$/m);
    expect(message).toMatch(
      /^ {2}explore\.alfa: unknown key \(did you mean explore\.alpha\?\) \(in --set\)$/m,
    );
  });
});
