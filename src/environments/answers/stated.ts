/** The final answer that a response states, and the number in it. */
import type { Finish } from "../environment.js";
import { readNumber, type StatedNumber } from "./number.js";
import { afterReasoning } from "./reasoning.js";

/** A stated answer: characters [start, end) of the response. */
export interface StatedAnswer {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** By what it was announced; undefined where the whole response is the answer. */
  readonly marker?: "tag" | "box" | "hashes" | "phrase";
}

/** How many characters behind "answer is" are looked at. */
const NEAR = 400;

/**
 * The answer that a response states: what is in its last `<answer>` tags or `\boxed{}`, or behind its last
 * `####`, `Answer:`, `The answer is` or `A:`, on the same line or the next that is not empty; a response
 * without any of these is the answer.
 *
 * Undefined where there is none: the reasoning was not finished; the last marker holds nothing or does not
 * close (an earlier one is not taken instead); or the response was cut off before it had stated one.
 */
export function statedAnswer(response: string, finish?: Finish): StatedAnswer | undefined {
  return stated(response, finish, false);
}

/**
 * The number that a response states: its stated answer read as a number, or, without any marker, the last
 * number of the last line that has one. Undefined where what is stated is no number.
 */
export function statedNumber(
  response: string,
  finish?: Finish,
): (StatedNumber & Pick<StatedAnswer, "start" | "end">) | undefined {
  const answer = stated(response, finish, true);
  if (answer === undefined) return undefined;
  const { start, end, text, marker } = answer;
  if (marker === undefined) return lastNumber(text, start);
  const number = readNumber(text);
  return number && { ...number, start, end };
}

function stated(
  response: string,
  finish: Finish | undefined,
  numeric: boolean,
): StatedAnswer | undefined {
  const said = afterReasoning(response, finish);
  if (said === undefined) return undefined;
  const { text, start } = said;
  const marked = lastMarked(text, numeric, finish === "length");
  if (marked === "unreadable") return undefined;
  if (marked !== undefined)
    return { ...marked, start: start + marked.start, end: start + marked.end };
  if (finish === "length") return undefined;
  const [whole] = /\S[^]*/.exec(text) ?? [""];
  const from = text.length - whole.length;
  return { text: whole.trimEnd(), start: start + from, end: start + text.trimEnd().length };
}

type Marked = StatedAnswer | "unreadable" | undefined;

/** What the last marker of a text holds. `cut`: a line that reaches the end may have been cut within. */
function lastMarked(text: string, numeric: boolean, cut: boolean): Marked {
  const box = lastBox(text);
  const tag = lastTag(text);
  const line = lastLine(text, numeric, cut);
  const last = [box, tag, line].reduce((a, b) => ((b?.at ?? -1) > (a?.at ?? -1) ? b : a));
  // A box inside of what another marker announces is its answer.
  return last?.held;
}

interface Found {
  /** Where the marker begins. */
  readonly at: number;
  readonly held: StatedAnswer | "unreadable";
}

function held(
  text: string,
  start: number,
  end: number,
  marker: StatedAnswer["marker"],
): Found["held"] {
  const inner = trimmed(text.slice(start, end), start);
  return inner.text === "" || marker === undefined ? "unreadable" : { ...inner, marker };
}

/** The last outermost `\boxed{}`, its braces balanced; `\{` and `\}` are no braces. */
function lastBox(text: string): Found | undefined {
  const open: { readonly at: number; readonly from: number; readonly box: boolean }[] = [];
  let boxes = 0;
  let last: Found | undefined;
  const tokens = /\\(?:boxed|fbox)\s{0,9}\{|\\.|[{}]/gs;
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token.length > 2 || token === "{") {
      const box = token.length > 2;
      if (box) boxes++;
      open.push({ at: index, from: index + token.length, box });
    } else if (token === "}") {
      const opened = open.pop();
      if (opened?.box !== true) continue;
      boxes--;
      if (boxes === 0) last = { at: opened.at, held: held(text, opened.from, index, "box") };
    }
  }
  const unclosed = open.find(({ box }) => box);
  return unclosed === undefined ? last : { at: unclosed.at, held: "unreadable" };
}

function lastTag(text: string): Found | undefined {
  let last: { readonly at: number; readonly from: number; end?: number } | undefined;
  for (const { 0: token, index } of text.matchAll(/<(\/?)answer>/gi)) {
    if (token[1] !== "/") last = { at: index, from: index + token.length };
    else if (last !== undefined && last.end === undefined) last.end = index;
  }
  if (last === undefined) return undefined;
  const { at, from, end } = last;
  return { at, held: end === undefined ? "unreadable" : held(text, from, end, "tag") };
}

/** What announces an answer on a line: each with what may stand between it and the answer. */
const HASHES = /####+/g;
const PHRASE = /\b(?:final\s)?answer\b|^[ \t]{0,20}A(?=:)/gim;
const JOINED =
  /^[*_]{0,4}(?:\s?\([^()\n]{0,40}\))?\s{0,3}(?:(?:is|was|would be|=|equals)(?![\w])[ \t]{0,9}[*_]{0,4}[ \t]{0,9}:?|:)[*_]{0,4}/i;

function lastLine(text: string, numeric: boolean, cut: boolean): Found | undefined {
  let last:
    | { readonly at: number; readonly from: number; readonly marker: "hashes" | "phrase" }
    | undefined;
  for (const { 0: token, index } of text.matchAll(HASHES))
    last = { at: index, from: index + token.length, marker: "hashes" };
  for (const { 0: token, index } of text.matchAll(PHRASE)) {
    const joined = JOINED.exec(text.slice(index + token.length, index + token.length + 80));
    if (joined === null) continue;
    const from = index + token.length + joined[0].length;
    if (index < (last?.at ?? -1)) continue;
    // "The answer is clear" announces no number, and without a colon no text.
    const colon = joined[0].includes(":");
    if (numeric ? !colon && !/[\d\\½-⅞]/u.test(near(text, from)) : !colon) continue;
    last = { at: index, from, marker: "phrase" };
  }
  if (last === undefined) return undefined;
  const { at, from, marker } = last;
  const line = lineFrom(text, from);
  const close = text.slice(line.start, line.end).search(/<\/answer>/i);
  const { start, end } = close < 0 ? line : { start: line.start, end: line.start + close };
  if (cut && end === text.length) return { at, held: "unreadable" };
  return { at, held: held(text, start, end, marker) };
}

const near = (text: string, from: number): string => {
  const { start, end } = lineFrom(text, from);
  return text.slice(start, Math.min(end, start + NEAR));
};

/** The rest of the line, or, where that is empty, the next line that is not. */
function lineFrom(text: string, from: number): { start: number; end: number } {
  let start = from;
  for (;;) {
    const at = text.indexOf("\n", start);
    const end = at < 0 ? text.length : at;
    if (end === text.length || /[^\s*_`$]|\$\s?\S/.test(text.slice(start, end)))
      return { start, end };
    start = end + 1;
  }
}

/** Without white space, Markdown and the edges of a formula at both ends. */
function trimmed(text: string, offset: number): { text: string; start: number; end: number } {
  let [start, end] = [0, text.length];
  const blank = /[\s`]/;
  while (start < end && blank.test(text[start]!)) start++;
  while (end > start && blank.test(text[end - 1]!)) end--;
  for (const [open, close] of [
    ["**", "**"],
    ["__", "__"],
    ["$$", "$$"],
    ["\\(", "\\)"],
    ["\\[", "\\]"],
    ["$", "$"],
  ] as const) {
    const inner = text.slice(start + open.length, end - close.length);
    const wraps =
      text.startsWith(open, start) &&
      text.endsWith(close, end) &&
      text.slice(0, end).endsWith(close);
    if (!wraps || end - start <= open.length + close.length || inner.includes(open)) continue;
    start += open.length;
    end -= close.length;
    while (start < end && blank.test(text[start]!)) start++;
    while (end > start && blank.test(text[end - 1]!)) end--;
  }
  // Emphasis that was opened before the answer: "**Answer: 4**".
  const left = text.slice(start, end);
  if (left.endsWith("**") && !left.startsWith("**") && left.indexOf("**") === left.length - 2)
    end = start + left.slice(0, -2).trimEnd().length;
  return { text: text.slice(start, end), start: offset + start, end: offset + end };
}

/** The last number of the last line that has one, read with all that is about it. */
function lastNumber(
  text: string,
  offset: number,
): (StatedNumber & Pick<StatedAnswer, "start" | "end">) | undefined {
  let end = text.length;
  while (end > 0) {
    const from = text.lastIndexOf("\n", end - 1) + 1;
    const line = text.slice(from, end);
    if (/[\d½-⅞]/u.test(line)) {
      const clause = line.length > NEAR ? line.slice(-NEAR) : line;
      const number = readNumber(clause) ?? readNumber(lastClause(clause));
      return number && { ...number, start: offset + from, end: offset + end };
    }
    end = from - 1;
  }
  return undefined;
}

/** The end of a line of several numbers, from the word before its last: "sold 18 pens in 3 days". */
function lastClause(line: string): string {
  const last = /^(.*[\p{L}:,;.]\s+)(\S*\d.*)$/su.exec(line);
  return last === null ? line : last[2]!;
}
