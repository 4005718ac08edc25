import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ErrataError } from "./error.js";
import { keepSecret, redact } from "./secrets.js";

const key = "sk-test/0123456789+abc";

beforeEach(() => {
  process.env["SOME_API_KEY"] = key;
});
afterEach(() => {
  delete process.env["SOME_API_KEY"];
});

describe("a key", () => {
  test("is replaced wherever a text repeats it, as it is or encoded", () => {
    expect(redact(`refused ${key}, ${encodeURIComponent(key)}`)).toBe("refused [key], [key]");
  });

  test("of a variable with any name is replaced once it is known", () => {
    expect(redact("swordfish-99")).toBe("swordfish-99");
    keepSecret("swordfish-99");
    expect(redact("swordfish-99")).toBe("[key]");
  });

  test("is in no message, hint or cause of an error, nor in what a server said", () => {
    const reply = Object.assign(new Error(`401: ${key} is no key`), {
      responseBody: `{"error":"${key}"}`,
      cause: new Error(`Bearer ${key}`),
    });
    const error = new ErrataError(`no answer: ${reply.message}`, {
      code: "REMOTE_MODEL",
      hint: `is ${key} right?`,
      cause: reply,
    });
    expect(inspect(error, { depth: 9 })).not.toContain(key);
    expect(error.message).toBe("no answer: 401: [key] is no key");
    expect(error.hint).toBe("is [key] right?");
  });
});

test("a cause without a key stays the object it was", () => {
  const cause = new Error("plain");
  expect(new ErrataError("x", { code: "X", cause }).cause).toBe(cause);
});

test("an empty or short value is no key", () => {
  process.env["SOME_API_KEY"] = "";
  expect(redact("abc")).toBe("abc");
});
