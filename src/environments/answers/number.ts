/** Numbers as people write them: read whole, or not at all. */
import { divided, ofDigits, plus, power, type Rational, times, written } from "./rational.js";

/** A number that a text states. */
export interface StatedNumber {
  /** Canonical: `70000`, `-2.5`, or `1/3` where no decimal is exact. Of `25%` it is `25`. */
  readonly value: string;
  /** It was written as a percentage, so that it may as well stand for a hundredth of `value`. */
  readonly percent: boolean;
}

/** Whether two are the same number: `25%` is both 25, as of a question for percent, and 0.25. */
export function sameNumber(a: StatedNumber, b: StatedNumber): boolean {
  if (a.value === b.value) return true;
  return a.percent !== b.percent && hundredth(a.percent ? a : b) === (a.percent ? b : a).value;
}

function hundredth({ value }: StatedNumber): string {
  const [top = "0", bottom = "1"] = value.split("/");
  return written(times(signed(top), { top: 1n, bottom: 100n * BigInt(bottom) }));
}

function signed(digits: string): Rational {
  const value = ofDigits(digits.replace("-", ""));
  return digits.startsWith("-") ? { ...value, top: -value.top } : value;
}

/** Longer texts state no number. */
const LONGEST = 400;

/**
 * The one number that a text states, or undefined.
 *
 * Read are integers, decimals, grouped digits (`1,000`, `1 000`, `1{,}000`, `1.000.000`), fractions,
 * mixed numbers, powers, scientific notation, percentages and the words for powers of ten, with a sign,
 * a currency, words before and a unit behind. Of an equation the right side counts; of "not 17 but 18"
 * it is 18. A text with anything else about its number (a factor, a root, a second number, a variable)
 * states none: what follows a number decides what it is.
 */
export function readNumber(text: string): StatedNumber | undefined {
  if (text.length > LONGEST) return undefined;
  const plain = withoutNegation(rightSide(plainNotation(text)));
  if (plain === undefined) return undefined;
  const at = plain.search(/[\d½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]|\.\d|\\frac/u);
  if (at < 0) return undefined;
  const before = prefixOf(plain.slice(0, at));
  if (before === undefined) return undefined;
  const core = magnitude(plain.slice(at));
  if (core === undefined) return undefined;
  const after = suffixOf(core.rest, before.currency);
  if (after === undefined) return undefined;
  const value = times(core.value, after.scale);
  const result = before.negative ? { ...value, top: -value.top } : value;
  return { value: written(result), percent: after.percent };
}

/** LaTeX, typography and Markdown as plain text, but for `\frac`, which stays. */
function plainNotation(text: string): string {
  return (
    text
      .replaceAll(/[\u2212\u2012\u2013\ufe63\uff0d]/g, "-")
      .replaceAll(/[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g, " ")
      .replaceAll(/[０-９]/g, (digit) => String(digit.charCodeAt(0) - 0xff10))
      .replaceAll(/[⁰¹²³⁴-⁹⁻]+/g, (digits) => `^${[...digits].map((d) => superscript(d)).join("")}`)
      .replaceAll("⁄", "/")
      .replaceAll(/\\[dtc]frac/g, "\\frac")
      .replaceAll(/\\(?:left|right|displaystyle|big|Big)(?![A-Za-z])/g, "")
      .replaceAll(
        /\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname|emph)\s?\{([^{}]*)\}/g,
        " $1 ",
      )
      .replaceAll(/\{,\}|,\\[,!:;]|,\{\}/g, ",")
      .replaceAll(/(\d)\\[,!:; ](?=\d{3}(?!\d))/g, "$1,")
      .replaceAll(/\\[,!:; ]|~|\\(?:quad|qquad)(?![A-Za-z])/g, " ")
      .replaceAll(/\\([$%#&_])/g, "$1")
      .replaceAll(/\\(?:times|cdot)(?![A-Za-z])|[×·⋅]/g, "×")
      .replaceAll(/\\(?:approx|simeq)(?![A-Za-z])|[≈≃]/g, "=")
      .replaceAll(/\^\s?\{?\\circ\}?|\\degree(?![A-Za-z])/g, "°")
      .replaceAll(/\\[()[\]]|\$\$/g, " ")
      // A dollar sign is a currency before a number, else the edge of a formula.
      .replaceAll(/\$(?!\s*-?\s*[\d.])/g, " ")
      .replaceAll(/\s\((?=[\p{L}=])[^()]*\)/gu, " ") // a remark
      .replaceAll(/(?<![\d)*])\*([^*\n]+)\*(?![\d(*])/g, "$1")
      .replaceAll(/\*\*(?!\s*\(?-?\d)|(?<!\d)\s*\*\*|__|`/g, " ")
      .trim()
  );
}

function superscript(digit: string): string {
  return digit === "⁻" ? "-" : String("⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(digit));
}

/** What stands behind the last sign of equality; undefined where a text states several equations. */
function rightSide(text: string): string | undefined {
  const parts = text.split("=");
  if (parts.length === 1) return text;
  if (/[<>!:]$/.test(parts.at(-2)!)) return undefined;
  const between = parts.slice(1, -1);
  if (between.some((part) => /(?:\bor\b|\band\b|[,;])\s*[A-Za-z]\w{0,20}\s*$/.test(part)))
    return undefined;
  return parts.at(-1)!;
}

/** "not 17 but 18" is 18, "18, not 17" and "18 instead of 17" too; "not 17" alone is nothing. */
function withoutNegation(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const but = /\bnot\b[^.]{0,200}?\bbut\b(.*)$/is.exec(text);
  if (but !== null) return but[1]!;
  const instead = /^(.*?)[,;(]?\s(?:not|instead of|rather than)\s/is.exec(text);
  if (instead === null) return /\b(?:not|isn't|never)\b/i.test(text) ? undefined : text;
  return /\d/.test(instead[1]!) ? instead[1]! : undefined;
}

/** Words before a number that make another number of it. */
const CHANGING =
  /\b(?:root|half|third|quarter|twice|double|triple|square|cube|log|ln|sin|cos|tan|exp|times|over|plus|divided|multiplied|factorial|more than|less than|greater than|fewer than|under|below|above|between|from|sum of|product of|difference of|either|neither|nor|to|mod|gcd|lcm|max|min|half of|\d)\b/i;

/** Sign and currency in what stands before a number; undefined where it is more than words. */
function prefixOf(before: string): { negative: boolean; currency: boolean } | undefined {
  const sign =
    /(?:(?:^|[\s(:{,[])([-+]|negative|minus)\s*)?([$€£¥₹]|USD|EUR|GBP)?\s*([-+])?\s*[({[]*\s*([-+])?$/i.exec(
      before,
    )!;
  const words = before.slice(0, sign.index);
  if (!/^[\p{L}\p{M}\s:.,;'"’“”*_(—-]*$/u.test(words) || CHANGING.test(words)) return undefined;
  if (/(?:^|\s)(?![aAI])\p{L}\s*$/u.test(words) || /\p{L}_?$/u.test(before)) return undefined;
  const signs = [sign[1], sign[3], sign[4]].filter((one) => one !== undefined);
  if (signs.length > 1) return undefined;
  return { negative: signs.length === 1 && signs[0] !== "+", currency: sign[2] !== undefined };
}

interface Read {
  readonly value: Rational;
  readonly rest: string;
}

const VULGAR: Readonly<Record<string, string>> = {
  "½": "1/2",
  "⅓": "1/3",
  "⅔": "2/3",
  "¼": "1/4",
  "¾": "3/4",
  "⅕": "1/5",
  "⅖": "2/5",
  "⅗": "3/5",
  "⅘": "4/5",
  "⅙": "1/6",
  "⅚": "5/6",
  "⅛": "1/8",
  "⅜": "3/8",
  "⅝": "5/8",
  "⅞": "7/8",
};

/** The digits that a text begins with, grouped or not. */
function simple(text: string): Read | undefined {
  const found =
    /^(?:\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|\d{1,3}(?:\.\d{3})+,\d+)(?![\d.,]*\d)/.exec(text) ??
    /^(?:\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}|\d{1,3}(?: \d{3})+|\d{1,3}(?:['’_]\d{3})+|\d+)(?:\.\d+)?(?!\d)|^\.\d+/.exec(
      text,
    );
  if (found === null) return undefined;
  const [digits] = found;
  const rest = text.slice(digits.length);
  if (/^(?:[,.'’_]\d|,\s?\d{3}(?!\d))/.test(rest)) return undefined; // grouped in no known way
  const european = /^\d{1,3}(?:\.\d{3}){2,}|^\d{1,3}(?:\.\d{3})+,/.test(digits);
  const plain = european
    ? digits.replaceAll(".", "").replace(",", ".")
    : digits.replaceAll(/[, '’_]/g, "");
  return { value: ofDigits(plain), rest };
}

/** A number with all that makes it one: the other half of a fraction, an exponent, a factor of ten. */
function magnitude(text: string): Read | undefined {
  const vulgar = vulgarAt(text) ?? fractionAt(text);
  if (vulgar !== undefined) return vulgar;
  const first = simple(text);
  if (first === undefined) return undefined;
  const { value, rest } = first;
  if (value.bottom === 1n) {
    const behind = rest.replace(/^(?: (?=\d+\s?\/)| (?=\\frac)| (?=[½-⅞]))/u, "");
    const part =
      vulgarAt(behind) ?? fractionAt(behind) ?? (behind === rest ? undefined : slashed(behind));
    if (part !== undefined) return { value: plus(value, part.value), rest: part.rest };
  }
  const over = /^\s?\/\s?(?=[-+]?[\d.])/.exec(rest);
  if (over !== null) return slashed(text);
  const exponent = /^[eE]([-+]?\d{1,4})(?![\d.]|\w)/.exec(rest);
  if (exponent !== null) return scaled(value, exponent[1]!, rest.slice(exponent[0].length));
  const ten =
    /^\s?[×x*]\s?10\s?(?:\^|\*\*)\s?(?:\{\s?([-+]?\d{1,4})\s?\}|\(([-+]?\d{1,4})\)|([-+]?\d{1,4}))(?![\d.])/.exec(
      rest,
    );
  if (ten !== null) return scaled(value, ten[1] ?? ten[2] ?? ten[3]!, rest.slice(ten[0].length));
  const raised =
    /^\s?(?:\^|\*\*)\s?(?:\{\s?([-+]?\d{1,4})\s?\}|\(([-+]?\d{1,4})\)|([-+]?\d{1,4}))(?![\d.])/.exec(
      rest,
    );
  if (raised === null) return first;
  const result = power(value, BigInt(raised[1] ?? raised[2] ?? raised[3]!));
  return result && { value: result, rest: rest.slice(raised[0].length) };
}

function scaled(value: Rational, exponent: string, rest: string): Read | undefined {
  const factor = power({ top: 10n, bottom: 1n }, BigInt(exponent));
  return factor && { value: times(value, factor), rest };
}

function slashed(text: string): Read | undefined {
  const top = simple(text);
  const rest = top === undefined ? null : /^\s?\/\s?([-+]?)(.*)$/s.exec(top.rest);
  const bottom = rest === null ? undefined : simple(rest[2]!);
  if (top === undefined || bottom === undefined) return undefined;
  const value = divided(top.value, rest![1] === "-" ? negated(bottom.value) : bottom.value);
  return value && { value, rest: bottom.rest };
}

function vulgarAt(text: string): Read | undefined {
  const known = VULGAR[text[0] ?? ""];
  if (known === undefined) return undefined;
  const read = slashed(known)!;
  return { value: read.value, rest: text.slice(1) };
}

/** `\frac{1}{2}`, `\frac12`, `\frac{-1}2`. */
function fractionAt(text: string): Read | undefined {
  const found = /^\\frac\s?(?:\{([^{}]*)\}|(\d))\s?(?:\{([^{}]*)\}|(\d))/.exec(text);
  if (found === null) return undefined;
  const top = whole(found[1] ?? found[2]!);
  const bottom = whole(found[3] ?? found[4]!);
  const value = top && bottom && divided(top, bottom);
  return value && { value, rest: text.slice(found[0].length) };
}

function whole(text: string): Rational | undefined {
  const [, sign = "", digits = ""] = /^\s*([-+]?)\s*(.*?)\s*$/s.exec(text)!;
  const read = simple(digits);
  if (read === undefined || read.rest !== "") return undefined;
  return sign === "-" ? negated(read.value) : read.value;
}

const negated = ({ top, bottom }: Rational): Rational => ({ top: -top, bottom });

const SCALES: Readonly<Record<string, bigint>> = {
  hundred: 100n,
  thousand: 1000n,
  million: 10n ** 6n,
  billion: 10n ** 9n,
  trillion: 10n ** 12n,
  lakh: 10n ** 5n,
  crore: 10n ** 7n,
};

/** Units that may touch their number. */
const UNITS =
  /^(?:km|cm|mm|m|kg|mg|g|lbs?|oz|ft|in|mi|mph|kph|km\/h|m\/s|hrs?|h|mins?|secs?|s|ms|am|pm|a\.m\.|p\.m\.|l|ml|gal|yd|yds|pts?|st|nd|rd|th|usd|eur|gbp|cents?|¢|€|£|°\s?[CFK]?)(?![\p{L}\d])/iu;

/** Words behind a number that make another number of it. */
const OPERATING =
  /\b(?:times|plus|minus|over|squared|cubed|factorial|divided|multiplied|dozens?|score|half|halves|thirds?|quarters?|fourths?|fifths?|or|to|out of|choose|mod|modulo|power|hundred|thousand|million|billion|trillion|point)\b/i;

/** Scale and percentage in what follows a number; undefined where it is more than a unit or the end. */
function suffixOf(
  given: string,
  currency: boolean,
): { scale: Rational; percent: boolean } | undefined {
  let rest = given.replace(/^[)}\]]+/, "");
  let scale = 1n;
  let percent = false;
  const word = /^\s?-?(hundred|thousand|million|billion|trillion|lakh|crore)s?\b/i.exec(rest);
  const short =
    word === null ? /^(?:[kK](?![\p{L}\d])|(?:[mM]n?|[bB]n?)(?![\p{L}\d]))/u.exec(rest) : null;
  if (word !== null) {
    scale = SCALES[word[1]!.toLowerCase()]!;
    rest = rest.slice(word[0].length);
  } else if (short !== null && (currency || /k/i.test(short[0]))) {
    scale = /k/i.test(short[0]) ? 1000n : /m/i.test(short[0]) ? 10n ** 6n : 10n ** 9n;
    rest = rest.slice(short[0].length);
  } else {
    const sign = /^\s?(?:%|percent(?:age points?)?\b|per\s?cent\b)/i.exec(rest);
    percent = sign !== null;
    rest = rest.slice(sign?.[0].length ?? 0).replace(percent ? /^$/ : UNITS, "");
  }
  rest = rest.replace(/^(?:\s?[$€£¥₹¢](?=\W|$))?[)}\]_"'”’]*/u, "");
  return endsWell(rest) ? { scale: { top: scale, bottom: 1n }, percent } : undefined;
}

/** Whether a number ends here: at the end, at a mark, or at words that leave it as it is. */
function endsWell(rest: string): boolean {
  if (rest.trim() === "") return true;
  if (/^[.,;](?:\s|$)/.test(rest)) {
    const next = rest.slice(1).trimStart();
    return !/^(?:(?:or|and)\s+)?[-+$€£]?\s?[\d.]*\d/i.test(next) && !/^(?:or|and)\s/i.test(next);
  }
  if (/^\s?[—-]\s?\p{L}/u.test(rest)) return !/\d/.test(rest.split(/[.,;]\s/)[0]!);
  if (!/^\s/.test(rest) || /^\s\(/.test(rest)) return false;
  const clause = rest
    .split(/[.,;](?:\s|$)|\n/)[0]!
    .replaceAll(/(?<=\p{L})\^\{?[23]\}?/gu, "")
    .trim();
  if (!/^[\p{L}\p{M}\s'’"“”/°²³^-]*$/u.test(clause) || OPERATING.test(clause)) return clause === "";
  const [first = ""] = clause.split(/\s/);
  return !/^[b-zB-HJ-Z]$/.test(first) || /^[mghslLCFKNJWV]$/.test(first);
}
