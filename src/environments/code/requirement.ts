/** One thing that a program must report about its input, as data, as text and as a function. */
import { ErrataError } from "../../util/error.js";
import { sumOf } from "../../util/statistics/sums.js";

/** What the results are about: an array, the digits of a text, or the array counted from its end. */
export const SUBJECTS = ["array", "text", "back"] as const;
export type Subject = (typeof SUBJECTS)[number];

/**
 * What is computed over the range.
 *
 *     count  how many satisfy the condition        first, last  index of such an element, else -1
 *     sum    of those that satisfy it              any, all     whether some, or all, satisfy it
 *     max    of those, -1 for none                 run          longest streak satisfying it
 *     min    of those, 99 for none                 reach        positions at which the running total does
 */
export const OPERATIONS = [
  "count",
  "sum",
  "max",
  "min",
  "first",
  "last",
  "any",
  "all",
  "run",
  "reach",
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Where the range begins: at index n, past index n, at the n-th element (from 1), at the start. */
export const STARTS = ["from", "after", "nth", "start"] as const;
/** Where it ends: before index n, at index n inclusive, before the n-th element, at the end. */
export const ENDS = ["before", "to", "ere-nth", "rest"] as const;
/** Conditions with a number. */
export const COMPARISONS = ["more", "least", "less", "most", "is", "not"] as const;
/** Conditions without one. `rises`, `falls` and `repeats` compare an element with the next. */
export const PROPERTIES = ["even", "odd", "rises", "falls", "repeats", "each"] as const;

export interface Requirement {
  readonly operation: Operation;
  readonly subject: Subject;
  readonly start: { readonly word: (typeof STARTS)[number]; readonly number: number };
  readonly end: { readonly word: (typeof ENDS)[number]; readonly number: number };
  readonly condition: {
    readonly word: (typeof COMPARISONS)[number] | (typeof PROPERTIES)[number];
    readonly number: number;
  };
}

/** The input of a program: an array of digits and a text of as many digits. */
export interface Input {
  readonly a: readonly number[];
  readonly s: string;
}

/** The value of one requirement. */
export type Result = number | boolean;

/** Fewest and most elements of an input; every range lies within the fewest. */
export const INPUT_LENGTH = { least: 10, most: 12 } as const;

/** Whether the condition is about an element and the next one, both of which must lie in the range. */
export function isAboutPairs({ condition: { word } }: Requirement): boolean {
  return word === "rises" || word === "falls" || word === "repeats";
}

/** Whether a program needs a second variable for it. */
export function needsCounter({ operation }: Requirement): boolean {
  return operation === "run" || operation === "reach";
}

/** The first index of the range. */
export function lowerBound({ start: { word, number } }: Requirement): number {
  switch (word) {
    case "from":
      return number;
    case "after":
      return number + 1;
    case "nth":
      return number - 1;
    case "start":
      return 0;
  }
}

/** One past the last index to visit, or how far that is from the input's length n. */
export function upperBound(requirement: Requirement): { readonly fromEnd: boolean; at: number } {
  const { word, number } = requirement.end;
  const pairs = isAboutPairs(requirement) ? 1 : 0;
  switch (word) {
    case "before":
      return { fromEnd: false, at: number - pairs };
    case "to":
      return { fromEnd: false, at: number + 1 - pairs };
    case "ere-nth":
      return { fromEnd: false, at: number - 1 - pairs };
    case "rest":
      return { fromEnd: true, at: 0 - pairs };
  }
}

/** Whether a value meets the condition; `next` is the element after it. */
export function satisfies(
  { condition: { word, number } }: Requirement,
  value: number,
  next: number | undefined,
): boolean {
  switch (word) {
    case "more":
      return value > number;
    case "least":
      return value >= number;
    case "less":
      return value < number;
    case "most":
      return value <= number;
    case "is":
      return value === number;
    case "not":
      return value !== number;
    case "even":
      return value % 2 === 0;
    case "odd":
      return value % 2 === 1;
    case "rises":
      return next !== undefined && value < next;
    case "falls":
      return next !== undefined && value > next;
    case "repeats":
      return next !== undefined && value === next;
    case "each":
      return true;
  }
}

/** The elements a subject stands for, in the order they are visited. */
export function elementsOf(subject: Subject, { a, s }: Input): readonly number[] {
  switch (subject) {
    case "array":
      return a;
    case "text":
      return Array.from(s, Number);
    case "back":
      return a.toReversed();
  }
}

/** What a right program reports: the definition that tests are made from. */
export function evaluate(requirement: Requirement, input: Input): Result {
  const elements = elementsOf(requirement.subject, input);
  const { fromEnd, at } = upperBound(requirement);
  const indices: number[] = [];
  for (let i = lowerBound(requirement); i < (fromEnd ? elements.length : 0) + at; i++)
    indices.push(i);
  const { operation } = requirement;
  if (operation === "reach") {
    let total = 0;
    return indices.filter((i) => satisfies(requirement, (total += elements[i]!), undefined)).length;
  }
  const meets = indices.map((i) => satisfies(requirement, elements[i]!, elements[i + 1]));
  const kept = indices.filter((_, k) => meets[k]);
  const values = kept.map((i) => elements[i]!);
  switch (operation) {
    case "count":
      return kept.length;
    case "sum":
      return sumOf(values);
    case "max":
      return Math.max(-1, ...values);
    case "min":
      return Math.min(99, ...values);
    case "first":
      return kept[0] ?? -1;
    case "last":
      return kept.at(-1) ?? -1;
    case "any":
      return kept.length > 0;
    case "all":
      return kept.length === indices.length;
    case "run": {
      let longest = 0;
      let streak = 0;
      for (const met of meets) {
        streak = met ? streak + 1 : 0;
        longest = Math.max(longest, streak);
      }
      return longest;
    }
  }
}

/** A requirement in the words of the lexicon: `count array after 3 to 7 least 5`. */
export function requirementText(requirement: Requirement): string {
  const { operation, subject, start, end, condition } = requirement;
  return [
    operation,
    subject,
    start.word,
    ...(start.word === "start" ? [] : [start.number]),
    end.word,
    ...(end.word === "rest" ? [] : [end.number]),
    condition.word,
    ...(isComparison(condition.word) ? [condition.number] : []),
  ].join(" ");
}

/**
 * Reads what {@link requirementText} writes.
 * @throws ErrataError `CODE_REQUIREMENT` on anything else.
 */
export function parseRequirement(text: string): Requirement {
  const words = text.split(" ");
  const take = <W extends string>(known: readonly W[]): W => {
    const word = words.shift();
    if (word !== undefined && (known as readonly string[]).includes(word)) return word as W;
    throw new ErrataError(
      `${JSON.stringify(text)} has ${word ?? "nothing"} where one of ${known.join(", ")} should stand`,
      {
        code: "CODE_REQUIREMENT",
        hint: "write it as in: count array after 3 to 7 least 5",
      },
    );
  };
  const number = (): number => Number(take(DIGITS));
  const operation = take(OPERATIONS);
  const subject = take(SUBJECTS);
  const startWord = take(STARTS);
  const start = { word: startWord, number: startWord === "start" ? 0 : number() };
  const endWord = take(ENDS);
  const end = { word: endWord, number: endWord === "rest" ? 0 : number() };
  const word = take([...COMPARISONS, ...PROPERTIES]);
  const condition = { word, number: isComparison(word) ? number() : 0 };
  if (words.length > 0) take([]);
  return { operation, subject, start, end, condition };
}

/** The family that transfer is measured over: what is computed, and over what. */
export function familyOf({ operation, subject }: Requirement): string {
  return `${operation}-${subject}`;
}

/** The ten digits as symbols. */
export const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"] as const;

/** Whether a condition's word is followed by a number. */
export function isComparison(word: string): boolean {
  return (COMPARISONS as readonly string[]).includes(word);
}
