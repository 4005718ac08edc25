import { expect, test } from "vitest";
import type { Message } from "../environments/environment.js";
import { attemptLines } from "./attempt-lines.js";

test("a conversation is shown as one, every message once", () => {
  const opening: Message[] = [
    { role: "system", content: "help customers" },
    { role: "user", content: "refund me" },
  ];
  const trace = [
    { prompt: "", messages: opening, action: "find(17)" },
    {
      prompt: "",
      messages: [
        ...opening,
        { role: "assistant", content: "find(17)" },
        { role: "tool", content: "order 17: 40 days ago" },
      ] as Message[],
      action: "refund(17)",
    },
  ];
  expect(attemptLines(trace)).toEqual([
    "system: help customers",
    "user: refund me",
    "  =>  find(17)",
    "tool: order 17: 40 days ago",
    "  =>  refund(17)",
  ]);
});

test("a plain step is a line", () => {
  expect(attemptLines([{ prompt: "1+1=", action: "3" }])).toEqual(["1+1=  =>  3"]);
});
