/**
 * How values pass between the interpreter of the judge and that of the program, as JavaScript source for
 * both: JSON in which whatever JSON lacks is an object of one key that names its kind. What is read is
 * built anew by the reader, so whatever wrote it can only have sent data. What is no data (functions,
 * objects with methods) is left to `odd`, and read by `own`.
 */
export const QUICKJS_CODEC: string = `((odd, own) => {
  "use strict";
  const { stringify, parse } = JSON;
  const { isArray } = Array;
  const { keys, getPrototypeOf, defineProperty, is } = Object;
  const { isFinite } = Number;
  const Text = String, ObjectPrototype = Object.prototype;
  const uncurried = (f) => Function.prototype.call.bind(f);
  const eachPair = uncurried(Map.prototype.forEach), eachMember = uncurried(Set.prototype.forEach);
  const time = uncurried(Date.prototype.getTime);
  const isKind = (probe, value) => { try { probe(value); return true; } catch { return false; } };
  const sizeOfMap = uncurried(Object.getOwnPropertyDescriptor(Map.prototype, "size").get);
  const sizeOfSet = uncurried(Object.getOwnPropertyDescriptor(Set.prototype, "size").get);
  const Big = BigInt, Times = Date, Maps = Map, Sets = Set;

  const put = (value, depth) => {
    if (depth > 200) throw new RangeError("the result is nested too deeply");
    switch (typeof value) {
      case "string": return stringify(value);
      case "boolean": return value ? "true" : "false";
      case "number": return isFinite(value) && !is(value, -0) ? Text(value) : '{"f":"' + (is(value, -0) ? "-0" : Text(value)) + '"}';
      case "undefined": return '{"u":0}';
      case "bigint": return '{"n":"' + Text(value) + '"}';
      case "function": case "symbol": return odd(value);
    }
    if (value === null) return "null";
    const parts = (length, at) => {
      let out = "";
      for (let i = 0; i < length; i++) out += (i === 0 ? "" : ",") + put(at(i), depth + 1);
      return out;
    };
    if (isArray(value)) return "[" + parts(value.length, (i) => value[i]) + "]";
    if (isKind(sizeOfMap, value)) {
      let out = "";
      eachPair(value, (v, k) => { out += (out === "" ? "" : ",") + put(k, depth + 1) + "," + put(v, depth + 1); });
      return '{"m":[' + out + "]}";
    }
    if (isKind(sizeOfSet, value)) {
      let out = "";
      eachMember(value, (v) => { out += (out === "" ? "" : ",") + put(v, depth + 1); });
      return '{"s":[' + out + "]}";
    }
    if (isKind(time, value)) return '{"d":' + put(time(value), depth + 1) + "}";
    const proto = getPrototypeOf(value);
    if (proto !== null && proto !== ObjectPrototype) return odd(value);
    const names = keys(value);
    return '{"o":[' + parts(2 * names.length, (i) => (i % 2 === 0 ? names[i >> 1] : value[names[i >> 1]])) + "]}";
  };

  const built = (raw) => {
    if (raw === null || typeof raw !== "object") return raw;
    if (isArray(raw)) {
      const list = [];
      for (let i = 0; i < raw.length; i++) list[i] = built(raw[i]);
      return list;
    }
    const names = keys(raw), v = raw[names[0]];
    if (names.length === 1)
      switch (names[0]) {
        case "u": return undefined;
        case "f": return v === "-0" ? -0 : v === "NaN" ? NaN : v === "Infinity" ? Infinity : -Infinity;
        case "n": return Big(v);
        case "d": return new Times(built(v));
        case "m": {
          const map = new Maps();
          for (let i = 0; i < v.length; i += 2) map.set(built(v[i]), built(v[i + 1]));
          return map;
        }
        case "s": {
          const set = new Sets();
          for (let i = 0; i < v.length; i++) set.add(built(v[i]));
          return set;
        }
        case "o": {
          const object = {};
          for (let i = 0; i < v.length; i += 2)
            defineProperty(object, Text(v[i]), { value: built(v[i + 1]), writable: true, enumerable: true, configurable: true });
          return object;
        }
      }
    return own(raw);
  };
  return { encode: (value) => put(value, 0), decode: (text) => built(parse(text)) };
})`;

/**
 * The program's side: does what the judge asks (a call, a property) and answers in data. It holds nothing
 * of the tests. What it needs of the language is captured before the program runs.
 */
export const QUICKJS_PROGRAM: string = `((codec, back) => {
  "use strict";
  const kept = [];
  const { apply, construct, ownKeys, has } = Reflect;
  const Text = String, iterator = Symbol.iterator;
  const odd = (value) => {
    kept[kept.length] = value;
    return '{"x":' + (kept.length - 1) + ',"k":"' + typeof value + '"}';
  };
  const own = (raw) => {
    if ("x" in raw) return kept[raw.x];
    const number = raw.b;
    return (...args) => outcome(decode(back(encode([number, args]))));
  };
  const { encode, decode } = codec(odd, own);
  const outcome = (answer) => { if (answer[0]) throw new Error(answer[1]); return answer[1]; };
  const quiet = () => undefined;
  globalThis.console = { log: quiet, error: quiet, warn: quiet, info: quiet, debug: quiet, assert: quiet };
  const property = (object, key) => {
    const value = object[key];
    return typeof value === "function" ? (...args) => apply(value, object, args) : value;
  };
  const done = (op, a, b) => {
    if (op === "call") return apply(a, undefined, b);
    if (op === "new") return construct(a, b);
    if (op === "get") return property(a, b);
    if (op === "has") return has(a, b);
    if (op === "iter") return property(a, iterator)();
    const names = ownKeys(a), texts = [];
    for (let i = 0; i < names.length; i++) if (typeof names[i] === "string") texts[texts.length] = names[i];
    return texts;
  };
  const failure = (error) => {
    let name = "Error", message = "";
    try { name = Text(error.name); message = Text(error.message); } catch {}
    return encode([true, name, message]);
  };
  return {
    value: (value) => encode([false, value]),
    failure,
    serve: (text) => {
      try {
        const asked = decode(text); // by index: what is iterated is the program's to change
        return encode([false, done(asked[0], asked[1], asked[2])]);
      } catch (error) {
        return failure(error);
      }
    },
  };
})`;

/**
 * The judge's side: names that are neither the language's nor the tests' own are the program's, and stand
 * for it. With \`eval\` and \`Function\`, too, code becomes the program's, so that a verifier which
 * runs an answer does not run it here.
 */
export const QUICKJS_JUDGE: string = `((codec, ask, seed) => {
  "use strict";
  const { stringify } = JSON;
  const slice = Function.prototype.call.bind(String.prototype.slice);
  const Known = globalThis;
  const functions = [];
  const refs = new WeakMap();
  const odd = (value) => {
    if (refs.has(value)) return '{"x":' + refs.get(value) + ',"k":0}';
    if (typeof value === "function") return '{"b":' + (functions.push(value) - 1) + ',"k":0}';
    return encode(Object.assign({}, value));
  };
  const own = (raw) => remote(raw.x, raw.k);
  const { encode, decode } = codec(odd, own);
  const outcome = ([threw, value, message]) => {
    if (!threw) return value;
    const Kind = Known[value];
    const error = typeof Kind === "function" && Kind.prototype instanceof Error ? new Kind(message) : new Error(message);
    if (error.name !== value) Object.defineProperty(error, "name", { value: String(value) });
    throw error;
  };
  const request = (...parts) => outcome(decode(ask("do", encode(parts))));
  const remote = (ref, kind) => {
    if (!Number.isInteger(ref) || (kind !== "function" && kind !== "object")) return Symbol(String(kind));
    const get = (key) => {
      if (typeof key === "string") return request("get", proxy, key);
      return key === Symbol.iterator ? () => request("iter", proxy) : undefined;
    };
    const read = (key) => ({ value: get(key), writable: true, enumerable: true, configurable: true });
    const target = kind === "function" ? function () {} : {};
    const proxy = new Proxy(target, {
      apply: (_target, _self, args) => request("call", proxy, args),
      construct: (_target, args) => request("new", proxy, args),
      get: (_target, key) => get(key),
      has: (_target, key) => typeof key === "string" && request("has", proxy, key),
      ...(kind === "function" ? {} : {
        ownKeys: () => request("keys", proxy),
        getOwnPropertyDescriptor: (_target, key) => (typeof key === "string" ? read(key) : undefined),
      }),
    });
    refs.set(proxy, ref);
    return proxy;
  };
  const named = (name) => outcome(decode(ask("get", name)));
  const found = new Map();
  const scopeOf = (entry) => new Proxy({}, {
    has: (_target, key) => typeof key === "string" && (key === entry || !(key in Known)) && key !== "console",
    get: (_target, key) => {
      if (key === Symbol.unscopables) return undefined;
      if (!found.has(key)) found.set(key, named(key));
      return found.get(key);
    },
  });
  const quiet = () => undefined;
  const console = { log: quiet, error: quiet, warn: quiet, info: quiet, debug: quiet, assert: quiet };
  globalThis.console = console;
  let state = seed;
  Math.random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  const apart = (code) => (typeof code === "string" ? outcome(decode(ask("eval", code))) : code);
  const built = (...parts) => {
    const body = parts.length === 0 ? "" : parts[parts.length - 1];
    return apart("(function anonymous(" + parts.slice(0, -1).join(",") + "\\n) {\\n" + body + "\\n})");
  };
  return {
    back: (text) => {
      try {
        const [number, args] = decode(text);
        return encode([false, functions[number](...args)]);
      } catch (error) {
        return encode([true, String(error && error.message)]);
      }
    },
    suite: (run, entry, limit) => {
      let asserted = 0;
      const failed = [];
      const assert = (held) => {
        asserted++;
        if (!held && failed.length < 100) failed.push(asserted);
      };
      run({ ...console, assert }, scopeOf(entry));
      return slice(stringify({ asserted, failed }), 0, limit);
    },
    verify: (verifier, text) => {
      globalThis.eval = apart;
      globalThis.Function = built;
      for (const sample of [function () {}, function* () {}, async function () {}, async function* () {}])
        Object.defineProperty(Object.getPrototypeOf(sample), "constructor", { value: built });
      return stringify(verifier()(...JSON.parse(text))) ?? "null";
    },
  };
})`;
