import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadPolicy } from "../engine/files/checkpoint.js";
import { modelFile } from "./models.js";
import { prebuiltFolder, prebuiltModel, readManifest, savePrebuilt } from "./prebuilt.js";
import { presets } from "./presets/presets.js";

const models = Object.values(presets).flatMap((preset) =>
  Object.entries({ student: preset.student, ...preset.partners }).map(
    ([name, recipe]) => [preset.name, name, preset.environment(), recipe] as const,
  ),
);

test.each(models)("%s has its %s ready-made", async (_preset, _name, environment, recipe) => {
  const path = prebuiltModel(await modelFile(environment, recipe));
  expect(path).toBeDefined();
  expect((await loadPolicy(path!)).shape.width).toBe(recipe.size.width);
});

test("every prebuilt file is in the manifest, under one key, by a name without a hash", () => {
  const files = readdirSync(prebuiltFolder).filter((name) => name !== "manifest.json");
  expect(Object.values(readManifest()).toSorted()).toEqual(files.toSorted());
  for (const file of files) expect(file).not.toMatch(/[0-9a-f]{8}/);
});

describe("a folder of prebuilt models", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "errata-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const policy = loadPolicy(join(prebuiltFolder, "arithmetic-drop-carry.safetensors"));

  test("keeps the name of a key, and gives a key that has changed the file of the old one", async () => {
    const save = async (file: string, name: string): Promise<string> =>
      savePrebuilt(folder, { file, name, policy: await policy });
    expect(await save("sums-0a.safetensors", "sums-student")).toBe("sums-student.safetensors");
    expect(await save("sums-0a.safetensors", "other-student")).toBe("sums-student.safetensors");
    expect(await save("sums-0b.safetensors", "sums-student")).toBe("sums-student.safetensors");
    expect(readManifest(folder)).toEqual({ "sums-0b": "sums-student.safetensors" });
    const path = prebuiltModel("sums-0b.safetensors", folder);
    expect((await loadPolicy(path!)).weights).toEqual((await policy).weights);
    expect(readFileSync(join(folder, "manifest.json"), "utf8")).toMatch(/\n$/);
  });

  test("without a manifest has none; with a damaged one is refused by name", () => {
    expect(prebuiltModel("sums-0a.safetensors", folder)).toBeUndefined();
    for (const text of ["{", "[1]", `{"a":"../secret"}`]) {
      writeFileSync(join(folder, "manifest.json"), text);
      expect(() => prebuiltModel("a.safetensors", folder)).toThrow(/manifest\.json does not map/);
    }
  });

  test("does not name a file that is not there", () => {
    writeFileSync(join(folder, "manifest.json"), `{"a":"gone.safetensors"}`);
    expect(prebuiltModel("a.safetensors", folder)).toBeUndefined();
  });
});
