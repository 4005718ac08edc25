/** Programs run on their tests, in the sandbox of their language. */
import { type JavaScriptSandbox, javaScriptSandbox } from "../sandbox/javascript.js";
import {
  type PythonRunner,
  type PythonSandboxOptions,
  pythonRunner,
  DEFAULT_PYTHON_LIMITS,
  runSuite,
  runWithInput,
} from "../sandbox/python.js";
import { sameOutput } from "./output.js";
import type { Problem } from "./problem.js";

/** What running a program on its tests showed. */
export interface Grade {
  readonly passed: boolean;
  /** Tests that passed, and that were reached. */
  readonly held: number;
  readonly reached: number;
  /** The first test that failed, from 1; 0 where the program did not get to any. */
  readonly firstFailure?: number;
  /** What it gave there: a value, the class of an exception, or why it ended. Canonical. */
  readonly got?: string;
  /** Kind of failure, where it says something of the program: `off-by-one`, `flipped-boolean` ... */
  readonly family?: string;
  /** The value at each failing test that gave one, by its number; where the first failure did. */
  readonly wrongOutputs?: Readonly<Record<string, string>>;
}

export interface GraderOptions extends PythonSandboxOptions {
  readonly sandbox?: JavaScriptSandbox;
  /** For one program and all its tests. Default {@link MILLISECONDS}. */
  readonly milliseconds?: number;
}

/** Wall-clock time of one program, generous so that a busy machine does not change verdicts. */
export const MILLISECONDS = 10_000;

type Assertions = Extract<Problem["grading"], { readonly kind: "assertions" }>;

/** Runs programs of either language. Sandboxes are started when first needed. */
export class Grader {
  readonly #options: GraderOptions;
  #python: Promise<PythonRunner> | undefined;

  constructor(options: GraderOptions = {}) {
    this.#options = options;
  }

  /**
   * Of several programs the last that parses is graded.
   * @throws ErrataError `SANDBOX_PYTHON`, `SANDBOX_THREAD`; never on what the program does.
   */
  async grade(problem: Problem, ...programs: readonly string[]): Promise<Grade> {
    const { grading, language, prelude } = problem;
    const written = programs.length > 1 ? await this.#parsing(programs) : (programs[0] ?? "");
    const program = prelude === undefined ? written : preceded(written, prelude);
    if (grading.kind === "stdin") return this.#gradeCases(grading.cases, program);
    return language === "python"
      ? this.#gradePython(problem, grading, program)
      : this.#gradeJavaScript(problem, grading, program);
  }

  #runner(): Promise<PythonRunner> {
    this.#python ??= pythonRunner(this.#options);
    return this.#python;
  }

  get #limits(): { readonly milliseconds: number } {
    return { milliseconds: this.#options.milliseconds ?? MILLISECONDS };
  }

  /** The last of some Python programs that parses, or the last. */
  async #parsing(programs: readonly string[]): Promise<string> {
    const runner = await this.#runner();
    const limits = { ...DEFAULT_PYTHON_LIMITS, ...this.#limits };
    const { stdout } = await runner.run({
      source: PARSES,
      stdin: JSON.stringify(programs),
      limits,
    });
    return programs[Number(stdout.trim() || -1)] ?? programs.at(-1)!;
  }

  async #gradePython(
    { entryPoint }: Problem,
    { tests, helpers, candidate }: Assertions,
    program: string,
  ): Promise<Grade> {
    const runner = await this.#runner();
    const { passed, assertions, fault } = await runSuite(runner, {
      program,
      tests,
      ...(helpers === undefined ? {} : { helpers }),
      ...(candidate === undefined ? {} : { candidate }),
      ...(entryPoint === undefined ? {} : { entryPoint }),
      limits: this.#limits,
    });
    const counts = { held: assertions.filter((a) => a.held).length, reached: assertions.length };
    if (passed) return { passed, ...counts };
    const at = assertions.findIndex((a) => !a.held);
    if (at < 0) {
      const got = fault ?? "no assertion";
      return {
        passed,
        ...counts,
        firstFailure: assertions.length && assertions.length + 1,
        got,
        family: faultFamily(got),
      };
    }
    const { got, threw, family } = assertions[at]!;
    const values = assertions.flatMap((a, i): [string, string][] =>
      a.held || a.got === undefined ? [] : [[String(i + 1), withoutAddresses(a.got)]],
    );
    return {
      passed,
      ...counts,
      firstFailure: at + 1,
      got: withoutAddresses(got ?? threw ?? ""),
      family: threw ?? family ?? "wrong-value",
      ...(got === undefined ? {} : { wrongOutputs: Object.fromEntries(values) }),
    };
  }

  async #gradeJavaScript(
    { entryPoint }: Problem,
    { tests, helpers = "" }: Assertions,
    program: string,
  ): Promise<Grade> {
    const sandbox = this.#options.sandbox ?? javaScriptSandbox();
    const suite = { suite: tests, helpers, entry: entryPoint ?? "" };
    const [result] = await sandbox.run(program, [suite], this.#limits);
    if (result?.outcome !== "returned") {
      const got = result?.outcome === "threw" ? result.error : (result?.outcome ?? "nothing");
      return { passed: false, held: 0, reached: 0, firstFailure: 0, got, family: got };
    }
    const { asserted, failed } = JSON.parse(result.output) as {
      asserted: number;
      failed: number[];
    };
    const counts = { held: asserted - failed.length, reached: asserted };
    if (asserted > 0 && failed.length === 0) return { passed: true, ...counts };
    const firstFailure = failed[0] ?? 0;
    const got = asserted === 0 ? "no assertion" : "assertion failed";
    return { passed: false, ...counts, firstFailure, got, family: "wrong-value" };
  }

  async #gradeCases(
    cases: readonly { readonly input: string; readonly output: string }[],
    program: string,
  ): Promise<Grade> {
    const runner = await this.#runner();
    for (const [i, { input, output }] of cases.entries()) {
      const exit = await runWithInput(runner, { program, input, limits: this.#limits });
      if (exit.outcome === "exited" && sameOutput(exit.stdout, output)) continue;
      const got = exit.outcome === "exited" ? exit.stdout.trim().slice(0, 200) : exit.outcome;
      const family = exit.outcome === "exited" ? "wrong-value" : exit.outcome;
      return { passed: false, held: i, reached: i + 1, firstFailure: i + 1, got, family };
    }
    return { passed: true, held: cases.length, reached: cases.length };
  }
}

const PARSES = `import ast, json, sys
for i, program in reversed(list(enumerate(json.load(sys.stdin)))):
    try:
        ast.parse(program)
    except Exception:
        continue
    print(i)
    break
`;

/** A program behind imports that it may rely on; what must come first in a file stays first. */
function preceded(program: string, prelude: string): string {
  const future = program.match(/^from __future__ import .*$/gm) ?? [];
  const rest = program.replaceAll(/^from __future__ import .*$/gm, "");
  return `${[...future, prelude].join("\n")}\n${rest}`;
}

/** `load: NameError` is a NameError; anything else is its own family. */
function faultFamily(fault: string): string {
  return fault.split(": ").at(-1) || "exit";
}

/** Without memory addresses, which differ from run to run. */
function withoutAddresses(text: string): string {
  return text.replaceAll(/ at 0x[0-9a-f]+/g, "");
}
