/**
 * The safetensors file format: header length, JSON header, bytes
 * (https://github.com/huggingface/safetensors/blob/v0.5.0/README.md#format).
 *
 * Tensors are float32 in memory; files may hold F32, F16 or BF16.
 */
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ErrataError } from "../../util/error.js";
import {
  bytesPerElement,
  fault,
  parseHeader,
  type Entry,
  type StoredType,
} from "./safetensors-header.js";

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
  /** `bfloat16` halves the file and keeps 8 bits of mantissa. Default `float32`. */
  readonly precision?: "float32" | "bfloat16";
}

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
  const type: StoredType = precision === "bfloat16" ? "BF16" : "F32";
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
  await replaceFile(path, async (file) => {
    await writeAll(file, header);
    for (const name of names) await writeAll(file, encode(tensors.get(name)!.data, type));
  });
}

const member = (key: string, value: unknown): string =>
  `${JSON.stringify(key)}:${JSON.stringify(value)}`;

async function replaceFile(
  path: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    const file = await open(temporary, "w");
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw cause;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, Math.min(bytes.length - done, 2 ** 30))).bytesWritten;
}

function encode(data: Float32Array, type: StoredType): Uint8Array {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (type === "F32") return bytes;
  const bits = new Uint32Array(bytes.slice().buffer);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const isNaN = (b & 0x7fffffff) > 0x7f800000; // must not be rounded to infinity
    halves[i] = isNaN ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16; // ties to even
  }
  return new Uint8Array(halves.buffer);
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

/** The value of an IEEE 754 binary16 number. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
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
    } catch (cause) {
      throw new ErrataError(`cannot open ${path}`, {
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
