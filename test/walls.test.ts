import { expect, test } from "vitest";
import { circlesOf, faultsOf, forbidden, importsOf, type Plan } from "../scripts/walls.js";

const plan: Plan = {
  rooms: [
    { name: "loop", does: "" },
    { name: "engine/files", does: "", only: ["engine"] },
    { name: "engine", does: "" },
    { name: "util", does: "" },
  ],
  largestCircle: 2,
  exceptions: [],
};

const faults = (sources: Readonly<Record<string, string>>, more: Partial<Plan> = {}) =>
  faultsOf(new Map(Object.entries(sources)), { ...plan, ...more });

test.each([
  ['import type { A } from "../loop/a.js";', "a type"],
  ['const a = await import("../loop/a.js");', "a lazy import"],
  ['export { a } from "../loop/a.js";', "an export"],
])("%s climbs: %s", (line) => {
  const sources = { "loop/a.ts": "", "engine/b.ts": line };
  const arrow = "engine/b.ts -> loop/a.ts";
  expect(faults(sources).faults).toEqual([`${arrow} climbs: engine may import util`]);
  expect(faults(sources, { exceptions: [arrow] })).toEqual({ faults: [], stale: [] });
});

test("an exception that nothing needs is told, so that it goes", () => {
  expect(faults({ "util/a.ts": "" }, { exceptions: ["util/a.ts -> loop/b.ts"] }).stale).toEqual([
    "util/a.ts -> loop/b.ts",
  ]);
});

test("a room inside a room has walls of its own, and one that names what it sees sees nothing else", () => {
  const down = {
    "loop/a.ts": 'import "../engine/files/b.js";',
    "engine/files/b.ts": 'import "../c.js";',
  };
  const rest = { "engine/c.ts": "", "util/d.ts": "" };
  expect(faults({ ...down, ...rest }).faults).toEqual([]);
  const up = { ...down, "engine/c.ts": 'import "./files/b.js";', "util/d.ts": "" };
  expect(faults(up).faults).toEqual([
    "engine/c.ts -> engine/files/b.ts climbs: engine may import util",
  ]);
  const aside = { ...rest, "engine/files/b.ts": 'import "../../util/d.js";' };
  expect(faults(aside).faults).toEqual([
    "engine/files/b.ts -> util/d.ts climbs: engine/files may import engine",
  ]);
});

test("only index.ts stands loose, and it may import anything", () => {
  const sources = { "index.ts": 'export * from "./util/a.js";', "util/a.ts": "", "loose.ts": "" };
  expect(faults(sources).faults).toEqual([expect.stringContaining("loose.ts is in no room")]);
});

test("more files in a circle than allowed are a fault, types counted", () => {
  const two = { "util/a.ts": 'import "./b.js";', "util/b.ts": 'import type { A } from "./a.js";' };
  expect(faults(two).faults).toEqual([]);
  expect(faults(two, { largestCircle: 1 }).faults[0]).toContain("a circle of 2 files (at most 1)");
  expect(
    circlesOf(
      new Map([
        ["a", ["b"]],
        ["b", ["c"]],
        ["c", ["a"]],
        ["d", ["a"]],
      ]),
    ),
  ).toEqual([["a", "b", "c"]]);
});

test("lint forbids the same paths, however deep the file", () => {
  const [, files, engine] = plan.rooms;
  const climbs = new RegExp(forbidden(engine!, plan.rooms)!);
  for (const path of ["../loop/a.js", "../../loop/a.js", "./files/b.js"])
    expect(path).toMatch(climbs);
  for (const path of ["./c.js", "../util/d.js", "loop"]) expect(path).not.toMatch(climbs);
  const inner = new RegExp(forbidden(files!, plan.rooms)!);
  expect("../../util/d.js").toMatch(inner);
  for (const path of ["../c.js", "./b.js"]) expect(path).not.toMatch(inner);
});

test("paths from packages are no imports of the tree", () => {
  expect(
    importsOf("a/b/c.ts", 'import x from "zod"; import "../d.js"; import y from "./e.json";'),
  ).toEqual(["a/d.ts"]);
});
