/** One configuration over another. */
import type { ConfigInput } from "./config.js";
import { isRecord } from "./record.js";

/** `over` merged into `under`, key by key; lists are replaced. */
export function mergeConfig(under: ConfigInput, over: ConfigInput): ConfigInput {
  return merge(under, over) as ConfigInput;
}

function merge(under: unknown, over: unknown): unknown {
  if (!isRecord(under) || !isRecord(over)) return over === undefined ? under : over;
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) merged.set(key, merge(merged.get(key), value));
  return Object.fromEntries(merged);
}
