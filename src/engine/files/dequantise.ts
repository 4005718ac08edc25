/**
 * Values of the blocks in which llama.cpp stores weights, each operation rounded to float32, as its reference
 * does it (https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-quants.c).
 */
import { float16 } from "./halves.js";

/** A way of storing weights. */
interface BlockType {
  readonly name: string;
  /** Weights in a block. */
  readonly weights: number;
  /** Bytes in a block. */
  readonly bytes: number;
  /** Writes the weights of the block at `at` of `bytes` to `into` from `to` on. */
  readonly decode: (bytes: Uint8Array, at: number, into: Float32Array, to: number) => void;
}

const { fround } = Math;

/** The value of every float16. */
const halves = Float32Array.from({ length: 2 ** 16 }, (_, bits) => float16(bits));
const half = (bytes: Uint8Array, at: number): number => halves[bytes[at]! | (bytes[at + 1]! << 8)]!;
const word = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
const signed = (byte: number): number => (byte << 24) >> 24;

/** Q4_0 and Q5_0: w = d (q - middle); Q4_1 and Q5_1: w = d q + m. The low halves of 16 bytes come first. */
function plainBlock({ minimum, fifthBits }: { minimum: boolean; fifthBits: boolean }) {
  const high = minimum ? 4 : 2;
  const low = fifthBits ? high + 4 : high;
  const middle = fifthBits ? 16 : 8;
  return (bytes: Uint8Array, at: number, into: Float32Array, to: number): void => {
    const d = half(bytes, at);
    const m = minimum ? half(bytes, at + 2) : 0;
    const bits = fifthBits ? word(bytes, at + high) : 0;
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + low + i]!;
      const first = (pair & 15) | (((bits >>> i) & 1) << 4);
      const second = (pair >> 4) | (((bits >>> (i + 16)) & 1) << 4);
      into[to + i] = minimum ? fround(d * first) + m : d * (first - middle);
      into[to + 16 + i] = minimum ? fround(d * second) + m : d * (second - middle);
    }
  };
}

/** Q4_K and Q5_K: eight parts of 32 weights, w = (d scale) q - (m minimum), both factors of six bits. */
function superBlock({ fifthBits }: { fifthBits: boolean }) {
  const high = 16;
  const low = fifthBits ? high + 32 : high;
  return (bytes: Uint8Array, at: number, into: Float32Array, to: number): void => {
    const [d, m] = [half(bytes, at), half(bytes, at + 2)];
    const factor = (i: number): number => bytes[at + 4 + i]!;
    for (let j = 0; j < 8; j++) {
      const scale = j < 4 ? factor(j) & 63 : (factor(j + 4) & 15) | ((factor(j - 4) >> 6) << 4);
      const minimum = j < 4 ? factor(j + 4) & 63 : (factor(j + 4) >> 4) | ((factor(j) >> 6) << 4);
      const [step, offset] = [fround(d * scale), fround(m * minimum)];
      for (let i = 0; i < 32; i++) {
        const four = (bytes[at + low + (j >> 1) * 32 + i]! >> ((j & 1) * 4)) & 15;
        const fifth = fifthBits ? ((bytes[at + high + i]! >> j) & 1) << 4 : 0;
        into[to + j * 32 + i] = fround(step * (four | fifth)) - offset;
      }
    }
  };
}

/** Q6_K: sixteen parts of 16 weights, w = (d scale) (q - 32), with scales of eight bits. */
function sixBitBlock(bytes: Uint8Array, at: number, into: Float32Array, to: number): void {
  const d = half(bytes, at + 208);
  for (let i = 0; i < 256; i++) {
    const [part, within] = [i >> 7, i & 127];
    const four = bytes[at + part * 64 + (within & 63)]! >> (within < 64 ? 0 : 4);
    const two = bytes[at + 128 + part * 32 + (within & 31)]! >> ((within >> 5) * 2);
    const step = fround(d * signed(bytes[at + 192 + (i >> 4)]!));
    into[to + i] = step * (((four & 15) | ((two & 3) << 4)) - 32);
  }
}

const float = new DataView(new ArrayBuffer(4));

/** The float32 of these 32 bits. */
function valueOf(bits: number): number {
  float.setInt32(0, bits);
  return float.getFloat32(0);
}

/** By ggml's numbers, the types of tensors that are read. */
export const blockTypes: Readonly<Record<number, BlockType>> = {
  0: {
    name: "F32",
    weights: 1,
    bytes: 4,
    decode: (bytes, at, into, to) => (into[to] = valueOf(word(bytes, at))),
  },
  1: {
    name: "F16",
    weights: 1,
    bytes: 2,
    decode: (bytes, at, into, to) => (into[to] = half(bytes, at)),
  },
  2: {
    name: "Q4_0",
    weights: 32,
    bytes: 18,
    decode: plainBlock({ minimum: false, fifthBits: false }),
  },
  3: {
    name: "Q4_1",
    weights: 32,
    bytes: 20,
    decode: plainBlock({ minimum: true, fifthBits: false }),
  },
  6: {
    name: "Q5_0",
    weights: 32,
    bytes: 22,
    decode: plainBlock({ minimum: false, fifthBits: true }),
  },
  7: {
    name: "Q5_1",
    weights: 32,
    bytes: 24,
    decode: plainBlock({ minimum: true, fifthBits: true }),
  },
  8: {
    name: "Q8_0",
    weights: 32,
    bytes: 34,
    decode(bytes, at, into, to) {
      const d = half(bytes, at);
      for (let i = 0; i < 32; i++) into[to + i] = d * signed(bytes[at + 2 + i]!);
    },
  },
  12: { name: "Q4_K", weights: 256, bytes: 144, decode: superBlock({ fifthBits: false }) },
  13: { name: "Q5_K", weights: 256, bytes: 176, decode: superBlock({ fifthBits: true }) },
  14: { name: "Q6_K", weights: 256, bytes: 210, decode: sixBitBlock },
  30: {
    name: "BF16",
    weights: 1,
    bytes: 2,
    decode: (bytes, at, into, to) =>
      (into[to] = valueOf((bytes[at]! << 16) | (bytes[at + 1]! << 24))),
  },
};

/** Bytes that `weights` weights take in ggml's type `type`; undefined where they make no whole blocks. */
export function storedBytes(type: number, weights: number): number | undefined {
  const block = blockTypes[type];
  if (block === undefined || weights % block.weights !== 0) return undefined;
  return (weights / block.weights) * block.bytes;
}

/** The weights that `stored` holds in ggml's type `type`, written to `into`, which has their number. */
export function dequantise(type: number, stored: Uint8Array, into: Float32Array): void {
  const { weights, bytes, decode } = blockTypes[type]!;
  for (let to = 0, at = 0; to < into.length; to += weights, at += bytes)
    decode(stored, at, into, to);
}
