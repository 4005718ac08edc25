/** Python on a SandboxFusion server (github.com/bytedance/SandboxFusion), by its `POST /run_code`. */
import { z } from "zod";
import { ErrataError } from "../../../util/error.js";
import { limitedText } from "../../../util/limited-body.js";
import { within } from "../../../util/within.js";
import type { PythonExit, PythonJob, PythonRunner } from "./python.js";

/** The part of the server's answer that is read. */
const Answer = z.object({
  status: z.enum(["Success", "Failed", "SandboxError"]),
  message: z.string().nullish(),
  run_result: z
    .object({
      status: z.string(),
      return_code: z.number().nullish(),
      stdout: z.string().nullish(),
      stderr: z.string().nullish(),
    })
    .nullish(),
});

/** Longest answer that is read; programs may print a few MiB. */
const MOST_BYTES = 32 * 2 ** 20;

/** Milliseconds beyond a program's own limit that the server may take to answer. */
const PATIENCE = 30_000;

/** Sends each process to a server. Its isolation is the server's word. */
export class SandboxFusionRunner implements PythonRunner {
  readonly name = "sandbox-fusion";
  readonly #address: URL;

  /** @throws ErrataError `SANDBOX_PYTHON` when `url` is no address. */
  constructor(url: string) {
    const address = `${url.replace(/\/+$/, "")}/run_code`;
    if (!URL.canParse(address) || !/^https?:/.test(address)) {
      throw new ErrataError(`"${url}" is no address of a SandboxFusion server`, {
        code: "SANDBOX_PYTHON",
        hint: "write it as in http://localhost:8080",
      });
    }
    this.#address = new URL(address);
  }

  async run({ source, stdin, limits }: PythonJob): Promise<PythonExit> {
    const body = JSON.stringify({
      code: source,
      language: "python",
      stdin,
      compile_timeout: limits.milliseconds / 1000,
      run_timeout: limits.milliseconds / 1000,
      memory_limit_MB: Math.ceil(limits.memoryBytes / 2 ** 20),
      files: {},
      fetch_files: [],
    });
    const answer = await this.#post(body, limits.milliseconds + PATIENCE);
    const { status, run_result: run } = answer;
    if (status === "SandboxError" || run === null || run === undefined) {
      throw this.#fault(answer.message ?? "it ran nothing");
    }
    const stdout = run.stdout ?? "";
    const stderr = run.stderr ?? "";
    if (run.status === "TimeLimitExceeded") return { outcome: "timeout", stdout, stderr };
    if (Buffer.byteLength(stdout) > limits.outputBytes) {
      return { outcome: "output", stdout: "", stderr };
    }
    return { outcome: run.return_code === 0 ? "exited" : "failed", stdout, stderr };
  }

  async #post(body: string, milliseconds: number): Promise<z.infer<typeof Answer>> {
    let text: string;
    try {
      const [response, read] = await within(milliseconds, async (signal) => {
        const headers = { "content-type": "application/json" };
        const answered = await fetch(this.#address, { method: "POST", headers, body, signal });
        return [answered, await limitedText(answered, MOST_BYTES)] as const;
      });
      if (read === undefined) throw new Error("it answered with more than 32 MiB");
      text = read;
      if (!response.ok) throw new Error(`status ${response.status}: ${text.slice(0, 200)}`);
    } catch (cause) {
      throw this.#fault(cause instanceof Error ? cause.message : String(cause), cause);
    }
    const read = Answer.safeParse(parse(text));
    if (read.success) return read.data;
    throw this.#fault(`its answer is not understood: ${text.slice(0, 200)}`);
  }

  #fault(what: string, cause?: unknown): ErrataError {
    return new ErrataError(`the SandboxFusion server at ${this.#address.origin} failed: ${what}`, {
      code: "SANDBOX_PYTHON",
      hint: "check ERRATA_SANDBOX_URL and the server's log",
      cause,
    });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
