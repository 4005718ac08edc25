/** A running Lean REPL: JSON in, JSON out, a blank line after each. */
import { type ChildProcess, spawn } from "node:child_process";
import type { z } from "zod";
import { ErrataError } from "../../util/error.js";
import {
  type CommandResponse,
  commandResponse,
  failureResponse,
  type TacticResponse,
  tacticResponse,
} from "./messages.js";

export interface LeanReplOptions {
  /** Program and arguments, for example `lake env /path/to/repl`. */
  readonly command: readonly [string, ...string[]];
  /** Where it runs: the Lean project whose libraries are imported. */
  readonly cwd?: string;
  /** Limit for one request, in seconds; then the process is killed. Default 60. */
  readonly timeoutSeconds?: number;
}

/**
 * Speaks to one REPL process, started at the first request and again after it died. Environments
 * and proof states are numbers of the process, so they are lost with it: {@link LeanRepl.generation}
 * tells. Requests go one at a time. Older numbers stay good, which is how to go back.
 */
export class LeanRepl {
  readonly #options: LeanReplOptions;
  #child: ChildProcess | undefined;
  #buffer = "";
  #waiting: { readonly settle: (line: string | ErrataError) => void } | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #generation = 0;

  constructor(options: LeanReplOptions) {
    this.#options = options;
  }

  /** Counts the processes started: numbers of an earlier one mean nothing to this one. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Runs declarations, in an earlier environment or a new one; only a new one may import.
   * @throws ErrataError `LEAN_REPL`, `LEAN_TIMEOUT`, `LEAN_DIED`, `LEAN_MISSING`, `LEAN_PROTOCOL`.
   */
  async command(cmd: string, env?: number): Promise<CommandResponse> {
    const answer = await this.#ask({ cmd, ...(env === undefined ? {} : { env }) });
    return parsed(commandResponse, answer);
  }

  /** Runs a tactic in a proof state. @throws as {@link LeanRepl.command}. */
  async tactic(tactic: string, proofState: number): Promise<TacticResponse> {
    return parsed(tacticResponse, await this.#ask({ tactic, proofState }));
  }

  /** Ends the process; a later request starts a new one. */
  close(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  #ask(request: object): Promise<unknown> {
    const answer = this.#queue.then(async () => {
      const text = await this.#exchange(JSON.stringify(request));
      let json: unknown;
      try {
        json = JSON.parse(text);
      } catch (cause) {
        this.close(); // out of step: what comes next would answer another request
        throw protocol(`it is no JSON: ${text.slice(0, 200)}`, cause);
      }
      const keys = typeof json === "object" && json !== null ? Object.keys(json) : [];
      const failure = failureResponse.safeParse(json);
      if (failure.success && keys.length === 1) {
        throw new ErrataError(`the Lean REPL refused a request: ${failure.data.message}`, {
          code: "LEAN_REPL",
        });
      }
      return json;
    });
    this.#queue = answer.catch(() => undefined);
    return answer;
  }

  #exchange(request: string): Promise<string> {
    const { timeoutSeconds = 60, command } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const message = `the Lean REPL took longer than ${timeoutSeconds} s`;
        this.#waiting?.settle(new ErrataError(message, { code: "LEAN_TIMEOUT" }));
        this.close();
      }, timeoutSeconds * 1000);
      this.#waiting = {
        settle: (line) => {
          clearTimeout(timer);
          this.#waiting = undefined;
          this.#unref();
          if (line instanceof ErrataError) reject(line);
          else resolve(line);
        },
      };
      this.#child ??= this.#start(command);
      this.#ref();
      this.#child.stdin!.write(`${request}\n\n`);
    });
  }

  #start([program, ...args]: readonly [string, ...string[]]): ChildProcess {
    const { cwd } = this.#options;
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "ignore"],
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#generation++;
    this.#buffer = "";
    const end = (fault: ErrataError): void => {
      if (this.#child !== child) return; // closed on purpose
      this.#child = undefined;
      this.#waiting?.settle(fault);
    };
    child.on("error", (cause) => end(missingLean(`${program} cannot be started`, cause)));
    child.on("close", (status, signal) =>
      end(new ErrataError(`the Lean REPL ended (${signal ?? status})`, { code: "LEAN_DIED" })),
    );
    child.stdin.on("error", () => undefined); // `close` says how it ended
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      if (this.#child !== child) return;
      this.#buffer += chunk;
      const end = /\r?\n\r?\n/.exec(this.#buffer);
      if (end === null) return;
      const answer = this.#buffer.slice(0, end.index);
      this.#buffer = this.#buffer.slice(end.index + end[0].length);
      this.#waiting?.settle(answer);
    });
    return child;
  }

  #unref(): void {
    this.#child?.unref();
    for (const pipe of [this.#child?.stdin, this.#child?.stdout])
      (pipe as { unref?: () => void } | null | undefined)?.unref?.();
  }

  #ref(): void {
    this.#child?.ref();
    for (const pipe of [this.#child?.stdin, this.#child?.stdout])
      (pipe as { ref?: () => void } | null | undefined)?.ref?.();
  }
}

/** Says that there is no Lean and how to configure one. */
export function missingLean(what: string, cause?: unknown): ErrataError {
  return new ErrataError(what, {
    code: "LEAN_MISSING",
    hint: "set ERRATA_LEAN_REPL to the command of a Lean REPL (lake env .../repl), or ERRATA_KIMINA to the address of a Kimina Lean server",
    cause,
  });
}

function parsed<T>(schema: z.ZodType<T>, json: unknown): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw protocol(`${JSON.stringify(json).slice(0, 200)}: ${result.error.message}`, result.error);
}

function protocol(message: string, cause: unknown): ErrataError {
  return new ErrataError(`the Lean REPL's answer is not understood: ${message}`, {
    code: "LEAN_PROTOCOL",
    hint: "use a version of leanprover-community/repl that reports proofStatus",
    cause,
  });
}
