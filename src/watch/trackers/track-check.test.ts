import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Tracking } from "./track.js";

const folder = mkdtempSync(join(tmpdir(), "errata-trackers-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("progress of trackers that is damaged is named before a run is carried on, with what to do", () => {
  expect(() => Tracking.check(folder)).not.toThrow();
  const path = join(folder, "trackers.json");
  for (const text of ["{", "null", '{"id":"a","trackers":{"trackio":{"lines":-1}}}']) {
    writeFileSync(path, text);
    expect(() => Tracking.check(folder)).toThrow(
      expect.objectContaining({
        code: "FILE_DAMAGED",
        message: expect.stringContaining(path) as string,
        hint: expect.stringContaining("delete") as string,
      }),
    );
  }
});
