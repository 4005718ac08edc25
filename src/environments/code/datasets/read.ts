/** Data files: JSON lines, a JSON list, either of them compressed. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { z } from "zod";
import { ErrataError } from "../../../util/error.js";
import { utf8 } from "../../../util/read-text.js";

/**
 * The rows of a `.jsonl`, `.json` (a list) or either with `.gz`, each checked by `schema`.
 * @throws ErrataError `ENVIRONMENT_DATA` on a file or row that cannot be read; the message names both.
 */
export function readRows<S extends z.ZodType>(path: string, schema: S): readonly z.infer<S>[] {
  return rawRows(path).map(({ value, place }) => {
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    const [issue] = read.error.issues;
    throw unreadable(place, `${issue!.path.join(".") || "row"}: ${issue!.message}`);
  });
}

function rawRows(path: string): readonly { value: unknown; place: string }[] {
  let text: string;
  try {
    const bytes = readFileSync(path);
    text = utf8(path.endsWith(".gz") ? gunzipSync(bytes) : bytes);
  } catch (cause) {
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause));
  }
  if (/^\s*\[/.test(text)) {
    const list = parse(text, path) as unknown[];
    return list.map((value, i) => ({ value, place: `${path}, item ${i + 1}` }));
  }
  return text
    .split("\n")
    .map((line, i) => ({ line, place: `${path}:${i + 1}` }))
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, place }) => ({ value: parse(line, place), place }));
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadable(place, cause instanceof Error ? cause.message : String(cause));
  }
}

function unreadable(place: string, why: string): ErrataError {
  return new ErrataError(`${place} cannot be read: ${why}`, {
    code: "ENVIRONMENT_DATA",
    hint: "use the file as its authors published it",
  });
}
