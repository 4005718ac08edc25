import { expect, test } from "vitest";
import { environment, environmentNames } from "./index.js";

test.each(environmentNames)("%s is the environment of that name", (name) => {
  expect(environment(name).name).toBe(name);
});

test.each([
  ["arithmetics", "arithmetic"],
  ["Prof", "proof"],
])("%s is unknown, and %s is suggested", (name, nearest) => {
  expect(() => environment(name)).toThrow(
    expect.objectContaining({
      code: "ENVIRONMENT_UNKNOWN",
      hint: expect.stringContaining(`did you mean "${nearest}"?`) as string,
    }),
  );
});

test("a name of every object is unknown too, and nothing like it is suggested", () => {
  expect(() => environment("toString")).toThrow(
    expect.objectContaining({
      code: "ENVIRONMENT_UNKNOWN",
      hint: `known: ${environmentNames.join(", ")}`,
    }),
  );
});
