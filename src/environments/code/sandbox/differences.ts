/** Where QuickJS and V8, which Node and Chrome run, give other results for the same program. */

const DIFFERENCES: readonly (readonly [used: RegExp, notice: string])[] = [
  [
    /\.(?:sort|toSorted)\s?\((?:\s?\(\s?\w+\s?,\s?\w+\s?\)\s?=>|\s?function\s?\(\s?\w+\s?,\s?\w+\s?\)\s?\{\s?return)\s?[^-+;{}()?=<>]{1,60}[<>][^?();]{1,60}[;)]/,
    "a comparator that returns a boolean sorts otherwise in V8: return a number, as in a - b",
  ],
  [/\.localeCompare\s?\(/, "localeCompare goes by code points here, and by the language in V8"],
  [
    /\bIntl\s?\.|\.toLocale\w{1,40}\s?\(/,
    "there is no Intl here, and texts for a locale differ from V8's",
  ],
];

/** What of a program may give another result in Node, in words; empty where nothing is known to. */
export function differencesFromV8(program: string): readonly string[] {
  return DIFFERENCES.filter(([used]) => used.test(program)).map(([, notice]) => notice);
}
