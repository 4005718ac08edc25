import { expect, test } from "vitest";
import { within } from "./within.js";

test("work that ends in time is what it came to", async () => {
  expect(await within(5000, async () => 7)).toBe(7);
  await expect(within(5000, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
});

test("work that never ends is given up, though it does not listen, and its signal says so", async () => {
  let heard: AbortSignal | undefined;
  const never = within(20, (signal) => {
    heard = signal;
    return new Promise(() => undefined);
  });
  await expect(never).rejects.toThrow("no whole answer within 0.02 seconds (timeout)");
  expect(heard?.aborted).toBe(true);
});
