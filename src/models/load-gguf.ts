/** A model in one GGUF file, as llama.cpp, Ollama and LM Studio have it, as a checkpoint. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { shapeFromConfig, type ShapeOptions } from "../engine/families.js";
import { GgufFile } from "../engine/files/gguf-file.js";
import { policyFrom, type WeightFile } from "../engine/files/pretrained.js";
import type { Policy } from "../engine/engine.js";
import { replaceFile } from "../util/replace-file.js";
import { ggufConfig } from "./gguf-config.js";
import { ggufWords } from "./gguf-words.js";

/** A GGUF file, loaded. */
export interface GgufModel {
  readonly policy: Policy;
  /** Its configuration, as `config.json` would have it. */
  readonly config: unknown;
  /** A folder with its configuration, tokenizer and template as transformers' files. */
  readonly folder: string;
}

export interface GgufOptions extends Pick<ShapeOptions, "context" | "onNotice"> {
  /** Folder that keeps what was read from the file besides its weights. */
  readonly cache: string;
}

/**
 * Loads the model in the file at `path`: its weights as float32 (4 bytes a weight, whatever the file holds), exactly as
 * llama.cpp's reference computes them from the stored blocks.
 * @throws ErrataError those of `GgufFile.open`, `ggufConfig`, `ggufWords` and `policyFrom`.
 */
export async function loadGguf(
  path: string,
  { cache, ...options }: GgufOptions,
): Promise<GgufModel> {
  const file = await GgufFile.open(path);
  try {
    const config = await ggufConfig(file);
    const shape = shapeFromConfig(config, { ...options, path });
    const place = { folder: dirname(path), names: [basename(path)] };
    const policy = await policyFrom(shape, [asInTransformers(file, shape)], place);
    const folder = keep({ "config.json": config, ...ggufWords(file) }, cache);
    return { policy, config, folder };
  } finally {
    await file.close();
  }
}

/** Writes `files` to a folder of `cache` that is named by what they say. */
function keep(files: Readonly<Record<string, object>>, cache: string): string {
  const texts = Object.entries(files).map(
    ([name, value]) => [name, JSON.stringify(value)] as const,
  );
  const hash = createHash("sha256").update(JSON.stringify(texts)).digest("hex");
  const folder = join(cache, "gguf", hash.slice(0, 16));
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of texts)
    if (!existsSync(join(folder, name))) replaceFile(join(folder, name), text);
  return folder;
}

/**
 * The tensors as transformers has them. llama.cpp's `llama` rotates neighbouring dimensions: row 2j of a head of queries
 * or keys is transformers' row j, row 2j + 1 its row j + d/2. Rotary factors are in the configuration.
 */
function asInTransformers(
  file: GgufFile,
  { headWidth }: { readonly headWidth: number },
): WeightFile {
  const permuted = file.metadata["general.architecture"] === "llama";
  const shapes = new Map(file.shapes);
  shapes.delete("rope_freqs.weight");
  return {
    shapes,
    async read(name, into) {
      await file.read(name, into);
      if (!permuted || !/\.[qk]_proj\./.test(name)) return;
      const stored = into.slice();
      const [rows = 0, columns = 1] = shapes.get(name)!;
      const half = headWidth / 2;
      for (let head = 0; head < rows; head += headWidth)
        for (let j = 0; j < half; j++)
          for (const second of [0, 1]) {
            const from = (head + 2 * j + second) * columns;
            into.set(stored.subarray(from, from + columns), (head + j + second * half) * columns);
          }
    },
  };
}
