/** 16-bit floating-point numbers, rounded to the nearest, ties to even. */

const bitsOf = (data: Float32Array): Uint32Array =>
  new Uint32Array(data.buffer, data.byteOffset, data.length);

/** The bits of each value as bfloat16: the upper half of its float32. */
export function bfloat16Bits(data: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(data);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]!;
    const isNaN = (b & 0x7fffffff) > 0x7f800000; // must not be rounded to infinity
    halves[i] = isNaN ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/** The bits of each value as IEEE 754 binary16; what lies beyond 65,504 becomes infinite. */
export function float16Bits(data: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(data);
  const halves = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) halves[i] = float16BitsOf(bits[i]!);
  return halves;
}

function float16BitsOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to 2^16 or more
  if (magnitude < 0x33000001) return sign; // rounds to zero
  const exponent = magnitude >>> 23;
  if (exponent >= 113) {
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | ((rounded - (112 << 23)) >>> 13);
  }
  const shift = 126 - exponent; // subnormal: units of 2^-24
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const low = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const units = fraction >>> shift;
  const up = low > half || (low === half && (units & 1) === 1);
  return sign | (units + (up ? 1 : 0));
}

/** The value of an IEEE 754 binary16 number. */
export function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
