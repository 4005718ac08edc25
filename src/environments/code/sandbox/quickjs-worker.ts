/** The inside of the JavaScript sandbox: a thread that runs untrusted programs in QuickJS, one at a time. */
import { parentPort } from "node:worker_threads";
import variant from "@jitl/quickjs-wasmfile-release-sync";
import {
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
  newQuickJSWASMModuleFromVariant,
  shouldInterruptAfterDeadline,
} from "quickjs-emscripten-core";
import type { Call, CallResult, Limits, SandboxJob, SandboxReply } from "./javascript.js";

/**
 * Runs before the program, and returns what calls it from then on. What that needs of the language
 * is captured here, out of the program's reach. Where the program shares its context with a test
 * suite, it also freezes what the program could change under the suite's feet.
 */
const PRELUDE = `((shared) => {
  "use strict";
  const { stringify, parse } = JSON;
  const { isFinite } = Number;
  const apply = Function.prototype.call.bind(Function.prototype.apply);
  const slice = Function.prototype.call.bind(String.prototype.slice);
  const quiet = () => undefined;
  globalThis.console = { log: quiet, error: quiet, warn: quiet, info: quiet, debug: quiet, assert: quiet };
  for (const name of shared ? Object.getOwnPropertyNames(globalThis) : []) {
    const value = globalThis[name];
    if (value === null || (typeof value !== "object" && typeof value !== "function") || value === globalThis) continue;
    if (typeof value === "function" && value.prototype) Object.freeze(value.prototype);
    Object.freeze(value);
  }
  for (const name of shared ? ["JSON", "Math", "Object", "Array", "String", "Number", "Boolean"] : [])
    Object.defineProperty(globalThis, name, { writable: false, configurable: false });
  if (shared) for (const value of [[][Symbol.iterator](), ""[Symbol.iterator](), new Map().entries(), new Set().values(), (function* () {})(), (async () => {})])
    Object.freeze(Object.getPrototypeOf(value));
  const plain = (key, value) => {
    if (value === undefined) return "\\u0000undefined";
    if (typeof value === "bigint") return "\\u0000" + value + "n";
    if (typeof value === "function" || typeof value === "symbol") return "\\u0000" + typeof value;
    if (typeof value === "number" && !isFinite(value)) return "\\u0000" + value;
    return value;
  };
  return {
    call: (entry, text, limit) => {
      const out = stringify(apply(entry, undefined, parse(text)), plain);
      return out === undefined || out.length > limit ? "!" : out;
    },
    suite: (run, limit) => {
      let asserted = 0;
      const failed = [];
      const add = apply.bind(undefined, [].push, failed);
      const assert = (held, ...rest) => {
        asserted++;
        if (held === true || (held && typeof held !== "object" && typeof held !== "function")) return;
        if (failed.length < 100) add([asserted]);
      };
      run({ ...console, assert });
      return slice(stringify({ asserted, failed }), 0, limit);
    },
  };
})`;

/** What a call answers in place of JSON when its result is longer than allowed. */
const TOO_LONG = "!";

// The package's types describe its CommonJS build; what is imported is the other one.
const quickjs: QuickJSWASMModule = await newQuickJSWASMModuleFromVariant(
  variant as unknown as QuickJSSyncVariant,
);
parentPort!.on("message", (job: SandboxJob) => parentPort!.postMessage(answer(job)));
parentPort!.postMessage("ready");

function answer(job: SandboxJob): SandboxReply {
  try {
    return { id: job.id, results: runProgram(quickjs, job) };
  } catch (cause) {
    // The module itself gave up (out of WebAssembly memory, an abort): this thread is not to be trusted again.
    const message = cause instanceof Error ? cause.message : String(cause);
    return { id: job.id, results: [], broken: message };
  }
}

function runProgram(
  module: QuickJSWASMModule,
  { source, calls, limits }: SandboxJob,
): CallResult[] {
  const runtime = module.newRuntime();
  runtime.setMemoryLimit(limits.memoryBytes);
  runtime.setMaxStackSize(limits.stackBytes);
  const context = runtime.newContext();
  try {
    const harness = newHarness(
      context,
      calls.some((call) => "suite" in call),
    );
    const deadline = Date.now() + limits.milliseconds;
    runtime.setInterruptHandler(shouldInterruptAfterDeadline(deadline));
    const results: CallResult[] = [];
    const loaded = context.evalCode(source, "program.js");
    if (loaded.error !== undefined) {
      const failure = failureOf(context, loaded.error, deadline);
      harness.dispose();
      return calls.map(() => failure);
    }
    loaded.value.dispose();
    for (const call of calls) {
      const last = results.at(-1);
      if (last !== undefined && (last.outcome === "timeout" || last.outcome === "memory")) {
        results.push(last); // out of time or memory once is out of it for good
        continue;
      }
      results.push(runCall(context, harness, call, limits, deadline));
    }
    harness.dispose();
    return results;
  } finally {
    context.dispose();
    runtime.dispose();
  }
}

function newHarness(context: QuickJSContext, shared: boolean): QuickJSHandle {
  const make = context.unwrapResult(context.evalCode(PRELUDE, "harness.js"));
  const flag = shared ? context.true : context.false;
  const harness = context.unwrapResult(context.callFunction(make, context.undefined, flag));
  make.dispose();
  return harness;
}

function runCall(
  context: QuickJSContext,
  harness: QuickJSHandle,
  call: Call,
  limits: Limits,
  deadline: number,
): CallResult {
  const isSuite = "suite" in call;
  const code = isSuite ? `(function (console) {\n${call.suite}\n})` : `(${call.entry})`;
  const target = context.evalCode(code, "tests.js");
  if (target.error !== undefined) return failureOf(context, target.error, deadline);
  const method = context.getProp(harness, isSuite ? "suite" : "call");
  const limit = context.newNumber(limits.outputCharacters);
  const args = isSuite
    ? [target.value, limit]
    : [target.value, context.newString(call.args), limit];
  const result = context.callFunction(method, context.undefined, ...args);
  for (const handle of [method, ...args]) handle.dispose();
  if (result.error !== undefined) return failureOf(context, result.error, deadline);
  const output = context.getString(result.value);
  result.value.dispose();
  return output === TOO_LONG ? { outcome: "output" } : { outcome: "returned", output };
}

/** What an exception says. Reading its properties may run getters of the program, under the same deadline and memory limit. */
function failureOf(context: QuickJSContext, error: QuickJSHandle, deadline: number): CallResult {
  const text = (key: string): string => {
    if (context.typeof(error) !== "object") return "";
    const value = context.getProp(error, key);
    const read = context.typeof(value) === "string" ? context.getString(value).slice(0, 200) : "";
    value.dispose();
    return read;
  };
  const name = text("name") || "Error";
  const message = text("message");
  error.dispose();
  if (Date.now() >= deadline || message === "interrupted") return { outcome: "timeout" };
  if (message === "out of memory") return { outcome: "memory" };
  return { outcome: "threw", error: name, message };
}
