/** JSON files of our own, read back. */
import { readFileSync } from "node:fs";
import { ErrataError } from "./error.js";

/**
 * What a JSON file holds.
 * @throws ErrataError `FILE_DAMAGED` where it cannot be read or is no JSON; `hint` says what to do then.
 */
export function readJson(path: string, hint: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    const why =
      cause instanceof SyntaxError ? "is not JSON" : `cannot be read: ${(cause as Error).message}`;
    throw new ErrataError(`${path} ${why}`, { code: "FILE_DAMAGED", hint, cause });
  }
}
