/**
 * The safetensors file format: header length, JSON header, bytes
 * (https://github.com/huggingface/safetensors/blob/v0.5.0/README.md#format).
 *
 * Tensors are float32 in memory; files may hold F32, F16 or BF16.
 */
import { mkdir, open, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ErrataError } from "../error.js";

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

const bytesPerElement = { F32: 4, F16: 2, BF16: 2 } as const;
type StoredType = keyof typeof bytesPerElement;

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

function decode(bytes: Uint8Array<ArrayBuffer>, type: StoredType): Float32Array {
  if (type === "F32") return new Float32Array(bytes.buffer);
  const halves = new Uint16Array(bytes.buffer);
  const data = new Float32Array(halves.length);
  const bits = new Uint32Array(data.buffer);
  for (let i = 0; i < halves.length; i++) {
    if (type === "F16") data[i] = float16(halves[i]!);
    else bits[i] = halves[i]! << 16;
  }
  return data;
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

interface Entry {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/**
 * Reads the file at `path`, checking that its tensors cover its bytes exactly once.
 * @throws ErrataError `SAFETENSORS_UNREADABLE` (no such file), `SAFETENSORS_TRUNCATED`,
 * `SAFETENSORS_HEADER`, `SAFETENSORS_DTYPE` or `SAFETENSORS_OFFSETS`.
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
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
    const { entries, metadata } = parseHeader(
      path,
      await readAt(file, 8, length),
      size - 8 - length,
    );
    const tensors = new Map<string, StoredTensor>();
    for (const { name, type, shape, start, end } of entries) {
      const bytes = await readAt(file, 8 + length + start, end - start);
      tensors.set(name, { shape, data: decode(bytes, type) });
    }
    return { tensors, metadata };
  } finally {
    await file.close();
  }
}

const hints = {
  TRUNCATED: "the file is incomplete: copy or download it again",
  HEADER: "the file is not safetensors, or damaged: copy or download it again",
  DTYPE: "convert the file to F32, F16 or BF16",
  OFFSETS: "the file is damaged: copy or download it again",
} as const;

const fault = (path: string, kind: keyof typeof hints, message: string): ErrataError =>
  new ErrataError(`${path}: ${message}`, { code: `SAFETENSORS_${kind}`, hint: hints[kind] });

async function readAt(
  file: FileHandle,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const part = Math.min(length - done, 2 ** 30);
    const { bytesRead } = await file.read(bytes, done, part, position + done);
    if (bytesRead === 0)
      throw new RangeError(`file ends at byte ${position + done}, while being read`);
    done += bytesRead;
  }
  return bytes;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

function parseHeader(
  path: string,
  bytes: Uint8Array,
  dataLength: number,
): { entries: Entry[]; metadata: Record<string, string> } {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw fault(path, "HEADER", "its header is not JSON");
  }
  if (!isRecord(header)) throw fault(path, "HEADER", "its header is not an object");
  const metadata = Object.hasOwn(header, "__metadata__") ? header["__metadata__"] : {};
  if (!isRecord(metadata) || !Object.values(metadata).every((text) => typeof text === "string"))
    throw fault(path, "HEADER", "its __metadata__ does not map names to strings");
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => parseEntry(path, name, value))
    .sort((a, b) => a.start - b.start || a.end - b.end);
  let covered = 0;
  for (const { name, start, end } of entries) {
    if (end > dataLength)
      throw fault(path, "TRUNCATED", `tensor ${name} ends at byte ${end} of ${dataLength}`);
    if (start !== covered)
      throw fault(path, "OFFSETS", `tensor ${name} starts at byte ${start}, not at ${covered}`);
    covered = end;
  }
  if (covered !== dataLength)
    throw fault(path, "OFFSETS", `${dataLength - covered} bytes belong to no tensor`);
  return { entries, metadata: metadata as Record<string, string> };
}

function parseEntry(path: string, name: string, value: unknown): Entry {
  if (!isRecord(value)) throw fault(path, "HEADER", `tensor ${name} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !isSizes(shape) || !isSizes(offsets) || offsets.length !== 2)
    throw fault(path, "HEADER", `tensor ${name} lacks a dtype, shape or data_offsets`);
  if (!Object.hasOwn(bytesPerElement, dtype))
    throw fault(path, "DTYPE", `tensor ${name} has type ${dtype}`);
  const type = dtype as StoredType;
  const [start, end] = offsets as [number, number];
  if (end - start !== countOf(shape) * bytesPerElement[type])
    throw fault(
      path,
      "OFFSETS",
      `tensor ${name} of shape [${shape.join(", ")}] and type ${type} has ${end - start} bytes`,
    );
  return { name, type, shape, start, end };
}
