/** A peer of the engine in another process: one request a line, one answer a line. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";

/** What a peer says about one round. */
export interface PeerAnswer {
  readonly seconds: number;
  /** Largest resident memory of its process so far, in bytes. */
  readonly memory: number;
}

/** The Python that runs peers: ERRATA_PYTHON, else python3. */
export const python: string = process.env["ERRATA_PYTHON"] ?? "python3";

/** Why `code` cannot be run, or undefined where it can. */
export function missing(code: string): string | undefined {
  const probe = spawnSync(python, ["-c", code], { encoding: "utf8" });
  if (probe.status === 0) return undefined;
  const reason =
    probe.error?.message ?? probe.stderr.trim().split("\n").at(-1) ?? "no reason given";
  return `${python}: ${reason}`;
}

/** A running script of bench/peers/. */
export class Peer {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  #fault: Error | undefined;
  #waiting: { resolve: (answer: PeerAnswer) => void; reject: (error: Error) => void } | undefined;

  constructor(script: string, argument?: unknown) {
    const file = join(import.meta.dirname, script);
    const args = argument === undefined ? [file] : [file, JSON.stringify(argument)];
    this.#process = spawn(python, args, { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    this.#process.stderr!.on("data", (text: Buffer) => (complaint = String(text)));
    this.#lines = createInterface({ input: this.#process.stdout! });
    this.#lines.on("line", (line) => this.#waiting?.resolve(JSON.parse(line) as PeerAnswer));
    const ended = (how: string): void => {
      this.#fault = new Error(
        `${script} ended${how}: ${complaint.trim().split("\n").at(-1) ?? ""}`,
      );
      this.#waiting?.reject(this.#fault);
    };
    this.#process.on("error", (error) => ended(` (${error.message})`));
    this.#process.on("close", (status, signal) => ended(` with ${signal ?? status}`));
    this.#process.stdin!.on("error", () => undefined); // "close" tells
  }

  /** One round. Rejects where the script has ended. */
  ask(request: unknown = {}): Promise<PeerAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#fault !== undefined) {
        reject(this.#fault);
        return;
      }
      this.#waiting = { resolve, reject };
      this.#process.stdin!.write(`${JSON.stringify(request)}\n`);
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#process.stdin!.end();
    this.#process.kill();
  }
}
