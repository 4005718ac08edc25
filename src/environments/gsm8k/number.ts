/** Numbers as people write them, brought to one exact form. */

const DIGITS = String.raw`\d{1,3}(?:,\d{3})+(?!\d)|\d+`;
const NUMBER = String.raw`(?:(?:${DIGITS})(?:\.\d+)?|\.\d+)`;

/** A mixed number, a fraction or a decimal, with its sign and currency. */
const WRITTEN = new RegExp(
  String.raw`(?<sign>[-+]?)\s*[$€£¥]?\s*(?<inner>-?)(?:(?<whole>${DIGITS})\s+(?<over>\d+)\s*/\s*(?<under>\d+)|(?<top>${NUMBER})\s*/\s*(?<bottom>${NUMBER})|(?<plain>${NUMBER}))`,
  "g",
);

/** One number found in a text. */
export interface WrittenNumber {
  /** Canonical: `70000`, `-2.5`, or `1/3` where no decimal is exact. Equal numbers have equal texts. */
  readonly value: string;
  /** Characters of the text it takes: [start, end). */
  readonly start: number;
  readonly end: number;
}

/**
 * The numbers in a text, in order: integers, decimals, fractions, mixed numbers (`2 1/2`), with
 * thousands separators, currency, LaTeX (`\frac{1}{2}`, `\$1{,}000`), percent signs and units. A
 * percent sign and a unit are read over: `25%`, `25 percent` and `25 apples` are all `25`.
 */
export function numbersIn(text: string): WrittenNumber[] {
  const plain = withoutLatex(text);
  const found: WrittenNumber[] = [];
  for (const match of plain.matchAll(WRITTEN)) {
    const { sign, inner, whole, over, under, top, bottom, plain: digits } = match.groups!;
    const value =
      whole !== undefined
        ? plus(ratio(whole), divide(ratio(over!), ratio(under!)))
        : top !== undefined
          ? divide(ratio(top), ratio(bottom!))
          : ratio(digits!);
    if (value === undefined) continue;
    const before = plain[match.index - 1] ?? "";
    // In `5-3` and `May-3` the hyphen joins.
    const negative = (sign === "-" && !/[\w)]/.test(before)) !== (inner === "-");
    const signed = negative ? { top: -value.top, bottom: value.bottom } : value;
    found.push({
      value: written(signed),
      start: match.index,
      end: match.index + match[0].length,
    });
  }
  return found;
}

/**
 * The canonical form of a text that states one number, or undefined: `$1,200.50` is `1200.5`,
 * `\frac{1}{2}` is `0.5`, `18 dollars` is `18`. Of an equation the right side counts, of several
 * numbers the first.
 */
export function canonicalNumber(text: string): string | undefined {
  return numbersIn(text.slice(text.lastIndexOf("=") + 1))[0]?.value;
}

/** The same text, as long as before, with LaTeX read as plain notation. */
function withoutLatex(text: string): string {
  return text
    .replaceAll(/[−–]/g, "-")
    .replaceAll(/\\[dt]?frac\{([^{}]+)\}\{([^{}]+)\}/g, (all, top: string, bottom: string) =>
      `${top}/${bottom}`.padStart(all.length),
    )
    .replaceAll(/\\[$%]/g, (all) => ` ${all[1]!}`)
    .replaceAll(/\d{1,3}(?:(?:\{,\}|,?\\[,!])\d{3})+(?!\d)/g, (all) =>
      all.replaceAll(/\{,\}|,?\\[,!]/g, ",").padStart(all.length),
    );
}

interface Ratio {
  readonly top: bigint;
  readonly bottom: bigint;
}

function ratio(digits: string): Ratio {
  const [whole = "", decimals = ""] = digits.replaceAll(",", "").split(".");
  return { top: BigInt(whole + decimals), bottom: 10n ** BigInt(decimals.length) };
}

function plus(a: Ratio, b: Ratio | undefined): Ratio | undefined {
  return b && { top: a.top * b.bottom + b.top * a.bottom, bottom: a.bottom * b.bottom };
}

function divide(a: Ratio, b: Ratio): Ratio | undefined {
  return b.top === 0n ? undefined : { top: a.top * b.bottom, bottom: a.bottom * b.top };
}

/** A decimal where one is exact, else a reduced fraction. */
function written({ top, bottom }: Ratio): string {
  const common = divisor(top < 0n ? -top : top, bottom);
  const [p, q] = [top / common, bottom / common];
  let decimals = 0;
  while (decimals < 40 && (p * 10n ** BigInt(decimals)) % q !== 0n) decimals++;
  if (decimals === 40) return `${p}/${q}`;
  const digits = `${((p < 0n ? -p : p) * 10n ** BigInt(decimals)) / q}`.padStart(decimals + 1, "0");
  const sign = p < 0n ? "-" : "";
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function divisor(a: bigint, b: bigint): bigint {
  return b === 0n ? (a === 0n ? 1n : a) : divisor(b, a % b);
}
