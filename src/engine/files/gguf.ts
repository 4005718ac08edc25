/**
 * Models as GGUF, which llama.cpp, Ollama and LM Studio run
 * (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
 */
import { buildGgufHeader, GGUFValueType, type GGUFTypedMetadata } from "@huggingface/gguf";
import { ErrataError } from "../../util/error.js";
import { mergeAdapter } from "../adapter.js";
import type { Policy } from "../engine.js";
import { rotaryFrequencies, type RopeScaling } from "../rope.js";
import { parameterLayout, type ModelShape, type Parameter } from "../shape.js";
import { namedTensors } from "./checkpoint.js";
import { ggufName } from "./gguf-names.js";
import { float16Bits } from "./halves.js";
import { requireFloat16 } from "./save-pretrained.js";
import { appendAll, writeWhole } from "./whole-file.js";

/** `fp32`, `f16`, or `q8_0`: blocks of 32 whole numbers in [-127, 127] with a float16 scale, 8.5 bits a weight. */
export type GgufPrecision = "fp32" | "f16" | "q8_0";

/** A value of a GGUF file's metadata; a bare number is a uint32. */
export type GgufValue =
  | string
  | number
  | boolean
  | { readonly float32: number }
  | { readonly strings: readonly string[] }
  | { readonly int32s: readonly number[] }
  | { readonly float32s: readonly number[] };

export interface SaveGgufOptions {
  readonly precision: GgufPrecision;
  /** Name and vocabulary; what follows from the model's shape is added. */
  readonly metadata: Readonly<Record<string, GgufValue>>;
}

/** The numbers that stand for the types of tensors, and of whole files. */
const tensorTypes = { f32: 0, f16: 1, q8_0: 8 } as const;
const fileTypes = { fp32: 0, f16: 1, q8_0: 7 } as const;
type TensorType = keyof typeof tensorTypes;

const alignment = 32;
const block = 32;

interface FileTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: TensorType;
  readonly data: () => Float32Array;
}

/**
 * Writes `policy` to `path`, an adapter merged into its base. Matrices are in `precision`, those whose
 * rows do not divide into blocks in float16, vectors in float32.
 * @throws ErrataError `GGUF_UNSUPPORTED` for a model that llama.cpp's architectures do not cover,
 * `EXPORT_RANGE` for weights beyond float16.
 */
export async function saveGguf(
  path: string,
  policy: Policy,
  { precision, metadata }: SaveGgufOptions,
): Promise<void> {
  const { shape, weights } = mergeAdapter(policy);
  const architecture = architectureOf(shape);
  const layout = parameterLayout(shape);
  const named = namedTensors(layout, weights);
  if (precision !== "fp32") requireFloat16(named);
  const tensors = layout.map((parameter): FileTensor => {
    const { data } = named.get(parameter.name)!;
    return {
      name: ggufName(parameter.name),
      shape: parameter.shape,
      type: typeOf(parameter, precision),
      data: architecture === "llama" ? () => interleaved(parameter, data, shape) : () => data,
    };
  });
  if (shape.ropeScaling?.type === "llama3") tensors.push(ropeFactors(shape));
  const header = await buildGgufHeader(
    new Blob([tensorInfos(tensors)]),
    typed({ ...shapeMetadata(architecture, shape, precision), ...metadata }, tensors.length),
    { littleEndian: true, tensorInfoByteRange: [0, tensorInfos(tensors).length], alignment },
  );
  await writeWhole(path, async (file) => {
    await appendAll(file, new Uint8Array(await header.arrayBuffer()));
    for (const { type, data } of tensors) {
      const bytes = encode(data(), type);
      await appendAll(file, bytes);
      await appendAll(file, new Uint8Array(padded(bytes.length) - bytes.length));
    }
  });
}

const padded = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

function architectureOf({ biases = [], queryKeyNorm, ropeScaling }: ModelShape): string {
  const refused = (what: string): ErrataError =>
    new ErrataError(`GGUF: ${what}`, {
      code: "GGUF_UNSUPPORTED",
      hint: "export with --to hf, and convert that with llama.cpp's convert_hf_to_gguf.py",
    });
  if (ropeScaling?.type === "yarn" && !isPlainYarn(ropeScaling))
    throw refused("rotary positions stretched by yarn with settings of their own");
  if (queryKeyNorm === true && biases.length === 0) return "qwen3";
  if (biases.join() === "q_proj,k_proj,v_proj") return "qwen2";
  if (queryKeyNorm !== true && biases.length === 0) return "llama";
  throw refused(`biases on ${biases.join(", ")}${queryKeyNorm === true ? " beside norms" : ""}`);
}

function shapeMetadata(
  architecture: string,
  shape: ModelShape,
  precision: GgufPrecision,
): Record<string, GgufValue> {
  const { ropeScaling: scaling } = shape;
  const of = (entries: Readonly<Record<string, GgufValue>>): Record<string, GgufValue> =>
    Object.fromEntries(Object.entries(entries).map(([k, v]) => [`${architecture}.${k}`, v]));
  return {
    "general.architecture": architecture,
    "general.type": "model",
    "general.file_type": fileTypes[precision],
    "general.quantization_version": 2,
    ...of({
      vocab_size: shape.vocabulary,
      context_length: shape.context,
      embedding_length: shape.width,
      block_count: shape.layers,
      feed_forward_length: shape.feedForward,
      "attention.head_count": shape.heads,
      "attention.head_count_kv": shape.keyValueHeads,
      "attention.key_length": shape.headWidth,
      "attention.value_length": shape.headWidth,
      "rope.dimension_count": shape.headWidth,
    }),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: { float32: shape.normEpsilon },
    [`${architecture}.rope.freq_base`]: { float32: shape.ropeTheta },
    ...(scaling === undefined || scaling.type === "llama3"
      ? {}
      : {
          [`${architecture}.rope.scaling.type`]: scaling.type,
          [`${architecture}.rope.scaling.factor`]: { float32: scaling.factor },
        }),
    ...(scaling?.type === "yarn"
      ? { [`${architecture}.rope.scaling.original_context_length`]: scaling.original }
      : {}),
  };
}

/** Whether yarn has the settings that llama.cpp takes it to have. */
function isPlainYarn(yarn: Extract<RopeScaling, { type: "yarn" }>): boolean {
  const gain = 0.1 * Math.log(yarn.factor) + 1;
  return (
    yarn.betaFast === 32 &&
    yarn.betaSlow === 1 &&
    yarn.truncate &&
    Math.abs(yarn.attentionFactor - gain) < 1e-6
  );
}

function typed(
  metadata: Readonly<Record<string, GgufValue>>,
  tensorCount: number,
): GGUFTypedMetadata {
  const entries = Object.entries(metadata).map(([key, value]) => [key, typedValue(value)] as const);
  return {
    version: { value: 3, type: GGUFValueType.UINT32 },
    tensor_count: { value: BigInt(tensorCount), type: GGUFValueType.UINT64 },
    kv_count: { value: BigInt(entries.length), type: GGUFValueType.UINT64 },
    ...Object.fromEntries(entries),
  } as GGUFTypedMetadata;
}

function typedValue(value: GgufValue): GGUFTypedMetadata[string] {
  const list = <T extends string | number>(values: readonly T[], subType: GGUFValueType) => ({
    value: [...values],
    type: GGUFValueType.ARRAY,
    subType,
  });
  if (typeof value === "string") return { value, type: GGUFValueType.STRING };
  if (typeof value === "boolean") return { value, type: GGUFValueType.BOOL };
  if (typeof value === "number") return { value, type: GGUFValueType.UINT32 };
  if ("float32" in value) return { value: value.float32, type: GGUFValueType.FLOAT32 };
  if ("strings" in value) return list(value.strings, GGUFValueType.STRING);
  if ("int32s" in value) return list(value.int32s, GGUFValueType.INT32);
  return list(value.float32s, GGUFValueType.FLOAT32);
}

/** Name, dimensions (the innermost first), type and place of every tensor. */
function tensorInfos(tensors: readonly FileTensor[]): Uint8Array<ArrayBuffer> {
  const parts: Buffer[] = [];
  let offset = 0;
  for (const { name, shape, type } of tensors) {
    const text = Buffer.from(name, "utf8");
    const head = Buffer.alloc(8 + text.length + 4 + 8 * shape.length + 12);
    let at = head.writeBigUInt64LE(BigInt(text.length), 0);
    at += text.copy(head, at);
    at = head.writeUInt32LE(shape.length, at);
    for (const size of shape.toReversed()) at = head.writeBigUInt64LE(BigInt(size), at);
    at = head.writeUInt32LE(tensorTypes[type], at);
    head.writeBigUInt64LE(BigInt(offset), at);
    parts.push(head);
    offset += padded(bytesOf(shape, type));
  }
  return new Uint8Array(Buffer.concat(parts));
}

function bytesOf(shape: readonly number[], type: TensorType): number {
  const count = shape.reduce((n, d) => n * d, 1);
  return type === "f32" ? 4 * count : type === "f16" ? 2 * count : (count / block) * (block + 2);
}

function typeOf({ shape }: Parameter, precision: GgufPrecision): TensorType {
  if (shape.length === 1 || precision === "fp32") return "f32";
  return precision === "q8_0" && shape[1]! % block !== 0 ? "f16" : precision;
}

/**
 * llama.cpp's `llama` rotates neighbouring dimensions, transformers those half a head apart: row 2j of a
 * head of queries or keys is transformers' row j, row 2j + 1 its row j + d/2.
 */
function interleaved(
  { name, shape }: Parameter,
  data: Float32Array,
  model: ModelShape,
): Float32Array {
  if (!/\.[qk]_proj\./.test(name)) return data;
  const columns = shape[1] ?? 1;
  const half = model.headWidth / 2;
  const out = new Float32Array(data.length);
  for (let head = 0; head < shape[0]!; head += model.headWidth)
    for (let j = 0; j < half; j++)
      for (const second of [0, 1]) {
        const from = (head + j + second * half) * columns;
        out.set(data.subarray(from, from + columns), (head + 2 * j + second) * columns);
      }
  return out;
}

/** By how much each rotary frequency is divided (Llama 3.1). */
function ropeFactors(shape: ModelShape): FileTensor {
  const { ropeScaling: _, ...plain } = shape;
  const stretched = rotaryFrequencies(shape);
  const factors = Float32Array.from(rotaryFrequencies(plain), (f, i) => f / stretched[i]!);
  return {
    name: "rope_freqs.weight",
    shape: [factors.length],
    type: "f32",
    data: () => factors,
  };
}

function encode(data: Float32Array, type: TensorType): Uint8Array {
  if (type === "f32") return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return type === "f16" ? new Uint8Array(float16Bits(data).buffer) : q8Blocks(data);
}

/**
 * Q8_0: in each block of 32, d = max |x| / 127 and q = x / d to the nearest whole number, halves away
 * from zero; d is stored in float16.
 */
function q8Blocks(data: Float32Array): Uint8Array {
  const bytes = new Uint8Array((data.length / block) * (block + 2));
  const view = new DataView(bytes.buffer);
  const scale = new Float32Array(1);
  for (let start = 0, at = 0; start < data.length; start += block, at += block + 2) {
    let largest = 0;
    for (let i = 0; i < block; i++) largest = Math.max(largest, Math.abs(data[start + i]!));
    scale[0] = largest / 127;
    const inverse = scale[0] === 0 ? 0 : Math.fround(1 / scale[0]);
    view.setUint16(at, float16Bits(scale)[0]!, true);
    for (let i = 0; i < block; i++) {
      const scaled = Math.fround(data[start + i]! * inverse);
      view.setInt8(at + 2 + i, Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5));
    }
  }
  return bytes;
}
