/** What files of a checkpoint were when it was written: a damaged one is found before it is used. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** A file's size in bytes, and its SHA-256 in hexadecimal. */
export interface Checksum {
  readonly bytes: number;
  readonly sha256: string;
}

/** Of the first `bytes` bytes of a file, the whole file by default. */
export async function checksumOf(path: string, bytes?: number): Promise<Checksum> {
  const size = bytes ?? statSync(path).size;
  const hash = createHash("sha256");
  if (size > 0)
    for await (const chunk of createReadStream(path, { end: size - 1 }))
      hash.update(chunk as Uint8Array);
  return { bytes: size, sha256: hash.digest("hex") };
}

/** Of every file in a folder, by name. */
export async function checksumsIn(folder: string): Promise<Record<string, Checksum>> {
  const sums: Record<string, Checksum> = {};
  for (const name of readdirSync(folder).toSorted())
    sums[name] = await checksumOf(join(folder, name));
  return sums;
}

/** What is wrong with a file that should have this checksum over its first bytes, or undefined. */
export async function damageTo(path: string, expected: Checksum): Promise<string | undefined> {
  if (!existsSync(path)) return `${path} is missing`;
  const { size } = statSync(path);
  if (size < expected.bytes) return `${path} has ${size} bytes of ${expected.bytes}`;
  const { sha256 } = await checksumOf(path, expected.bytes);
  return sha256 === expected.sha256 ? undefined : `${path} has other bytes than were written`;
}

/** The SHA-256 of a text or of bytes, in hexadecimal. */
export function textSha256(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}
