/** Reading a growing file of lines: what is new since the last look, and whether it was cut meanwhile. */
import { closeSync, openSync, readSync } from "node:fs";
import { sizeOf } from "./run-files.js";

const newline = 10;
/** Read at once, in bytes: long files come in pieces. */
const chunk = 1 << 20;

/** Follows one file. */
export class Follower {
  readonly #path: string;
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Bytes read so far: whole lines only. */
  get offset(): number {
    return this.#offset;
  }

  /**
   * Gives every whole line added since the last call to `take`. Returns true where the file had
   * been cut before (a run that was resumed): then it begins anew, after calling `restart`.
   */
  read(take: (line: string) => void, restart: () => void): boolean {
    const size = sizeOf(this.#path);
    const cut = size < this.#offset;
    if (cut) {
      this.#offset = 0;
      restart();
    }
    if (size === this.#offset) return cut;
    const file = openSync(this.#path, "r");
    try {
      let rest = Buffer.alloc(0);
      for (let at = this.#offset; at < size;) {
        const buffer = Buffer.alloc(Math.min(chunk, size - at));
        const read = readSync(file, buffer, 0, buffer.length, at);
        if (read === 0) break;
        at += read;
        const bytes = Buffer.concat([rest, buffer.subarray(0, read)]);
        const end = bytes.lastIndexOf(newline) + 1;
        for (const line of bytes.toString("utf8", 0, end).split("\n")) if (line !== "") take(line);
        this.#offset += end;
        rest = bytes.subarray(end);
      }
    } finally {
      closeSync(file);
    }
    return cut;
  }
}
