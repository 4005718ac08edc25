import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Corpus } from "../corpus/corpus.js";
import { humaneval } from "../../environments/code/datasets/dataset.js";
import { bubblewrapFault } from "../../environments/code/sandbox/bubblewrap.js";
import { findData } from "../../environments/data-folder.js";
import type { Environment } from "../../environments/environment.js";
import { tauAirline } from "../../environments/support/tau/tau.js";
import { importFormat } from "./formats.js";
import { importAttempts } from "./import.js";
import { mistakeAgreement } from "./agreement.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-published-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const conversations = findData("tau-bench/gpt-4o-airline-trajectories.json");
const programs = findData("weak-programs/humaneval");
const sandboxFault = await bubblewrapFault();

test("recorded airline conversations get the reward they were given", async ({ skip }) => {
  if (conversations === undefined) skip("set ERRATA_DATA to the folder that holds tau-bench/");
  const corpus = Corpus.open(":memory:");
  const report = await importAttempts({
    environment: tauAirline() as unknown as Environment,
    corpus,
    format: importFormat("tau-bench"),
    files: [conversations!],
    model: "gpt-4o",
  });
  expect(report).toMatchObject({ read: 100, verified: 100, labelled: 100, problems: [] });
  expect(report.agreedWithLabel).toBeGreaterThanOrEqual(98);
  expect(report.localised).toBe(report.wrong);
  // Two trials of each task, of which some are held out in tau2-bench.
  expect(report.heldOut).toBeGreaterThan(0);
  expect(report.admitted + report.merged).toBe(report.wrong - report.heldOut);
  expect(report.signatures[0]).toMatchObject({ name: "missed_required_action" });
});

test("conversations of tau-bench need its domain", async ({ skip }) => {
  if (conversations === undefined) skip("set ERRATA_DATA to the folder that holds tau-bench/");
  const path = join(folder, "one.json");
  const [first] = JSON.parse(readFileSync(conversations!, "utf8")) as unknown[];
  writeFileSync(path, JSON.stringify([first, { ...(first as object), info: {} }]));
  const given = { format: importFormat("tau-bench"), files: [path], model: "gpt-4o" };
  const corpus = Corpus.open(":memory:");
  const elsewhere = { ...tauAirline(), name: "tau2-retail" } as unknown as Environment;
  const wrong = await importAttempts({ ...given, corpus, environment: elsewhere });
  expect(wrong.problems[0]!.problem).toContain("--env tau-airline");
  const environment = tauAirline() as unknown as Environment;
  const damaged = await importAttempts({ ...given, corpus, environment });
  expect(damaged).toMatchObject({ verified: 1, problems: [{ file: path, line: 1 }] });
});

test("programs are run again, and models compared by what they returned", async ({ skip }) => {
  if (programs === undefined) skip("set ERRATA_DATA to the folder that holds weak-programs/");
  if (sandboxFault !== undefined) skip(sandboxFault);
  const environment = humaneval({ file: join(programs!, "problems.jsonl") });
  const corpus = Corpus.open(":memory:");
  // Both fail alike on 36, 54 and 110, otherwise on 113; 121 only the stronger fails, 1 and 10 the weaker.
  const wanted = new Set([36, 54, 110, 113, 121, 1, 10, 0].map((n) => `HumanEval/${n}`));
  for (const model of ["starcoder", "gpt-3.5-turbo-0613"]) {
    const lines = readFileSync(join(programs!, `${model}.jsonl`), "utf8")
      .trim()
      .split("\n");
    const some = lines.filter((line) =>
      wanted.has((JSON.parse(line) as { task_id: string }).task_id),
    );
    const path = join(folder, `${model}.jsonl`);
    writeFileSync(path, some.join("\n"));
    const report = await importAttempts({
      environment: environment as unknown as Environment,
      corpus,
      format: importFormat("programs"),
      files: [path],
      model,
      jobs: 2,
    });
    expect(report).toMatchObject({ read: 8, verified: 8, admitted: 0, heldOut: report.wrong });
  }
  const [found] = mistakeAgreement(corpus, "starcoder", "gpt-3.5-turbo-0613");
  expect(found).toMatchObject({
    tasks: 8,
    weakFails: { count: 6 },
    strongFails: { count: 5 },
    givenWeakFails: { count: 4, of: 6 },
    givenWeakPasses: { count: 1, of: 2 },
    sameOutput: { count: 3, of: 4 },
  });
});
