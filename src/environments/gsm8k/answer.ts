/** The final answer of a worked solution. */
import { numbersIn, type WrittenNumber } from "./number.js";

/** What announces a final answer: `####`, `\boxed{`, "The answer is", "Answer:", `A:`. */
const MARKERS = /####|\\boxed\s*\{|\b(?:final\s+)?answer(?:\s+is|\s*[:=])(?:\s*:)?|^[ \t]*A:/gim;

/**
 * The number a solution ends on: the one after the last marker, or, without any marker, the last
 * number of the last line that has one. Undefined where there is none. Of `3 + 4 = 7` it is 7.
 */
export function finalAnswer(text: string): WrittenNumber | undefined {
  const markers = [...text.matchAll(MARKERS)];
  for (const marker of markers.toReversed()) {
    const start = marker.index + marker[0].length;
    const lineEnd = text.indexOf("\n", start);
    const line = text.slice(start, lineEnd === -1 ? undefined : lineEnd);
    const stated = marker[0].startsWith("\\") ? line.slice(0, closingBrace(line)) : line;
    const number = statedIn(stated, start);
    if (number !== undefined) return number;
  }
  if (markers.length > 0) return undefined;
  let end = text.length;
  while (end > 0) {
    const start = text.lastIndexOf("\n", end - 1) + 1;
    const number = numbersIn(text.slice(start, end)).at(-1);
    if (number !== undefined) return shifted(number, start);
    end = start - 1;
  }
  return undefined;
}

function statedIn(text: string, offset: number): WrittenNumber | undefined {
  const from = text.lastIndexOf("=") + 1;
  const number = numbersIn(text.slice(from))[0];
  return number && shifted(number, offset + from);
}

function shifted({ value, start, end }: WrittenNumber, by: number): WrittenNumber {
  return { value, start: start + by, end: end + by };
}

/** Where the brace that was opened before `text` closes. */
function closingBrace(text: string): number {
  let depth = 1;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "{") depth++;
    if (text[i] === "}" && --depth === 0) return i;
  }
  return text.length;
}
