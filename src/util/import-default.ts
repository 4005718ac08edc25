/** What a file of the user's exports. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { ErrataError } from "./error.js";

/**
 * What a TypeScript or JavaScript file exports by default: an object.
 * @throws ErrataError `CONFIG_MISSING`, `CONFIG_FILE`; the hint says that it must export `expected`.
 */
export async function importDefault(
  path: string,
  expected: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (!existsSync(path))
    throw new ErrataError(`there is no file ${path}`, {
      code: "CONFIG_MISSING",
      hint: `name a file that exports default ${expected}`,
    });
  // `import { defineConfig } from "errata"` means this copy, wherever the file lies.
  const alias = { errata: fileURLToPath(new URL("../index.js", import.meta.url)) };
  const { createJiti } = await import("jiti");
  const jiti = createJiti(import.meta.url, { alias, moduleCache: false });
  const hint = `the file must export default ${expected}`;
  let input: unknown;
  try {
    input = await jiti.import(resolve(path), { default: true });
  } catch (cause) {
    // What the file itself was told, as by `defineEnvironment`, says more than that it cannot be loaded.
    // Its copy of this package is another than ours.
    if (cause instanceof Error && cause.name === "ErrataError") {
      const { message, code, hint } = cause as ErrataError;
      throw new ErrataError(message, { code, ...(hint === undefined ? {} : { hint }), cause });
    }
    throw new ErrataError(`${path} cannot be loaded: ${(cause as Error).message}`, {
      code: "CONFIG_FILE",
      hint,
      cause,
    });
  }
  if (isRecord(input)) return input;
  throw new ErrataError(
    `${path} exports ${input === null ? "null" : typeof input}, not a configuration`,
    { code: "CONFIG_FILE", hint },
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
