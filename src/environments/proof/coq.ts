/** Runs Coq scripts through `coqtop`, to compare its word with the kernel's. */
import { spawn, spawnSync } from "node:child_process";
import { ErrataError } from "../../util/error.js";

/** Options of {@link runCoq}. */
export interface CoqOptions {
  /** Time limit for all scripts together. Default 60. */
  readonly timeoutSeconds?: number;
  /** Default `coqtop`. */
  readonly executable?: string;
  /** Sentences run once before the scripts, which all see what they declare. */
  readonly preamble?: string;
}

/** The first line of `coqtop --version`, or undefined where it cannot be run. */
export function coqVersion(executable = "coqtop"): string | undefined {
  const { status, stdout } = spawnSync(executable, ["--version"], { encoding: "utf8" });
  return status === 0 ? stdout.split("\n")[0] : undefined;
}

/**
 * Whether Coq accepts each script, from its first sentence to its last, all in one process. Scripts
 * see nothing of each other.
 * @throws ErrataError `COQ_MISSING` when it cannot be started, `COQ_TIMEOUT` when it takes too long,
 * `COQ_OUTPUT` when it stops early.
 */
export async function runCoq(
  scripts: readonly string[],
  { timeoutSeconds = 60, executable = "coqtop", preamble = "" }: CoqOptions = {},
): Promise<boolean[]> {
  const sentences = scripts.map(
    (script, i) =>
      `${marker("begin", i)}${script}\n${marker("end", i)}Abort All.\nReset ${MARK}.\n${SET_MARK}`,
  );
  const input = `${preamble}\n${SET_MARK}${sentences.join("")}Quit.\n`;
  const output = await converse(executable, input, timeoutSeconds);
  return scripts.map((_, i) => {
    const begin = output.indexOf(markerName("begin", i));
    const end = output.indexOf(markerName("end", i));
    if (begin < 0 || end < 0) {
      throw new ErrataError(`${executable} said nothing of script ${i} of ${scripts.length}`, {
        code: "COQ_OUTPUT",
        hint: "look for an unclosed comment or string in the script",
      });
    }
    return !/^(Error|Toplevel input)/m.test(output.slice(begin, end));
  });
}

/** Everything declared after it is forgotten between scripts. */
const MARK = "errata_mark_";
const SET_MARK = `Definition ${MARK} := 0.\n`;

/** A sentence that prints its own name without an error. */
function marker(edge: "begin" | "end", index: number): string {
  return `Fail Check ${markerName(edge, index)}.\n`;
}

function markerName(edge: "begin" | "end", index: number): string {
  return `errata_${edge}_${index}_`;
}

/** What the process prints, errors in their place among the rest. */
function converse(executable: string, input: string, timeoutSeconds: number): Promise<string> {
  return new Promise((resolve, reject) => {
    // One pipe for both streams keeps errors in order.
    const child = spawn("sh", ["-c", 'exec "$0" -q 2>&1', executable], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    const chunks: Buffer[] = [];
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, timeoutSeconds * 1000);
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stdin.on("error", () => undefined); // it ended before it read everything: `close` says how
    const missing = (cause?: unknown): ErrataError =>
      new ErrataError(`${executable} cannot be started`, {
        code: "COQ_MISSING",
        hint: "install Coq (Debian: apt-get install coq), or pass the path of coqtop",
        cause,
      });
    child.on("error", (cause) => {
      clearTimeout(timer);
      reject(missing(cause));
    });
    child.on("close", (status) => {
      clearTimeout(timer);
      if (late) {
        reject(
          new ErrataError(`${executable} took longer than ${timeoutSeconds} s`, {
            code: "COQ_TIMEOUT",
            hint: "pass fewer scripts, or a larger timeoutSeconds",
          }),
        );
      } else if (status === 127) reject(missing());
      else resolve(Buffer.concat(chunks).toString("utf8"));
    });
    child.stdin.end(input);
  });
}
