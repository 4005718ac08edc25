/** Exact numbers, and the one way of writing each. */

/** A fraction: `bottom` is above 0. */
export interface Rational {
  readonly top: bigint;
  readonly bottom: bigint;
}

/** Decimals that are written out; a number that needs more is written as a fraction. */
const MOST_DECIMALS = 40;

/** Of digits with at most one point: `12.50`, `.5`. */
export function ofDigits(digits: string): Rational {
  const [whole = "", decimals = ""] = digits.split(".");
  return { top: BigInt(whole + decimals), bottom: 10n ** BigInt(decimals.length) };
}

export function times(a: Rational, b: Rational): Rational {
  return { top: a.top * b.top, bottom: a.bottom * b.bottom };
}

export function plus(a: Rational, b: Rational): Rational {
  return { top: a.top * b.bottom + b.top * a.bottom, bottom: a.bottom * b.bottom };
}

/** Undefined where `b` is 0. */
export function divided(a: Rational, b: Rational): Rational | undefined {
  if (b.top === 0n) return undefined;
  const sign = b.top < 0n ? -1n : 1n;
  return { top: sign * a.top * b.bottom, bottom: sign * a.bottom * b.top };
}

/** `a` to a whole power; undefined where that has too many digits, or divides by 0. */
export function power(a: Rational, exponent: bigint): Rational | undefined {
  const size = exponent < 0n ? -exponent : exponent;
  const digits = BigInt(`${a.top}${a.bottom}`.length);
  if (size * digits > 4000n) return undefined;
  const raised = { top: a.top ** size, bottom: a.bottom ** size };
  return exponent < 0n ? divided({ top: 1n, bottom: 1n }, raised) : raised;
}

/** `70000`, `-2.5`, or `1/3` where no decimal is exact: equal numbers have equal texts. */
export function written({ top, bottom }: Rational): string {
  const common = divisor(top < 0n ? -top : top, bottom);
  const [p, q] = [top / common, bottom / common];
  let decimals = 0;
  let scaled = p < 0n ? -p : p;
  while (decimals < MOST_DECIMALS && scaled % q !== 0n) {
    decimals++;
    scaled *= 10n;
  }
  if (scaled % q !== 0n) return `${p}/${q}`;
  const digits = `${scaled / q}`.padStart(decimals + 1, "0");
  const sign = p < 0n ? "-" : "";
  if (decimals === 0) return sign + digits;
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function divisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a === 0n ? 1n : a;
}
