/** Keys of servers: they are read from the environment, and no message, cause or log may repeat one. */

/** Environment variables that hold keys, by what they are called. */
const secretNames = /(_|^)(API_?KEY|KEY|TOKEN|SECRET|PASSWORD)$/i;

/** Values shorter than this are words that a message may need. */
const shortest = 6;

const registered = new Set<string>();

/** Remembers a key, whatever its variable is called; returns it. */
export function keepSecret<T extends string | undefined>(value: T): T {
  if (value !== undefined && value.length >= shortest) registered.add(value);
  return value;
}

function secrets(): string[] {
  const named = Object.entries(process.env).flatMap(([name, value = ""]) =>
    secretNames.test(name) && value.length >= shortest ? [value] : [],
  );
  const all = new Set([...registered, ...named]);
  // The longest first: one may begin with another.
  return [...all]
    .flatMap((value) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
    .toSorted((a, b) => b.length - a.length);
}

/** A text with every known key replaced by `[key]`. */
export function redact(text: string): string {
  return secrets().reduce((rest, secret) => rest.replaceAll(secret, "[key]"), text);
}

/** What caused an error: as it is, or where it holds a key its message and stack alone, without the key. */
export function withoutSecrets(cause: unknown): unknown {
  if (typeof cause === "string") return redact(cause);
  if (!(cause instanceof Error)) return cause;
  const parts = [cause.message, cause.stack ?? "", inText(cause)];
  const inner = withoutSecrets(cause.cause);
  if (inner === cause.cause && parts.every((part) => redact(part) === part)) return cause;
  const clean = new Error(redact(cause.message), inner === undefined ? {} : { cause: inner });
  clean.name = cause.name;
  clean.stack = redact(cause.stack ?? "");
  const { code } = cause as { code?: unknown };
  return code === undefined ? clean : Object.assign(clean, { code });
}

/** What an error carries beside its message, such as a server's reply. */
function inText(error: Error): string {
  try {
    return JSON.stringify({ ...error, cause: undefined }) ?? "";
  } catch {
    return Object.values(error).map(String).join(" ");
  }
}
