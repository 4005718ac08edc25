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

/** Why these modules cannot be imported, or undefined where they can. */
export function missingModules(...modules: readonly string[]): string | undefined {
  const probe = spawnSync(python, ["-c", `import ${modules.join(", ")}`], { encoding: "utf8" });
  if (probe.status === 0) return undefined;
  const reason =
    probe.error?.message ?? probe.stderr.trim().split("\n").at(-1) ?? "no reason given";
  return `${python}: ${reason}`;
}

/** A running script of bench/peers/. */
export class Peer {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  #waiting: { resolve: (answer: PeerAnswer) => void; reject: (error: Error) => void } | undefined;

  constructor(script: string, argument?: unknown) {
    const file = join(import.meta.dirname, script);
    const args = argument === undefined ? [file] : [file, JSON.stringify(argument)];
    this.#process = spawn(python, args, { stdio: ["pipe", "pipe", "pipe"] });
    let complaint = "";
    this.#process.stderr!.on("data", (text: Buffer) => (complaint = String(text)));
    this.#lines = createInterface({ input: this.#process.stdout! });
    this.#lines.on("line", (line) => this.#waiting?.resolve(JSON.parse(line) as PeerAnswer));
    this.#process.on("exit", (status) =>
      this.#waiting?.reject(new Error(`${script} ended with ${status}: ${complaint.trim()}`)),
    );
  }

  /** One round. */
  ask(request: unknown = {}): Promise<PeerAnswer> {
    return new Promise((resolve, reject) => {
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
