/** JSON files of our own, read back. */
import type { z } from "zod";
import { ErrataError } from "./error.js";
import { readText } from "./read-text.js";

/**
 * What a JSON file holds.
 * @throws ErrataError `FILE_DAMAGED` where it cannot be read or is no JSON; `hint` says what to do then.
 */
export function readJson(path: string, hint: string): unknown {
  try {
    return JSON.parse(readText(path));
  } catch (cause) {
    const why =
      cause instanceof SyntaxError ? "is not JSON" : `cannot be read: ${(cause as Error).message}`;
    throw new ErrataError(`${path} ${why}`, { code: "FILE_DAMAGED", hint, cause });
  }
}

/**
 * What a JSON file holds, checked.
 * @throws ErrataError `FILE_DAMAGED` as {@link readJson}, and where it does not fit the schema.
 */
export function readJsonAs<T>(path: string, schema: z.ZodType<T>, hint: string): T {
  const read = schema.safeParse(readJson(path, hint));
  if (read.success) return read.data;
  const { path: key = [], message = "" } = read.error.issues[0] ?? {};
  const where = key.length === 0 ? "" : `${key.join(".")}: `;
  throw new ErrataError(`${path} is not as it was written: ${where}${message}`, {
    code: "FILE_DAMAGED",
    hint,
    cause: read.error,
  });
}
