import { expect, test } from "vitest";
import { differencesFromV8 } from "./differences.js";

test.each([
  ["xs.sort((a, b) => a > b)", "boolean"],
  ["xs.sort(function (a, b) { return a < b; })", "boolean"],
  ["xs.toSorted((a, b) => a.n > b.n)", "boolean"],
  ["a.localeCompare(b)", "localeCompare"],
  ["new Intl.NumberFormat('de')", "Intl"],
  ["n.toLocaleString()", "Intl"],
])("%s is noticed", (program, part) => {
  expect(differencesFromV8(program)).toEqual([expect.stringContaining(part)]);
});

test.each(["xs.sort((a, b) => a - b)", "xs.sort()", "xs.sort((a, b) => (a < b ? -1 : 1))"])(
  "%s is not",
  (program) => {
    expect(differencesFromV8(program)).toEqual([]);
  },
);
