/** A judge and a program in two interpreters, each in WebAssembly memory of its own. */
import {
  type QuickJSContext,
  type QuickJSHandle,
  type QuickJSWASMModule,
  shouldInterruptAfterDeadline,
} from "quickjs-emscripten-core";
import type { CallResult, JudgeCall, Limits } from "./javascript.js";
import { QUICKJS_CODEC, QUICKJS_JUDGE, QUICKJS_PROGRAM } from "./quickjs-codec.js";

/** Of all that judge and program say to each other at once. */
const MESSAGE_CHARACTERS = 2 ** 22;

/** What {@link failureOf} is told of: whose exception it is, and when its time is up. */
export interface Running {
  readonly context: QuickJSContext;
  readonly deadline: number;
}

/**
 * Runs a suite, or a verifier. `programModule` is one that nobody else uses, and `used` says whether the
 * program ran in it; in the judge's only tests and verifiers run, never an answer. Between them pass texts
 * that are data.
 */
export function runPair(
  judgeModule: QuickJSWASMModule,
  programModule: QuickJSWASMModule,
  source: string,
  call: JudgeCall,
  limits: Limits,
): { readonly result: CallResult; readonly used: boolean } {
  const deadline = Date.now() + limits.milliseconds;
  const opened: Interpreter[] = [];
  const open = (module: QuickJSWASMModule): QuickJSContext => {
    const runtime = module.newRuntime();
    runtime.setMemoryLimit(limits.memoryBytes);
    runtime.setMaxStackSize(limits.stackBytes);
    runtime.setInterruptHandler(shouldInterruptAfterDeadline(deadline));
    opened.push({ runtime, context: runtime.newContext() });
    return opened.at(-1)!.context;
  };
  try {
    const pair = new Pair(open(judgeModule), () => open(programModule), deadline);
    const result = pair.run(source, call, limits);
    return { result, used: opened.length > 1 };
  } finally {
    for (const { context, runtime } of opened.toReversed()) {
      context.dispose();
      runtime.dispose();
    }
  }
}

interface Interpreter {
  readonly runtime: ReturnType<QuickJSWASMModule["newRuntime"]>;
  readonly context: QuickJSContext;
}

class Pair {
  readonly #judge: QuickJSContext;
  readonly #open: () => QuickJSContext;
  readonly #deadline: number;
  readonly #handles: QuickJSHandle[] = [];
  readonly #kept = (handle: QuickJSHandle): QuickJSHandle => {
    this.#handles.push(handle);
    return handle;
  };
  /** The program's interpreter with what answers in it, once something is to run there. */
  #program: { readonly context: QuickJSContext; readonly served: QuickJSHandle } | undefined;
  /** How the program ended, where it is past answering. */
  #gone: CallResult | undefined;
  #asking: QuickJSHandle | undefined;

  constructor(judge: QuickJSContext, open: () => QuickJSContext, deadline: number) {
    this.#judge = judge;
    this.#open = open;
    this.#deadline = deadline;
  }

  run(source: string, call: JudgeCall, limits: Limits): CallResult {
    try {
      return this.#run(source, call, limits);
    } finally {
      for (const handle of this.#handles.toReversed()) if (handle.alive) handle.dispose();
    }
  }

  #opened(): { readonly context: QuickJSContext; readonly served: QuickJSHandle } {
    if (this.#program !== undefined) return this.#program;
    const context = this.#open();
    const back = this.#kept(
      context.newFunction("back", (text) => this.#answerBack(context, context.getString(text))),
    );
    const served = this.#kept(prepared(context, QUICKJS_PROGRAM, [back], this.#kept));
    this.#program = { context, served };
    return this.#program;
  }

  #run(source: string, call: JudgeCall, limits: Limits): CallResult {
    const judge = this.#judge;
    const kept = this.#kept;
    const isSuite = "suite" in call;
    if (isSuite) {
      const { context } = this.#opened();
      const loaded = context.evalCode(source, "program.js");
      if (loaded.error !== undefined)
        return failureOf({ context, deadline: this.#deadline }, loaded.error);
      loaded.value.dispose();
    }
    const ask = kept(
      judge.newFunction("ask", (kind, text) =>
        judge.newString(this.#answer(judge.getString(kind), judge.getString(text))),
      ),
    );
    this.#asking = kept(prepared(judge, QUICKJS_JUDGE, [ask, kept(judge.newNumber(1))], kept));
    const code = isSuite
      ? `(function (console, scope) { with (scope) {\n${call.helpers ?? ""}\n{\n${call.suite}\n} } })`
      : `(() => (${call.verifier}))`;
    const target = judge.evalCode(code, "tests.js");
    if (target.error !== undefined)
      return failureOf({ context: judge, deadline: this.#deadline }, target.error);
    kept(target.value);
    const args = isSuite
      ? [kept(judge.newString(call.entry ?? "")), kept(judge.newNumber(limits.outputCharacters))]
      : [kept(judge.newString(call.args))];
    const method = kept(judge.getProp(this.#asking, isSuite ? "suite" : "verify"));
    const result = judge.callFunction(method, judge.undefined, target.value, ...args);
    if (result.error !== undefined) {
      const failure = failureOf({ context: judge, deadline: this.#deadline }, result.error);
      return this.#gone ?? failure;
    }
    const output = judge.getString(kept(result.value));
    if (this.#gone !== undefined) return this.#gone;
    return output.length > limits.outputCharacters
      ? { outcome: "output" }
      : { outcome: "returned", output };
  }

  /** What the program answers to the judge: \`[false, value]\` or \`[true, name, message]\`, encoded. */
  #answer(kind: string, text: string): string {
    if (this.#gone !== undefined) return '[true,"Error","the program is gone"]';
    const program = this.#opened().context;
    if (kind === "do") return this.#called("serve", program.newString(text));
    if (kind === "get" && !/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(text))
      return '[true,"ReferenceError","no name"]';
    const read = program.evalCode(kind === "get" ? `(${text})` : text, "program.js");
    return read.error === undefined
      ? this.#called("value", read.value)
      : this.#called("failure", read.error);
  }

  #called(method: "serve" | "value" | "failure", argument: QuickJSHandle): string {
    const { context: program, served } = this.#opened();
    const serving = program.getProp(served, method);
    const result = program.callFunction(serving, program.undefined, argument);
    serving.dispose();
    argument.dispose();
    if (result.error !== undefined) {
      const failure = failureOf({ context: program, deadline: this.#deadline }, result.error);
      if (failure.outcome !== "threw") this.#gone = failure;
      const [name, message] =
        failure.outcome === "threw" ? [failure.error, failure.message] : ["Error", failure.outcome];
      return JSON.stringify([true, name, message]);
    }
    if (Date.now() >= this.#deadline) this.#gone = { outcome: "timeout" };
    const text = program.getString(result.value);
    result.value.dispose();
    if (text.length > MESSAGE_CHARACTERS) this.#gone = { outcome: "output" };
    return text.length > MESSAGE_CHARACTERS ? '[true,"Error","output"]' : text;
  }

  /** A function that a test passed is called by the program. */
  #answerBack(program: QuickJSContext, text: string): QuickJSHandle {
    const judge = this.#judge;
    const back = judge.getProp(this.#asking!, "back");
    const argument = judge.newString(text);
    const result = judge.callFunction(back, judge.undefined, argument);
    back.dispose();
    argument.dispose();
    if (result.error !== undefined) {
      result.error.dispose();
      return program.newString('[true,"Error"]');
    }
    const answer = judge.getString(result.value);
    result.value.dispose();
    return program.newString(answer);
  }
}

/** The object that a source makes of the codec and further parts. */
function prepared(
  context: QuickJSContext,
  source: string,
  parts: readonly QuickJSHandle[],
  kept: (handle: QuickJSHandle) => QuickJSHandle,
): QuickJSHandle {
  const codec = kept(context.unwrapResult(context.evalCode(QUICKJS_CODEC, "codec.js")));
  const make = kept(context.unwrapResult(context.evalCode(source, "harness.js")));
  return context.unwrapResult(context.callFunction(make, context.undefined, codec, ...parts));
}

/** What an exception says. Reading its properties may run getters of the program, under the same deadline and memory limit. */
export function failureOf({ context, deadline }: Running, error: QuickJSHandle): CallResult {
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
