/** One long-lived `coqtop`: a sentence in, what it printed and the state it is in out. */
import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { ErrataError } from "../../util/error.js";

export interface SessionOptions {
  /** Default `coqtop`. */
  readonly executable?: string;
  /** Libraries to require, for example `Lia`. */
  readonly imports?: readonly string[];
  /** Limit of the address space, in MiB. Default 4096. */
  readonly memoryMiB?: number;
}

/** What Coq said to one sentence. */
export interface Reply {
  /** A sentence that is accepted leads to a new state; a refused one leaves the state as it was. */
  readonly accepted: boolean;
  readonly state: number;
  /** Whether a proof is open. */
  readonly proving: boolean;
  readonly output: string;
}

const PROMPT = /<prompt>(.*?) < (\d+) \|(.*?)\| \d+ < <\/prompt>/;

/** Printed at most before Coq is given up, in bytes. */
const LONGEST_OUTPUT = 4 << 20;

/**
 * A running coqtop. Sentences go one at a time; whoever sends them must have checked them
 * (`sentence.ts`). Not kept alive by, and not keeping alive, the Node process while idle.
 */
export class CoqSession {
  readonly #child: ChildProcess;
  readonly #executable: string;
  #buffer = "";
  #state = 0;
  #waiting: ((reply: Reply | ErrataError) => void) | undefined;
  #fault: ErrataError | undefined;

  private constructor(executable: string, memoryMiB: number) {
    this.#executable = executable;
    // One pipe for both streams keeps errors in order.
    const script = `ulimit -v ${Math.floor(memoryMiB) * 1024}; exec "$0" -q -emacs -w -all 2>&1`;
    this.#child = spawn("sh", ["-c", script, executable], {
      cwd: tmpdir(),
      stdio: ["pipe", "pipe", "ignore"],
      env: { PATH: process.env["PATH"] ?? "", HOME: tmpdir() },
    });
    this.#child.stdout!.setEncoding("utf8").on("data", (chunk: string) => this.#read(chunk));
    this.#child.stdin!.on("error", () => undefined); // `close` says how it ended
    this.#child.on("error", () => this.#end(missing(executable)));
    this.#child.on("close", (status, signal) =>
      this.#end(
        status === 127
          ? missing(executable)
          : new ErrataError(`${executable} ended (${signal ?? status})`, { code: "COQ_DIED" }),
      ),
    );
    this.#idle();
  }

  /**
   * Starts a process and loads its libraries.
   * @throws ErrataError `COQ_MISSING`, `COQ_START`, `COQ_LIBRARY`.
   */
  static async start({
    executable = "coqtop",
    imports = [],
    memoryMiB = 4096,
  }: SessionOptions = {}): Promise<CoqSession> {
    const session = new CoqSession(executable, memoryMiB);
    await session.#receive(30).catch((cause: ErrataError) => {
      if (cause.code !== "COQ_DIED") throw cause;
      throw new ErrataError(`${executable} ended before its first prompt`, {
        code: "COQ_START",
        hint: `run ${executable} -q -emacs by hand, or raise memoryMiB (${memoryMiB})`,
        cause,
      });
    });
    const preamble = [
      "Set Printing Width 100000.",
      "Set Silent.", // goals are asked for by Show: after BackTo they are printed only where they changed
      ...imports.map((name) => `Require Import ${name}.`),
    ];
    for (const sentence of preamble) {
      const { accepted, output } = await session.send(sentence, 60);
      if (accepted) continue;
      session.kill();
      throw new ErrataError(`${executable} refused ${sentence} ${output.trim()}`, {
        code: "COQ_LIBRARY",
        hint: "name libraries that are installed, such as Lia, Arith or List",
      });
    }
    return session;
  }

  get dead(): boolean {
    return this.#fault !== undefined;
  }

  /** The state that the last sentence led to. */
  get state(): number {
    return this.#state;
  }

  /**
   * Sends one sentence. Past the limit the process is killed.
   * @throws ErrataError `COQ_TIMEOUT`, `COQ_DIED`, `COQ_OUTPUT`.
   */
  async send(sentence: string, timeoutSeconds: number): Promise<Reply> {
    if (this.#fault !== undefined) throw this.#fault;
    this.#child.stdin!.write(`${sentence}\n`);
    return this.#receive(timeoutSeconds);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #receive(timeoutSeconds: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#busy();
      const timer = setTimeout(() => {
        const message = `${this.#executable} took longer than ${timeoutSeconds} s for a sentence`;
        this.#end(new ErrataError(message, { code: "COQ_TIMEOUT" }));
        this.kill();
      }, timeoutSeconds * 1000);
      this.#waiting = (reply) => {
        clearTimeout(timer);
        this.#waiting = undefined;
        this.#idle();
        if (reply instanceof ErrataError) reject(reply);
        else resolve(reply);
      };
      if (this.#fault !== undefined) this.#waiting(this.#fault);
    });
  }

  #read(chunk: string): void {
    this.#buffer += chunk;
    if (this.#buffer.length > LONGEST_OUTPUT) {
      this.#end(new ErrataError("Coq printed more than 4 MiB", { code: "COQ_OUTPUT" }));
      this.kill();
      return;
    }
    // The prompt is last: nothing is printed between it and the next sentence.
    const match = PROMPT.exec(this.#buffer);
    if (match === null) return;
    const output = this.#buffer.slice(0, match.index);
    this.#buffer = this.#buffer.slice(match.index + match[0].length);
    const state = Number(match[2]);
    const accepted = state !== this.#state;
    this.#state = state;
    this.#waiting?.({ accepted, state, proving: match[3] !== "", output });
  }

  #end(fault: ErrataError): void {
    this.#fault ??= fault;
    this.#waiting?.(this.#fault);
  }

  #idle(): void {
    this.#child.unref();
    for (const pipe of [this.#child.stdin, this.#child.stdout])
      (pipe as unknown as { unref?: () => void }).unref?.();
  }

  #busy(): void {
    this.#child.ref();
    for (const pipe of [this.#child.stdin, this.#child.stdout])
      (pipe as unknown as { ref?: () => void }).ref?.();
  }
}

function missing(executable: string): ErrataError {
  return new ErrataError(`${executable} cannot be started`, {
    code: "COQ_MISSING",
    hint: "install Coq (Debian: apt-get install coq), or pass the path of coqtop",
  });
}
