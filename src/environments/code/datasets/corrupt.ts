/** A right program made wrong on purpose, whatever it computes. */
import type { Problem } from "./problem.js";

/**
 * The reference with every result changed: numbers by more than their size, booleans negated, texts and collections
 * longer by one, anything else replaced. Undefined where no function is named or there is no
 * reference.
 */
export function corruptReference({ language, entryPoint, reference }: Problem): string | undefined {
  if (entryPoint === undefined || reference === undefined) return undefined;
  return language === "python"
    ? `${reference}\n${pythonWrapper(entryPoint)}`
    : javaScriptWrapped(reference, entryPoint);
}

/** Only the outermost call is changed, for a change made twice might be none. */
function pythonWrapper(name: string): string {
  return `
def _off(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float, complex)):
        return value + 1 + abs(value)
    if isinstance(value, str):
        return value + "?"
    if isinstance(value, list):
        return value + [None]
    if isinstance(value, tuple):
        return value + (None,)
    if isinstance(value, dict):
        return {**value, None: None}
    if isinstance(value, (set, frozenset)):
        return value | {None}
    return 1 if value is None else None

def _wrapped(inner):
    depth = [0]
    def outer(*args, **kwargs):
        depth[0] += 1
        try:
            value = inner(*args, **kwargs)
        finally:
            depth[0] -= 1
        return value if depth[0] else _off(value)
    return outer

${name} = _wrapped(${name})
`;
}

function javaScriptWrapped(reference: string, name: string): string | undefined {
  const declared = `const ${name} =`;
  if (!reference.includes(declared)) return undefined;
  return `${reference.replace(declared, `let ${name} =`)}
${name} = ((inner, off) => {
  let depth = 0;
  return (...args) => {
    depth++;
    let value;
    try { value = inner(...args); } finally { depth--; }
    return depth > 0 ? value : off(value);
  };
})(${name}, (value) => {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number") return value + 1 + Math.abs(value);
  if (typeof value === "string") return value + "?";
  if (Array.isArray(value)) return [...value, null];
  if (typeof value === "object" && value !== null) return { ...value, extra: null };
  return value === undefined ? 1 : undefined;
});
`;
}
