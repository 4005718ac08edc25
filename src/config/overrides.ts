/** `--set key=value`. */
import { ErrataError } from "../util/error.js";
import type { ConfigInput } from "./config.js";
import { isRecord } from "./record.js";

/** Names by which a path would leave the configuration for what all objects share. */
const reservedKeys: readonly string[] = ["__proto__", "constructor", "prototype"];

/**
 * Applies `key=value` overrides; values are JSON where they parse, text otherwise.
 * @throws ErrataError `CONFIG_SET` on an override that is not `key=value`, or whose key no configuration can have.
 */
export function applyOverrides(input: ConfigInput, overrides: readonly string[]): ConfigInput {
  const copy = structuredClone(input) as Record<string, unknown>;
  for (const override of overrides) {
    const at = override.indexOf("=");
    if (at < 1)
      throw new ErrataError(`--set ${JSON.stringify(override)} is not key=value`, {
        code: "CONFIG_SET",
        hint: "for example --set explore.alpha=0.5",
      });
    const keys = override.slice(0, at).split(".");
    const reserved = keys.find((key) => reservedKeys.includes(key));
    if (reserved !== undefined)
      throw new ErrataError(`--set ${override.slice(0, at)}: no key is called ${reserved}`, {
        code: "CONFIG_SET",
        hint: "errata train --dry-run prints every key with its value",
      });
    const text = override.slice(at + 1);
    let value: unknown = text;
    try {
      value = JSON.parse(text);
    } catch {
      // Not JSON: the text itself.
    }
    let place = copy;
    for (const key of keys.slice(0, -1)) {
      const inner = Object.hasOwn(place, key) && isRecord(place[key]) ? place[key] : {};
      place[key] = inner;
      place = inner;
    }
    place[keys.at(-1)!] = value;
  }
  return copy as ConfigInput;
}
