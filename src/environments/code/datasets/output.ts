/** Whether a program wrote what it was to write, as LiveCodeBench's own grader tells it. */
import { ofDigits, power, times, written } from "../../answers/rational.js";

/**
 * Equal line by line, white space at the ends of lines and of the whole aside; a line is also equal where
 * all of its words are numbers and each is the same number as its counterpart: `3.5` is `3.50`.
 */
export function sameOutput(given: string, expected: string): boolean {
  const [a, b] = [linesOf(given), linesOf(expected)];
  return a.length === b.length && a.every((line, i) => line === b[i] || sameNumbers(line, b[i]!));
}

const linesOf = (text: string): string[] =>
  text
    .trim()
    .split("\n")
    .map((line) => line.trim());

function sameNumbers(a: string, b: string): boolean {
  const [left, right] = [a.split(/\s+/), b.split(/\s+/)];
  return (
    left.length === right.length &&
    left.every((word, i) => {
      const value = decimal(word);
      return value !== undefined && value === decimal(right[i]!);
    })
  );
}

/** The canonical form of what Python's `Decimal` reads, as far as it is a finite number. */
function decimal(word: string): string | undefined {
  const found = /^([-+]?)(\d+\.?\d*|\.\d+)(?:[eE]([-+]?\d{1,3}))?$/.exec(word);
  if (found === null || word.length > 2000) return undefined;
  const value = ofDigits(found[2]!);
  const scale = power({ top: 10n, bottom: 1n }, BigInt(found[3] ?? "0"));
  if (scale === undefined) return undefined;
  const { top, bottom } = times(value, scale);
  return written({ top: found[1] === "-" ? -top : top, bottom });
}
