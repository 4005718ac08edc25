/** From what a user wrote, or a run saved, to a checked configuration. */
import { ErrataError } from "../util/error.js";
import { nearest } from "../util/spelling.js";
import type { Config } from "./config.js";
import { configKeys } from "./keys.js";
import { isRecord } from "./record.js";
import { newName, renamedValues, underNewNames } from "./renamed.js";
import { configSchema } from "./schema.js";

/**
 * Checks a configuration and fills in defaults. All problems are reported at once, with paths, and
 * the nearest real key for an unknown one. `source` says where it all comes from, or where a key does.
 * @throws ErrataError `CONFIG_INVALID`.
 */
export function parseConfig(
  input: unknown,
  source: string | ((key: string) => string) = "configuration",
): Config {
  const result = configSchema.safeParse(input ?? {});
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue): { key: string; problem: string }[] => {
    const key = issue.path.join(".");
    if (issue.code !== "unrecognized_keys")
      return [{ key, problem: renamedValue(key, input) ?? issue.message }];
    return issue.keys.map((name) => {
      const full = [...issue.path, name].join(".");
      const now = newName(full);
      if (now !== undefined) return { key: full, problem: `is now called ${now}` };
      const suggestion = nearest(full, configKeys());
      const guess = suggestion === undefined ? "" : ` (did you mean ${suggestion}?)`;
      return { key: full, problem: `unknown key${guess}` };
    });
  });
  const sourceOf = typeof source === "string" ? (): string => source : source;
  const sources = [...new Set(problems.map(({ key }) => sourceOf(key)))];
  const lines = problems.map(({ key, problem }) => {
    const from = sources.length === 1 ? "" : ` (in ${sourceOf(key)})`;
    return `  ${key || "(top)"}: ${problem}${from}`;
  });
  const subject = sources.length === 1 ? sources[0] : "the configuration";
  throw new ErrataError(`${subject} is not valid:\n${lines.join("\n")}`, {
    code: "CONFIG_INVALID",
    hint: "errata train --dry-run prints every key with its value",
  });
}

/** What to write in place of a value that was renamed. */
function renamedValue(key: string, input: unknown): string | undefined {
  const value = key
    .split(".")
    .reduce<unknown>((place, name) => (isRecord(place) ? place[name] : undefined), input);
  const now = renamedValues.get(key)?.get(String(value));
  return now === undefined ? undefined : `"${String(value)}" is now called "${now}"`;
}

/**
 * The configuration that a run saved, also by a version with other names.
 * @throws ErrataError `CONFIG_INVALID`.
 */
export function savedConfig(json: unknown, path: string): Config {
  return parseConfig(underNewNames(json), path);
}
