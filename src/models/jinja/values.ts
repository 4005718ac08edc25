/** Values of templates, with the meaning that they have in Python. */
import { Environment } from "@huggingface/jinja";

/** A value of the interpreter of `@huggingface/jinja`. */
export interface Value {
  readonly type: string;
  readonly value: unknown;
  __bool__(): { readonly value: boolean };
}

/** Something that Jinja2 would compute, or refuse, and that is not computed here. */
export class NotComputed extends Error {}

export const notComputed = (what: string): never => {
  throw new NotComputed(`${what} is not supported`);
};

const make = (value: unknown): Value => new Environment().set("value", value) as unknown as Value;
type Constructor = new (value: unknown) => Value;
const like = (value: unknown): Constructor => make(value).constructor as Constructor;
const [Integer, Float, List, Dictionary, Callable] = [1, 0.5, [], {}, () => 0].map(like) as [
  Constructor,
  Constructor,
  Constructor,
  Constructor,
  Constructor,
];

export const text = (value: string): Value => make(value);
export const boolean = (value: boolean): Value => make(value);
export const none = (): Value => make(null);
export const missing = (): Value => make(undefined);
export const list = (values: readonly Value[]): Value => new List([...values]);
export const dictionary = (entries: Iterable<readonly [string, Value]>): Value =>
  new Dictionary(new Map(entries));
export const integer = (value: number): Value =>
  Number.isSafeInteger(value) ? new Integer(value) : notComputed("an integer beyond 2^53");
export const float = (value: number): Value => new Float(value);
export const callable = (call: (args: Value[]) => Value): Value => new Callable(call);

export const isText = (v: Value): v is Value & { value: string } => v.type === "StringValue";
export const isInteger = (v: Value): v is Value & { value: number } => v.type === "IntegerValue";
export const isFloat = (v: Value): v is Value & { value: number } => v.type === "FloatValue";
export const isBoolean = (v: Value): v is Value & { value: boolean } => v.type === "BooleanValue";
export const isList = (v: Value): v is Value & { value: Value[] } =>
  v.type === "ArrayValue" || v.type === "TupleValue";
export const isDictionary = (v: Value): v is Value & { value: Map<string, Value> } =>
  v.type === "ObjectValue";
export const isNone = (v: Value): boolean => v.type === "NullValue";
export const isMissing = (v: Value): boolean => v.type === "UndefinedValue";

/** The number that a value counts as, booleans among them. */
export function numberOf(v: Value): number | undefined {
  if (isBoolean(v)) return v.value ? 1 : 0;
  return isInteger(v) || isFloat(v) ? v.value : undefined;
}

/** Python's `str`. */
export function toText(v: Value): string {
  if (isText(v)) return v.value;
  if (isInteger(v)) return String(v.value);
  if (isFloat(v)) return floatText(v.value);
  if (isBoolean(v)) return v.value ? "True" : "False";
  if (isNone(v)) return "None";
  if (isMissing(v)) return "";
  return notComputed(`the text of a ${v.type}`);
}

export function floatText(x: number): string {
  if (x === 0) return Object.is(x, -0) ? "-0.0" : "0.0";
  if (!(Math.abs(x) >= 1e-4 && Math.abs(x) < 1e16)) notComputed(`the text of the number ${x}`);
  const plain = String(x);
  return plain.includes(".") ? plain : `${plain}.0`;
}

/** Python's `==`. */
export function isEqual(a: Value, b: Value): boolean {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return x === y;
  if (isText(a) && isText(b)) return a.value === b.value;
  if (isList(a) && isList(b)) {
    if (a.type !== b.type) notComputed("comparing a list with a tuple");
    return a.value.length === b.value.length && a.value.every((v, i) => isEqual(v, b.value[i]!));
  }
  if (isDictionary(a) && isDictionary(b))
    return (
      a.value.size === b.value.size &&
      [...a.value].every(([key, v]) => b.value.has(key) && isEqual(v, b.value.get(key)!))
    );
  if ((isNone(a) && isNone(b)) || (isMissing(a) && isMissing(b))) return true;
  return a === b;
}

/** Negative, 0 or positive, by code points. */
export function compareTexts(a: string, b: string): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(x.length, y.length); i++)
    if (x[i] !== y[i]) return x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!;
  return x.length - y.length;
}

/** Python's `list(range(*slice.indices(length)))`. */
export function sliceIndices(
  length: number,
  from: number | undefined,
  to: number | undefined,
  step = 1,
): number[] {
  if (step === 0) throw new Error("slice step cannot be zero");
  const [lowest, highest] = step > 0 ? [0, length] : [-1, length - 1];
  const place = (n: number | undefined, absent: number): number =>
    n === undefined ? absent : Math.min(highest, Math.max(lowest, n < 0 ? n + length : n));
  const start = place(from, step > 0 ? lowest : highest);
  const stop = place(to, step > 0 ? highest : lowest);
  const indices: number[] = [];
  for (let i = start; step > 0 ? i < stop : i > stop; i += step) indices.push(i);
  return indices;
}
