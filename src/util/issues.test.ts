import { expect, test } from "vitest";
import { z } from "zod";
import { issuesOf } from "./issues.js";

const issues = (count: number): string =>
  issuesOf(z.array(z.string()).safeParse(Array.from({ length: count }, () => 1)).error!);

test("a few issues are listed, of thousands the first", () => {
  expect(issues(2).match(/expected string/g)).toHaveLength(2);
  expect(issues(2)).not.toContain("more");
  expect(issues(5000).match(/expected string/g)).toHaveLength(8);
  expect(issues(5000)).toContain("and 4992 more");
});
