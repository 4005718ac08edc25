/** What is fuzzed. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Something that reads what others wrote. */
export interface Parser {
  readonly name: string;
  /** Inputs as they should be; mutations start from these. */
  readonly inputs: readonly (string | Buffer)[];
  /** Reads an input; whatever it returns is a result. */
  readonly read: (input: never) => unknown;
  /** Errors that it documents beside `ErrataError`. */
  readonly documents?: (error: unknown) => boolean;
  /** How many mutations it gets, as a multiple of others'. Default 1. */
  readonly share?: number;
  /** What may stand many times in an input, between a beginning and an end. */
  readonly long?: readonly (readonly [begin: string, repeated: string, end: string])[];
}

/** Reads texts. */
export interface TextParser extends Parser {
  readonly inputs: readonly string[];
  readonly read: (input: string) => unknown;
}

/** A folder for parsers that read files; `close` removes it. */
export class Files {
  readonly folder: string = mkdtempSync(join(tmpdir(), "errata-fuzz-"));

  /** A reader of a file's content from a reader of its path. */
  reader<T>(name: string, read: (path: string) => T): (content: string | Buffer) => T {
    const path = join(this.folder, name);
    return (content) => {
      writeFileSync(path, content);
      return read(path);
    };
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
