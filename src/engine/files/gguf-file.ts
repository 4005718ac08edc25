/** GGUF files as checkpoints: their metadata, and their tensors under the names that transformers gives them. */
import { open, type FileHandle } from "node:fs/promises";
import { gguf } from "@huggingface/gguf";
import { ErrataError } from "../../util/error.js";
import { blockTypes, dequantise, storedBytes } from "./dequantise.js";
import { transformersName } from "./gguf-names.js";

/** A value of a GGUF file's metadata, numbers of every width as numbers. */
export type GgufMetadata = Readonly<Record<string, unknown>>;

interface Entry {
  readonly shape: readonly number[];
  readonly type: number;
  readonly position: number;
  readonly bytes: number;
}

/** A file whose header has been read; its tensors are read when asked for. */
export class GgufFile {
  readonly path: string;
  readonly metadata: GgufMetadata;
  /** Dimensions of every tensor, the outermost first, by its name in transformers. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #file: FileHandle;

  private constructor(
    path: string,
    file: FileHandle,
    metadata: GgufMetadata,
    entries: ReadonlyMap<string, Entry>,
  ) {
    this.path = path;
    this.#file = file;
    this.metadata = metadata;
    this.#entries = entries;
    this.shapes = new Map([...entries].map(([name, { shape }]) => [name, shape]));
  }

  /**
   * Opens the file at `path`.
   * @throws ErrataError `GGUF_FILE` where it is missing, cut off or no GGUF, `GGUF_TYPE` for tensors stored in a way
   * that is not read.
   */
  static async open(path: string): Promise<GgufFile> {
    let file: FileHandle | undefined;
    try {
      file = await open(path, "r");
      const { size } = await file.stat();
      const header = await gguf(path, { allowLocalFile: true });
      const metadata = plain(header.metadata);
      const start = Number(header.tensorDataOffset);
      if (!(start <= size)) throw damaged(path, `its header goes on beyond its ${size} bytes`);
      const entries = new Map<string, Entry>();
      for (const { name, shape: inner, dtype: type, offset } of header.tensorInfos) {
        const shape = inner.map(Number).toReversed();
        const count = shape.reduce((n, d) => n * d, 1);
        const stored = blockTypes[type];
        if (stored === undefined || shape.length === 0 || shape.at(-1)! % stored.weights !== 0)
          throw unreadable(path, name, type);
        const position = start + Number(offset);
        const bytes = storedBytes(type, count)!;
        if (!Number.isSafeInteger(position) || position < start || position + bytes > size)
          throw damaged(path, `the tensor ${name} lies beyond its ${size} bytes`);
        const known = transformersName(name);
        if (entries.has(known)) throw damaged(path, `the tensor ${name} is there twice`);
        entries.set(known, { shape, type, position, bytes });
      }
      return new GgufFile(path, file, metadata, entries);
    } catch (cause) {
      await file?.close();
      if (cause instanceof ErrataError) throw cause;
      throw damaged(path, cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  /**
   * Reads tensor `name` into `into`, which must have its size, as float32.
   * @throws RangeError for another name or size.
   */
  async read(name: string, into: Float32Array): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new RangeError(`no tensor ${name}`);
    const count = entry.shape.reduce((n, d) => n * d, 1);
    if (into.length !== count)
      throw new RangeError(`${into.length} places for tensor ${name} of ${count}`);
    const block = blockTypes[entry.type]!;
    const step = Math.floor(chunk / block.bytes) * block.bytes;
    const buffer = new Uint8Array(Math.min(step, entry.bytes));
    for (let at = 0, to = 0; at < entry.bytes; at += step) {
      const part = buffer.subarray(0, Math.min(step, entry.bytes - at));
      await fill(this.#file, part, entry.position + at, this.path);
      const weights = (part.length / block.bytes) * block.weights;
      dequantise(entry.type, part, into.subarray(to, to + weights));
      to += weights;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Bytes that are read at once. */
const chunk = 2 ** 24;

async function fill(
  file: FileHandle,
  into: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let at = 0; at < into.length;) {
    const { bytesRead } = await file.read(into, at, into.length - at, position + at);
    if (bytesRead === 0) throw damaged(path, "it ends within a tensor");
    at += bytesRead;
  }
}

/** Whole numbers of 64 bits as numbers: none that is read here is beyond 2^53. */
function plain(value: unknown): GgufMetadata {
  const one = (v: unknown): unknown =>
    typeof v === "bigint" ? Number(v) : Array.isArray(v) ? v.map(one) : v;
  return Object.fromEntries(Object.entries(value as object).map(([k, v]) => [k, one(v)]));
}

const damaged = (path: string, message: string, cause?: unknown): ErrataError =>
  new ErrataError(`${path}: ${message}`, {
    code: "GGUF_FILE",
    hint: "copy or download the file again; the weights of a .gguf file are read from one file alone",
    cause,
  });

function unreadable(path: string, tensor: string, type: number): ErrataError {
  const known = blockTypes[type]?.name;
  const names = Object.values(blockTypes).map(({ name }) => name);
  return new ErrataError(
    known === undefined
      ? `${path}: the tensor ${tensor} is stored in ggml's type ${type}, which is not read`
      : `${path}: the rows of ${tensor} do not divide into blocks of ${known}`,
    {
      code: "GGUF_TYPE",
      hint: `take a file whose tensors are ${names.join(", ")}: those named Q8_0, Q4_0, Q4_K_M, Q5_K_M or Q6_K`,
    },
  );
}
