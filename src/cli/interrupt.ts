/** Ctrl-C: the first asks a command to finish what it is doing, the second cannot wait. */
import { exitCodes } from "./exit-codes.js";
import type { Terminal } from "./terminal.js";

/** A tool that forwards a terminal's Ctrl-C makes one key press arrive twice within this time. */
const echoMilliseconds = 300;

/** Listens for SIGINT and SIGTERM until {@link Interrupt.stop}. */
export class Interrupt {
  readonly #controller = new AbortController();
  readonly #terminal: Terminal;
  #meaning: string;
  #hurry: () => Promise<void> = () => Promise.resolve();
  #count = 0;
  #last = 0;
  readonly #listener = (): void => this.#interrupt();

  /** `meaning` is printed on the first interrupt. */
  constructor(terminal: Terminal, meaning: string = "stopping") {
    this.#terminal = terminal;
    this.#meaning = meaning;
    process.on("SIGINT", this.#listener);
    process.on("SIGTERM", this.#listener);
  }

  /** Aborted by the first interrupt. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted;
  }

  /** From now on the first interrupt means `meaning`; the second does `hurry`, then exits. */
  set(meaning: string, hurry: () => Promise<void>): void {
    this.#meaning = meaning;
    this.#hurry = hurry;
  }

  /** Leaves interrupts to the system again. */
  stop(): void {
    process.off("SIGINT", this.#listener);
    process.off("SIGTERM", this.#listener);
  }

  #interrupt(): void {
    const now = performance.now();
    if (this.#count > 0 && now - this.#last < echoMilliseconds) return;
    this.#last = now;
    this.#count++;
    if (this.#count === 1) {
      this.#terminal.note(`${this.#meaning} (again to stop at once)`);
      this.#controller.abort(new Error("interrupted"));
    } else if (this.#count === 2) {
      const exit = (): never => process.exit(exitCodes.interrupted);
      this.#hurry().then(exit, (error: unknown) => {
        process.stderr.write(`the run could not be saved: ${String(error)}\n`);
        process.exit(exitCodes.failed);
      });
    } else process.exit(exitCodes.failed);
  }
}
