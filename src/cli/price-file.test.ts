import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../config/parse.js";
import { withPriceFile } from "./price-file.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "errata-prices-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, "prices.json");
  writeFileSync(path, text);
  return path;
}

test("a file of prices lies under what the configuration says itself, and the run keeps its content", () => {
  const path = file(`{ "currency": "EUR", "hours": { "cpu": 0.1, "gpu": 2 }, "student": 1 }`);
  const { prices } = parseConfig(withPriceFile({ prices: { file: path, hours: { gpu: 3 } } }));
  expect(prices).toEqual({ file: path, currency: "EUR", hours: { cpu: 0.1, gpu: 3 }, student: 1 });
});

test("the example holds prices", () => {
  const path = join(import.meta.dirname, "..", "..", "examples", "prices.json");
  expect(Object.keys(parseConfig(withPriceFile({ prices: { file: path } })).prices)).toEqual([
    "file",
    "currency",
    "models",
    "hours",
  ]);
});

test.each([
  [`{ "hours": { "cpu": -1 } }`, "hours.cpu: ", "PRICES_FILE"],
  [`{ "models": { "large": { "input": 1 } } }`, "models.large.output: ", "PRICES_FILE"],
  [`{ "file": "another.json" }`, `"file"`, "PRICES_FILE"],
  [`{ "hours": `, "prices.json", "FILE_DAMAGED"],
])("a file with %s is refused", (text, named, code) => {
  const path = file(text);
  const read = (): unknown => withPriceFile({ prices: { file: path } });
  expect(read).toThrow(named);
  expect(read).toThrow(expect.objectContaining({ code }) as Error);
});

test("a file that is missing is refused by its path", () => {
  expect(() => withPriceFile({ prices: { file: "nowhere.json" } })).toThrow("nowhere.json");
});

test("a model's tokens cannot be priced twice", () => {
  const priced = (prices: object) => () =>
    parseConfig({
      teacher: { source: "http://127.0.0.1:1/v1", model: "large" },
      partners: { remote: { small: { url: "http://127.0.0.1:1/v1", model: "small" } } },
      prices,
    });
  const models = { large: { input: 1, output: 2 }, small: { input: 0, output: 0 } };
  expect(priced({ models, student: 1 })).not.toThrow();
  expect(priced({ models, teacher: 1 })).toThrow(
    'prices.teacher: the model "large" has a price of its own',
  );
  expect(priced({ models, weak: 1 })).toThrow(
    'prices.weak: the model "small" has a price of its own',
  );
});
