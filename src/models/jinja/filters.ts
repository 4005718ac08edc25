/** Filters and tests of Jinja2 3.1, with `tojson` as transformers defines it. */
import { capitalize, replace, strip } from "./strings.js";
import {
  compareTexts,
  float,
  floatText,
  integer,
  isBoolean,
  isDictionary,
  isEqual,
  isFloat,
  isInteger,
  isList,
  isMissing,
  isNone,
  isText,
  list,
  missing,
  notComputed,
  numberOf,
  text,
  toText,
  type Value,
} from "./values.js";

type Keywords = ReadonlyMap<string, Value>;

/** `value is name` or `value is name(argument)`. */
export function passesTest(name: string, v: Value, argument?: Value): boolean {
  if (["equalto", "eq", "==", "ne", "!=", "in"].includes(name)) {
    if (argument === undefined) return notComputed(`the test ${name} without an argument`);
    if (name === "in") return contains(argument, v);
    return isEqual(v, argument) !== (name === "ne" || name === "!=");
  }
  if (argument !== undefined) notComputed(`the test ${name} with an argument`);
  switch (name) {
    case "defined":
      return !isMissing(v);
    case "undefined":
      return isMissing(v);
    case "none":
      return isNone(v);
    case "boolean":
      return isBoolean(v);
    case "true":
    case "false":
      return isBoolean(v) && v.value === (name === "true");
    case "string":
      return isText(v);
    case "number":
      return numberOf(v) !== undefined;
    case "integer":
      return isInteger(v);
    case "float":
      return isFloat(v);
    case "mapping":
      return isDictionary(v);
    case "iterable":
    case "sequence":
      return isText(v) || isList(v) || isDictionary(v) || isMissing(v);
    case "odd":
    case "even":
      if (!isInteger(v)) return notComputed(`the test ${name} of a ${v.type}`);
      return (v.value % 2 === 0) === (name === "even");
    case "lower":
    case "upper": {
      if (!isText(v)) return notComputed(`the test ${name} of a ${v.type}`);
      const [low, high] = [v.value.toLowerCase(), v.value.toUpperCase()];
      return low !== high && v.value === (name === "lower" ? low : high);
    }
    case "callable":
      return v.type === "FunctionValue";
    default:
      return notComputed(`the test ${name}`);
  }
}

/** `item in container`. */
export function contains(container: Value, item: Value): boolean {
  if (isList(container)) return container.value.some((v) => isEqual(v, item));
  if (isMissing(container)) return false;
  if (isText(container)) {
    if (isText(item)) return container.value.includes(item.value);
    throw new Error("'in <string>' requires string as left operand");
  }
  if (isDictionary(container)) return isText(item) && container.value.has(item.value);
  throw new Error(`a ${container.type} is not iterable`);
}

/** The items that iteration gives. */
export function itemsOf(v: Value): Value[] {
  if (isList(v)) return v.value;
  if (isText(v)) return Array.from(v.value, text);
  if (isDictionary(v)) return [...v.value.keys()].map(text);
  if (isMissing(v)) return [];
  throw new Error(`a ${v.type} is not iterable`);
}

/** The attribute of a dotted path. */
function attributeOf(v: Value, path: string): Value {
  let at = v;
  for (const part of path.split(".")) {
    if (/^\d+$/.test(part)) return notComputed("an attribute path with numbers");
    if (isMissing(at)) throw new Error(`${path} of an undefined value`);
    at = isDictionary(at) ? (at.value.get(part) ?? missing()) : missing();
  }
  return at;
}

/** Python's `json.dumps(value, ensure_ascii=False, ...)`. */
function toJson(v: Value, indent: number | undefined, depth = 0): string {
  if (isText(v)) {
    // Unlike JavaScript, Python leaves halves of surrogate pairs as they are.
    return /\p{Cs}/u.test(v.value) ? notComputed("JSON of a broken text") : JSON.stringify(v.value);
  }
  if (isInteger(v)) return String(v.value);
  if (isFloat(v)) return floatText(v.value);
  if (isBoolean(v)) return String(v.value);
  if (isNone(v)) return "null";
  const line = (n: number): string => (indent === undefined ? "" : `\n${" ".repeat(indent * n)}`);
  const within = (open: string, parts: readonly string[], close: string): string => {
    if (parts.length === 0) return open + close;
    const separator = indent === undefined ? ", " : ",";
    return open + parts.map((p) => line(depth + 1) + p).join(separator) + line(depth) + close;
  };
  if (isList(v))
    return within(
      "[",
      v.value.map((x) => toJson(x, indent, depth + 1)),
      "]",
    );
  if (isDictionary(v))
    return within(
      "{",
      [...v.value].map(([key, x]) => `${JSON.stringify(key)}: ${toJson(x, indent, depth + 1)}`),
      "}",
    );
  return notComputed(`JSON of a ${v.type}`);
}

/** The arguments of a filter by name; others are refused. */
function named(
  filter: string,
  names: readonly string[],
  args: readonly Value[],
  keywords: Keywords,
): (name: string) => Value | undefined {
  if (args.length > names.length) notComputed(`the filter ${filter} with ${args.length} arguments`);
  for (const key of keywords.keys())
    if (!names.includes(key)) notComputed(`the argument ${key} of the filter ${filter}`);
  return (name) => args[names.indexOf(name)] ?? keywords.get(name);
}

const pair = (a: Value, b: Value): Value => list([a, b]);

/** `operand | name(*args, **keywords)`. */
export function applyFilter(
  name: string,
  operand: Value,
  args: readonly Value[],
  keywords: Keywords,
): Value {
  const take = (...names: string[]): ((n: string) => Value | undefined) =>
    named(name, names, args, keywords);
  const truth = (v: Value | undefined): boolean => v !== undefined && v.__bool__().value;
  switch (name) {
    case "trim": {
      const chars = take("chars")("chars");
      return text(
        strip(
          toText(operand),
          chars === undefined || isNone(chars) ? undefined : toText(chars),
          "lr",
        ),
      );
    }
    case "upper":
    case "lower":
      take();
      return text(name === "upper" ? toText(operand).toUpperCase() : toText(operand).toLowerCase());
    case "capitalize":
      take();
      return text(capitalize(toText(operand)));
    case "title":
      take();
      return text(
        toText(operand)
          .split(/([-\s({[<]+)/u)
          .map((part) => capitalize(part))
          .join(""),
      );
    case "string":
      take();
      return text(toText(operand));
    case "length":
    case "count":
      take();
      return integer(itemsOf(operand).length);
    case "list":
      take();
      return list(itemsOf(operand));
    case "first":
    case "last":
      take();
      if (isDictionary(operand)) return notComputed(`the filter ${name} of a dictionary`);
      return itemsOf(operand).at(name === "first" ? 0 : -1) ?? missing();
    case "reverse":
      take();
      return isText(operand)
        ? text(Array.from(operand.value).reverse().join(""))
        : list([...itemsOf(operand)].reverse());
    case "join": {
      const separator = take("d")("d");
      return text(
        itemsOf(operand)
          .map(toText)
          .join(separator === undefined ? "" : toText(separator)),
      );
    }
    case "default":
    case "d": {
      const get = take("default_value", "boolean");
      const absent = isMissing(operand) || (truth(get("boolean")) && !truth(operand));
      return absent ? (get("default_value") ?? text("")) : operand;
    }
    case "abs": {
      take();
      const x = numberOf(operand) ?? notComputed(`abs of a ${operand.type}`);
      return isFloat(operand) ? float(Math.abs(x)) : integer(Math.abs(x));
    }
    case "int":
    case "float":
      return toNumber(name, operand, take("default")("default"));
    case "tojson": {
      const get = take("ensure_ascii", "indent", "separators", "sort_keys");
      const indent = get("indent");
      if (truth(get("ensure_ascii")) || truth(get("sort_keys")) || truth(get("separators")))
        notComputed("tojson with ensure_ascii, separators or sort_keys");
      if (indent !== undefined && !isNone(indent) && !(isInteger(indent) && indent.value > 0))
        notComputed("tojson with such an indent");
      return text(
        toJson(operand, indent !== undefined && isInteger(indent) ? indent.value : undefined),
      );
    }
    case "items":
      take();
      if (isMissing(operand)) return list([]);
      if (!isDictionary(operand)) throw new Error("Can only get item pairs from a mapping.");
      return list([...operand.value].map(([key, v]) => pair(text(key), v)));
    case "dictsort":
      take();
      if (!isDictionary(operand)) throw new Error("dictsort of no mapping");
      return list(
        [...operand.value]
          .sort(([a], [b]) => compareTexts(a.toLowerCase(), b.toLowerCase()))
          .map(([key, v]) => pair(text(key), v)),
      );
    case "replace": {
      const get = take("old", "new", "count");
      const [from, to, count] = [get("old"), get("new"), get("count")];
      if (from === undefined || to === undefined) throw new Error("replace needs two texts");
      if (count !== undefined && !isNone(count) && !isInteger(count)) notComputed("such a count");
      const most = count !== undefined && isInteger(count) ? count.value : -1;
      return text(replace(toText(operand), toText(from), toText(to), most));
    }
    case "indent": {
      const get = take("width", "first", "blank");
      const width = get("width");
      const by =
        width === undefined ? "    " : isInteger(width) ? " ".repeat(width.value) : toText(width);
      const value = toText(operand);
      if (Array.from("\v\f\r\x1c\x1d\x1e\x85\u2028\u2029").some((c) => value.includes(c)))
        notComputed("indenting such line breaks");
      const [head, ...rest] = value.split("\n");
      const blank = truth(get("blank"));
      const lines = rest.map((line) => (line === "" && !blank ? line : by + line));
      return text([(truth(get("first")) ? by : "") + head!, ...lines].join("\n"));
    }
    case "selectattr":
    case "rejectattr": {
      const [attribute, test, argument] = args;
      if (attribute === undefined || keywords.size > 0 || args.length > 3)
        return notComputed(`such a ${name}`);
      const wanted = name === "selectattr";
      return list(
        itemsOf(operand).filter((item) => {
          const v = attributeOf(item, toText(attribute));
          return (test === undefined ? truth(v) : passesTest(toText(test), v, argument)) === wanted;
        }),
      );
    }
    case "select":
    case "reject": {
      const [test, argument] = args;
      if (keywords.size > 0 || args.length > 2) return notComputed(`such a ${name}`);
      const wanted = name === "select";
      return list(
        itemsOf(operand).filter(
          (v) => (test === undefined ? truth(v) : passesTest(toText(test), v, argument)) === wanted,
        ),
      );
    }
    case "map": {
      const attribute = keywords.get("attribute");
      if (attribute === undefined) {
        const [filter, ...others] = args;
        if (filter === undefined || keywords.size > 0) return notComputed("such a map");
        return list(itemsOf(operand).map((v) => applyFilter(toText(filter), v, others, new Map())));
      }
      const absent = keywords.get("default");
      if (args.length > 0 || [...keywords.keys()].some((k) => k !== "attribute" && k !== "default"))
        return notComputed("such a map");
      return list(
        itemsOf(operand).map((item) => {
          const v = attributeOf(item, toText(attribute));
          return isMissing(v) ? (absent ?? v) : v;
        }),
      );
    }
    default:
      return notComputed(`the filter ${name}`);
  }
}

function toNumber(kind: "int" | "float", v: Value, absent: Value | undefined): Value {
  const other = absent ?? (kind === "int" ? integer(0) : float(0));
  const wrap = (x: number): Value => (kind === "int" ? integer(Math.trunc(x)) : float(x));
  const x = numberOf(v);
  if (x !== undefined) return wrap(x);
  if (!isText(v)) return isNone(v) || isMissing(v) ? other : notComputed(`${kind} of a ${v.type}`);
  const plain = strip(v.value, undefined, "lr");
  if (/^[+-]?\d+$/.test(plain) || /^[+-]?(\d+\.\d*|\.\d+|\d+)(e[+-]?\d+)?$/i.test(plain))
    return wrap(Number(plain));
  if (/[_\d]|inf|nan/i.test(plain)) return notComputed(`${kind} of ${JSON.stringify(plain)}`);
  return other;
}
