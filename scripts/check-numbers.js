/**
 * Every result that README.md and docs/results.md state is a link to its evidence, and the evidence says the same.
 *
 *     node scripts/check-numbers.js   fails where a number has no evidence, or other evidence than it says
 *
 * A link's title says where to look: a cell as `row | column`, or words quoted from a paragraph.
 *
 *     [.61 [.51, .73]](experiments/2026-11-29-every-rival.md "errata | of GRPO's")
 *
 * Several places are parted by `; `: one for each number of the link, in order. `1 - PLACE` and `PLACE / PLACE` are
 * worked out. A link to a report is looked up in the table.md beside it. Of an entry with a result.json, every row of
 * an arm must hold that arm's numbers. Numbers in code, and those that `notResults` names, need no evidence.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

export const pages = ["README.md", "docs/results.md"];

/** Numbers that nothing measured, and why. */
const notResults = [
  [/Node \d[\d.]*/g, "a version"],
  [/^\d+\. /gm, "an item of a list"],
  [/95% intervals/g, "the level of every interval"],
  [/80% (?:held-out )?accuracy|to 80%/g, "the target, set in advance"],
  [/(?<=^\| )14 points ahead|(?<=^\| )60% lower cost/gm, "a claim, as it was named in advance"],
  [/p below \.05/g, "the level of every test"],
  [/right at 85%/g, "how often the teacher is made to be right"],
  [/at 1\.1 times/g, "the price of a teacher that is assumed"],
  [/85 to 90% ones/g, "how wide the older intervals are, explained in experiments/README.md"],
  [/attempt earns 1\b/g, "the reward, by definition"],
];

const number = /(?<![\w.])[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:e-?\d+)?(?:%|x\b)?(?!\w|\.\d)/g;
const interval = /^(?: points)?\s*\[(\S+?), (\S+?)\]/;
const link = /\[((?:[^[\]]|\[[^[\]]*\])*)\](?:\(([^\s)]+)(?: "([^"]*)")?\)|\[([^\]]+)\])/g;
const definition = /^\[([^\]]+)\]: (\S+)(?:\s+"([^"]*)")?$/gm;

/** The numbers of a text with their intervals; percentages are shares, also the first of `3 to 5%`. */
export function valuesOf(text) {
  const values = [];
  let end = 0;
  for (const match of text.matchAll(number)) {
    if (match.index < end) continue;
    end = match.index + match[0].length;
    const after = text.slice(end);
    const range = after.match(interval);
    const value = { shown: match[0], ...parse(/^ to [\d.]+%/.test(after) ? `${match[0]}%` : match[0]) };
    if (range !== null) {
      end += range[0].length;
      value.shown += range[0];
      value.range = [parse(range[1]), parse(range[2])];
    }
    values.push(value);
  }
  return values;
}

function parse(shown) {
  const percent = shown.endsWith("%");
  const digits = shown.replace(/[%x]$/, "");
  const decimals = (digits.split(".")[1] ?? "").replace(/e.*/, "").length - Number(digits.split("e")[1] ?? 0);
  return { at: Number(digits) / (percent ? 100 : 1), decimals: decimals + (percent ? 2 : 0) };
}

/** Whether `stated` is `found`, rounded to the digits that are stated. */
const same = (stated, found) => Math.abs(stated.at - found.at) <= 0.5 * 10 ** -stated.decimals + 1e-9;

const agrees = (stated, found) =>
  same(stated, found) &&
  (stated.range === undefined ||
    (found.range !== undefined && stated.range.every((bound, i) => same(bound, found.range[i]))));

/** Markdown as a reader sees it. */
const plain = (text) =>
  text
    .replace(link, "$1")
    .replace(/[`*\\]/g, "")
    .replace(/\s+/g, " ")
    .trim();

const cellsOf = (line) => line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());

/** Rows of every table: what the head names each cell. */
export function rowsOf(text) {
  const rows = [];
  let head;
  for (const line of text.split("\n").map((one) => one.trim())) {
    if (!line.startsWith("|")) head = undefined;
    else if (head === undefined) head = cellsOf(line).map(plain);
    else if (!/^[|\s:-]+$/.test(line)) rows.push({ name: plain(cellsOf(line)[0]), head, cells: cellsOf(line) });
  }
  return rows;
}

/** The one text that a place of the evidence holds. */
function lookUp(place, text) {
  if (!place.includes(" | ")) {
    const times = plain(text).split(place).length - 1;
    if (times !== 1) throw new Error(`"${place}" stands there ${times} times, not once`);
    return place;
  }
  const [row, column] = place.split(" | ");
  const found = rowsOf(text)
    .filter(({ name }) => name === row)
    .flatMap(({ head, cells }) => cells.filter((_, i) => head[i] === column).map(plain));
  if (found.length !== 1) throw new Error(`there are ${found.length} cells "${place}", not one`);
  return found[0];
}

/** The numbers that a place of the evidence holds, worked out where it says so. */
function valuesAt(place, text) {
  if (place.startsWith("1 - ")) {
    const less = ({ at, decimals }) => ({ at: 1 - at, decimals });
    return valuesAt(place.slice(4), text).map(({ range, ...value }) =>
      range === undefined ? less(value) : { ...less(value), range: range.toReversed().map(less) },
    );
  }
  const [over, under] = place.split(" / ").map((part) => valuesOf(lookUp(part, text)));
  if (under === undefined) return over;
  return [{ at: over[0].at / under[0].at, decimals: 9 }];
}

/** What is wrong with one link: its numbers against the places that its title names. */
export function faultOf(words, title, text) {
  const stated = valuesOf(words);
  const places = title.split(/;\s/).map(plain);
  try {
    if (places.length === 1) {
      const found = valuesAt(places[0], text);
      let next = 0;
      for (const value of stated) {
        while (next < found.length && !agrees(value, found[next])) next++;
        if (next++ >= found.length) return `${value.shown} is not in "${places[0]}"`;
      }
      return;
    }
    if (places.length !== stated.length) return `${stated.length} numbers, ${places.length} places`;
    const wrong = stated.findIndex((value, i) => !valuesAt(places[i], text).some((found) => agrees(value, found)));
    return wrong < 0 ? undefined : `${stated[wrong].shown} is not in "${places[wrong]}"`;
  } catch (error) {
    return error.message;
  }
}

/** What is wrong with the numbers of a page; `read` gives the text of a path from the project's folder. */
export function faultsOf(page, text, read) {
  const defined = new Map([...text.matchAll(definition)].map(([, name, to, title]) => [name, { to, title }]));
  const faults = [];
  const body = text
    .replace(definition, "")
    .replace(/^```[^]*?^```$/gm, (block) => block.replace(/[^\n]/g, ""))
    .replace(/<[^>]*>/g, (tag) => tag.replace(/[^\n]/g, ""))
    .replace(/`[^`\n]*`/g, "");
  const line = (index) => body.slice(0, index).split("\n").length;
  const used = new Set();
  const rest = body.replace(link, (whole, words, to, title, name, index) => {
    const blank = whole.replace(/[^\n]/g, " ");
    const target = name === undefined ? { to, title } : defined.get(name);
    used.add(name);
    if (target === undefined) faults.push(`${page}:${line(index)}: [${name}] is not defined`);
    if (target?.title === undefined) return words.padEnd(whole.length);
    const path = evidence(page, target.to);
    const source = path === undefined ? undefined : read(path);
    const fault =
      source === undefined ? `${target.to} is no entry and no report` : faultOf(words, target.title, source);
    if (fault !== undefined) faults.push(`${page}:${line(index)}: [${words}]: ${fault}${path ? ` (${path})` : ""}`);
    return blank;
  });
  const left = notResults.reduce((kept, [phrase]) => kept.replace(phrase, (found) => " ".repeat(found.length)), rest);
  for (const { 0: shown, index } of left.matchAll(number))
    faults.push(`${page}:${line(index)}: ${shown} has no link to its evidence`);
  for (const name of defined.keys()) if (!used.has(name)) faults.push(`${page}: nothing uses [${name}]`);
  return faults;
}

/** The Markdown that a link's target is checked in: an entry, or the table of a report. */
function evidence(page, to) {
  const path = normalize(join(dirname(page), to.replace(/#.*/, ""))).replaceAll("\\", "/");
  if (/^experiments\/\d[^/]*\.md$/.test(path)) return path;
  const report = path.match(/^reports\/[^/]+(?=\/|$)/);
  return report === null ? undefined : `${report[0]}/table.md`;
}

/** What is wrong with an entry's tables of arms, given the result that it links to. */
export function rowFaults(path, text, results) {
  const arms = new Map(results.flatMap(({ arms: list }) => list.map((arm) => [arm.name, numbersIn(arm)])));
  return rowsOf(text)
    .filter(({ head }) => head[0] === "arm")
    .flatMap(({ name, head, cells }) => {
      const arm = [...cells[0].matchAll(/`([^`]+)`/g)].map(([, one]) => one).find((one) => arms.has(one));
      if (arm === undefined) return [`${path}: the row "${name}" names no arm of its result`];
      const known = arms.get(arm).map((at) => ({ at }));
      return cells.slice(1).flatMap((cell, i) =>
        valuesOf(plain(cell))
          .flatMap((value) => [value, ...(value.range ?? [])])
          .filter((value) => !known.some((one) => same(value, one) || same(value, { at: one.at / 1e9 })))
          .map((value) => `${path}: "${name} | ${head[i + 1]}": ${value.at} is not in its result`),
      );
    });
}

/** The numbers of an arm's result, without its curves. */
function numbersIn(value) {
  if (typeof value === "number") return [value];
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "curves" ? [] : numbersIn(inner)));
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** The text of a file of the project; undefined where it is not there. */
export function readHere(path) {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined;
}

function entryFaults() {
  return readdirSync(join(root, "experiments"))
    .filter((name) => /^\d.*\.md$/.test(name))
    .flatMap((name) => {
      const path = `experiments/${name}`;
      const text = readHere(path);
      const files = new Set([...text.matchAll(/\]\(\.\.\/(reports\/[^/]+\/result\.json)\)/g)].map(([, file]) => file));
      const missing = [...files].filter((file) => readHere(file) === undefined);
      if (missing.length > 0) return missing.map((file) => `${path}: there is no ${file}`);
      return files.size === 0 ? [] : rowFaults(path, text, [...files].map((file) => JSON.parse(readHere(file))));
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = [...pages.flatMap((page) => faultsOf(page, readHere(page), readHere)), ...entryFaults()];
  for (const fault of faults) console.log(fault);
  if (faults.length > 0) process.exitCode = 1;
}
