/**
 * Python inside bubblewrap: namespaces of its own for everything (no network, no other processes), a
 * read-only system and nothing of the host's files, no capabilities, no new processes, no sockets,
 * limits on time, memory and output.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { availableParallelism } from "node:os";
import { ErrataError } from "../../../util/error.js";
import type { PythonExit, PythonJob, PythonRunner } from "./python.js";
import { type PairJob, PythonPairs } from "./python-pair.js";
import { seccompFilter } from "./seccomp.js";

/** Bytes of /tmp inside. */
const SCRATCH_BYTES = 16 * 2 ** 20;

/** Characters of standard error that are kept. */
const STDERR_KEPT = 2000;

/** File descriptor that bubblewrap reads the system-call filter from. */
const FILTER_DESCRIPTOR = 3;

/** Runs at most as many programs at once as there are processors. */
export class BubblewrapRunner implements PythonRunner {
  readonly name = "bubblewrap";
  readonly #most: number;
  readonly #pairs = new PythonPairs(jailed);
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number = availableParallelism()) {
    this.#most = most;
  }

  run(job: PythonJob): Promise<PythonExit> {
    return this.#inTurn(() => runOnce(job));
  }

  pair(job: PairJob): Promise<PythonExit> {
    return this.#inTurn(() => this.#pairs.run(job));
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

/** Starts Python on a source, shut in. */
function jailed(source: string): ChildProcess {
  const filter = seccompFilter();
  const args = [...jail(filter !== undefined), "python3", "-I", "-S", "-c", source];
  const child = spawn("bwrap", args, {
    stdio: ["pipe", "pipe", "pipe", filter === undefined ? "ignore" : "pipe"],
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
  });
  for (const stream of child.stdio) stream?.on("error", ignore); // it may end before it has read all
  if (filter !== undefined) {
    const pipe = child.stdio[FILTER_DESCRIPTOR];
    if (pipe !== null && pipe !== undefined && "end" in pipe) pipe.end(filter);
  }
  return child;
}

function runOnce({ source, stdin, limits }: PythonJob): Promise<PythonExit> {
  return new Promise((resolve, reject) => {
    const child = jailed(source);
    const stdout: Buffer[] = [];
    let written = 0;
    let stderr = "";
    let ended: "timeout" | "output" | undefined;
    const end = (why: "timeout" | "output"): void => {
      ended ??= why;
      child.kill("SIGKILL"); // and with it, as --die-with-parent says, everything inside
    };
    const timer = setTimeout(() => end("timeout"), limits.milliseconds);
    child.stdout!.on("data", (chunk: Buffer) => {
      written += chunk.length;
      if (written > limits.outputBytes) end("output");
      else stdout.push(chunk);
    });
    child.stderr!.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString("latin1")).slice(-STDERR_KEPT);
    });
    child.on("error", (cause) => {
      clearTimeout(timer);
      reject(
        new ErrataError(`bwrap could not be started: ${cause.message}`, {
          code: "SANDBOX_PYTHON",
          hint: "install bubblewrap",
          cause,
        }),
      );
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      const outcome = ended ?? (code === 0 ? "exited" : "failed");
      resolve({ outcome, stdout: Buffer.concat(stdout).toString("utf8"), stderr });
    });
    child.stdin!.end(stdin);
  });
}

const ignore = (): void => {};

/** Arguments of bwrap up to the command. */
function jail(filtered: boolean): readonly string[] {
  const options = [
    "--unshare-all",
    "--die-with-parent",
    "--new-session",
    "--cap-drop ALL",
    "--uid 65534 --gid 65534",
    "--clearenv",
    "--setenv PATH /usr/local/bin:/usr/bin:/bin",
    "--setenv PYTHONHASHSEED 0",
    "--setenv LC_ALL C.UTF-8",
    "--ro-bind /usr /usr",
    ...["/bin", "/lib", "/lib64"].map(systemFolder),
    "--proc /proc",
    "--dev /dev",
    "--remount-ro /dev",
    `--size ${SCRATCH_BYTES} --tmpfs /tmp`,
    "--chdir /tmp",
    filtered ? `--seccomp ${FILTER_DESCRIPTOR}` : "",
    "--",
  ];
  return options.flatMap((option) => option.split(" ")).filter((word) => word !== "");
}

/** A folder of the system as it is: a link into /usr, or a folder of its own, read-only. */
function systemFolder(path: string): string {
  if (!existsSync(path)) return "";
  return lstatSync(path).isSymbolicLink()
    ? `--symlink ${readlinkSync(path)} ${path}`
    : `--ro-bind ${path} ${path}`;
}

let probed: Promise<string | undefined> | undefined;

/** Why bubblewrap cannot run Python here, or undefined when it can. Tried once a process. */
export function bubblewrapFault(): Promise<string | undefined> {
  probed ??= probe();
  return probed;
}

async function probe(): Promise<string | undefined> {
  const limits = { milliseconds: 10_000, memoryBytes: 2 ** 28, outputBytes: 1000 };
  try {
    const { stdout, stderr, outcome } = await runOnce({ source: "print(6*7)", stdin: "", limits });
    if (stdout.trim() === "42") return undefined;
    return `bwrap ${outcome}: ${stderr.trim().split("\n").at(-1) ?? ""}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
