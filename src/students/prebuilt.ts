/** Models that come with the package: `manifest.json` says which file holds the model of a key. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { savePolicy } from "../engine/files/checkpoint.js";
import type { Policy } from "../engine/engine.js";
import { ErrataError } from "../util/error.js";
import { replaceFile } from "../util/replace-file.js";

/** Where they lie: `checkpoints/` of the package. */
export const prebuiltFolder: string = join(
  dirname(fileURLToPath(import.meta.url)),
  "..",
  "..",
  "checkpoints",
);

/** File names by the key of the model, such as `proof-97b13fe9d3b3`. */
export type Manifest = Readonly<Record<string, string>>;

/**
 * The manifest of a folder; empty where there is none.
 * @throws ErrataError `PREBUILT_MANIFEST` where it does not map keys to names of files beside it.
 */
export function readManifest(folder: string = prebuiltFolder): Manifest {
  const path = join(folder, "manifest.json");
  if (!existsSync(path)) return {};
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    manifest = undefined;
  }
  if (isManifest(manifest)) return manifest;
  throw new ErrataError(`${path} does not map keys of models to names of files`, {
    code: "PREBUILT_MANIFEST",
    hint: "install errata again; in a clone: git restore checkpoints",
  });
}

const isManifest = (value: unknown): value is Manifest =>
  typeof value === "object" &&
  value !== null &&
  Object.values(value).every(
    (name) => typeof name === "string" && /^[\w-]+\.safetensors$/.test(name),
  );

/** The path of the prebuilt model that the cache would keep as `file`; undefined where none comes with the package. */
export function prebuiltModel(file: string, folder: string = prebuiltFolder): string | undefined {
  const manifest = readManifest(folder);
  const key = basename(file, ".safetensors");
  if (!Object.hasOwn(manifest, key)) return undefined;
  const path = join(folder, manifest[key]!);
  return existsSync(path) ? path : undefined;
}

/**
 * Writes a model as prebuilt, in bfloat16, and its key into the manifest: as `name`, unless the key
 * has a file already; the key that had this file loses it. Returns the file's name.
 * @throws ErrataError `PREBUILT_MANIFEST`.
 */
export async function savePrebuilt(
  folder: string,
  { file, name, policy }: { readonly file: string; readonly name: string; readonly policy: Policy },
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const before = readManifest(folder);
  const key = basename(file, ".safetensors");
  const named = before[key] ?? `${name}.safetensors`;
  await savePolicy(join(folder, named), policy, { precision: "bfloat16" });
  const others = Object.entries(before).filter(([, other]) => other !== named);
  const after = Object.fromEntries(
    [...others, [key, named] as const].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  replaceFile(join(folder, "manifest.json"), `${JSON.stringify(after, null, 2)}\n`);
  return named;
}
