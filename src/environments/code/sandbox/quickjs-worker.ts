/** The inside of the JavaScript sandbox: a thread that runs untrusted programs in QuickJS, one at a time. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parentPort } from "node:worker_threads";
import variant from "@jitl/quickjs-wasmfile-release-sync";
import {
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSSyncVariant,
  type QuickJSWASMModule,
  newQuickJSWASMModuleFromVariant,
  newVariant,
  shouldInterruptAfterDeadline,
} from "quickjs-emscripten-core";
import type { CallResult, Limits, OwnCall, SandboxJob, SandboxReply } from "./javascript.js";
import { failureOf, runPair } from "./quickjs-pair.js";

/**
 * Runs before the program, and returns what calls it from then on. What that needs of the language is
 * captured here, before the program can replace it.
 */
const PRELUDE = `(() => {
  "use strict";
  const { stringify, parse } = JSON;
  const { isFinite } = Number;
  const apply = Function.prototype.call.bind(Function.prototype.apply);
  const quiet = () => undefined;
  globalThis.console = { log: quiet, error: quiet, warn: quiet, info: quiet, debug: quiet, assert: quiet };
  const plain = (key, value) => {
    if (value === undefined) return "\\u0000undefined";
    if (typeof value === "bigint") return "\\u0000" + value + "n";
    if (typeof value === "function" || typeof value === "symbol") return "\\u0000" + typeof value;
    if (typeof value === "number" && !isFinite(value)) return "\\u0000" + value;
    return value;
  };
  return (entry, text, limit) => {
    const out = stringify(apply(entry, undefined, parse(text)), plain);
    return out === undefined || out.length > limit ? "!" : out;
  };
})`;

/** What a call answers in place of JSON when its result is longer than allowed. */
const TOO_LONG = "!";

/** Of the runtime; Node's types do not have it. */
const { Module } = (
  globalThis as unknown as { WebAssembly: { Module: new (bytes: Uint8Array) => never } }
).WebAssembly;

/** Compiled once; each instance has memory of its own. */
const compiled = new Module(
  readFileSync(createRequire(import.meta.url).resolve("@jitl/quickjs-wasmfile-release-sync/wasm")),
);

/** A new instance. The package's types describe its CommonJS build; what is imported is the other one. */
const instance = (): Promise<QuickJSWASMModule> =>
  newQuickJSWASMModuleFromVariant(
    newVariant(variant as unknown as QuickJSSyncVariant, { wasmModule: compiled }),
  );

const quickjs = await instance();
/** For the next program that is run apart from its judge; made while there is nothing else to do. */
let spare: Promise<QuickJSWASMModule> | undefined;

parentPort!.on("message", (job: SandboxJob) => {
  void answer(job).then((reply) => parentPort!.postMessage(reply));
});
parentPort!.postMessage("ready");

async function answer(job: SandboxJob): Promise<SandboxReply> {
  const { id, source, calls, limits } = job;
  try {
    const [first] = calls;
    if (first !== undefined && !("entry" in first && "args" in first)) {
      const program = await (spare ??= instance());
      const { result, used } = runPair(quickjs, program, source, first, limits);
      if (used) spare = undefined;
      if (used && "suite" in first) setImmediate(() => void (spare ??= instance()));
      return { id, results: [result] };
    }
    return { id, results: runProgram(quickjs, job) };
  } catch (cause) {
    // The module itself gave up (out of WebAssembly memory, an abort): this thread is not to be trusted again.
    const message = cause instanceof Error ? cause.message : String(cause);
    return { id, results: [], broken: message };
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
    const harness = newHarness(context);
    const deadline = Date.now() + limits.milliseconds;
    runtime.setInterruptHandler(shouldInterruptAfterDeadline(deadline));
    const results: CallResult[] = [];
    const loaded = context.evalCode(source, "program.js");
    if (loaded.error !== undefined) {
      const failure = failureOf({ context, deadline }, loaded.error);
      harness.dispose();
      return calls.map(() => failure);
    }
    loaded.value.dispose();
    for (const call of calls as readonly OwnCall[]) {
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

function newHarness(context: QuickJSContext): QuickJSHandle {
  const make = context.unwrapResult(context.evalCode(PRELUDE, "harness.js"));
  const harness = context.unwrapResult(context.callFunction(make, context.undefined));
  make.dispose();
  return harness;
}

function runCall(
  context: QuickJSContext,
  harness: QuickJSHandle,
  call: OwnCall,
  limits: Limits,
  deadline: number,
): CallResult {
  const target = context.evalCode(`(${call.entry})`, "call.js");
  if (target.error !== undefined) return failureOf({ context, deadline }, target.error);
  const args = [
    target.value,
    context.newString(call.args),
    context.newNumber(limits.outputCharacters),
  ];
  const result = context.callFunction(harness, context.undefined, ...args);
  for (const handle of args) handle.dispose();
  if (result.error !== undefined) return failureOf({ context, deadline }, result.error);
  const output = context.getString(result.value);
  result.value.dispose();
  return output === TOO_LONG ? { outcome: "output" } : { outcome: "returned", output };
}
