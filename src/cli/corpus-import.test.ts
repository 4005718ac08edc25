import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { corpusCommand } from "./corpus.js";
import { envCommand } from "./env.js";
import type { Command } from "commander";

let folder: string;
let corpus: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-cli-import-"));
  const tasks = Array.from({ length: 6 }, (_, i) => ({
    id: `t${i}`,
    prompt: `${i}+1=`,
    answer: `${i + 1}`,
    split: i < 4 ? "train" : "test",
  }));
  write("sums.jsonl", tasks);
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  corpus = join(folder, `corpus-${count++}.db`);
});

let count = 0;
const at = (name: string): string => join(folder, name);

function write(name: string, records: readonly unknown[]): string {
  const lines = records.map((r) => (typeof r === "string" ? r : JSON.stringify(r)));
  writeFileSync(at(name), lines.join("\n"));
  return at(name);
}

interface Outcome {
  readonly status: number;
  readonly stdout: string;
}

async function run(command: Command, ...args: string[]): Promise<Outcome> {
  let stdout = "";
  const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const status = process.exitCode;
  process.exitCode = 0;
  try {
    await command.parseAsync(args, { from: "user" });
    return { status: Number(process.exitCode), stdout };
  } finally {
    process.exitCode = status;
    out.mockRestore();
  }
}

const bring = (file: string, model: string, ...more: string[]): Promise<Outcome> =>
  run(
    corpusCommand,
    "import",
    file,
    `--env=${at("sums.jsonl")}`,
    "--format=completions",
    `--model=${model}`,
    `--corpus=${corpus}`,
    ...more,
  );

describe("errata corpus import and overlap", () => {
  test("tell what went in and how two models overlap", async () => {
    const weak = write(
      "weak.jsonl",
      [0, 1, 4].map((t) => ({ task: `t${t}`, completion: "9" })),
    );
    const strong = write("strong.jsonl", [
      { task: "t0", completion: "9", correct: false },
      { task: "t1", completion: "2", correct: true },
      { task: "t4", completion: "5" },
    ]);
    const first = await bring(weak, "weak");
    expect(first.status).toBe(0);
    expect(first.stdout).toContain("sums: 3 attempts read, 3 verified");
    expect(first.stdout).toMatch(/kept out +1 +on validation and test tasks/);
    const second = JSON.parse((await bring(strong, "strong", "--json")).stdout) as unknown;
    expect(second).toMatchObject({
      corpus,
      read: 3,
      verified: 3,
      wrong: 1,
      agreedWithLabel: 2,
      localised: 1,
      merged: 1,
      signatures: [{ name: "unrecognised", count: 1, models: ["strong"] }],
    });
    const arguments_ = ["overlap", "--weak", "weak", "--strong", "strong", "--corpus", corpus];
    const table = await run(corpusCommand, ...arguments_);
    expect(table.stdout).toMatch(/strong fails where weak fails +1 of 3 +0\.33 \[/);
    expect(table.stdout).toMatch(/strong fails where weak passes +0 of 0 +-/);
    expect(table.stdout).toMatch(/same wrong answer +1 of 1 +1\.00/);
    const json = JSON.parse((await run(corpusCommand, ...arguments_, "--json")).stdout) as unknown;
    expect(json).toMatchObject({ weak: "weak", domains: [{ domain: "sums", tasks: 3 }] });
    const listed = await run(corpusCommand, "list", "--corpus", corpus);
    expect(listed.stdout).toContain("9 at 0+1=");
  });

  test("a bad line is named with its file, and the exit status says so", async () => {
    const file = write("bad.jsonl", [
      { task: "t0", completion: "9" },
      "{",
      { task: "t9", completion: "9" },
    ]);
    const { status, stdout } = await bring(file, "m");
    expect(status).toBe(1);
    expect(stdout).toContain("not used");
    expect(stdout).toContain(`${file}:2: not JSON`);
    expect(stdout).toContain(`${file}:3: sums has no task t9`);
    expect(stdout).toMatch(/admitted +1 /);
  });

  test("admitting held-out mistakes is said aloud", async () => {
    const file = write("held.jsonl", [{ task: "t5", completion: "9" }]);
    expect((await bring(file, "m")).stdout).toContain("--train-on-held-out admits them");
    const { stdout } = await bring(file, "m", "--train-on-held-out");
    expect(stdout).toMatch(/admitted +1 /);
    expect(stdout).toContain("must not be evaluated on");
  });

  test("one that brings nothing in leaves no corpus behind, and one that was there as it was", async () => {
    const nothing = write("nothing.jsonl", ["{"]);
    expect((await bring(nothing, "m")).status).toBe(1);
    expect(readdirSync(folder).filter((name) => at(name).startsWith(corpus))).toEqual([]);
    await bring(write("one.jsonl", [{ task: "t0", completion: "9" }]), "m");
    expect((await bring(nothing, "m")).status).toBe(1);
    expect(existsSync(corpus)).toBe(true);
  });

  test("a misspelt signature is told the nearest", async () => {
    await bring(write("one.jsonl", [{ task: "t0", completion: "9" }]), "m");
    await expect(
      run(corpusCommand, "list", "--corpus", corpus, "--signature", "wrong-anwser-1"),
    ).rejects.toMatchObject({
      code: "CORPUS_SIGNATURE",
      hint: 'did you mean "wrong-answer-1"? known: wrong-answer-1',
    });
  });

  test("what is missing is named", async () => {
    await expect(
      run(corpusCommand, "overlap", "--weak", "a", "--strong", "b", "--corpus", at("no.db")),
    ).rejects.toMatchObject({ code: "IMPORT_CORPUS" });
    await expect(bring(at("absent.jsonl"), "m")).rejects.toMatchObject({ code: "IMPORT_FILE" });
  });
});

describe("errata env check on files", () => {
  test("tasks and code are checked alike", async () => {
    expect((await run(envCommand, "check", at("sums.jsonl"))).stdout).toMatch(/^sums: sound/);
    const task = '{ id: split, domain: "yes", level: "all", split, data: { split } }';
    writeFileSync(
      at("yes.mjs"),
      `export default {
        name: "yes",
        tasks: (split) => [${task}],
        start: ({ split }) => ({ state: "", observation: "yes? " + split, terminated: false, truncated: false }),
        step: (_, state) => ({ state, observation: "", terminated: true, truncated: false }),
        judge: ({ end: { state: answer } }) =>
          ({ correct: answer === "yes", answer, stop: answer === "yes" ? "solved" : "wrong" }),
        procedures: { correct: () => "yes" },
      };`,
    );
    const { status, stdout } = await run(envCommand, "check", at("yes.mjs"), "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ env: "yes", tasks: 3, referenceAccepted: 3 });
    const text = await run(envCommand, "check", at("yes.mjs"));
    expect(text.stdout).toContain("whether any is refused is not known");
  });

  test("a verifier tried with no real answer is warned of, in text and in JSON", async () => {
    const warning =
      "only an empty or nonsense answer was tried on 1 of 1 tasks: add `wrong` answers to them";
    const record = { prompt: "x", answer: "4", verifier: { regex: "^\\d$" } };
    const file = write("pattern.jsonl", [record]);
    expect((await run(envCommand, "check", file)).stdout).toContain(warning);
    expect(JSON.parse((await run(envCommand, "check", file, "--json")).stdout)).toMatchObject({
      warning,
    });
    write("pattern.jsonl", [{ ...record, wrong: ["x"] }]);
    expect((await run(envCommand, "check", file)).stdout).not.toContain("nonsense");
  });

  test("a file that exports something else is refused", async () => {
    writeFileSync(at("other.mjs"), "export default { name: 'x' };");
    await expect(run(envCommand, "check", at("other.mjs"))).rejects.toMatchObject({
      code: "ENVIRONMENT_DEFINITION",
    });
    await expect(run(envCommand, "check", at("none.ts"))).rejects.toMatchObject({
      code: "ENVIRONMENT_FILE",
    });
  });
});
