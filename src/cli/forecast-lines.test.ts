import { expect, test } from "vitest";
import type { Forecast } from "../watch/forecast.js";
import { budgetLines, comparisonLine, forecastLine, withinForecast } from "./forecast-lines.js";

const made: Forecast = {
  after: 3,
  steps: 100,
  seconds: { low: 126, high: 204 },
  memory: { low: 310e6, high: 1.2e9 },
  tokens: { low: 900_000, high: 2_100_000 },
  flops: { low: 5.81e10, high: 8.81e10 },
  money: { low: 0.012, high: 0.034 },
};
const taken = { seconds: 174, memory: 3.4e8, tokens: 1_250_000, flops: 9.9e10, money: 0.02 };

test("a forecast is told in ranges, and held against what was taken", () => {
  expect(forecastLine(made, { currency: "EUR" })).toBe(
    "estimated from 3 of 100 steps: 2.1 to 3.4 min, 0.31 to 1.2 GB, 0.9 to 2.1 M tokens, 58 to 88 GFLOPs, 0.012 to 0.034 EUR in all",
  );
  expect(comparisonLine(made, taken, {})).toBe(
    "estimated 2.1 to 3.4 min, took 2.9; 0.31 to 1.2 GB, took 0.34; 0.9 to 2.1 M tokens, took 1.3; 58 to 88 GFLOPs, took 99; 0.012 to 0.034 of money, took 0.02",
  );
  expect(withinForecast(made, taken)).toEqual({
    seconds: true,
    memory: true,
    tokens: true,
    flops: false,
    money: true,
  });
});

test("nothing is said of money where nothing has a price", () => {
  expect(forecastLine({ ...made, money: { low: 0, high: 0 } }, {})).not.toContain("money");
});

test("a budget that the run will reach, or may, is named", () => {
  expect(budgetLines(made, { tokens: 500_000, money: 0.02, seconds: 205 })).toEqual([
    "budget.tokens will end the run before its last step",
    "budget.money may end the run before its last step",
  ]);
});
