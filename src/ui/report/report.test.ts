import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { RunReader } from "../server/run-reader.js";
import { makeRun } from "../testing.js";
import { runReport } from "./report.js";

const root = mkdtempSync(join(tmpdir(), "errata-report-"));
afterAll(() => rmSync(root, { recursive: true }));

/** A made-up run of this name. */
function made(name: string, text: string, finished = true): RunReader {
  makeRun(join(root, name), { text, finished });
  return new RunReader(name, join(root, name));
}

describe("the report of a run", () => {
  it("opens with what came out in a sentence, and needs nothing but itself", async () => {
    const page = await runReport([made("one", "<script>alert(1)</script>")]);
    expect(page).toContain(
      '<p class="lead">one learned: from 0% to 90% of held-out tasks in 6 steps (95% interval at the end 79% to 96%).</p>',
    );
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|https?:/);
    expect(page).toContain("&lt;script&gt;");
    for (const heading of ["Curves", "Mistakes", "Groups", "Cost"])
      expect(page).toContain(`<h2>${heading}</h2>`);
  });

  it("says that a run is not finished", async () => {
    expect(await runReport([made("half", "x", false)])).toContain(
      "It is not finished: 6 of 6 steps.",
    );
  });

  it("does not call one of two equal runs better", async () => {
    const page = await runReport([made("a", "x"), made("b", "x")]);
    expect(page).toContain("a 90% after 6 steps, b 90% after 6 steps");
    expect(page).toContain("this does not tell them apart");
  });
});
