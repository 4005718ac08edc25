import { createHash } from "node:crypto";

/** SHA-256 of texts, one after another, in UTF-8. */
export function sha256(...parts: readonly string[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** The bytes of a vector as it is stored: 32-bit floats, little-endian on every platform of Node's. */
export function toBlob(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** The vector a blob holds. */
export function fromBlob(blob: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(blob).buffer); // copied: a blob need not lie at a multiple of 4
}
