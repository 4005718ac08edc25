/**
 * Jinja templates with the meaning of Jinja2 3.1 in the sandbox of transformers: the parser and control flow of
 * `@huggingface/jinja` 0.5.11, with Python's operators, texts, filters and scopes in place of its own. What is not
 * known to be computed alike is refused by name.
 */
import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";
import { applyFilter, contains, itemsOf, passesTest } from "./filters.js";
import { strftime } from "./strftime.js";
import { textMethod } from "./strings.js";
import {
  boolean,
  callable,
  compareTexts,
  float,
  integer,
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
  none,
  notComputed,
  numberOf,
  sliceIndices,
  text,
  toText,
  type Value,
} from "./values.js";

/** A node of the tree that the library's parser makes. */
interface Node {
  readonly type: string;
}
interface Binary extends Node {
  readonly operator: { readonly value: string };
  readonly left: Node;
  readonly right: Node;
}
interface Filter extends Node {
  readonly operand: Node;
  readonly filter: Node;
}
interface Call extends Node {
  readonly callee: Node;
  readonly args: Node[];
}
interface Member extends Node {
  readonly object: Node;
  readonly property: Node;
  readonly computed: boolean;
}
interface Slice extends Node {
  readonly start?: Node;
  readonly stop?: Node;
  readonly step?: Node;
}
interface Literal extends Node {
  readonly value: number;
}
interface Loop extends Node {
  readonly body: Node[];
  readonly defaultBlock: Node[];
}
const nameOf = (node: Node): string => (node as Node & { value: string }).value;

/** The library's interpreter, whose methods its types hide. */
declare class Inner {
  constructor(environment: Environment);
  run(program: Node): Value;
  evaluate(node: Node | undefined, environment: Environment): Value;
  evaluateArguments(args: Node[], environment: Environment): [Value[], Map<string, Value>];
  evaluateCallExpression(node: Call, environment: Environment): Value;
  evaluateFor(node: Loop, environment: Environment): Value;
  evaluateMacro(node: Node & { name: Node }, environment: Environment): Value;
  evaluateMemberExpression(node: Member, environment: Environment): Value;
}
const Base = Interpreter as unknown as typeof Inner;

/** Statements whose value is no text of theirs. */
const silent = new Set(["Set", "Macro", "Comment"]);
const comparisons = new Set(["<", ">", "<=", ">=", "==", "!=", "in", "not in"]);

class PythonInterpreter extends Base {
  /** The loops around what is evaluated, innermost last. */
  readonly #loops: { readonly body: Node[]; begun: number; ended: number; broken: boolean }[] = [];
  #leaving: "Break" | "Continue" | undefined;

  /** Text goes on before a `break` or `continue`; a loop's body has a scope of its own each time. */
  evaluateBlock(nodes: Node[], environment: Environment): Value {
    const loop = this.#loops.at(-1);
    const isBody = loop !== undefined && loop.body === nodes;
    if (isBody && loop.broken) return text("");
    if (isBody) loop.begun++;
    const scope = isBody ? new Environment(environment) : environment;
    let out = "";
    for (const node of nodes) {
      if (node.type === "Break" || node.type === "Continue") this.#leaving = node.type;
      else {
        const value = this.evaluate(unsafe(node), scope);
        if (!silent.has(node.type)) out += toText(value);
      }
      if (this.#leaving !== undefined) break;
    }
    if (isBody) {
      if (this.#leaving === "Break") loop.broken = true;
      if (this.#leaving === undefined) loop.ended++;
      this.#leaving = undefined;
    }
    return text(out);
  }

  override evaluateFor(node: Loop, environment: Environment): Value {
    const loop = { body: node.body, begun: 0, ended: 0, broken: false };
    this.#loops.push(loop);
    let out: Value;
    try {
      out = super.evaluateFor(node, environment);
    } finally {
      this.#loops.pop();
    }
    // As in Jinja2, `else` is for loops none of whose rounds came to its end.
    if (loop.begun === 0 || loop.ended > 0) return out;
    return text(toText(out) + toText(this.evaluateBlock(node.defaultBlock, environment)));
  }

  override evaluate(node: Node | undefined, environment: Environment): Value {
    if (node?.type === "IntegerLiteral" && !Number.isSafeInteger((node as Literal).value))
      return notComputed("an integer beyond 2^53");
    return super.evaluate(node, environment);
  }

  /** A macro sees where it was defined, not where it is called. */
  override evaluateMacro(node: Node & { name: Node }, environment: Environment): Value {
    const result = super.evaluateMacro(node, environment);
    const macro = environment.lookupVariable(nameOf(node.name)) as unknown as {
      value: (args: Value[], scope: Environment) => Value;
    };
    const original = macro.value;
    macro.value = (args, caller) => {
      const scope = new Environment(environment);
      const block = caller.variables.get("caller");
      if (block !== undefined) scope.setVariable("caller", block);
      return original(args, scope);
    };
    return result;
  }

  evaluateBinaryExpression(node: Binary, environment: Environment): Value {
    const operator = node.operator.value;
    const isChained =
      comparisons.has(operator) &&
      node.left.type === "BinaryExpression" &&
      comparisons.has((node.left as Binary).operator.value);
    if (isChained) notComputed("a chain of comparisons");
    const left = this.evaluate(node.left, environment);
    if (operator === "and" || operator === "or")
      return left.__bool__().value === (operator === "and")
        ? this.evaluate(node.right, environment)
        : left;
    const right = this.evaluate(node.right, environment);
    switch (operator) {
      case "==":
      case "!=":
        return boolean(isEqual(left, right) === (operator === "=="));
      case "in":
      case "not in":
        return boolean(contains(right, left) === (operator === "in"));
      case "~":
        return text(toText(left) + toText(right));
      case "+":
        if (isText(left) && isText(right)) return text(left.value + right.value);
        if (left.type === "ArrayValue" && right.type === "ArrayValue")
          return list([...itemsOf(left), ...itemsOf(right)]);
        break;
      case "*":
        if (isText(left) && isInteger(right) && right.value * left.value.length < 1e6)
          return text(left.value.repeat(Math.max(0, right.value)));
        break;
      case "<":
      case ">":
      case "<=":
      case ">=":
        if (isText(left) && isText(right))
          return boolean(ordered(operator, compareTexts(left.value, right.value)));
        break;
    }
    return arithmetic(operator, left, right);
  }

  applyFilter(operand: Value, filter: Node, environment: Environment): Value {
    if (filter.type === "Identifier") return applyFilter(nameOf(filter), operand, [], new Map());
    const { callee, args } = filter as Call;
    return applyFilter(nameOf(callee), operand, ...this.evaluateArguments(args, environment));
  }

  evaluateTestExpression(
    node: Node & { operand: Node; negate: boolean; test: Node },
    environment: Environment,
  ): Value {
    const operand = this.evaluate(node.operand, environment);
    return boolean(passesTest(nameOf(node.test), operand) !== node.negate);
  }

  override evaluateCallExpression(node: Call, environment: Environment): Value {
    if (node.callee.type !== "MemberExpression" || (node.callee as Member).computed)
      return super.evaluateCallExpression(node, environment);
    const { object, property } = node.callee as Member;
    const [of, name] = [this.evaluate(object, environment), nameOf(property)];
    const [args, keywords] = this.evaluateArguments(node.args, environment);
    if (isText(of)) return textMethod(name, of.value, args, keywords);
    if (!isDictionary(of)) return notComputed(`the method ${name} of a ${of.type}`);
    const [key, absent] = args;
    if (
      name === "get" &&
      key !== undefined &&
      isText(key) &&
      args.length < 3 &&
      keywords.size === 0
    )
      return of.value.get(key.value) ?? absent ?? none();
    if (args.length > 0 || keywords.size > 0) notComputed(`such a ${name}`);
    if (name === "items") return applyFilter("items", of, [], new Map());
    if (name === "keys") return list(itemsOf(of));
    if (name === "values") return list([...of.value.values()]);
    return notComputed(`the method ${name} of a dictionary`);
  }

  override evaluateMemberExpression(node: Member, environment: Environment): Value {
    const object = this.evaluate(node.object, environment);
    if (isMissing(object)) throw new Error("an undefined value has no attributes");
    if (node.computed && node.property.type === "SliceExpression")
      return this.#slice(object, node.property as Slice, environment);
    const property = node.computed
      ? this.evaluate(node.property, environment)
      : node.property.type === "IntegerLiteral"
        ? this.evaluate(node.property, environment)
        : text(nameOf(node.property));
    if (isText(property)) {
      const name = property.value;
      if (!(object.value instanceof Map)) {
        // Attributes of Python's own values are methods, which only calls reach.
        return missing();
      }
      const map = object.value as Map<string, Value>;
      if (isDictionary(object)) {
        if (!node.computed && dictionaryMethods.has(name))
          notComputed(`the method ${name} uncalled`);
        if (map.has("revindex0") && !map.has(name)) notComputed(`loop.${name}`);
      }
      return map.get(name) ?? missing();
    }
    if (!isInteger(property)) return notComputed(`an index of type ${property.type}`);
    if (isDictionary(object)) return missing();
    if (isText(object) || isList(object)) return itemsOf(object).at(property.value) ?? missing();
    return missing();
  }

  #slice(object: Value, { start, stop, step }: Slice, environment: Environment): Value {
    const bound = (node: Node | undefined): number | undefined => {
      const v = this.evaluate(node, environment);
      if (isMissing(v) || isNone(v)) return undefined;
      return isInteger(v) ? v.value : notComputed("such a slice");
    };
    if (!isText(object) && !isList(object)) return notComputed(`a slice of a ${object.type}`);
    const items = itemsOf(object);
    const indices = sliceIndices(items.length, bound(start), bound(stop), bound(step));
    const chosen = indices.map((i) => items[i]!);
    return isText(object) ? text(chosen.map(toText).join("")) : list(chosen);
  }
}

/** What a dictionary of Python has before its keys, where a template writes a dot. */
const dictionaryMethods = new Set(
  "clear copy fromkeys get items keys pop popitem setdefault update values".split(" "),
);

/** A printed expression without the filter `safe`, which changes nothing where the text is printed at once. */
function unsafe(node: Node): Node {
  if (node.type !== "FilterExpression") return node;
  const { operand, filter } = node as Filter;
  return filter.type === "Identifier" && nameOf(filter) === "safe" ? operand : node;
}

function ordered(operator: string, difference: number): boolean {
  if (operator === "<") return difference < 0;
  if (operator === ">") return difference > 0;
  return operator === "<=" ? difference <= 0 : difference >= 0;
}

/** Python's arithmetic and order of numbers, booleans among them. */
function arithmetic(operator: string, left: Value, right: Value): Value {
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a === undefined || b === undefined)
    throw new Error(`unsupported operand types for ${operator}: ${left.type} and ${right.type}`);
  if (["<", ">", "<=", ">="].includes(operator)) return boolean(ordered(operator, a - b));
  const isReal = isFloat(left) || isFloat(right);
  const number = (x: number): Value => (isReal ? float(x) : integer(x));
  switch (operator) {
    case "+":
      return number(a + b);
    case "-":
      return number(a - b);
    case "*":
      return number(a * b);
    case "/":
    case "//":
    case "%": {
      if (b === 0) throw new Error("division by zero");
      if (operator === "/") return float(a / b);
      if (operator === "//") return number(Math.floor(a / b));
      const rest = a % b;
      return number(rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest);
    }
    case "**":
      if (isReal || b < 0) return notComputed("a power that is no integer");
      return integer(a ** b);
    default:
      return notComputed(`the operator ${operator}`);
  }
}

/** The sandbox of Jinja2 refuses longer ranges. */
const longestRange = 100_000;

function range(args: readonly Value[]): Value {
  const numbers = args.map((v) => (isInteger(v) ? v.value : notComputed("such a range")));
  const [start, stop, step = 1] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  if (start === undefined || stop === undefined || step === 0) throw new Error("such a range");
  const length = Math.max(0, Math.ceil((stop - start) / step));
  if (length > longestRange) throw new Error(`a range of more than ${longestRange} numbers`);
  return list(Array.from({ length }, (_, i) => integer(start + i * step)));
}

/** A parsed template. */
export type Template = ReturnType<typeof parse>;

/** @throws Error where `source` is no template. */
export function parseTemplate(source: string): Template {
  return parse(tokenize(trimBlocks(source.replaceAll(/\r\n?/g, "\n"))));
}

/**
 * `source` without the blanks before a statement or comment that begins a line, and without the line break
 * after one (`lstrip_blocks`, `trim_blocks`). The library's own options do so within texts in quotes too.
 */
function trimBlocks(source: string): string {
  const quoted = String.raw`"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'`;
  const tags = new RegExp(
    String.raw`\{#[^]*?#\}|\{%(?:${quoted}|(?!%\})[^"'])*%\}|\{\{(?:${quoted}|(?!\}\})[^"'])*\}\}`,
    "g",
  );
  let [out, at] = ["", 0];
  for (const { 0: tag, index } of source.matchAll(tags)) {
    const before = source.slice(at, index);
    at = index + tag.length;
    const isOutput = tag.startsWith("{{");
    const line = source.slice(source.lastIndexOf("\n", index - 1) + 1, index);
    const begins = !isOutput && /^[ \t]*$/.test(line);
    out += (begins ? before.replace(/[ \t]*$/, "") : before) + tag;
    if (!isOutput && source[at] === "\n") at++;
  }
  return out + source.slice(at);
}

export interface RenderOptions {
  /** The day that `strftime_now` tells, `YYYY-MM-DD`; without one it is refused. */
  readonly date?: string | undefined;
}

/**
 * The text of `template` with `variables`.
 * @throws NotComputed where the template uses what is not computed as in Jinja2; Error where Jinja2 has one.
 */
export function renderTemplate(
  template: Template,
  variables: Readonly<Record<string, unknown>>,
  { date }: RenderOptions = {},
): string {
  const globals: Record<string, unknown> = { true: true, false: false, none: null };
  Object.assign(globals, { True: true, False: false, None: null });
  const environment = new Environment();
  for (const [name, value] of Object.entries(globals)) environment.set(name, value);
  const define = (name: string, call: (args: Value[]) => Value): void => {
    environment.setVariable(name, callable(call) as never);
  };
  define("range", range);
  define("raise_exception", ([message]) => {
    throw new Error(message === undefined ? "" : toText(message));
  });
  define("strftime_now", ([format]) => {
    if (date === undefined)
      return notComputed("strftime_now without a date (student.templateDate)");
    return text(strftime(date, format === undefined ? "" : toText(format)));
  });
  const scope = new Environment(environment);
  for (const [name, value] of Object.entries(variables)) scope.set(name, value);
  return toText(new PythonInterpreter(scope).run(template as never));
}
