/** The header of a safetensors file: names, types, shapes and places, all checked. */
import { ErrataError } from "../../util/error.js";

export const bytesPerElement = { F32: 4, F16: 2, BF16: 2 } as const;
export type StoredType = keyof typeof bytesPerElement;

/** One tensor's place in the bytes after the header: [start, end). */
export interface Entry {
  readonly name: string;
  readonly type: StoredType;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

const countOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

const hints = {
  TRUNCATED: "the file is incomplete: copy or download it again",
  HEADER: "the file is not safetensors, or damaged: copy or download it again",
  DTYPE: "convert the file to F32, F16 or BF16",
  OFFSETS: "the file is damaged: copy or download it again",
} as const;

/** An error that names the file and says what to do. */
export const fault = (path: string, kind: keyof typeof hints, message: string): ErrataError =>
  new ErrataError(`${path}: ${message}`, { code: `SAFETENSORS_${kind}`, hint: hints[kind] });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

/**
 * The tensors, in order of place, and metadata of a header; tensors cover the `dataLength` bytes
 * after it exactly once.
 * @throws ErrataError `SAFETENSORS_HEADER`, `SAFETENSORS_TRUNCATED`, `SAFETENSORS_DTYPE` or
 * `SAFETENSORS_OFFSETS`.
 */
export function parseHeader(
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
