/**
 * Where untrusted Python runs: bubblewrap on this machine, or a SandboxFusion server. There is no
 * third way: without either, Python is refused.
 */
import { randomBytes } from "node:crypto";
import { ErrataError } from "../../../util/error.js";
import { BubblewrapRunner, bubblewrapFault } from "./bubblewrap.js";
import { PYTHON_JUDGE } from "./python-judge.js";
import type { PairJob } from "./python-pair.js";
import { PYTHON_PROGRAM } from "./python-program.js";
import { SandboxFusionRunner } from "./sandbox-fusion.js";

/** What one Python process may use. */
export interface PythonLimits {
  /** Wall-clock time, start included; then the process is killed. */
  readonly milliseconds: number;
  /** Address space. */
  readonly memoryBytes: number;
  /** Of standard output, or of one result; more ends the process. */
  readonly outputBytes: number;
}

/** 10 s, 1 GiB, 4 MiB. */
export const DEFAULT_PYTHON_LIMITS: PythonLimits = {
  milliseconds: 10_000,
  memoryBytes: 2 ** 30,
  outputBytes: 2 ** 22,
};

/** One process: Python source, its standard input, its limits. */
export interface PythonJob {
  readonly source: string;
  readonly stdin: string;
  readonly limits: PythonLimits;
}

/** How a process ended. `failed` is any other exit than 0. */
export interface PythonExit {
  readonly outcome: "exited" | "failed" | "timeout" | "output";
  readonly stdout: string;
  /** The last part of standard error. */
  readonly stderr: string;
}

/** Something that runs a Python process apart from everything else. */
export interface PythonRunner {
  readonly name: string;
  /** @throws ErrataError `SANDBOX_PYTHON` when the sandbox itself fails; never on what the program does. */
  run(job: PythonJob): Promise<PythonExit>;
  /** Runs a judge and a program in two such processes; absent where one process is all there is. */
  pair?(job: PairJob): Promise<PythonExit>;
}

export interface PythonSandboxOptions {
  /** Base address of a SandboxFusion server. Default: `ERRATA_SANDBOX_URL`. Takes precedence. */
  readonly url?: string;
  readonly limits?: Partial<PythonLimits>;
}

/**
 * The runner to use.
 * @throws ErrataError `SANDBOX_PYTHON` where there is none; the message says why.
 */
export async function pythonRunner({ url }: PythonSandboxOptions = {}): Promise<PythonRunner> {
  const address = url ?? process.env["ERRATA_SANDBOX_URL"];
  if (address !== undefined && address !== "") return new SandboxFusionRunner(address);
  const fault = await bubblewrapFault();
  if (fault === undefined) return new BubblewrapRunner();
  throw new ErrataError(`Python programs need a sandbox, and there is none: ${fault}`, {
    code: "SANDBOX_PYTHON",
    hint: "install bubblewrap (apt install bubblewrap python3), or set ERRATA_SANDBOX_URL to a SandboxFusion server",
  });
}

/** What became of one assertion. */
export interface AssertionRecord {
  readonly held: boolean;
  /** `repr` of what the program returned (the left side of the comparison), cut at 200 characters. */
  readonly got?: string;
  /** Class of the exception it threw. */
  readonly threw?: string;
  /** How it differs from what was expected, where the assertion is an equation. */
  readonly family?: string;
}

/** What became of a program and its tests. */
export interface SuiteResult {
  /** Every assertion held, there was at least one, and the end was reached. */
  readonly passed: boolean;
  readonly assertions: readonly AssertionRecord[];
  /** Why the end was not reached: `load: NameError`, `timeout`, `output`, `exit`. */
  readonly fault?: string;
}

/** A program and its tests. */
export interface SuiteJob {
  readonly program: string;
  readonly tests: string;
  /** The function of the program that tests call. */
  readonly entryPoint?: string;
  /** Python that the judge runs before the tests: what they use and the program must not redefine. */
  readonly helpers?: string;
  /** The name that tests call the program's function by, where its own is the reference's. */
  readonly candidate?: string;
  readonly limits?: Partial<PythonLimits>;
}

/**
 * Runs a program against assertions: the tests in one process, the program in another, which gets the
 * arguments of one call at a time and gives back data. The tests compare.
 *
 * A server that runs one process a request runs the judge, which starts the program's from there.
 * @throws ErrataError `SANDBOX_PYTHON` when the sandbox itself fails; never on what the program does.
 */
export async function runSuite(runner: PythonRunner, job: SuiteJob): Promise<SuiteResult> {
  const limits = { ...DEFAULT_PYTHON_LIMITS, ...job.limits };
  const nonce = randomBytes(16).toString("hex");
  const { tests, entryPoint = "", helpers = "", candidate = "", program } = job;
  const suite = { nonce, tests, helpers, entry: entryPoint, candidate };
  const load = JSON.stringify({ program, limits: resourceLimits(limits) });
  const exit =
    runner.pair === undefined
      ? await runner.run({
          source: PYTHON_JUDGE,
          stdin: `${JSON.stringify({ ...suite, source: PYTHON_PROGRAM, load, outputBytes: limits.outputBytes })}\n`,
          limits,
        })
      : await runner.pair({
          judge: PYTHON_JUDGE,
          program: PYTHON_PROGRAM,
          suite: JSON.stringify(suite),
          load,
          nonce,
          limits,
        });
  return readRecords(exit, nonce);
}

/** Runs a program that reads standard input and writes standard output. */
export async function runWithInput(
  runner: PythonRunner,
  job: {
    readonly program: string;
    readonly input: string;
    readonly limits?: Partial<PythonLimits>;
  },
): Promise<PythonExit> {
  const limits = { ...DEFAULT_PYTHON_LIMITS, ...job.limits };
  const source = `import os, resource
os.closerange(3, 4096)
for name, value in ${JSON.stringify(resourceLimits(limits))}.items():
    resource.setrlimit(getattr(resource, name), (value, value))
exec(compile(${JSON.stringify(job.program)}, "program", "exec"), {"__name__": "__main__"})
`;
  return runner.run({ source, stdin: job.input, limits });
}

/** Limits that the process sets itself before it runs anything untrusted, and cannot raise again. */
function resourceLimits({ memoryBytes, milliseconds }: PythonLimits): Record<string, number> {
  return {
    RLIMIT_AS: memoryBytes,
    RLIMIT_CPU: Math.ceil(milliseconds / 1000) + 1,
    RLIMIT_FSIZE: 2 ** 20,
    RLIMIT_NOFILE: 64,
    RLIMIT_CORE: 0,
  };
}

interface JudgeRecord extends Partial<AssertionRecord> {
  readonly end?: number;
  readonly fault?: string;
}

function readRecords({ outcome, stdout }: PythonExit, nonce: string): SuiteResult {
  const assertions: AssertionRecord[] = [];
  let fault: string = outcome === "exited" || outcome === "failed" ? "exit" : outcome;
  let end: number | undefined;
  for (const line of stdout.split("\n")) {
    const record = parseRecord(line, nonce);
    if (record === undefined) continue;
    if (record.end !== undefined) end = record.end;
    else if (record.fault !== undefined)
      fault = record.threw === undefined ? record.fault : `${record.fault}: ${record.threw}`;
    else
      assertions.push({
        held: record.held === true,
        ...(typeof record.got === "string" ? { got: record.got } : {}),
        ...(typeof record.threw === "string" ? { threw: record.threw } : {}),
        ...(typeof record.family === "string" ? { family: record.family } : {}),
      });
  }
  const ended = end !== undefined && end === assertions.length;
  const passed = ended && assertions.length > 0 && assertions.every(({ held }) => held);
  return ended ? { passed, assertions } : { passed, assertions, fault };
}

function parseRecord(line: string, nonce: string): JudgeRecord | undefined {
  if (!line.startsWith(`${nonce} = `)) return undefined;
  try {
    return JSON.parse(line.slice(nonce.length + 3)) as JudgeRecord;
  } catch {
    return undefined;
  }
}
