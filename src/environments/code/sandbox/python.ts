/**
 * Where untrusted Python runs: bubblewrap on this machine, or a SandboxFusion server. There is no
 * third way: without either, Python is refused.
 */
import { randomBytes } from "node:crypto";
import { ErrataError } from "../../../util/error.js";
import { BubblewrapRunner, bubblewrapFault } from "./bubblewrap.js";
import { PYTHON_HARNESS } from "./python-harness.js";
import { SandboxFusionRunner } from "./sandbox-fusion.js";

/** What one Python process may use. */
export interface PythonLimits {
  /** Wall-clock time, start included; then the process is killed. */
  readonly milliseconds: number;
  /** Address space. */
  readonly memoryBytes: number;
  /** Of standard output; more ends the process. */
  readonly outputBytes: number;
}

/** 10 s, 1 GiB, 1 MiB. */
export const DEFAULT_PYTHON_LIMITS: PythonLimits = {
  milliseconds: 10_000,
  memoryBytes: 2 ** 30,
  outputBytes: 2 ** 20,
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

/** Runs programs against assertions, a program and all its assertions in one process. */
export async function runSuite(
  runner: PythonRunner,
  job: {
    readonly program: string;
    readonly tests: string;
    /** The function that tests call: the one global that may have the name of a built-in one. */
    readonly entryPoint?: string;
    readonly limits?: Partial<PythonLimits>;
  },
): Promise<SuiteResult> {
  const limits = { ...DEFAULT_PYTHON_LIMITS, ...job.limits };
  const nonce = randomBytes(16).toString("hex");
  const stdin = JSON.stringify({
    nonce,
    program: job.program,
    tests: job.tests,
    entry: job.entryPoint ?? "",
    limits: resourceLimits(limits),
  });
  const exit = await runner.run({ source: PYTHON_HARNESS, stdin, limits });
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
  const source = `import resource
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

interface HarnessRecord extends Partial<AssertionRecord> {
  readonly nonce?: string;
  readonly end?: number;
  readonly fault?: string;
}

function readRecords({ outcome, stdout }: PythonExit, nonce: string): SuiteResult {
  const assertions: AssertionRecord[] = [];
  let fault: string = outcome === "exited" || outcome === "failed" ? "exit" : outcome;
  let end: number | undefined;
  for (const line of stdout.split("\n")) {
    const record = parseRecord(line);
    if (record?.nonce !== nonce) continue;
    if (record.end !== undefined) end = record.end;
    else if (record.fault !== undefined) fault = `${record.fault}: ${record.threw ?? ""}`;
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

function parseRecord(line: string): HarnessRecord | undefined {
  try {
    const record: unknown = JSON.parse(line);
    return typeof record === "object" && record !== null ? record : undefined;
  } catch {
    return undefined;
  }
}
