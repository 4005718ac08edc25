/** `errata chat`, as somebody types it. */
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errata, overrides, tinyPlace, type Outcome, type Place } from "./tiny.js";

const families = join(import.meta.dirname, "..", "src", "engine", "golden", "families");

let place: Place;
beforeAll(async () => {
  place = await tinyPlace();
  const flags = ["--name", "played", "--no-gate", "--set", ...overrides];
  const trained = await errata(place, ["train", ...flags]);
  if (trained.status !== 0) throw new Error(trained.stderr);
  // One that ends its answers, whose context is short.
  cpSync(join(families, "smollm2"), join(place.folder, "talker"), { recursive: true });
});
afterAll(() => place.remove());

/** The command's answer to lines typed into it. */
const typed = (lines: readonly string[], ...args: string[]): Promise<Outcome> =>
  errata(place, ["chat", ...args], (child) => {
    child.stdin!.end(lines.map((line) => `${line}\n`).join(""));
  });

interface Played {
  readonly tasks: readonly {
    readonly task: string;
    readonly steps: readonly { readonly observation: string; readonly action: string }[];
    readonly verdict: { readonly correct: boolean; readonly answer: string };
  }[];
}

const watched = async (...args: string[]): Promise<Played> => {
  const outcome = await errata(place, ["chat", "played", "--json", ...args]);
  expect(outcome.status).toBe(0);
  return JSON.parse(outcome.stdout) as Played;
};

/** The digits of a sum, the lowest first, as the environment wants them. */
function digitsOf(task: string): string[] {
  const [a, b] = task.replace("addition:", "").split("+").map(Number);
  const digits = [...String(a! + b!)].toReversed();
  const wanted = task.replace("addition:", "").split("+")[0]!.length + 1;
  return [...digits, ...Array<string>(Math.max(0, wanted - digits.length)).fill("0")];
}

describe("watching", () => {
  test("plays as many tasks as asked, with verdicts, the same for the same seed and others for another", async () => {
    const { tasks } = await watched("--watch", "3", "--seed", "5");
    expect(tasks).toHaveLength(3);
    for (const { task, steps, verdict } of tasks) {
      expect(steps.length).toBeGreaterThan(0);
      const right = digitsOf(task).join("") === steps.map(({ action }) => action).join("");
      expect(verdict.correct).toBe(right);
    }
    expect(await watched("--watch", "3", "--seed", "5")).toEqual({ tasks });
    expect(await watched("--watch", "3", "--seed", "6")).not.toEqual({ tasks });
  });

  test("at temperature 0 shows the most probable action whatever the draw", async () => {
    const first = await watched("--watch", "1", "--seed", "2", "--temperature", "0");
    expect(await watched("--watch", "1", "--seed", "2", "--temperature", "0")).toEqual(first);
  });
});

describe("at a task", () => {
  test("whoever acts in the student's place decides the verdict", async () => {
    const { tasks } = await watched("--watch", "2", "--seed", "5");
    const right = tasks.map(({ task }) => digitsOf(task));
    const wrong = right[1]!.map((digit) => String((Number(digit) + 1) % 10));
    const { status, stdout } = await typed([...right[0]!, ...wrong], "played", "--seed", "5");
    expect(status).toBe(0);
    expect(stdout).toContain(`task addition ${tasks[0]!.task}`);
    expect(stdout).toContain(`right: ${right[0]!.join("")}`);
    expect(stdout).toContain(`task addition ${tasks[1]!.task}`);
    expect(stdout).toMatch(/wrong: \d+; first wrong action: 1, expected \d/);
  });

  test("enter takes what the student says, :again asks it anew, :next draws another task, :quit ends", async () => {
    const { tasks } = await watched("--watch", "1", "--seed", "7");
    const length = tasks[0]!.steps.length;
    const enters = Array<string>(length).fill("");
    const { stdout } = await typed([...enters, ":quit"], "played", "--seed", "7");
    const said = [...stdout.matchAll(/student: (\S+) {2}> /g)].map(([, action]) => action);
    expect(said.slice(0, length)).toEqual(tasks[0]!.steps.map(({ action }) => action));
    expect(stdout).toMatch(/right: |wrong/);

    const again = await typed([":again", ":again", ":next", ":quit"], "played", "--seed", "7");
    expect(again.status).toBe(0);
    expect(again.stdout.match(/student: /g)).toHaveLength(4);
    expect(again.stdout.match(/^task /gm)).toHaveLength(2);
  });

  test("an action that the environment does not know ends the attempt, not the chat", async () => {
    const { status, stdout } = await typed(["what?", ":quit"], "played");
    expect(status).toBe(0);
    expect(stdout).toContain("wrong");
    expect(stdout.match(/^task /gm)).toHaveLength(2);
  });
});

describe("free", () => {
  test("a model with a template talks on, as the seed says, and forgets on :new", async () => {
    const talk = (...lines: string[]): Promise<Outcome> => typed(lines, "talker", "--seed", "1");
    const { status, stdout } = await talk("hello", ":new", "hello", ":quit");
    expect(status).toBe(0);
    const [, once, forgotten, twice] = stdout.split("> ");
    expect(once!.trim().length).toBeGreaterThan(0);
    expect(forgotten).toBe("");
    expect(twice!.trim()).toBe(once!.trim());
  });

  test("a conversation that no longer fits is said, and goes on once it is forgotten", async () => {
    const long = "word ".repeat(300);
    const { status, stdout } = await typed([long, ":new", "hello", ":quit"], "talker");
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /the conversation would be \d+ tokens long, of at most \d+: :new forgets it/,
    );
  });

  test("a student of symbols, and a model without a template, have no chat", async () => {
    const symbols = await typed(["hello"], "played", "--free");
    expect(symbols.status).toBe(2);
    expect(symbols.stderr).toContain("it has no chat");
    const path = join(place.folder, "mute");
    cpSync(join(families, "smollm2"), path, {
      recursive: true,
      filter: (file) => !file.endsWith("chat_template.jinja"),
    });
    const settings = join(path, "tokenizer_config.json");
    const { chat_template: _, ...rest } = JSON.parse(readFileSync(settings, "utf8")) as {
      chat_template?: string;
    };
    writeFileSync(settings, JSON.stringify(rest));
    const mute = await typed(["hello"], "mute");
    expect(mute.status).toBe(2);
    expect(mute.stderr).toContain("CHAT_NONE");
  });
});
