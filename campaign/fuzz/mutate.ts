/** Changes to an input that people, models, disks and other programs make. */
import type { Random } from "../../src/util/random.js";

/** What stands in files and answers, and what no file should hold. */
const WORDS: readonly string[] = [
  ..."( ) [ ] { } < > | / \\ ' \" ` $ # % & * + - = : ; , . ! ? ~ ^ _ @".split(" "),
  ..."0 1 -1 10 1e308 -1e309 1e-400 0.5 007 NaN Infinity null true false {} [] undefined".split(
    " ",
  ),
  ..."__proto__ constructor toString length \\boxed{ \\frac{ #### Answer: </think> <think> <answer>".split(
    " ",
  ),
  ..."{% %} {{ }} {%- -%} ``` ~~~ /- -/ -- (* *) |- -> \\/ /\\ $( $) ${ $} $. := sorry".split(" "),
  " ",
  "\n",
  "\r\n",
  "\t",
  "\0",
  "\uFEFF",
  "\u2028",
  "\uD800",
  "\uDC00",
  "é",
  "½",
  "٣",
  "𝟙",
  "👩‍👩‍👧",
  "a",
];

/** Values of JSON that a schema may not have thought of. */
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e308,
  2 ** 53,
  4294967296,
  "",
  " ",
  "x",
  "0",
  "-1",
  "\0",
  "\uD800",
  [],
  {},
  [null],
  [[]],
  [{}],
  { "": 0 },
  { length: 3 },
  "a".repeat(3000),
  "__proto__",
];

/** A text with one to four changes; `others` are texts of the same kind, to take parts from. */
export function mutatedText(text: string, others: readonly string[], random: Random): string {
  let changed = text;
  for (let left = 1 + random.below(4); left > 0; left--) {
    const structured = random.below(2) === 0 ? changedJson(changed, random) : undefined;
    changed = structured ?? changedText(changed, random.pick(others), random);
    if (changed.length > 60_000) changed = changed.slice(0, 60_000);
  }
  return changed;
}

/** Bytes with one to four changes. */
export function mutatedBytes(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(changed.length + 1);
    const size = 1 + random.below(16);
    const before = changed.subarray(0, at);
    switch (random.below(7)) {
      case 0:
        if (at < changed.length) changed[at] = changed[at]! ^ (1 << random.below(8));
        break;
      case 1:
        changed = Buffer.concat([before, changed.subarray(at + size)]);
        break;
      case 2:
        changed = Buffer.concat([before, randomBytes(size, random), changed.subarray(at)]);
        break;
      case 3:
        changed = Buffer.concat([before, randomBytes(size, random), changed.subarray(at + size)]);
        break;
      case 4:
        changed = before;
        break;
      case 5: {
        const other = random.pick(others);
        changed = Buffer.concat([before, other.subarray(random.below(other.length + 1))]);
        break;
      }
      default:
        // Lengths stand at the beginning of files.
        if (changed.length > 8) changed[random.below(8)] = random.below(256);
    }
  }
  return changed;
}

const randomBytes = (count: number, random: Random): Buffer =>
  Buffer.from(Array.from({ length: count }, () => random.below(256)));

function changedText(text: string, other: string, random: Random): string {
  const at = random.below(text.length + 1);
  const end = Math.min(text.length, at + 1 + random.below(random.below(4) === 0 ? 200 : 8));
  const [before, part, after] = [text.slice(0, at), text.slice(at, end), text.slice(end)];
  switch (random.below(9)) {
    case 0:
      return before + after;
    case 1:
      return before + part + part + after;
    case 2:
      return before + random.pick(WORDS) + part + after;
    case 3:
      return before + random.pick(WORDS) + after;
    case 4:
      return before + String.fromCharCode(random.below(0x10000)) + after;
    case 5: {
      const from = random.below(other.length + 1);
      return before + other.slice(from, from + 1 + random.below(200)) + after;
    }
    case 6:
      return before;
    case 7:
      return (
        before +
        (random.below(3) === 0 ? random.pick(WORDS) : part).repeat(
          1 + random.below(random.below(8) === 0 ? 5000 : 50),
        ) +
        after
      );
    default: {
      const digits = /\d+/.exec(text.slice(at));
      if (digits === null) return after + before;
      const from = at + digits.index;
      const value = random.pick(["0", "-1", "1e999", "99999999999999999999", "0.1", '"1"', ""]);
      return text.slice(0, from) + value + text.slice(from + digits[0].length);
    }
  }
}

/** JSON (or one of its lines) with a value somewhere in it changed; undefined where it is none. */
function changedJson(text: string, random: Random): string | undefined {
  const lines = text.split("\n");
  const at = random.below(lines.length);
  for (const [from, to] of [
    [0, lines.length],
    [at, at + 1],
  ] as const) {
    let value: unknown;
    try {
      value = JSON.parse(lines.slice(from, to).join("\n"));
    } catch {
      continue;
    }
    const changed = JSON.stringify(withChange(value, random)) ?? "";
    return [...lines.slice(0, from), changed, ...lines.slice(to)].join("\n");
  }
  return undefined;
}

function withChange(value: unknown, random: Random): unknown {
  const isParent = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  if (!isParent || random.below(6) === 0) return otherValue(value, random);
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<
    string,
    unknown
  >;
  const key = random.pick(Object.keys(copy));
  switch (random.below(8)) {
    case 0:
      if (Array.isArray(copy)) copy.splice(Number(key), 1);
      else delete copy[key];
      return copy;
    case 1:
      if (Array.isArray(copy)) copy.push(copy[key as never]);
      else Object.defineProperty(copy, random.pick(WORDS), { value: copy[key], enumerable: true });
      return copy;
    default:
      copy[key] = withChange(copy[key], random);
      return copy;
  }
}

function otherValue(value: unknown, random: Random): unknown {
  switch (random.below(5)) {
    case 0: {
      let nested: unknown = value;
      const around = random.below(2) === 0;
      for (let depth = random.below(2000); depth > 0; depth--)
        nested = around ? [nested] : { a: nested };
      return nested;
    }
    case 1:
      return typeof value === "number" ? -value : String(value as string);
    case 2:
      return typeof value === "string" ? value + random.pick(WORDS) : [value];
    default:
      return random.pick(VALUES);
  }
}
