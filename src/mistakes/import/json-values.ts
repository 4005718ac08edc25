/** The values of a JSON file one at a time: JSON Lines, or one array; also compressed with gzip. */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { ErrataError } from "../../util/error.js";

/** One value of a file, or what is wrong with the text that should have been one. */
export type JsonItem =
  | { readonly line: number; readonly value: unknown }
  | { readonly line: number; readonly problem: string };

/**
 * Reads a file value by value, never all of it at once. A text that begins with `[` is one array,
 * whose elements are given; anything else has one value a line. A damaged value is given as a
 * problem, and reading goes on behind it.
 * @throws ErrataError `IMPORT_FILE` where the file cannot be read.
 */
export async function* readJsonValues(path: string): AsyncGenerator<JsonItem> {
  const splitter = new Splitter();
  const source = createReadStream(path);
  const stream = path.endsWith(".gz")
    ? source.on("error", (error) => stream.destroy(error)).pipe(createGunzip())
    : source;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of stream)
      yield* splitter.push(decoded(decoder, chunk as Uint8Array, true));
    yield* splitter.push(decoded(decoder, new Uint8Array(0), false));
  } catch (cause) {
    throw new ErrataError(`${path} cannot be read: ${(cause as Error).message}`, {
      code: "IMPORT_FILE",
      hint: "name an existing JSON, JSON Lines or .gz file",
      cause,
    });
  }
  yield* splitter.end();
}

function decoded(
  decoder: InstanceType<typeof TextDecoder>,
  bytes: Uint8Array,
  stream: boolean,
): string {
  try {
    return decoder.decode(bytes, { stream });
  } catch (cause) {
    throw new Error("it is not UTF-8", { cause });
  }
}

/** Cuts text into values as it comes. */
class Splitter {
  #mode: "unknown" | "lines" | "array" | "done" = "unknown";
  #line = 1;
  #start = 1;
  #text = "";
  #depth = 0;
  #inString = false;
  #escaped = false;

  *push(chunk: string): Generator<JsonItem> {
    for (const character of chunk) {
      if (this.#mode === "unknown" && !/[\s\uFEFF]/.test(character)) {
        this.#mode = character === "[" ? "array" : "lines";
        this.#start = this.#line;
        if (this.#mode === "array") continue;
      }
      if (this.#mode === "lines") yield* this.#inLines(character);
      else if (this.#mode === "array") yield* this.#inArray(character);
      else if (this.#mode === "done" && character.trim() !== "") this.#text += character;
      if (character === "\n") this.#line++;
    }
  }

  *end(): Generator<JsonItem> {
    if (this.#mode === "array") {
      yield* this.#give();
      yield { line: this.#line, problem: "the array is not closed: the file may be cut off" };
    } else if (this.#mode === "done" && this.#text !== "") {
      yield { line: this.#line, problem: "there is text after the end of the array" };
    } else yield* this.#give();
  }

  *#inLines(character: string): Generator<JsonItem> {
    if (character !== "\n") {
      this.#text += character;
      return;
    }
    yield* this.#give();
    this.#start = this.#line + 1;
  }

  *#inArray(character: string): Generator<JsonItem> {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (character === "\\") this.#escaped = true;
      else if (character === '"') this.#inString = false;
    } else if (character === '"') this.#inString = true;
    else if (character === "{" || character === "[") this.#depth++;
    else if (character === "}" || (character === "]" && this.#depth > 0)) this.#depth--;
    else if (this.#depth === 0 && (character === "," || character === "]")) {
      yield* this.#give();
      if (character === "]") this.#mode = "done";
      return;
    }
    if (this.#text === "" && character.trim() === "") return;
    if (this.#text === "") this.#start = this.#line;
    this.#text += character;
  }

  *#give(): Generator<JsonItem> {
    const text = this.#text.trim();
    this.#text = "";
    if (text === "") return;
    try {
      yield { line: this.#start, value: JSON.parse(text) as unknown };
    } catch (cause) {
      yield { line: this.#start, problem: `not JSON: ${(cause as Error).message}` };
    }
  }
}
