import { expect, test } from "vitest";
import { money, pricesSchema } from "./prices.js";

const prices = pricesSchema.parse({
  student: 0.05,
  teacher: 2,
  models: { large: { input: 1, output: 4 } },
  hours: { cpu: 0.5, gpu: 3 },
});

test("tokens cost their role's price, those of a model what it reads and writes, hours what computes", () => {
  const costs = { student: { tokens: 2e6 }, weak: { tokens: 5e6 } };
  expect(money(costs, prices)).toBeCloseTo(0.1, 12);
  const bills = [
    { model: "large", read: 1e6, written: 5e5 },
    { model: "free", read: 1e9, written: 1e9 },
  ];
  expect(money(costs, prices, { bills })).toBeCloseTo(3.1, 12);
  expect(money({}, prices, { seconds: 7200 })).toBeCloseTo(1, 12);
  expect(money({}, prices, { seconds: 7200, provider: "webgpu" })).toBeCloseTo(6, 12);
  expect(money(costs, {}, { bills, seconds: 1e6 })).toBe(0);
});

test.each([
  [{ models: { large: { input: 1 } } }, "output"],
  [{ models: { large: { input: -1, output: 1 } } }, "input"],
  [{ hours: { tpu: 1 } }, "tpu"],
  [{ techer: 1 }, "techer"],
])("%j is refused", (wrong, named) => {
  expect(() => pricesSchema.parse(wrong)).toThrow(named);
});
