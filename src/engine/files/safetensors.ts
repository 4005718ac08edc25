/**
 * The safetensors file format: header length, JSON header, bytes
 * (https://github.com/huggingface/safetensors/blob/v0.5.0/README.md#format).
 *
 * Tensors are float32 in memory; files may hold F32, F16 or BF16.
 */
import { open, type FileHandle } from "node:fs/promises";
import { ErrataError } from "../../util/error.js";
import { bfloat16Bits, float16, float16Bits } from "./halves.js";
import {
  bytesPerElement,
  fault,
  parseHeader,
  type Entry,
  type StoredType,
} from "./safetensors-header.js";
import { appendAll, writeWhole } from "./whole-file.js";

/** A tensor in memory; a scalar has shape []. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The contents of one file. */
export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The file's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface SafetensorsOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** What the file holds; the 16-bit formats halve it. Default `float32`. */
  readonly precision?: Precision;
}

/** `bfloat16` keeps the range and 8 bits of precision, `float16` 11 bits up to 65,504. */
export type Precision = "float32" | "bfloat16" | "float16";

const storedTypes: Readonly<Record<Precision, StoredType>> = {
  float32: "F32",
  bfloat16: "BF16",
  float16: "F16",
};

/** The reference implementation's limit. */
const longestHeader = 100_000_000;

const countOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/**
 * Writes `tensors` to `path` whole or not at all: a temporary file beside it takes its name. The
 * same tensors and metadata give the same bytes, whatever their order.
 * @throws RangeError when a tensor's data does not fit its shape.
 */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  { metadata = {}, precision = "float32" }: SafetensorsOptions = {},
): Promise<void> {
  const type = storedTypes[precision];
  const names = [...tensors.keys()].sort();
  const entries = Object.keys(metadata)
    .sort()
    .map((key) => member(key, metadata[key]));
  const fields =
    Object.keys(metadata).length === 0 ? [] : [`"__metadata__":{${entries.join(",")}}`];
  let offset = 0;
  for (const name of names) {
    const { shape, data } = tensors.get(name)!;
    if (data.length !== countOf(shape) || name === "__metadata__")
      throw new RangeError(`tensor ${name}: ${data.length} values for shape [${shape.join(", ")}]`);
    const end = offset + data.length * bytesPerElement[type];
    fields.push(member(name, { dtype: type, shape, data_offsets: [offset, end] }));
    offset = end;
  }
  const json = Buffer.from(`{${fields.join(",")}}`);
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " "); // tensors start aligned
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  await writeWhole(path, async (file) => {
    await appendAll(file, header);
    for (const name of names) await appendAll(file, encode(tensors.get(name)!.data, type));
  });
}

const member = (key: string, value: unknown): string =>
  `${JSON.stringify(key)}:${JSON.stringify(value)}`;

function encode(data: Float32Array, type: StoredType): Uint8Array {
  if (type === "F32") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array((type === "BF16" ? bfloat16Bits(data) : float16Bits(data)).buffer);
}

/** Values of stored bytes, written to `into`. */
function decode(bytes: Uint8Array<ArrayBuffer>, type: StoredType, into: Float32Array): void {
  const halves = new Uint16Array(bytes.buffer);
  if (type === "F16") for (let i = 0; i < halves.length; i++) into[i] = float16(halves[i]!);
  else {
    const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
    for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  }
}

/** A file whose header has been read; its tensors are read when asked for. */
export class SafetensorsFile {
  /** Dimensions of every tensor, by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** The file's `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #file: FileHandle;
  readonly #start: number;

  private constructor(
    file: FileHandle,
    start: number,
    { entries, metadata }: ReturnType<typeof parseHeader>,
  ) {
    this.#file = file;
    this.#start = start;
    this.#entries = new Map(entries.map((e) => [e.name, e]));
    this.shapes = new Map(entries.map((e) => [e.name, e.shape]));
    this.metadata = metadata;
  }

  /**
   * Opens the file at `path`, checking that its tensors cover its bytes exactly once.
   * @throws ErrataError `SAFETENSORS_UNREADABLE` (no such file), `SAFETENSORS_TRUNCATED`,
   * `SAFETENSORS_HEADER`, `SAFETENSORS_DTYPE` or `SAFETENSORS_OFFSETS`.
   */
  static async open(path: string): Promise<SafetensorsFile> {
    let file: FileHandle;
    try {
      file = await open(path, "r");
      if ((await file.stat()).isDirectory()) {
        await file.close();
        throw new Error("it is a folder");
      }
    } catch (cause) {
      throw new ErrataError(`cannot open ${path}: ${(cause as Error).message}`, {
        code: "SAFETENSORS_UNREADABLE",
        hint: "check the path of the checkpoint",
        cause,
      });
    }
    try {
      const { size } = await file.stat();
      if (size < 8)
        throw fault(path, "TRUNCATED", `${size} bytes, fewer than the 8 of its header length`);
      const length = Number(Buffer.from(await readAt(file, 0, 8)).readBigUInt64LE());
      if (length > longestHeader) throw fault(path, "HEADER", `a header of ${length} bytes`);
      if (8 + length > size)
        throw fault(path, "TRUNCATED", `a header of ${length} bytes in a file of ${size}`);
      const header = parseHeader(path, await readAt(file, 8, length), size - 8 - length);
      return new SafetensorsFile(file, 8 + length, header);
    } catch (cause) {
      await file.close();
      throw cause;
    }
  }

  /**
   * Reads tensor `name` into `into`, which must have its size; nothing else is kept in memory.
   * @throws RangeError for another name or size.
   */
  async read(name: string, into: Float32Array): Promise<void> {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new RangeError(`no tensor ${name}`);
    if (into.length !== countOf(entry.shape))
      throw new RangeError(`${into.length} places for tensor ${name} [${entry.shape.join(", ")}]`);
    const { start, end, type } = entry;
    const position = this.#start + start;
    if (type === "F32")
      await fillFrom(
        this.#file,
        position,
        new Uint8Array(into.buffer, into.byteOffset, end - start),
      );
    else decode(await readAt(this.#file, position, end - start), type, into);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Reads the whole file at `path`.
 * @throws ErrataError as {@link SafetensorsFile.open}.
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  const file = await SafetensorsFile.open(path);
  try {
    const tensors = new Map<string, StoredTensor>();
    for (const [name, shape] of file.shapes) {
      const data = new Float32Array(countOf(shape));
      await file.read(name, data);
      tensors.set(name, { shape, data });
    }
    return { tensors, metadata: file.metadata };
  } finally {
    await file.close();
  }
}

async function readAt(
  file: FileHandle,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  await fillFrom(file, position, bytes);
  return bytes;
}

async function fillFrom(file: FileHandle, position: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const part = Math.min(bytes.length - done, 2 ** 30);
    const { bytesRead } = await file.read(bytes, done, part, position + done);
    if (bytesRead === 0)
      throw new RangeError(`file ends at byte ${position + done}, while being read`);
    done += bytesRead;
  }
}
