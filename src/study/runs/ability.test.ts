import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mergeConfig } from "../../config/merge.js";
import { parseConfig } from "../../config/parse.js";
import { LocalEngine } from "../../engine/local.js";
import { baseStudent } from "../../launch/prepare.js";
import { presetNamed } from "../../students/presets/presets.js";
import { abilityFile, abilityOf, measureAbility, type Ability } from "./ability.js";

async function abilityOfBase(name: string, count: number): Promise<Ability> {
  const preset = presetNamed(name);
  const config = parseConfig(mergeConfig(preset.config, { preset: name }));
  const engine = new LocalEngine();
  const { base, ...rest } = await baseStudent(config, engine);
  return abilityOf({ engine, config, ...rest }, preset, base, count);
}

test("a student with a bug can do more than it mostly does, and is right where its bug is", async () => {
  const { passAt1, passAt64, inverted } = await abilityOfBase("arithmetic", 24);
  expect(passAt1).toBeLessThan(0.2);
  expect(passAt64).toBeGreaterThan(2 * passAt1);
  expect(inverted).toBeGreaterThan(0.7);
});

test("where no task is right by the bug, it is asked about choices that are", async () => {
  const { inverted } = await abilityOfBase("proof", 8);
  expect(inverted).toBeGreaterThan(0.7);
  expect(inverted).toBeLessThan(1);
});

test("what was measured of a run is not measured again", async () => {
  const folder = mkdtempSync(join(tmpdir(), "errata-ability-"));
  const ability: Ability = { passAt1: 0.1, passAt64: 0.6, inverted: null };
  writeFileSync(abilityFile(folder, 9), JSON.stringify({ before: ability, after: ability }));
  expect(await measureAbility(folder, 9)).toEqual({ before: ability, after: ability });
  await expect(measureAbility(folder, 10)).rejects.toThrow(/no checkpoint/);
});
