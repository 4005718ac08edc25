/** Text files that others wrote. */
import { readFileSync } from "node:fs";

/**
 * The text of UTF-8 bytes, without a byte order mark.
 * @throws Error where they are no UTF-8: a byte that is no character would become another one in silence.
 */
export function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error("it is not UTF-8", { cause });
  }
}

/** What a text file holds. @throws Error where it cannot be read, or is not UTF-8. */
export function readText(path: string): string {
  return utf8(readFileSync(path));
}
