import { describe, expect, test } from "vitest";
import { importFormat, importFormats } from "./formats.js";

const read = (format: string, record: unknown): unknown => importFormat(format).read(record);

describe("formats", () => {
  test("programs", () => {
    expect(read("programs", { task_id: "HumanEval/0", solution: "x", is_solved: true })).toEqual([
      { task: { id: "HumanEval/0" }, actions: ["x"], label: true },
    ]);
  });

  test("gsm8k-solutions: one attempt a model", () => {
    const record = {
      question: "Why?",
      ground_truth: "A: 3",
      small: { is_correct: false, solution: "A: 2" },
      large: { is_correct: true, solution: "A: 3" },
    };
    expect(read("gsm8k-solutions", record)).toEqual([
      { task: { text: "Why?" }, actions: ["A: 2"], model: "small", label: false },
      { task: { text: "Why?" }, actions: ["A: 3"], model: "large", label: true },
    ]);
  });

  test("completions: one or several, the task by name, by question or whole", () => {
    expect(read("completions", { task: 7, completions: ["a", "b"], model: "m" })).toEqual([
      { task: { id: "7" }, actions: ["a"], model: "m" },
      { task: { id: "7" }, actions: ["b"], model: "m" },
    ]);
    expect(read("completions", { question: "Q", completion: "a", correct: false })).toEqual([
      { task: { text: "Q" }, actions: ["a"], label: false },
    ]);
    expect(read("completions", { task: "p", actions: ["intro", "left"] })).toEqual([
      { task: { id: "p" }, actions: ["intro", "left"] },
    ]);
    const task = { id: "t", level: "all", split: "train", data: {} };
    expect(read("completions", { task, completion: "a" })).toEqual([
      { task: { id: "t", task }, actions: ["a"] },
    ]);
  });

  const conversation = [
    { role: "system", content: "policy" },
    { role: "user", content: "Hello" },
    { role: "assistant", content: "Who are you?" },
    { role: "user", content: "Mia" },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ function: { name: "find", arguments: '{"name": "Mia"}' } }],
    },
    { role: "tool", content: "{}" },
    {
      role: "assistant",
      content: "x",
      tool_calls: [{ function: { name: "find", arguments: "no json" } }],
    },
  ];
  const actions = [
    "Who are you?",
    '{"name":"find","arguments":{"name":"Mia"}}',
    '{"name":"find","arguments":"no json"}',
  ];

  test("messages: what the assistant did, its question the first user message", () => {
    expect(read("messages", { messages: conversation })).toEqual([
      { task: { text: "Hello" }, actions },
    ]);
    expect(read("messages", { messages: conversation, task: "t1", reward: 0.5 })).toEqual([
      { task: { id: "t1" }, actions, label: false },
    ]);
  });

  test("tau-bench", () => {
    expect(read("tau-bench", { task_id: 3, trial: 0, reward: 1, traj: conversation })).toEqual([
      { task: { id: "3" }, actions, label: true, replay: expect.any(Function) as unknown },
    ]);
  });

  test.each([
    ["programs", 3, "the record is number, not an object"],
    ["programs", { task_id: "a" }, 'the record has no "solution"'],
    ["programs", { task_id: 3, solution: "x" }, "is 3, not a text"],
    ["gsm8k-solutions", { question: "Q" }, "no column"],
    ["completions", { completion: "x" }, "the record names no task"],
    ["completions", { task: "a", completions: [1] }, '"completions" holds something'],
    ["messages", { messages: [{ role: "user", content: "x" }] }, "the assistant says nothing"],
    ["messages", {}, 'no list "messages"'],
    ["tau-bench", { traj: [] }, 'no "task_id"'],
  ])("%s refuses %j", (format, record, problem) => {
    expect(() => read(format, record)).toThrow(problem);
  });

  test("an unknown format is refused with the nearest", () => {
    expect(() => importFormat("program")).toThrow(
      expect.objectContaining({
        code: "IMPORT_FORMAT",
        hint: expect.stringContaining('"programs"') as string,
      }),
    );
    expect(importFormats.map(({ name }) => name)).toEqual([
      "programs",
      "gsm8k-solutions",
      "tau-bench",
      "messages",
      "completions",
    ]);
  });
});
