/** Python's methods of `str`. */
import {
  boolean,
  integer,
  isInteger,
  isList,
  isNone,
  isText,
  list,
  notComputed,
  text,
  type Value,
} from "./values.js";

/** What `str.isspace` takes for white space. */
const spaces =
  "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";
const isSpace = (character: string): boolean => spaces.includes(character);

/** `str.strip(chars)` on the given sides. */
export function strip(value: string, chars: string | undefined, sides: "l" | "r" | "lr"): string {
  const cut = new Set(chars ?? spaces);
  const points = Array.from(value);
  let [start, end] = [0, points.length];
  if (sides !== "r") while (start < end && cut.has(points[start]!)) start++;
  if (sides !== "l") while (end > start && cut.has(points[end - 1]!)) end--;
  return points.slice(start, end).join("");
}

/** `str.replace(old, new, count)`; a negative count is all. */
export function replace(value: string, from: string, to: string, count = -1): string {
  if (from === "") return notComputed("replacing the empty text");
  const parts = value.split(from);
  const kept = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1);
  return (
    parts
      .slice(0, kept)
      .map((p) => p + to)
      .join("") + parts.slice(kept).join(from)
  );
}

function split(value: string, separator: string | undefined, most: number): string[] {
  if (separator === "") throw new Error("empty separator");
  if (separator !== undefined) {
    const parts = value.split(separator);
    if (most < 0 || parts.length - 1 <= most) return parts;
    return [...parts.slice(0, most), parts.slice(most).join(separator)];
  }
  const parts: string[] = [];
  let rest = strip(value, undefined, "l");
  while (rest !== "" && (most < 0 || parts.length < most)) {
    const end = Array.from(rest).findIndex(isSpace);
    if (end < 0) break;
    const head = Array.from(rest).slice(0, end).join("");
    parts.push(head);
    rest = strip(rest.slice(head.length), undefined, "l");
  }
  if (rest !== "")
    parts.push(most >= 0 && parts.length >= most ? rest : strip(rest, undefined, "r"));
  return parts;
}

const isAscii = (value: string): boolean => /^\p{ASCII}*$/u.test(value);

/** `str.capitalize`. */
export function capitalize(value: string): string {
  const [first = "", ...rest] = Array.from(value);
  if (!isAscii(first)) notComputed("a capital of a letter outside ASCII");
  return first.toUpperCase() + rest.join("").toLowerCase();
}

/** `value.name(...args)`. */
export function textMethod(
  name: string,
  value: string,
  args: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
): Value {
  const odd = (): never => notComputed(`the method ${name} with these arguments`);
  if (
    [...keywords.keys()].some(
      (k) => !(name === "split" && k === "maxsplit") && !(name === "replace" && k === "count"),
    )
  )
    odd();
  const word = (i: number): string => {
    const v = args[i];
    return v !== undefined && isText(v) ? v.value : odd();
  };
  const atMost = (n: number): void => {
    if (args.length > n) odd();
  };
  const count = (i: number, keyword: string): number => {
    const v = args[i] ?? keywords.get(keyword);
    if (v === undefined) return -1;
    return isInteger(v) ? v.value : odd();
  };
  switch (name) {
    case "strip":
    case "lstrip":
    case "rstrip": {
      atMost(1);
      const chars = args[0] === undefined || isNone(args[0]) ? undefined : word(0);
      return text(strip(value, chars, name === "strip" ? "lr" : (name[0] as "l" | "r")));
    }
    case "upper":
    case "lower":
      atMost(0);
      return text(name === "upper" ? value.toUpperCase() : value.toLowerCase());
    case "capitalize":
      atMost(0);
      return text(capitalize(value));
    case "title":
      atMost(0);
      if (!isAscii(value)) return notComputed("a title with letters outside ASCII");
      return text(value.toLowerCase().replace(/[a-z]+/g, (w) => w[0]!.toUpperCase() + w.slice(1)));
    case "startswith":
    case "endswith": {
      if (args.length !== 1) odd();
      const [affix] = args as [Value];
      const parts = isList(affix) ? affix.value : [affix];
      if (!parts.every(isText)) odd();
      const words = parts.map((p) => p.value as string);
      return boolean(
        words.some((w) => (name === "startswith" ? value.startsWith(w) : value.endsWith(w))),
      );
    }
    case "split": {
      atMost(2);
      const separator = args[0] === undefined || isNone(args[0]) ? undefined : word(0);
      return list(split(value, separator, count(1, "maxsplit")).map(text));
    }
    case "replace":
      if (args.length < 2) odd();
      atMost(3);
      return text(replace(value, word(0), word(1), count(2, "count")));
    case "join": {
      const [items] = args;
      if (args.length !== 1 || items === undefined || !isList(items) || !items.value.every(isText))
        return odd();
      return text(items.value.map((v) => v.value as string).join(value));
    }
    case "find": {
      if (args.length !== 1) odd();
      const at = value.indexOf(word(0));
      return integer(at < 0 ? -1 : Array.from(value.slice(0, at)).length);
    }
    case "count":
      if (args.length !== 1 || word(0) === "") odd();
      return integer(value.split(word(0)).length - 1);
    case "removeprefix":
      if (args.length !== 1) odd();
      return text(value.startsWith(word(0)) ? value.slice(word(0).length) : value);
    case "removesuffix":
      if (args.length !== 1) odd();
      return text(
        word(0) !== "" && value.endsWith(word(0)) ? value.slice(0, -word(0).length) : value,
      );
    default:
      return notComputed(`the method ${name} of a text`);
  }
}
