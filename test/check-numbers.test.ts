import { expect, test } from "vitest";
import {
  faultOf,
  faultsOf,
  pages,
  readHere,
  rowFaults,
  valuesOf,
} from "../scripts/check-numbers.js";

const entry = `
| arm | steps | accuracy |
|---|---|---|
| **errata** (\`ours\`) | 8.8 [7.7, 10.0] | .90 |
| grpo | 14.4 [13.4, 15.7] | .94 |

Errata saves **14 points** [9, 18] on 11 to 12% of visits. It saves .19 [.15, .24] of the steps.
`;

const page = (line: string) => faultsOf("docs/results.md", line, () => entry);
const cited = (words: string, title: string) =>
  page(`It is [${words}](../experiments/2026-a.md "${title}").`);

test.each(pages)("every result of %s is what its evidence says", (path) => {
  expect(faultsOf(path, readHere(path)!, readHere)).toEqual([]);
});

test.each(pages)("each digit of a result of %s, changed, is found", (path) => {
  const text = readHere(path)!;
  const links = [...text.matchAll(/\[((?:[^[\]]|\[[^[\]]*\])*)\]\[([\w-]+)\]/g)];
  const unseen = links.flatMap(({ 0: whole, 1: words, 2: name }) => {
    const where = text.match(new RegExp(`^\\[${name}\\]:[^"]*"[^"]*"$`, "m"))![0];
    return [...words!.matchAll(/\d/g)]
      .map(({ 0: digit, index }) => {
        const other = (Number(digit) + 1) % 10;
        return whole.slice(0, index + 1) + String(other) + whole.slice(index + 2);
      })
      .filter((changed) => faultsOf(path, `${changed}\n\n${where}\n`, readHere).length === 0);
  });
  expect(links.length).toBeGreaterThan(4);
  expect(unseen).toEqual([]);
});

test("a number without a link is a fault, one in code or of a version is none", () => {
  expect(page("It takes 30% fewer.")).toEqual([expect.stringContaining("30% has no link")]);
  expect(page("```\nseeds 4000\n```\n\n`--steps 30` with Node 20.19.")).toEqual([]);
});

test("a cell is found by its row and its column, and nowhere else", () => {
  expect(cited("8.8 [7.7, 10.0]", "errata (ours) | steps")).toEqual([]);
  expect(cited("8.8", "errata (ours) | accuracy")[0]).toContain("8.8 is not in");
  expect(cited("14.4", "errata (ours) | steps")[0]).toContain("14.4 is not in");
  expect(cited("8.8", "no such | steps")[0]).toContain("there are 0 cells");
  expect(cited("8.8 [7.7, 11.0]", "errata (ours) | steps")[0]).toContain("is not in");
});

test("words quoted must stand in the evidence, once", () => {
  expect(cited("14 points [9, 18]", "14 points [9, 18] on")).toEqual([]);
  expect(cited("14", "15 points [9, 18]")[0]).toContain("0 times");
  expect(cited("14", "saves")[0]).toContain("2 times");
});

test("a percentage is a share, and a number is rounded to the digits shown", () => {
  expect(faultOf("90%", "errata (ours) | accuracy", entry)).toBeUndefined();
  expect(faultOf("9", "errata (ours) | steps", entry)).toBeUndefined();
  expect(faultOf("9.0", "errata (ours) | steps", entry)).toContain("9.0 is not in");
  expect(valuesOf("11 to 12%").map(({ at }) => at)).toEqual([0.11, 0.12]);
  expect(valuesOf("1.7x").map(({ at }) => at)).toEqual([1.7]);
  expect(valuesOf("SmolLM2-135M 0.1.0 v20")).toEqual([]);
});

test("several numbers have a place each, in order", () => {
  const places = "errata (ours) | accuracy; grpo | accuracy";
  expect(cited(".90 and .94", places)).toEqual([]);
  expect(cited(".94 and .90", places)[0]).toContain(".94 is not in");
  expect(cited(".90", places)[0]).toContain("1 numbers, 2 places");
});

test("a ratio and what is left of one are worked out", () => {
  expect(cited(".61", "errata (ours) | steps / grpo | steps")).toEqual([]);
  expect(cited(".62", "errata (ours) | steps / grpo | steps")[0]).toContain("is not in");
  expect(cited(".81 [.76, .85]", "1 - .19 [.15, .24]")).toEqual([]);
  expect(cited(".81 [.76, .84]", "1 - .19 [.15, .24]")[0]).toContain("is not in");
});

test("evidence is an entry or a report that is there, and every link of the list is used", () => {
  expect(page('[8.8](compare.md "errata | steps")')[0]).toContain("no entry and no report");
  const gone = faultsOf("README.md", '[8.8](experiments/2-a.md "a | b")', () => undefined);
  expect(gone[0]).toContain("no entry and no report");
  expect(page('[a]: ../experiments/2026-a.md "errata | steps"')).toEqual([
    "docs/results.md: nothing uses [a]",
  ]);
  expect(page("[8.8][b]")[0]).toContain("[b] is not defined");
});

test("a row of an arm holds the numbers of that arm's result", () => {
  const arm = { stepsTo80: { mean: 8.8, low: 7.7, high: 10 }, flops: 5e9, finalAccuracy: 0.9 };
  const result = { arms: [{ name: "ours", ...arm }] };
  const table = (row: string) => `| arm | steps | GFLOP |\n|---|---|---|\n${row}\n`;
  const faults = (row: string) => rowFaults("experiments/a.md", table(row), [result]);
  expect(faults("| Errata (`ours`) | 8.8 [7.7, 10.0] | 5.0 |")).toEqual([]);
  expect(faults("| Errata (`ours`) | 8.8 [7.7, 10.1] | 5.0 |")[0]).toContain("10.1 is not in");
  expect(faults("| Errata | 8.8 [7.7, 10.0] | 5.0 |")[0]).toContain("names no arm");
});
