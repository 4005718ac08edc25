import fc from "fast-check";
import { expect, test } from "vitest";
import type { Message } from "../../environments/environment.js";
import { readAttempt, writeAttempt } from "./attempt.js";

const text = fc.string({ maxLength: 5 });
const messages = fc.array(
  fc.record({
    role: fc.constantFrom("system", "user", "assistant", "tool"),
    content: text,
  }),
  { minLength: 2, maxLength: 4 },
);
const step = fc.record(
  { prompt: text, messages, action: text },
  { requiredKeys: ["prompt", "action"] },
);
const attempts = fc.record(
  { trace: fc.array(step, { maxLength: 4 }), data: fc.jsonValue() },
  { requiredKeys: ["trace"] },
);

test("an attempt is read back as it was written", () => {
  fc.assert(
    fc.property(attempts, (attempt) => {
      const plain = JSON.parse(JSON.stringify(attempt)) as typeof attempt;
      expect(readAttempt(writeAttempt(plain as Parameters<typeof writeAttempt>[0]))).toEqual(plain);
    }),
  );
});

test("a conversation costs each message once", () => {
  const said: Message[] = [{ role: "system", content: "the policy ".repeat(50) }];
  const trace = Array.from({ length: 10 }, (_, i) => {
    said.push({ role: "user", content: `message ${i}` });
    return { prompt: "", messages: [...said], action: "" };
  });
  const written = writeAttempt({ trace });
  expect(written.match(/the policy/g)).toHaveLength(50);
  expect(readAttempt(written)).toEqual({ trace });
});

test("a prompt that is its one message is written as older corpora have it, and read from them", () => {
  const plain = [{ prompt: "1+1=", action: "3" }];
  const trace = [{ ...plain[0]!, messages: [{ role: "user", content: "1+1=" }] as const }];
  expect(writeAttempt({ trace })).toBe(JSON.stringify(plain));
  expect(readAttempt(JSON.stringify(plain))).toEqual({ trace: plain });
});
