import { expect, test } from "vitest";
import type { ImportMetrics } from "../watch/metrics.js";
import { arrivalsLine } from "./sitting.js";

const line: ImportMetrics = {
  step: 20,
  "import/files": 2,
  "import/attempts": 1200,
  "import/unreadable": 3,
  "import/admitted": 700,
  "import/merged": 400,
  "import/rejected": 100,
  "import/partners": [],
  "import/verdicts": 0,
};

test("what a run took at a refit is said in counts, unreadable lines too", () => {
  expect(arrivalsLine(line)).toBe(
    "arrived at step 20: 1,200 attempts read, 700 admitted, 400 merged, 100 rejected, 3 unreadable",
  );
});

test("partners and verdicts are said where there are any, attempts where a file had some", () => {
  const others = { ...line, "import/partners": ["small", "tiny"], "import/verdicts": 4 };
  expect(arrivalsLine(others)).toBe("arrived at step 20: weak partner small, tiny; 4 verdicts");
});
