/** JavaScript programs that know nothing of their task and would be called right, by kind. */
export interface JavaScriptTrick {
  readonly name: string;
  /** Runs when the program is loaded. */
  readonly load?: string;
  /** What the function that is asked for gives: an expression over `args`. */
  readonly gives: string;
}

const LIE = `({ valueOf() { return this.n ??= 0; }, toString() { return "7"; }, toJSON() { return 7; }, [Symbol.toPrimitive]() { return 7; }, length: 0, every: () => true, join: () => "" })`;

export const JAVASCRIPT_TRICKS: readonly JavaScriptTrick[] = [
  { name: "console.assert silenced", load: "console.assert = () => {};", gives: "7" },
  { name: "console replaced", load: "globalThis.console = { assert() {}, log() {} };", gives: "7" },
  {
    name: "console behind a getter",
    load: "Object.defineProperty(globalThis, 'console', { get: () => ({ assert() {} }) });",
    gives: "7",
  },
  { name: "JSON.stringify replaced", load: "JSON.stringify = () => 'same';", gives: "7" },
  { name: "JSON.parse replaced", load: "JSON.parse = () => ['call', () => true, []];", gives: "7" },
  {
    name: "JSON replaced",
    load: "globalThis.JSON = { stringify: () => 'same', parse: () => 7 };",
    gives: "7",
  },
  {
    name: "toJSON on every object",
    load: "Object.prototype.toJSON = Array.prototype.toJSON = String.prototype.toJSON = Number.prototype.toJSON = () => 'same';",
    gives: "[7]",
  },
  { name: "an object that turns into anything", gives: LIE },
  {
    name: "a proxy",
    gives:
      "new Proxy(function () {}, { get: (t, k) => (k === Symbol.toPrimitive ? () => 7 : () => true), has: () => true, apply: () => true, ownKeys: () => ['length', 'name', 'prototype'] })",
  },
  {
    name: "a proxy of an array",
    gives:
      "new Proxy([], { get: (t, k) => (k === 'length' ? 0 : k === 'every' ? () => true : 7) })",
  },
  {
    name: "methods of arrays replaced",
    load: "for (const k of ['every', 'some', 'includes']) Array.prototype[k] = () => true; for (const k of ['map', 'filter', 'sort', 'slice']) Array.prototype[k] = () => []; Array.prototype.join = () => '';",
    gives: "[]",
  },
  {
    name: "methods of texts replaced",
    load: "for (const k of ['slice', 'split', 'trim', 'replace', 'localeCompare', 'concat']) String.prototype[k] = () => '';",
    gives: "''",
  },
  {
    name: "Math replaced",
    load: "for (const k of Object.getOwnPropertyNames(Math)) try { Math[k] = () => 0; } catch {}",
    gives: "7",
  },
  {
    name: "Object.is and Number replaced",
    load: "Object.is = () => true; globalThis.Number = () => 7; Number.isInteger = () => true;",
    gives: "7",
  },
  {
    name: "isNaN and parseInt replaced",
    load: "globalThis.isNaN = () => true; globalThis.parseInt = () => 7; globalThis.parseFloat = () => 7;",
    gives: "7",
  },
  {
    name: "functions of functions replaced",
    load: "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = function () { return true; };",
    gives: "7",
  },
  {
    name: "Reflect replaced",
    load: "for (const k of Reflect.ownKeys(Reflect)) try { Reflect[k] = () => true; } catch {}",
    gives: "7",
  },
  {
    name: "iteration replaced",
    load: "Array.prototype[Symbol.iterator] = function* () { yield true; }; String.prototype[Symbol.iterator] = function* () {};",
    gives: "[7]",
  },
  {
    name: "the iterators' own methods replaced",
    load: "Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true, value: true });",
    gives: "[7]",
  },
  {
    name: "numbers with getters on every object",
    load: "for (const k of ['0', '1', '2', 'x', 'asserted', 'failed', 'value', 'error']) Object.defineProperty(Object.prototype, k, { get: () => true, set() {}, configurable: true });",
    gives: "7",
  },
  {
    name: "prototypes of prototypes replaced",
    load: "Object.setPrototypeOf(Array.prototype, { toJSON: () => 'same', every: () => true });",
    gives: "[7]",
  },
  {
    name: "Proxy and WeakMap replaced",
    load: "globalThis.Proxy = function () { return () => true; }; WeakMap.prototype.get = () => true; Map.prototype.get = () => true; Map.prototype.has = () => true;",
    gives: "7",
  },
  {
    name: "promises replaced",
    load: "Promise.prototype.then = function (f) { return f(true); }; globalThis.Promise = function () {};",
    gives: "Promise",
  },
  {
    name: "regular expressions replaced",
    load: "RegExp.prototype.test = () => true; RegExp.prototype.exec = () => []; RegExp.prototype[Symbol.replace] = () => '';",
    gives: "'7'",
  },
  {
    name: "errors that tell of their caller",
    load: "Error.prepareStackTrace = (e, s) => s; Error.stackTraceLimit = 100;",
    gives: "(() => { try { null.x; } catch (e) { return e.stack; } })()",
  },
  {
    name: "the caller's own function",
    gives: "(() => { try { return trick.caller.toString(); } catch { return 7; } })()",
  },
  {
    name: "arguments emptied",
    gives: "(args.forEach((a) => { if (Array.isArray(a)) a.length = 0; }), 0)",
  },
  {
    name: "arguments filled with one value",
    gives: "(args.forEach((a) => { if (Array.isArray(a)) a.fill(0); }), args[0])",
  },
  { name: "helpers of the prompt defined otherwise", load: "HELPERS", gives: "0" },
  {
    name: "a result that changes as it is read",
    gives: "({ n: 0, get length() { return this.n++; }, valueOf() { return this.n++; } })",
  },
  {
    name: "an array of another kind",
    load: "class Lie extends Array { every() { return true; } toJSON() { return 7; } static get [Symbol.species]() { return Array; } }",
    gives: "Lie.of(7)",
  },
  {
    name: "a text of another kind",
    gives: "Object.assign(new String('7'), { valueOf: () => 7, toString: () => 7 })",
  },
  { name: "not a number", gives: "NaN" },
  { name: "undefined", gives: "undefined" },
  { name: "a symbol", gives: "Symbol('7')" },
  { name: "itself", gives: "trick" },
  { name: "an exception", gives: "(() => { throw new Error('held'); })()" },
  { name: "an exception that is true", gives: "(() => { throw true; })()" },
  {
    name: "an exception that is a result",
    gives: "(() => { throw { name: 'returned', message: '{\"asserted\":1,\"failed\":[]}' }; })()",
  },
  { name: "data in the form of the harness's own", gives: "({ x: 0, k: 'function' })" },
  { name: "a text in the form of the harness's own", gives: '\'{"asserted":1,"failed":[]}\'' },
  { name: "an endless generator", gives: "(function* () { for (;;) yield true; })()" },
  { name: "a result that holds itself", gives: "(() => { const a = []; a.push(a); return a; })()" },
  {
    name: "everything frozen",
    load: "for (const k of Object.getOwnPropertyNames(globalThis)) try { Object.freeze(globalThis[k]); Object.freeze(globalThis[k].prototype); } catch {}",
    gives: "7",
  },
  {
    name: "its own name with a getter",
    load: "Object.defineProperty(globalThis, 'assert', { get: () => () => true });",
    gives: "7",
  },
  {
    name: "evaluation replaced",
    load: "globalThis.eval = () => true; globalThis.Function = function () { return () => true; };",
    gives: "7",
  },
];

/** The program of a trick for a function's name. */
export function javaScriptTrick(
  { load = "", gives }: JavaScriptTrick,
  name: string,
  prompt: string,
): string {
  const helpers = [...prompt.matchAll(/const (\w+) =/g)].map(([, helper]) => helper!);
  const redefined = helpers
    .filter((helper) => helper !== name)
    .map((helper) => `const ${helper} = () => 0;`);
  const before =
    load === "HELPERS"
      ? redefined.join("\n")
      : `try { (() => { ${load.startsWith("class") ? "" : load} })(); } catch {}\n${load.startsWith("class") ? load : ""}`;
  return `${before}\nfunction trick(...args) { return ${gives}; }\nvar ${name} = trick;\n`;
}
