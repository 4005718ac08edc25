/** The built page, read once: requests choose from what is there and never name a file. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { ErrataError } from "../../util/error.js";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Files by the path they are asked for under. */
export type Assets = ReadonlyMap<
  string,
  { readonly bytes: Uint8Array<ArrayBuffer>; readonly type: string }
>;

/** Where the build puts the page: beside the compiled server. */
export const pageFolder: string = fileURLToPath(new URL("../page", import.meta.url));

/**
 * Reads the built page.
 * @throws ErrataError `UI_NOT_BUILT` where there is none.
 */
export function readAssets(folder: string = pageFolder): Assets {
  if (!existsSync(join(folder, "index.html")))
    throw new ErrataError(`the dashboard is not built: there is no ${join(folder, "index.html")}`, {
      code: "UI_NOT_BUILT",
      hint: "in a clone, run npm ci and try again: the next start builds it",
    });
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(
    files.flatMap((file) => {
      const type = types[extname(file)];
      if (type === undefined) return [];
      const path = `/${relative(folder, file).split(sep).join("/")}`;
      return [[path, { bytes: new Uint8Array(readFileSync(file)), type }] as const];
    }),
  );
}
