/** Verified attempts kept in a temporary file between the two passes of an import. */
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A list of JSON values on disk: written once, then read as often as needed. */
export class Spool<T> {
  readonly #folder: string;
  readonly #path: string;
  readonly #file: FileHandle;

  private constructor(folder: string, path: string, file: FileHandle) {
    this.#folder = folder;
    this.#path = path;
    this.#file = file;
  }

  /** Makes an empty one in the system's folder for temporary files. */
  static async create<T>(): Promise<Spool<T>> {
    const folder = await mkdtemp(join(tmpdir(), "errata-import-"));
    const path = join(folder, "attempts.jsonl");
    return new Spool<T>(folder, path, await open(path, "w"));
  }

  async write(value: T): Promise<void> {
    await this.#file.appendFile(`${JSON.stringify(value)}\n`);
  }

  async *read(): AsyncGenerator<T> {
    const lines = createInterface({ input: createReadStream(this.#path), crlfDelay: Infinity });
    for await (const line of lines) yield JSON.parse(line) as T;
  }

  /** Deletes the file. */
  async remove(): Promise<void> {
    await this.#file.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
