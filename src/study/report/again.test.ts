import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { saveProtocol, studyFolder } from "../design/protocol.js";
import { saveIndex } from "../runs/runner.js";
import { protocolWith, runOf } from "../testing.js";
import { resultOf } from "../verdict/result.js";
import { studyPage } from "./again.js";
import { writeReport } from "./report.js";

const root = mkdtempSync(join(tmpdir(), "errata-again-"));
afterAll(() => rmSync(root, { recursive: true }));

test("a study's page is drawn again from its folder, the same but for the command", () => {
  const protocol = protocolWith(
    [
      ["errata", "errata"],
      ["grpo", "weak-free"],
    ],
    [
      {
        name: "c",
        measure: "steps",
        arm: "errata",
        baseline: "grpo",
        target: 0.33,
        kind: "primary",
      },
    ],
  );
  const runs = protocol.arms.flatMap(({ name }) =>
    [1000, 1001, 1002, 1003, 1004].map((seed) => runOf(name, seed, name === "errata" ? 25 : 50)),
  );
  const folder = studyFolder(root, protocol);
  saveProtocol(folder, protocol);
  const result = resultOf(protocol, runs, []);
  writeReport(folder, { protocol, runs, result, command: `npx errata compare ${folder}` });
  saveIndex(folder, { runs, rates: [] });
  const page = studyPage(folder);
  expect(page).toBe(readFileSync(join(folder, "report.html"), "utf8"));
  expect(page).toContain(
    '<p class="lead">Supported (1 of 1 claims): errata needs at least 33% fewer steps than grpo.</p>',
  );
});

test("a result of an earlier version is made again from its runs, or refused", () => {
  const protocol = protocolWith([["grpo", "weak-free"]], []);
  const runs = [runOf("grpo", 1, 50)];
  const folder = studyFolder(root, protocol);
  saveProtocol(folder, protocol);
  const result = resultOf(protocol, runs, []);
  const arms = result.arms.map(({ stepsTo80: { mean, low, high }, ...arm }) => ({
    ...arm,
    stepsTo80: { mean, low, high },
  }));
  saveIndex(folder, { runs, rates: [] });
  writeFileSync(join(folder, "result.json"), JSON.stringify({ ...result, arms }));
  expect(studyPage(folder)).toContain("<!doctype html>");
  rmSync(join(folder, "runs.jsonl"));
  expect(() => studyPage(folder)).toThrow(expect.objectContaining({ code: "STUDY_OLD" }) as Error);
});

test.each(["protocol.json", "result.json", "runs.jsonl", "gate.json"])(
  "%s that is damaged is named, with what to do",
  (name) => {
    const protocol = protocolWith([["grpo", "weak-free"]], []);
    const runs = [runOf("grpo", 1, 50)];
    const folder = studyFolder(root, protocol);
    rmSync(folder, { recursive: true, force: true });
    saveProtocol(folder, protocol);
    saveIndex(folder, { runs, rates: [] });
    writeFileSync(join(folder, "result.json"), JSON.stringify(resultOf(protocol, runs, [])));
    for (const text of ["{", "null", "{}"]) {
      if (name === "runs.jsonl" && text !== "{") continue;
      if (name === "protocol.json" && text !== "{") continue; // its hash tells
      writeFileSync(join(folder, name), text);
      expect(() => studyPage(folder)).toThrow(
        expect.objectContaining({
          code: "FILE_DAMAGED",
          message: expect.stringContaining(join(folder, name)) as string,
        }),
      );
    }
  },
);
